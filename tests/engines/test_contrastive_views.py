import math
import time

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from engines.contrastive.views import Views, random_view, two_views
from engines.data.source import to_input
from engines.keyed import generator

OFF = {"crop": 1.0, "flip": False, "jitter": 0.0, "hue": 0.0, "grey": 0.0, "blur": 0.0}
EVERYTHING = Views(blur=0.5)
LUMA = np.array([0.299, 0.587, 0.114])


def only(**knobs):
    """Views with these knobs and everything else off."""
    return Views(**(OFF | knobs))


def pictures(count=64, channels=3, side=16):
    return torch.randint(
        256, (count, channels, side, side), dtype=torch.uint8, generator=generator(0)
    )


def in_unit(x_BCHW):
    """From [-1, 1] to [0, 1], in double precision."""
    return (x_BCHW.double() + 1) / 2


def test_that_nothing_on_gives_the_images_as_models_are_fed():
    images = pictures()
    first, second = two_views(images, only(), generator(1))
    assert torch.equal(first, to_input(images))
    assert torch.equal(second, first)
    assert not only().active
    assert not only(jitter=1.0, jitter_chance=0.0).active
    assert EVERYTHING.active


def test_that_chances_and_strengths_of_zero_are_the_identity_through_every_operation():
    images = pictures()
    for knobs in (only(jitter=1e-9), only(hue=1e-9), only(grey=1e-9), only(blur=1e-9)):
        view = random_view(images, knobs, generator(1))
        torch.testing.assert_close(view, to_input(images), atol=2e-6, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_that_views_are_floats_in_bounds_of_the_given_shape_and_leave_the_images(channels):
    images = pictures(channels=channels)
    before = images.clone()
    wild = Views(crop=0.05, jitter=1.0, hue=0.5, grey=0.5, blur=1.0, jitter_chance=1.0)
    for view in two_views(images, wild, generator(1)):
        assert view.dtype == torch.float32
        assert view.shape == images.shape
        assert view.abs().max() <= 1
        assert view.std() > 0.05
    assert torch.equal(images, before)


@pytest.mark.parametrize("channels", [1, 3])
def test_that_every_image_and_view_has_its_own_draws(channels):
    one = pictures(count=1, channels=channels).expand(40, -1, -1, -1)
    each = [{"crop": 0.3}, {"jitter": 0.5, "jitter_chance": 1.0}, {"blur": 1.0}]
    for knobs in each if channels == 1 else [*each, {"hue": 0.2, "jitter_chance": 1.0}]:
        views = torch.cat(two_views(one, only(**knobs), generator(1)))
        # Blurs with σ below 0.15 pixels are all the same: e^-22 is no weight.
        assert len(views.flatten(1).unique(dim=0)) > 70, knobs


def test_that_one_view_in_two_is_flipped():
    images = pictures(count=1000, side=8)
    view = random_view(images, only(flip=True), generator(1))
    flipped = (view == to_input(images.flip(3))).flatten(1).all(1)
    same = (view == to_input(images)).flatten(1).all(1)
    assert (flipped ^ same).all()
    assert 430 < flipped.sum() < 570  # 4.4 standard deviations


def test_that_a_crop_of_a_ramp_has_the_asked_area_and_aspect_and_half_are_flipped():
    side = 64
    ramp_W = torch.arange(side) * 4
    horizontal = ramp_W.expand(side, side)
    images = torch.stack([horizontal, horizontal.T, horizontal]).to(torch.uint8)
    views = only(crop=0.25, flip=True)
    result = in_unit(random_view(images.expand(400, 3, side, side), views, generator(1))) * 255
    # The slopes of the ramps are the crop's width and height, as parts of the side.
    inner = slice(8, side - 8)  # away from the repeated border
    width = result[:, 0, 32, inner].diff(dim=1).mean(1) / 4
    height = result[:, 1, inner, 32].diff(dim=1).mean(1) / 4
    assert 150 < (width < 0).sum() < 250  # 5 standard deviations
    assert (height > 0).all()
    area, aspect = width.abs() * height, width.abs() / height
    assert 0.24 < area.min() < 0.3
    assert 0.9 < area.max() < 1.02
    assert 0.74 < aspect.min() < 0.8
    assert 1.25 < aspect.max() < 1.35
    # Every place: the middle pixel's column says where the crop is.
    centre = result[:, 0, 32, 31:33].mean(1) / 4 / side
    assert centre.min() < 0.35
    assert centre.max() > 0.65


def rotated(theta):
    """The hue's map: chroma turned by theta in the plane R + G + B = 0, luma put back.

    Built from complex numbers: red, green and blue are the cube roots of one.
    """
    roots = np.exp(2j * np.pi * np.arange(3) / 3)
    columns = []
    for basis in np.eye(3):
        chroma = (basis @ roots) * np.exp(1j * theta)
        colour = 2 / 3 * (chroma * roots.conj()).real  # the colour of sum 0 with this chroma
        columns.append(colour + LUMA @ basis - LUMA @ colour)
    return np.stack(columns, axis=1)


def test_that_colours_equal_the_operations_one_after_the_other():
    images = pictures(count=50, side=6) // 3 + 85  # mid tones, so that little is clipped
    views = only(jitter=0.25, hue=0.1, grey=0.3, jitter_chance=0.7)
    view = in_unit(random_view(images, views, generator(1))).numpy()
    draws = torch.rand(6, 50, generator=generator(1)).double().numpy()
    kinds = set()
    for n in range(50):
        x = images[n].double().flatten(1).numpy() / 255
        jittered, grey = draws[4, n] < 0.7, draws[5, n] < 0.3
        kinds.add((bool(jittered), bool(grey)))
        if jittered:
            brightness, contrast, saturation = 1 + (2 * draws[:3, n] - 1) * 0.2
            x = x * brightness
            x = contrast * x + (1 - contrast) * (LUMA @ x).mean()
            x = saturation * x + (1 - saturation) * (LUMA @ x)
            x = rotated((2 * draws[3, n] - 1) * 2 * math.pi * 0.1) @ x
        if grey:
            x = np.tile(LUMA @ x, (3, 1))
        np.testing.assert_allclose(view[n].reshape(3, -1), x.clip(0, 1), atol=2e-6)
    assert len(kinds) == 4


def test_that_a_third_of_the_circle_turns_red_to_green_hue_at_its_luma():
    turned = rotated(2 * math.pi / 3) @ [1.0, 0.0, 0.0]
    assert turned.argmax() == 1
    assert LUMA @ turned == pytest.approx(0.299)
    assert turned[0] == pytest.approx(turned[2])  # green's hue: the other two alike


def test_that_grey_views_have_equal_channels_and_their_share_is_the_chance():
    images = pictures(count=1000, side=4)
    view = random_view(images, only(grey=0.3), generator(1))
    spread = (view.amax(1) - view.amin(1)).flatten(1).amax(1)
    grey = spread < 1e-5
    assert 230 < grey.sum() < 370  # 4.8 standard deviations
    torch.testing.assert_close(view[~grey], to_input(images)[~grey], atol=2e-6, rtol=0)
    luma = torch.einsum("c,bchw->bhw", torch.tensor(LUMA), images.double()) / 127.5 - 1
    torch.testing.assert_close(view[grey, 0].double(), luma[grey], atol=2e-6, rtol=0)


def test_that_grey_images_get_brightness_and_contrast_by_hand():
    images = pictures(count=30, channels=1, side=6) // 3 + 85
    view = in_unit(random_view(images, Views(**OFF | {"jitter": 0.25}), generator(1))).numpy()
    draws = torch.rand(3, 30, generator=generator(1)).double().numpy()
    for n in range(30):
        x = images[n].double().numpy() / 255
        if draws[2, n] < 0.8:
            brightness, contrast = 1 + (2 * draws[:2, n] - 1) * 0.2
            x = x * brightness
            x = contrast * x + (1 - contrast) * x.mean()
        np.testing.assert_allclose(view[n], x.clip(0, 1), atol=2e-6)
    grey_only = random_view(images, only(grey=1.0, hue=0.5), generator(1))
    assert torch.equal(grey_only, to_input(images))  # they have no colours to lose


@pytest.mark.parametrize("side", [16, 64])
def test_that_blur_equals_a_gaussian_kernel_of_a_tenth_of_the_image(side):
    images = pictures(count=6, channels=1, side=side)
    view = random_view(images, only(blur=0.6), generator(1)).double().numpy()
    draws = torch.rand(2, 6, generator=generator(1)).double().numpy()
    radius = {16: 1, 64: 3}[side]
    assert 0 < (draws[1] < 0.6).sum() < 6
    for n in range(6):
        x = to_input(images[n, 0]).double().numpy()
        if draws[1, n] < 0.6:
            sigma = 0.1 + 1.9 * draws[0, n]
            taps = np.exp(-np.square(np.arange(-radius, radius + 1)) / (2 * sigma**2))
            kernel = np.outer(taps, taps) / taps.sum() ** 2
            padded = np.pad(x, radius, mode="edge")
            windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
            x = np.einsum("hwij,ij->hw", windows, kernel)
        np.testing.assert_allclose(view[n, 0], x, atol=2e-6)


def test_that_the_seed_decides():
    images = pictures()
    one, same, other = (random_view(images, EVERYTHING, generator(s)) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    random_view(images, EVERYTHING, generator(1))
    assert torch.equal(torch.get_rng_state(), state)  # the global generator isn't touched


def test_that_no_value_is_read_back():
    """Under fake tensors, which have no values, any .item() or dynamic shape raises."""
    for channels in (1, 3):
        with FakeTensorMode() as mode:
            images = mode.from_tensor(pictures(channels=channels))
            first, second = two_views(images, EVERYTHING, generator(1))
            assert first.shape == second.shape == (64, channels, 16, 16)
            with pytest.raises(DataDependentOutputException):  # the check itself can fail
                first[0, 0, 0, 0].item()


@pytest.mark.parametrize("wrong", [{"crop": 0.0}, {"hue": 0.6}, {"jitter": 2}, {"blur": -1}])
def test_that_strengths_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Views(**wrong)


def test_that_a_view_of_a_batch_of_256_takes_less_than_12_milliseconds():
    images, random = pictures(count=256, side=32), generator(1)
    times = []
    for _ in range(12):
        start = time.thread_time()
        random_view(images, Views(), random)
        times.append(time.thread_time() - start)
    assert sorted(times)[3] < 0.012  # 0.003 on a quiet core; kornia takes 0.025


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_that_views_can_be_captured_and_replays_differ():
    images = pictures().cuda()
    random = torch.Generator("cuda").manual_seed(1)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(random)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        two_views(images, EVERYTHING, random)
    torch.cuda.current_stream().wait_stream(side)
    with torch.cuda.graph(graph):
        first, _ = two_views(images, EVERYTHING, random)
    graph.replay()
    before = first.clone()
    graph.replay()
    assert not torch.equal(before, first)
