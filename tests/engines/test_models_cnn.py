import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.models.cnn import CNN


def images(channels=1, size=28, batch=2):
    g = torch.Generator().manual_seed(0)
    return 2 * torch.rand(batch, channels, size, size, generator=g) - 1


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
