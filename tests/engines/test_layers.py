import copy
import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engines.layers import (
    Dropout,
    GlobalAverage,
    L2Pool,
    conv_output,
    initialise,
    kaiming,
    named,
    pool,
    set_generator,
    xavier,
)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("window", [2, 3])
def test_that_l2_pooling_equals_torchs(window):
    x_BCHW = noise(2, 3, 7, 8)
    torch.testing.assert_close(L2Pool(window)(x_BCHW), F.lp_pool2d(x_BCHW, 2, window))


def test_that_l2_pooling_has_no_gradient_at_an_all_zero_window():
    x_BCHW = torch.zeros(1, 1, 2, 4)
    x_BCHW[0, 0, 0, 2], x_BCHW[0, 0, 1, 3] = 3, 4  # the right window: norm 5
    x_BCHW.requires_grad_()
    y_BCHW = L2Pool()(x_BCHW)
    y_BCHW.sum().backward()
    assert y_BCHW.flatten().tolist() == [0, 5]
    expected = torch.tensor([[0, 0, 3 / 5, 0], [0, 0, 0, 4 / 5]])
    torch.testing.assert_close(x_BCHW.grad[0, 0], expected)


def test_that_the_gradient_of_l2_pooling_is_that_of_its_value():
    assert torch.autograd.gradcheck(L2Pool(), (noise(1, 2, 4, 5).requires_grad_(),))


@pytest.mark.parametrize(
    ("kind", "of_window"),
    [("average", lambda w: w.mean()), ("max", lambda w: w.max()), ("l2", lambda w: w.norm())],
)
def test_that_pooling_equals_loops_over_windows_and_drops_an_odd_row(kind, of_window):
    x_BCHW = noise(1, 2, 5, 4)
    y_BCHW = pool(kind)(x_BCHW)
    assert y_BCHW.shape == (1, 2, 2, 2)
    for c in range(2):
        for i in range(2):
            for j in range(2):
                window = x_BCHW[0, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                assert y_BCHW[0, c, i, j].item() == pytest.approx(of_window(window).item())


def test_that_no_pooling_changes_nothing():
    x_BCHW = noise(1, 1, 3, 3)
    assert torch.equal(pool("none")(x_BCHW), x_BCHW)


def test_that_the_global_average_is_each_maps_mean():
    x_BCHW = noise(2, 3, 4, 5)
    expected = torch.stack([torch.stack([m.sum() / 20 for m in image]) for image in x_BCHW])
    torch.testing.assert_close(GlobalAverage()(x_BCHW), expected)


@pytest.mark.parametrize("kernel", [1, 2, 5])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("padding", [0, 2])
def test_that_the_output_length_is_torchs(kernel, stride, padding):
    for size in range(1, 12):
        if size + 2 * padding < kernel:
            assert conv_output(size, kernel, stride, padding) == 0
        else:
            y = nn.Conv1d(1, 1, kernel, stride, padding)(torch.zeros(1, 1, size))
            assert conv_output(size, kernel, stride, padding) == y.shape[-1]


def test_that_dropout_keeps_its_share_and_the_mean():
    layer = Dropout(0.25)
    set_generator(layer, torch.Generator().manual_seed(0))
    y = layer(torch.ones(100_000))
    assert sorted(set(y.tolist())) == pytest.approx([0, 4 / 3])
    assert (y == 0).double().mean().item() == pytest.approx(0.25, abs=0.007)  # five sigma
    assert y.mean().item() == pytest.approx(1, abs=0.01)


def test_that_dropout_does_nothing_in_evaluation_or_at_rate_0():
    x = noise(10)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)


def test_that_dropout_depends_on_the_models_generator_alone():
    model = nn.Sequential(Dropout(0.5), nn.Sequential(nn.Identity(), Dropout(0.3)))
    generator = torch.Generator()
    set_generator(model, generator)
    x = torch.ones(1000)
    generator.manual_seed(5)
    first = model(x)
    torch.rand(3)  # somebody else draws
    second = model(x)
    generator.manual_seed(5)
    assert torch.equal(model(x), first)
    assert not torch.equal(second, first)


def test_that_dropout_without_a_generator_follows_torchs():
    with torch.random.fork_rng(devices=[]):
        layer = Dropout(0.5)
        set_generator(layer, None)
        torch.manual_seed(3)
        first = layer(torch.ones(100))
        torch.manual_seed(3)
        assert torch.equal(layer(torch.ones(100)), first)


def test_that_dropout_masks_the_gradient_as_it_masks_the_value():
    layer = Dropout(0.5)
    set_generator(layer, torch.Generator().manual_seed(0))
    x = torch.ones(50, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def build():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(16, 2))


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_that_weights_are_a_function_of_the_seed_and_disturb_nobody():
    before = torch.random.get_rng_state()
    first = weights(initialise(build, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(1)
    assert torch.equal(weights(initialise(build, 1)), first)
    assert not torch.equal(weights(initialise(build, 2)), first)


def test_that_weights_are_the_same_when_built_in_many_threads_at_once():
    expected = {seed: weights(initialise(build, seed)) for seed in range(4)}
    built = []
    threads = [
        threading.Thread(target=lambda s=n % 4: built.append((s, weights(initialise(build, s)))))
        for n in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 24
    assert all(torch.equal(drawn, expected[seed]) for seed, drawn in built)


def test_that_kaiming_keeps_the_size_of_gradients_through_relu():
    layer = initialise(lambda: nn.Conv2d(64, 128, 3), 0)
    initialise(lambda: kaiming(layer) or layer, 0)
    assert layer.weight.std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.02)
    assert layer.bias.abs().max() == 0


def test_that_xavier_fills_its_range_evenly_and_leaves_no_biases():
    layer = nn.Linear(300, 500)
    initialise(lambda: xavier(layer) or layer, 0)
    bound = (6 / 800) ** 0.5
    assert layer.weight.abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert layer.bias.abs().max() == 0


def test_that_named_layers_keep_their_order_and_leave_out_none():
    row = named(first=nn.ReLU(), second=None, third=nn.Tanh())
    assert [name for name, _ in row.named_children()] == ["first", "third"]


def test_that_a_model_with_a_generator_can_be_copied():
    layer = Dropout(0.5)
    set_generator(layer, torch.Generator().manual_seed(0))
    twin = copy.deepcopy(layer)
    assert twin.rate == 0.5
    assert twin.generator is not layer.generator
