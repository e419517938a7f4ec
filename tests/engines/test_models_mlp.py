import pytest
import torch

from engines.layers import initialise
from engines.models.mlp import MLP


def images(channels=1, size=28, batch=2):
    g = torch.Generator().manual_seed(0)
    return 2 * torch.rand(batch, channels, size, size, generator=g) - 1


def test_that_the_mlp_equals_matrix_products():
    net = initialise(lambda: MLP((1, 2, 3), 4, hidden=(5, 7), activation="tanh"), 0).eval()
    x_BCHW = images(1, 3)[:, :, :2]
    h = x_BCHW.reshape(2, 6)
    for layer in net.layers:
        h = torch.tanh(h @ layer.linear.weight.T + layer.linear.bias)
    expected = h @ net.head.weight.T + net.head.bias
    torch.testing.assert_close(net(x_BCHW), expected)


def test_that_an_mlp_without_hidden_layers_is_linear():
    net = MLP((1, 28, 28), 10, hidden=(), dropout=0.5).train()
    zero, a = torch.zeros(1, 1, 28, 28), images(batch=1)
    torch.testing.assert_close(net(2 * a) - net(zero), 2 * (net(a) - net(zero)))


@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh"])
def test_that_every_activation_and_batch_norm_train(activation):
    net = MLP((1, 8, 8), 3, hidden=(6,), activation=activation, batch_norm=True)
    net(images(size=8)).sum().backward()
    assert net.layers[0].norm.weight.grad is not None
