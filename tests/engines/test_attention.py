import math

import pytest
import torch
from torch import nn

from engines.attention.multi_head import MultiHeadAttention
from engines.attention.position import sinusoidal
from engines.layers import initialise


def attention_and_tokens(dimension=12, heads=3, length=5):
    layer = initialise(lambda: MultiHeadAttention(dimension, heads), 0)
    g = torch.Generator().manual_seed(1)
    return layer, 2 * torch.randn(2, length, dimension, generator=g)


def peer_of(layer):
    peer = nn.MultiheadAttention(layer.out.in_features, layer.heads, batch_first=True)
    with torch.no_grad():
        peer.in_proj_weight.copy_(layer.qkv.weight)
        peer.in_proj_bias.copy_(layer.qkv.bias)
        peer.out_proj.weight.copy_(layer.out.weight)
        peer.out_proj.bias.copy_(layer.out.bias)
    return peer


def test_that_attention_equals_torchs_head_by_head():
    layer, x_BLD = attention_and_tokens()
    expected_BLD, weights_BNLL = peer_of(layer)(x_BLD, x_BLD, x_BLD, average_attn_weights=False)
    taps = {}
    torch.testing.assert_close(layer(x_BLD), expected_BLD, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(layer(x_BLD, taps, "a"), expected_BLD, rtol=1e-5, atol=1e-5)
    assert taps["a"].shape == (2, 3, 5, 5)
    torch.testing.assert_close(taps["a"], weights_BNLL, rtol=1e-5, atol=1e-5)


def test_that_attention_equals_loops_over_heads_and_queries():
    layer, x_BLD = attention_and_tokens()
    x_LD = x_BLD[0]
    w_q, w_k, w_v = layer.qkv.weight.split(12)
    b_q, b_k, b_v = layer.qkv.bias.split(12)
    q_LD, k_LD, v_LD = x_LD @ w_q.T + b_q, x_LD @ w_k.T + b_k, x_LD @ w_v.T + b_v
    rows = []
    for i in range(5):
        heads = []
        for n in range(3):
            own = slice(4 * n, 4 * n + 4)
            scores = [(q_LD[i, own] @ k_LD[j, own]).item() / math.sqrt(4) for j in range(5)]
            total = sum(math.exp(s) for s in scores)
            heads.append(sum(math.exp(scores[j]) / total * v_LD[j, own] for j in range(5)))
        rows.append(torch.cat(heads) @ layer.out.weight.T + layer.out.bias)
    torch.testing.assert_close(layer(x_BLD)[0], torch.stack(rows), rtol=1e-5, atol=1e-5)


def test_that_equal_tokens_share_the_attention_evenly():
    layer, x_BLD = attention_and_tokens()
    taps = {}
    layer(x_BLD[:, :1].expand(-1, 5, -1), taps, "a")
    torch.testing.assert_close(taps["a"], torch.full((2, 3, 5, 5), 0.2))


def test_that_attention_moves_with_its_tokens():
    layer, x_BLD = attention_and_tokens()
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(layer(x_BLD[:, order]), layer(x_BLD)[:, order])


def test_that_heads_must_divide_the_dimension():
    with pytest.raises(ValueError, match="heads 5 doesn't divide dimension 12"):
        MultiHeadAttention(12, 5)


@pytest.mark.parametrize("dimension", [6, 7])
def test_that_the_sinusoidal_table_equals_loops(dimension):
    table_LD = sinusoidal(50, dimension)
    assert table_LD[0, :4].tolist() == [0, 1, 0, 1]
    for i in range(50):
        for j in range(dimension):
            if j % 2 == 0:
                expected = math.sin(i / 10000 ** (j / dimension))
            else:
                expected = math.cos(i / 10000 ** ((j - 1) / dimension))
            assert table_LD[i, j].item() == pytest.approx(expected, abs=1e-6)
