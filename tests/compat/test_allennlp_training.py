"""A PyTorch training over `Elmo`, beside the losses of AllenNLP's own module."""

import keras
import numpy as np
import pytest

from elmo.compat.allennlp import Elmo, batch_to_ids

pytestmark = [
    pytest.mark.numerics,
    pytest.mark.skipif(keras.backend.backend() != "torch", reason="a training of PyTorch"),
]


@pytest.mark.parametrize("tuned", [False, True])
def test_five_steps(peer_model, peer_numbers, peer_text, tuned):
    """The loss falls as there, the state goes on from step to step, and the mix is learned."""
    import torch

    files = str(peer_model / "options.json"), str(peer_model / "weights.hdf5")
    elmo = Elmo(*files, 1, requires_grad=tuned, dropout=0.0)
    sentences = peer_text[1]
    dim = elmo.get_output_dim()
    kernel = np.random.default_rng(0).normal(0, 0.1, (dim, 3)).astype(np.float32)
    kernel = torch.nn.Parameter(torch.from_numpy(kernel))
    learned = [weight for weight in elmo.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam([*learned, kernel], lr=0.01)
    tags = torch.tensor([len(token) % 3 for tokens in sentences for token in tokens])
    losses = []
    for _ in range(5):
        found = elmo(batch_to_ids(sentences))
        tokens = found["elmo_representations"][0][found["mask"].bool()]
        loss = torch.nn.functional.cross_entropy(tokens @ kernel, tags)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    name = "allennlp/tagger_tuned" if tuned else "allennlp/tagger"
    assert losses[4] < losses[0]
    np.testing.assert_allclose(losses, peer_numbers[f"{name}/losses"], atol=1e-5)
    (mix,) = elmo.mixes
    gamma, scalars = (v.detach().numpy() for v in (mix.gamma.value, mix.scalars.value))
    assert abs(gamma - 1) > 1e-3
    np.testing.assert_allclose(gamma, peer_numbers[f"{name}/gamma"][0], atol=1e-5)
    np.testing.assert_allclose(scalars, peer_numbers[f"{name}/scalars"], atol=1e-5)
