import pytest
import torch
from torch import nn

from engines.layers import initialise, set_generator
from engines.models.cnn import CNN
from engines.models.mlp import MLP
from engines.models.resnet import ResNet
from engines.models.vit import ViT
from engines.registry import model
from engines.summary import LayerRow, layer_table, totals

MODELS = list(model)


@pytest.mark.parametrize("entry", MODELS, ids=lambda entry: entry.name)
@pytest.mark.parametrize("channels", [1, 3])
def test_that_the_rows_parameters_are_all_of_the_models(entry, channels):
    shape = (channels, 28, 28)
    net = entry.make(shape, 10)
    rows = layer_table(net, shape)
    assert totals(rows).parameters == sum(p.numel() for p in net.parameters())
    assert rows == layer_table(lambda: entry.make(shape, 10), shape)
    assert rows[-1].name == "head"
    assert rows[-1].output_shape == (10,)
    assert len({row.name for row in rows}) == len(rows)


def test_that_a_cnns_rows_are_as_counted_by_hand():
    def build():
        return CNN((1, 28, 28), 10, channels=(32, 64), kernel=5, pooling="l2", hidden=0)

    assert layer_table(build, (1, 28, 28)) == [
        LayerRow("stage1/convolution1/convolution", "convolution", (32, 28, 28), 800, 627_200),
        LayerRow("stage1/convolution1/norm", "batch norm", (32, 28, 28), 64, 0),
        LayerRow("stage1/pooling", "L2 pooling", (32, 14, 14), 0, 0),
        LayerRow(
            "stage2/convolution1/convolution", "convolution", (64, 14, 14), 51_200, 10_035_200
        ),
        LayerRow("stage2/convolution1/norm", "batch norm", (64, 14, 14), 128, 0),
        LayerRow("stage2/pooling", "L2 pooling", (64, 7, 7), 0, 0),
        LayerRow("head", "linear", (10,), 31_370, 31_360),
    ]


def test_that_an_mlps_rows_are_as_counted_by_hand():
    assert layer_table(MLP((1, 8, 8), 10, hidden=(32,)), (1, 8, 8)) == [
        LayerRow("layer1/linear", "linear", (32,), 64 * 32 + 32, 64 * 32),
        LayerRow("head", "linear", (10,), 330, 320),
    ]


def test_that_a_vits_attention_counts_its_maps_and_both_products():
    net = ViT((1, 8, 8), 3, patch=4, dimension=8, heads=2, depth=1, mlp_ratio=2.0)
    rows = {row.name: row for row in layer_table(net, (1, 8, 8))}
    attention = rows["block1/attention"]
    assert attention.kind == "attention"
    assert attention.output_shape == (5, 8)
    assert attention.parameters == 4 * 8 * 8 + 4 * 8
    qkv, scores, mixed, out = 5 * 8 * 24, 5 * 5 * 8, 5 * 5 * 8, 5 * 8 * 8
    assert attention.multiply_adds == qkv + scores + mixed + out
    assert rows["class_token"].parameters == 8
    assert rows["position"] == LayerRow("position", "parameter", (5, 8), 40, 0)
    assert rows["block1/mlp/linear1"].multiply_adds == 5 * 8 * 16
    assert rows["patches"].multiply_adds == 4 * 8 * 16


def test_that_vit_b_16_has_the_parameters_of_the_paper_without_taking_their_memory():
    def build():
        return ViT((3, 224, 224), 1000, patch=16, dimension=768, depth=12, heads=12, mlp_ratio=4.0)

    sums = totals(layer_table(build, (3, 224, 224)))
    assert sums.parameters == 86_567_656
    tokens, d = 197, 768
    block = 4 * tokens * d * d + 2 * tokens * tokens * d + 2 * tokens * d * 4 * d
    assert sums.multiply_adds == 196 * d * 768 + 12 * block + d * 1000


def test_that_resnet_20_counts_the_multiply_adds_of_its_formula():
    sums = totals(layer_table(ResNet((3, 32, 32), 10, blocks=3), (3, 32, 32)))
    stage1 = 32 * 32 * 9 * (3 * 16 + 6 * 16 * 16)
    stage2 = 16 * 16 * (9 * (16 * 32 + 5 * 32 * 32) + 16 * 32)
    stage3 = 8 * 8 * (9 * (32 * 64 + 5 * 64 * 64) + 32 * 64)
    assert sums.multiply_adds == stage1 + stage2 + stage3 + 640


def test_that_a_model_in_training_is_left_as_it_was():
    net = initialise(lambda: CNN((1, 12, 12), 4, channels=(3,)), 0).train()
    generator = torch.Generator().manual_seed(1)
    set_generator(net, generator)
    net(torch.ones(2, 1, 12, 12)).sum().backward()
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    noise, drawn = generator.get_state(), torch.random.get_rng_state()
    gradient = net.head.weight.grad.clone()
    layer_table(net, (1, 12, 12))
    assert all(torch.equal(tensor, state[name]) for name, tensor in net.state_dict().items())
    assert torch.equal(generator.get_state(), noise)
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert torch.equal(net.head.weight.grad, gradient)
    assert net.training
    assert not any(module._forward_hooks for module in net.modules())


def test_that_layers_the_table_does_not_know_are_shown_under_their_own_name():
    net = nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Sigmoid())
    rows = layer_table(net, (1, 5))
    assert [(row.kind, row.parameters) for row in rows] == [("Conv1d", 8), ("Sigmoid", 0)]


def test_that_an_impossible_combination_says_so_before_any_table():
    with pytest.raises(ValueError, match="try patch 4"):
        layer_table(lambda: ViT((1, 28, 28), 10, patch=5), (1, 28, 28))
