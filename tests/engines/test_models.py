import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from engines.layers import Dropout, initialise, set_generator
from engines.models.cnn import CNN
from engines.models.mlp import MLP
from engines.models.resnet import ResNet
from engines.models.vit import ViT
from engines.registry import model

MODELS = list(model)
each_model = pytest.mark.parametrize("entry", MODELS, ids=lambda entry: entry.name)
each_depth = pytest.mark.parametrize("channels", [1, 3])


def images(channels=1, size=28, batch=2):
    g = torch.Generator().manual_seed(0)
    return 2 * torch.rand(batch, channels, size, size, generator=g) - 1


def build(entry, channels=1, size=28):
    return initialise(lambda: entry.make((channels, size, size), 10), 0)


def test_that_the_registry_offers_the_four_classifiers():
    assert {"mlp", "cnn", "resnet", "vit"} <= {entry.name for entry in MODELS}


@each_model
@each_depth
@pytest.mark.parametrize("size", [8, 28])
def test_that_a_training_pass_reaches_every_weight(entry, channels, size):
    net = build(entry, channels, size).train()
    logits_BK = net(images(channels, size))
    assert logits_BK.shape == (2, 10)
    logits_BK.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
    unreached = [name for name, p in net.named_parameters() if not p.grad.any()]
    assert unreached == []


@each_model
@each_depth
def test_that_taps_show_the_insides_and_change_nothing(entry, channels):
    net = build(entry, channels).eval()
    x_BCHW, taps = images(channels), {}
    with torch.no_grad():
        expected_BK = net(x_BCHW)
        shown_BK = net(x_BCHW, taps)
        torch.testing.assert_close(shown_BK, expected_BK, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(net.head(taps["embedding"]), expected_BK, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(net.embed(x_BCHW), taps["embedding"], rtol=1e-5, atol=1e-6)
    assert isinstance(net.head, nn.Linear)
    assert taps["embedding"].shape == (2, net.head.in_features)
    assert len(taps) >= 3
    assert all(len(tensor) == 2 for tensor in taps.values())


@each_model
def test_that_a_tapped_map_can_be_differentiated(entry):
    net = build(entry).eval()
    taps = {}
    logits_BK = net(images(), taps)
    gradients = torch.autograd.grad(logits_BK[:, 3].sum(), list(taps.values()), allow_unused=True)
    assert all(gradient is not None for gradient in gradients)


@each_model
def test_that_weights_and_training_noise_follow_their_seeds(entry):
    first, second = build(entry), build(entry)
    for (name, p), q in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(p, q), name
    outputs = []
    for net in (first, second):
        set_generator(net, torch.Generator().manual_seed(4))
        outputs.append(net.train()(images()))
    assert torch.equal(*outputs)


@each_model
def test_that_a_model_computes_in_float64(entry):
    net = build(entry).double().eval()
    assert net(images().double()).dtype == torch.float64


@each_model
def test_that_no_model_draws_from_the_process_while_training(entry):
    net = initialise(lambda: entry.build((1, 28, 28), 10, dropout=0.5), 0).train()
    assert any(isinstance(module, Dropout) and module.rate == 0.5 for module in net.modules())
    assert not any(isinstance(module, nn.Dropout) for module in net.modules())
    set_generator(net, torch.Generator().manual_seed(0))
    before = torch.random.get_rng_state()
    net(images()).sum().backward()
    assert torch.equal(torch.random.get_rng_state(), before)


@each_model
def test_that_every_knob_has_a_default_and_says_what_it_does(entry):
    for name, field in entry.knobs.model_fields.items():
        assert field.description, name
        assert not field.is_required(), name
    with pytest.raises(ValidationError, match="dropout"):
        entry.knobs(dropout=0.95)


# The multilayer perceptron


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


# The convolutional network


@pytest.mark.parametrize("pooling", ["average", "max", "l2", "none"])
@pytest.mark.parametrize("final", ["flatten", "global average"])
@pytest.mark.parametrize(("stride", "padding", "kernel"), [(1, "same", 5), (2, 2, 4), (1, 0, 1)])
def test_that_every_cnn_fits_its_own_features(pooling, final, stride, padding, kernel):
    net = CNN(
        (3, 20, 24),
        5,
        channels=(4, 6),
        convolutions=2,
        kernel=kernel,
        stride=stride,
        padding=padding,
        pooling=pooling,
        final=final,
        hidden=0,
        batch_norm=False,
    ).eval()
    taps = {}
    assert net(images(3, 24)[:, :, :20], taps).shape == (2, 5)
    _, channels, rows, columns = taps["stage2"].shape
    expected = channels * (rows * columns if final == "flatten" else 1)
    assert net.head.in_features == expected


def test_that_a_cnn_with_one_identity_kernel_shows_the_image_in_its_tap():
    net = CNN((1, 6, 6), 2, channels=(1,), pooling="none", batch_norm=False).eval()
    with torch.no_grad():
        kernel = net.stages[0].convolution1.convolution
        kernel.weight.zero_()[0, 0, 1, 1] = 1
    taps = {}
    x_BCHW = images(size=6)
    net(x_BCHW, taps)
    torch.testing.assert_close(taps["stage1/convolution1"], x_BCHW.clamp(min=0))


def test_that_an_image_that_shrinks_away_is_refused_with_the_nearest_settings():
    with pytest.raises(ValueError, match=r"^CNN: image 8 x 8 .* stage 4 of 5; try channels \(8, 9"):
        CNN((1, 8, 8), 10, channels=(8, 9, 10, 11, 12))
    with pytest.raises(ValueError, match=r"image 4 x 4 .* stage 1 of 1; try kernel 3$"):
        CNN((1, 4, 4), 10, channels=(8,), kernel=7, padding=0)
    with pytest.raises(ValueError, match=r"kernel 4 has no centre.*try kernel 3$"):
        CNN((1, 28, 28), 10, kernel=4)
    with pytest.raises(ValueError, match=r"try pooling none$"):
        CNN((1, 1, 1), 10, channels=(8,))


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    channels=st.lists(st.integers(1, 3), min_size=1, max_size=5).map(tuple),
    kernel=st.integers(1, 11),
    stride=st.integers(1, 4),
    padding=st.one_of(st.integers(0, 5), st.just("same")),
    pooling=st.sampled_from(["average", "max", "l2", "none"]),
    convolutions=st.integers(1, 2),
)
def test_that_what_a_refused_cnn_is_told_to_try_is_accepted(
    size, channels, kernel, stride, padding, pooling, convolutions
):
    wanted = {"channels": channels, "kernel": kernel, "stride": stride, "padding": padding}
    wanted |= {"pooling": pooling, "convolutions": convolutions, "hidden": 0}
    try:
        net = CNN((1, *size), 2, **wanted)
    except ValueError as refusal:
        advice = str(refusal).split("; try ")[1]
        if found := re.search(r"channels \(([\d, ]+)\)", advice):
            wanted["channels"] = tuple(int(width) for width in found[1].split(","))
            assert wanted["channels"] == channels[: len(wanted["channels"])]
        if found := re.search(r"kernel (\d+)", advice):
            wanted["kernel"] = int(found[1])
        if "pooling none" in advice:
            wanted["pooling"] = "none"
        net = CNN((1, *size), 2, **wanted)
    assert net.eval()(torch.zeros(1, 1, *size)).shape == (1, 2)


# The residual network


def test_that_a_residual_block_adds_what_came_in():
    net = initialise(lambda: ResNet((1, 8, 8), 3, widths=(4,), blocks=1), 0).eval()
    with torch.no_grad():
        net.stages[0].block1.change.convolution2.weight.zero_()  # F(x) = 0
    taps = {}
    net(images(size=8), taps)
    torch.testing.assert_close(taps["stage1/block1"], taps["stem"])


def test_that_resnet_20_has_twenty_layers_and_the_known_number_of_weights():
    net = ResNet((3, 32, 32), 10, widths=(16, 32, 64), blocks=3)
    within = [c for n, c in net.named_modules() if isinstance(c, nn.Conv2d) and "shortcut" not in n]
    assert len(within) + 1 == 20
    assert sum(p.numel() for p in net.parameters()) == 272_474


@pytest.mark.parametrize("widths", [(8,), (4, 2, 8), (3, 3, 3, 3, 3)])
def test_that_stages_halve_the_image_whatever_their_widths(widths):
    taps = {}
    ResNet((1, 9, 9), 2, widths=widths).eval()(images(size=9), taps)
    for place, width in enumerate(widths):
        side = math.ceil(9 / 2**place)
        assert taps[f"stage{place + 1}"].shape == (2, width, side, side)


# The vision transformer


@pytest.mark.parametrize("pooling", ["class_token", "mean"])
@pytest.mark.parametrize("position", ["sinusoidal", "learned", "none"])
def test_that_every_vit_attends_with_rows_that_sum_to_one(pooling, position):
    net = initialise(
        lambda: ViT((1, 8, 12), 3, patch=4, depth=2, pooling=pooling, position=position), 0
    )
    taps = {}
    logits_BK = net(images(size=12)[:, :, :8], taps)
    length = 6 + (pooling == "class_token")
    assert net.grid == (2, 3)
    assert logits_BK.shape == (2, 3)
    for place in (1, 2):
        w_BNLL = taps[f"block{place}/attention"]
        assert w_BNLL.shape == (2, 4, length, length)
        torch.testing.assert_close(w_BNLL.sum(-1), torch.ones(2, 4, length))


def test_that_patches_are_read_row_by_row():
    net = ViT((1, 4, 6), 2, patch=2, dimension=4, heads=1, pooling="mean", position="none")
    with torch.no_grad():
        net.patches.weight.fill_(0.25)
        net.patches.bias.zero_()
    taps = {}
    x_BCHW = torch.arange(24.0).reshape(1, 1, 4, 6)
    net(x_BCHW, taps)
    means = [x_BCHW[0, 0, r : r + 2, c : c + 2].mean().item() for r in (0, 2) for c in (0, 2, 4)]
    assert taps["tokens"][0, :, 0].tolist() == means


def test_that_a_vit_without_positions_sees_a_bag_of_patches():
    x_BCHW = images(size=8)
    turned = torch.cat([x_BCHW[..., 4:], x_BCHW[..., :4]], dim=-1)
    for position, same in [("none", True), ("learned", False), ("sinusoidal", False)]:
        net = initialise(lambda p=position: ViT((1, 8, 8), 3, position=p), 0).double()
        first, second = net(x_BCHW.double()), net(turned.double())
        assert torch.allclose(first, second, rtol=0, atol=1e-9) is same


def test_that_a_vit_block_equals_torchs_pre_norm_layer():
    net = initialise(lambda: ViT((1, 8, 8), 3, depth=1, mlp_ratio=3.0), 0).double().eval()
    block = net.blocks[0]
    peer = nn.TransformerEncoderLayer(
        64, 4, 192, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True, dtype=torch.float64
    ).eval()
    pairs = {
        "self_attn.in_proj_weight": block.attention.qkv.weight,
        "self_attn.in_proj_bias": block.attention.qkv.bias,
        "self_attn.out_proj.weight": block.attention.out.weight,
        "self_attn.out_proj.bias": block.attention.out.bias,
        "linear1.weight": block.mlp.linear1.weight,
        "linear1.bias": block.mlp.linear1.bias,
        "linear2.weight": block.mlp.linear2.weight,
        "linear2.bias": block.mlp.linear2.bias,
        "norm1.weight": block.norm1.weight,
        "norm1.bias": block.norm1.bias,
        "norm2.weight": block.norm2.weight,
        "norm2.bias": block.norm2.bias,
    }
    peer.load_state_dict({name: tensor.detach() for name, tensor in pairs.items()})
    taps = {}
    with torch.no_grad():
        net(images(size=8).double(), taps)
        torch.testing.assert_close(taps["block1"], peer(taps["tokens"]), rtol=1e-9, atol=1e-9)


def test_that_a_patch_that_does_not_divide_the_image_is_refused_with_the_nearest_that_does():
    with pytest.raises(ValueError, match=r"^ViT: patch 5 .* 28 x 28 pixels; try patch 4$"):
        ViT((1, 28, 28), 10, patch=5)


@settings(deadline=None, max_examples=100)
@given(height=st.integers(1, 64), width=st.integers(1, 64), patch=st.integers(1, 64))
def test_that_the_patch_advised_is_the_nearest_that_divides_both_sides(height, width, patch):
    options = {p for p in range(1, 65) if height % p == 0 and width % p == 0}
    small = {"dimension": 4, "heads": 1, "depth": 1}
    if patch in options:
        ViT((1, height, width), 2, patch=patch, **small)
        return
    with pytest.raises(ValueError, match=f"patch {patch} ") as refusal:
        ViT((1, height, width), 2, patch=patch, **small)
    advised = int(str(refusal.value).split("try patch ")[1])
    assert advised in options
    assert abs(advised - patch) == min(abs(p - patch) for p in options)


@settings(deadline=None, max_examples=100)
@given(dimension=st.integers(4, 40), heads=st.integers(1, 16))
def test_that_the_heads_and_dimension_advised_go_together(dimension, heads):
    if dimension % heads == 0:
        ViT((1, 4, 4), 2, dimension=dimension, heads=heads, depth=1)
        return
    with pytest.raises(ValueError, match=f"heads {heads} ") as refusal:
        ViT((1, 4, 4), 2, dimension=dimension, heads=heads, depth=1)
    fewer, other = (
        int(n) for n in re.findall(r"try heads (\d+) or dimension (\d+)", str(refusal.value))[0]
    )
    assert dimension % fewer == 0
    assert other % heads == 0
    assert abs(other - dimension) <= heads / 2 or other == heads
