import math

import pytest
import torch
from torch import nn

from engines.layers import initialise
from engines.models.resnet import ResNet


def images(channels=1, size=28, batch=2):
    g = torch.Generator().manual_seed(0)
    return 2 * torch.rand(batch, channels, size, size, generator=g) - 1


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
