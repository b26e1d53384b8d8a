"""One output made by several processes, each with its share."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from elmo.bulk.work import Work
from elmo.bulk.workplace import Workplace
from elmo.embed.embedder import Embedder
from elmo.system.output import OutputError
from elmo.text.encoding import SentenceEncoder
from tests.bulk.test_jobs import CONFIG, PARTS, SENTENCES, contents
from tests.embed.helpers import embed_file, network


@pytest.fixture(scope="module")
def embedder():
    return Embedder(network(CONFIG), SentenceEncoder(characters=50))


@pytest.fixture(scope="module")
def alone(embedder, tmp_path_factory):
    output = tmp_path_factory.mktemp("alone") / "a.parquet"
    embed_file(embedder, SENTENCES, output, jobs=1, **PARTS)
    return contents(output)


def together(embedders, output, shares, **options):
    """Reports of embedders that make an output in threads of this process."""
    found, errors = [], []

    def make(embedder, part):
        try:
            found.append(embed_file(embedder, SENTENCES, output, part=part, **PARTS | options))
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=make, args=(e, p)) for e, p in zip(embedders, shares, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, errors


def test_two_processes_make_the_bytes_of_one(embedder, alone, tmp_path):
    other = Embedder(embedder.encoder, SentenceEncoder(characters=50))
    found, errors = together([embedder, other], tmp_path / "a.parquet", [(1, 2), (2, 2)])
    assert not errors
    assert [(report.parts, report.tokens) for report in found] == [(6, 96 * 8)] * 2
    assert contents(tmp_path / "a.parquet") == alone
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    known = [report.encoding for report in found if report.encoding is not None]
    assert known and all(encoding.tokens == 96 * 8 for encoding in known)
    # one that comes late finds everything done
    late = embed_file(embedder, SENTENCES, tmp_path / "a.parquet", part=(2, 2), **PARTS)
    assert late.parts == 6 and contents(tmp_path / "a.parquet") == alone


def test_what_one_process_began_another_one_ends(embedder, alone, tmp_path):
    output = tmp_path / "a.parquet"

    def stop(sentences, tokens):
        if list((tmp_path / "a.parquet.unfinished" / "done").glob("part-*")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="of 6 parts are kept"):
        embed_file(embedder, SENTENCES, output, part=(3, 4), progress=stop, **PARTS)
    assert Workplace(output).unfinished
    report = embed_file(embedder, SENTENCES, output, part=(1, 4), **PARTS)
    assert report.resumed >= 1
    assert contents(output) == alone


def test_another_text_is_refused(embedder, tmp_path):
    output = tmp_path / "a.parquet"

    def stop(sentences, tokens):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_file(embedder, SENTENCES, output, part=(1, 2), progress=stop, **PARTS)
    with pytest.raises(OutputError, match="begun with another text"):
        embed_file(embedder, SENTENCES[1:], output, part=(2, 2), **PARTS)
    with pytest.raises(OutputError, match="begun with threads"):
        embed_file(embedder, SENTENCES, output, resume=True, **PARTS)


def test_who_works_alone_keeps_out(embedder, tmp_path):
    output = tmp_path / "a.parquet"
    with (
        Workplace(output).locked(shared=True),
        pytest.raises(OutputError, match="another process is writing"),
    ):
        embed_file(embedder, SENTENCES, output, **PARTS)
    with Workplace(output).locked(), pytest.raises(OutputError, match="another process is writing"):
        embed_file(embedder, SENTENCES, output, part=(1, 2), **PARTS)


@pytest.mark.parametrize("part", [(0, 2), (3, 2), (-1, -1), (1, 0)])
def test_shares_that_there_are_not(part):
    with pytest.raises(ValueError, match="must be 1/"):
        Work(part=part)


def test_what_does_not_go_with_shares(embedder, tmp_path):
    with pytest.raises(ValueError, match="remove the output first"):
        Work(part=(1, 2), overwrite=True)
    with pytest.raises(ValueError, match="part with state='carry'"):
        embed_file(embedder, SENTENCES, tmp_path / "a.hdf5", part=(1, 2), state="carry")


@pytest.mark.slow
def test_processes_in_any_order_and_some_killed(tmp_path):
    """As an array job runs: started in random order, two of five killed, the output whole."""
    text = tmp_path / "text.txt"
    text.write_text(
        "".join(f"the {n} men sat by the fire and {n % 7} dogs slept .\n" for n in range(900))
    )
    arguments = [sys.executable, "-m", "elmo", "embed", "novels-en", str(text), "--quiet"]
    arguments += ["--part-tokens", "600"]
    subprocess.run([*arguments, "-o", str(tmp_path / "one.parquet"), "--jobs", "1"], check=True)
    order = [1, 2, 3, 4, 5]
    random.Random(7).shuffle(order)
    processes = []
    for number in order:
        words = ["-o", str(tmp_path / "many.parquet"), "--part", f"{number}/5"]
        processes.append(subprocess.Popen([*arguments, *words], start_new_session=True))
    done = tmp_path / "many.parquet.unfinished" / "done"
    for count in (2, 5):
        while len(list(done.glob("part-*"))) < count:
            time.sleep(0.05)
            assert any(process.poll() is None for process in processes)
        os.killpg(processes.pop(0).pid, signal.SIGKILL)
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert contents(tmp_path / "one.parquet") == contents(tmp_path / "many.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "many.parquet",
        "one.parquet",
        "text.txt",
    ]
