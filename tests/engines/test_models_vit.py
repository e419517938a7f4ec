import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engines.layers import initialise
from engines.models.vit import ViT


def images(channels=1, size=28, batch=2):
    g = torch.Generator().manual_seed(0)
    return 2 * torch.rand(batch, channels, size, size, generator=g) - 1


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
