"""One model in many threads gives each of them what it gives one alone."""

import multiprocessing
import os
import threading

import numpy as np
import pytest

import elmo
from elmo.api import from_pretrained
from elmo.embed.embedder import Embedder
from elmo.system.threads import Computing, ForkedProcessError
from tests.formats.helpers import character_config, model, word_config

THREADS = 8


def sentences(seed, n=60):
    """Few words that all share, many that one thread alone has."""
    rng = np.random.default_rng(seed)
    return [
        [f"w{k}" if k < 4 else f"s{seed}x{k}" for k in rng.integers(0, 90, rng.integers(1, 12))]
        for _ in range(n)
    ]


def characters():
    return from_pretrained(model(character_config(vocabulary_size=7)))


def words():
    return from_pretrained(model(word_config()))


def manylangs(data_folder):
    return elmo.load(data_folder("manylangs-fixture/model"))


def at_once(work):
    """What `work(number)` returns in each of the threads, which begin together."""
    results, start = [None] * THREADS, threading.Barrier(THREADS)

    def run(number):
        start.wait()
        try:
            results[number] = work(number)
        except BaseException as error:  # shown by the test that waits
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@pytest.mark.parametrize("kind", ["characters", "words", "manylangs"])
@pytest.mark.parametrize("engine", ["keras", "torch"])
def test_each_thread_gets_the_vectors_of_its_own_sentences(kind, engine, data_folder):
    if engine == "torch":
        pytest.importorskip("torch")

    def fresh():
        return manylangs(data_folder) if kind == "manylangs" else globals()[kind]()

    alone = fresh()
    expected = [alone.embed(sentences(seed), engine=engine) for seed in range(THREADS)]
    for attempt in range(2):
        shared = fresh()
        found = at_once(lambda seed, m=shared: m.embed(sentences(seed), engine=engine))
        for seed in range(THREADS):
            again = shared.embed(sentences(seed), engine=engine)  # and it stays right afterwards
            for a, b, c in zip(found[seed], again, expected[seed], strict=True):
                np.testing.assert_allclose(a, c, atol=1e-6, err_msg=f"attempt {attempt}")
                np.testing.assert_allclose(b, c, atol=1e-6)


def test_ids_and_counts_of_many_threads():
    encoder = characters().sentence_encoder
    alone = characters().sentence_encoder
    found = at_once(lambda seed: [encoder.encode(s) for s in sentences(seed, 200)])
    for seed in range(THREADS):
        for ids, sentence in zip(found[seed], sentences(seed, 200), strict=True):
            np.testing.assert_array_equal(ids, alone.encode(sentence))
    assert encoder.report.tokens == alone.report.tokens
    assert encoder.report.sentences == THREADS * 200


def test_many_threads_evaluate_one_model(tmp_path):
    shared = words()
    for seed in range(THREADS):
        text = "".join(" ".join(s) + "\n" for s in sentences(seed, 10))
        (tmp_path / f"{seed}.txt").write_text(text)
    expected = [words().evaluate(tmp_path / f"{seed}.txt").both for seed in range(THREADS)]
    assert at_once(lambda seed: shared.evaluate(tmp_path / f"{seed}.txt").both) == pytest.approx(
        expected, rel=1e-6
    )


def test_a_carried_state_belongs_to_one_thread():
    shared = words()
    sentence = [["w1", "w2"]]
    first = shared.embed(sentence, state="carry")[0]
    refused = []

    def other():
        try:
            shared.embed(sentence, state="carry")
        except RuntimeError as error:
            refused.append(str(error))
        own = shared.new_embedder()
        refused.append(own.embed(sentence, state="carry")[0])

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert "another thread" in refused[0] and "new_embedder" in refused[0]
    np.testing.assert_array_equal(refused[1], first)
    second = shared.embed(sentence, state="carry")[0]
    assert np.abs(second - first).max() > 1e-3  # it went on for its owner
    shared.reset_state()
    thread = threading.Thread(
        target=lambda: refused.append(shared.embed(sentence, state="carry")[0])
    )
    thread.start()
    thread.join()
    np.testing.assert_array_equal(refused[2], first)


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_of_a_process_that_computed_is_refused():
    computing = Computing("a library")
    computing()
    computing()
    child = os.fork()
    if not child:
        code = 1
        try:
            computing()
        except ForkedProcessError as error:
            code = 0 if "spawn" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _embed_in_child(shared, queue):
    try:
        queue.put(shared.embed([["w1"]], engine="keras")[0].tolist())
    except ForkedProcessError as error:
        queue.put(str(error))


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_says_what_to_do_instead_of_waiting():
    if os.environ["KERAS_BACKEND"] != "jax":
        pytest.skip("the other backends compute in a fork")
    shared = words()
    shared.embed([["w1"]], engine="keras")
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_embed_in_child, args=(shared, queue))
    child.start()
    assert "spawn" in queue.get(timeout=60)
    child.join()


def test_an_embedder_of_ones_own_is_another_one():
    shared = words()
    assert isinstance(shared.new_embedder(), Embedder)
    assert shared.new_embedder() is not shared.new_embedder()
    assert at_once(lambda _: shared.embedder)[1:] == [shared.embedder] * (THREADS - 1)
