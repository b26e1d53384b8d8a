"""`ElmoEmbedding` and `Elmo` inside a `torch.nn.Module`, used as PyTorch's users use modules."""

import copy
import io
import os
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest

from elmo import BiLMConfig, CharCNNConfig, ElmoEmbedding, LSTMConfig
from elmo.bilm.weights import get_weights

pytestmark = [
    pytest.mark.numerics,
    pytest.mark.skipif(keras.backend.backend() != "torch", reason="of PyTorch's backend"),
]
LSTM = LSTMConfig(dim=8, projection_dim=4)
CHARACTERS = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])


def embedding(**options):
    config = BiLMConfig(lstm=LSTM, vocabulary_size=10)
    return ElmoEmbedding(config, **{"dropout": 0.5, "n_mixes": 2, **options})


def allennlp(**options):
    from elmo.compat.allennlp import Elmo

    config = BiLMConfig(lstm=LSTM, char_cnn=CHARACTERS)
    options = {"num_output_representations": 2, "state": "reset", **options}
    return Elmo(module=config, vocab_to_cache=["<pad>", "a"], **options)


def ids_of(layer):
    from elmo.compat.allennlp import batch_to_ids

    if isinstance(layer, ElmoEmbedding):
        return np.array([[1, 5, 6, 2], [1, 7, 2, 0]], np.int32)
    return batch_to_ids([["a", "b"], ["c"]])


def tagger(make, **options):
    import torch

    class Tagger(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.elmo = make(**options)
            self.out = torch.nn.Linear(8, 3)

        def forward(self):
            found = self.elmo(ids_of(self.elmo))
            found = found["elmo_representations"] if isinstance(found, dict) else found
            return self.out(found[0] + found[1])

    torch.manual_seed(0)
    return Tagger()


KINDS = pytest.mark.parametrize("make", [embedding, allennlp])


@KINDS
def test_an_optimizer_made_before_the_first_call_sees_the_mixes_and_they_learn(make):
    import torch

    model = tagger(make, dropout=0.0)
    learned = [p for p in model.parameters() if p.requires_grad]
    assert len(learned) == 2 * 2 + 2  # scalars and gamma of two mixes, the tagger's own
    optimizer = torch.optim.SGD(learned, lr=0.5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.nn.functional.cross_entropy(model().reshape(-1, 3), torch.tensor([0, 1, 2, 0])).backward()
    optimizer.step()
    moved = {n for n, value in model.state_dict().items() if not torch.equal(value, before[n])}
    prefix = "mixes." if make is embedding else "scalar_mix_"
    names = {f"elmo.{prefix}{k}.{name}" for k in range(2) for name in ("scalars", "gamma")}
    assert moved == names | {"out.weight", "out.bias"}


@KINDS
def test_every_weight_can_be_fine_tuned(make):
    options = {"trainable": True} if make is embedding else {"requires_grad": True}
    model = tagger(make, **options)
    learned = sum(p.numel() for p in model.elmo.parameters() if p.requires_grad)
    encoder = sum(array.size for array in get_weights(model.elmo.encoder).values())
    assert learned == encoder + 2 * (3 + 1)


@KINDS
def test_dropout_acts_in_training_alone(make):
    import torch

    model = tagger(make)
    model.train()
    assert not torch.equal(model(), model())
    model.eval()
    assert torch.equal(model(), model())
    assert not model.elmo.training
    model.train()
    assert not torch.equal(model(), model())


def test_a_layer_of_keras_alone_has_no_dropout_until_it_is_trained():
    layer = embedding(n_mixes=1)
    ids = ids_of(layer)
    first, second = layer(ids), layer(ids)
    assert bool((first == second).all())
    assert not bool((layer(ids, training=True) == first).all())
    model = keras.Sequential([layer, keras.layers.Dense(2)])
    np.testing.assert_array_equal(model.predict(ids, verbose=0), model.predict(ids, verbose=0))


@KINDS
def test_a_state_dict_has_each_weight_once_and_goes_from_model_to_model(make):
    import torch

    first, second = tagger(make), tagger(make)
    names = list(first.state_dict())
    assert names == list(second.state_dict())
    assert not [name for name in names if "torch_params" in name or "seed" in name]
    weights = sum(array.size for array in get_weights(first.elmo.encoder).values())
    values = {n: v.numel() for n, v in first.state_dict().items() if n.startswith("elmo.encoder.")}
    assert sum(values.values()) == weights
    first.eval(), second.eval()
    assert not torch.equal(first(), second())
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    buffer.seek(0)
    assert not any(second.load_state_dict(torch.load(buffer)))  # nothing missing, nothing left over
    assert torch.equal(first(), second())


def token_embedder():
    from elmo.compat.allennlp import ElmoTokenEmbedder

    return ElmoTokenEmbedder(module=BiLMConfig(lstm=LSTM, char_cnn=CHARACTERS), projection_dim=5)


def bilm():
    from elmo.compat.allennlp_bilm import ElmoBiLm

    return ElmoBiLm(module=BiLMConfig(lstm=LSTM, char_cnn=CHARACTERS), state="reset")


@pytest.mark.parametrize("make", [token_embedder, bilm])
def test_layers_around_it_have_stable_names_too(make):
    import torch

    first, second = make().eval(), make().eval()
    names = list(first.state_dict())
    assert names == list(second.state_dict())
    assert not [name for name in names if "torch_params" in name or "seed" in name]
    weights = sum(array.size for array in get_weights(first.elmo.encoder).values())
    own = (3 + 1 + 8 * 5 + 5) if make is token_embedder else 0  # the mix and the projection
    assert sum(v.numel() for v in first.state_dict().values()) == weights + own

    def outputs(module):
        found = module(ids_of(module))
        return found if make is token_embedder else torch.stack(found["activations"])

    assert not torch.equal(outputs(first), outputs(second))
    assert not any(second.load_state_dict(first.state_dict()))
    for module in (first, second):
        module.elmo.reset_state()
    assert torch.equal(outputs(first), outputs(second))


def test_whoever_walks_over_modules_can_reset_the_state():
    import torch

    layer = token_embedder().eval()
    ids = ids_of(layer)
    first = layer(ids)
    assert not torch.equal(layer(ids), first)
    for module in torch.nn.Sequential(layer).modules():
        if getattr(module, "stateful", False):
            module.reset_states()
    assert torch.equal(layer(ids), first)


@KINDS
def test_what_does_not_fit_is_named(make):
    model = tagger(make)
    state = model.state_dict()
    del state["elmo.encoder.forward.layer_0.bias"]
    state["elmo.other"] = state["out.bias"]
    with pytest.raises(RuntimeError, match=r"elmo\.other"):
        model.load_state_dict(state)
    with pytest.raises(RuntimeError, match=r"forward_0/bias"):
        model.load_state_dict(state)


@KINDS
def test_copies_are_copies(make):
    import torch

    model = tagger(make).eval()
    expected = model()
    again = [copy.deepcopy(model.elmo), pickle.loads(pickle.dumps(model.elmo))]
    for elmo in again:
        other = tagger(make).eval()
        other.elmo, other.out = elmo.eval(), model.out
        assert torch.equal(other(), expected)
        assert list(elmo.state_dict()) == list(model.elmo.state_dict())
        with torch.no_grad():
            next(iter(p for p in elmo.parameters() if p.requires_grad)).add_(1.0)
        assert torch.equal(model(), expected)


@KINDS
def test_to_moves_the_weights_that_are_computed_with(make):
    import torch

    model = tagger(make, dropout=0.0).eval()
    expected = model()
    assert model.to("cpu") is model
    assert torch.equal(model(), expected)
    with torch.no_grad():
        for parameter in model.elmo.parameters():
            parameter.mul_(0)
    assert not torch.equal(model(), expected)


def test_state_dicts_are_loaded_in_another_process(tmp_path):
    import torch

    for make in (embedding, allennlp):
        model = tagger(make).eval()
        torch.save(model.state_dict(), tmp_path / f"{make.__name__}.pt")
        np.save(tmp_path / f"{make.__name__}.npy", model().detach().numpy())
    code = (
        "import numpy as np, torch, keras\n"
        "from pathlib import Path\n"
        "keras.layers.Dense(2)  # layers before ours, whose counters must not matter\n"
        "from tests.bilm.test_torch_module import allennlp, embedding, tagger\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "for make in (embedding, allennlp):\n"
        "    make(); model = tagger(make).eval()\n"
        "    model.load_state_dict(torch.load(folder / f'{make.__name__}.pt'))\n"
        "    expected = np.load(folder / f'{make.__name__}.npy')\n"
        "    np.testing.assert_allclose(model().detach().numpy(), expected, atol=1e-6)\n"
    )
    path = os.pathsep.join([p for p in sys.path if p] + [os.getcwd()])
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
