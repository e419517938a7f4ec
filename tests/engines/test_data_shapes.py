import math
import time

import numpy as np
import pytest
import torch

from engines.data import shapes as module
from engines.data.shapes import BACKGROUNDS, CLASSES, COLOURS, SHAPES, shape_mask, shapes


@pytest.fixture(scope="module")
def drawn():
    return shapes(images=600, image_size=32, noise=0.0, seed=3)


def test_that_an_image_depends_on_seed_and_index_only(drawn):
    fewer = shapes(images=60, image_size=32, noise=0.0, seed=3)
    assert torch.equal(fewer.train.images_NCHW, drawn.train.images_NCHW[:60])
    assert torch.equal(fewer.train.labels_N, drawn.train.labels_N[:60])
    other = shapes(images=60, image_size=32, noise=0.0, seed=4)
    same = (fewer.train.images_NCHW == other.train.images_NCHW).flatten(1).all(1)
    assert not same.any()


def test_that_no_two_images_are_equal(drawn):
    assert len(drawn.train.images_NCHW.flatten(1).unique(dim=0)) == 600


def test_that_the_mask_shows_where_the_figure_has_its_colour(drawn):
    colours = torch.tensor(list(COLOURS.values()))
    for index in range(0, 600, 25):
        cover_HW = shape_mask(3, index)
        image_HW3 = drawn.train.images_NCHW[index].permute(1, 2, 0).long()
        colour_3 = colours[drawn.train.factors["colour"][index]]
        assert (image_HW3[cover_HW == 255] == colour_3).all()
        outside = image_HW3[cover_HW == 0]
        assert outside.max() <= 110
        assert outside.min() >= 25


def test_that_the_mask_lies_about_the_recorded_position(drawn):
    factors = drawn.train.factors
    for index in range(0, 600, 30):
        row, column = torch.nonzero(shape_mask(3, index) > 127).T
        reach = factors["radius"][index].item() * 32 + 0.5
        for place, centre in ((row, factors["y"]), (column, factors["x"])):
            middle = centre[index].item() * 32 - 0.5
            assert middle - reach <= place.min()
            assert place.max() <= middle + reach


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("circle", math.pi),
        ("square", 2.0),
        ("triangle", 3 * math.sqrt(3) / 4),
        ("ring", math.pi * (1 - 0.55**2)),
        ("star", 5 * 0.42 * math.sin(math.pi / 5)),
        ("cross", 0.94**2 * (4 * 2 * 0.34 - 4 * 0.34**2)),
    ],
)
def test_that_the_coverage_adds_up_to_the_figures_area(name, area):
    figure = module.Figure(SHAPES.index(name), 0, 0, 0.3, 0.5, 0.5)
    covered = module._mask(figure, 128).sum() / 255
    assert covered == pytest.approx(area * (0.3 * 128) ** 2, rel=0.03)


def test_that_edges_are_smooth(drawn):
    cover_HW = shape_mask(3, 0)
    assert len(cover_HW.unique()) > 4


def test_that_noise_has_the_asked_for_deviation(drawn):
    noisy = shapes(images=60, image_size=32, noise=10.0, seed=3)
    difference = noisy.train.images_NCHW.double() - drawn.train.images_NCHW[:60].double()
    assert difference.std().item() == pytest.approx(10, rel=0.02)
    assert abs(difference.mean().item()) < 0.1


@pytest.mark.parametrize("label", list(CLASSES))
def test_that_each_factor_can_be_the_class_and_its_values_are_even(label):
    source = shapes(images=1200, image_size=16, label=label)
    count_K = np.bincount(source.train.labels_N.numpy(), minlength=len(source.classes))
    assert source.classes == CLASSES[label]
    expected = 1200 / len(source.classes)
    assert np.abs(count_K - expected).max() < 5 * math.sqrt(expected)


def test_that_thirds_follow_position_and_size():
    source = shapes(images=600, image_size=16, label="column")
    x, r = source.train.factors["x"].numpy(), source.train.factors["radius"].numpy()
    third = (1 - 2 * r) / 3
    expected = (x >= r + third).astype(int) + (x >= r + 2 * third)
    assert source.train.labels_N.tolist() == expected.tolist()
    sized = shapes(images=600, image_size=16, label="size")
    assert sized.train.labels_N.tolist() == ((r >= 0.2).astype(int) + (r >= 0.25)).tolist()


def test_that_factors_are_independent():
    factors = shapes(images=3000, image_size=16).train.factors
    table = torch.zeros(len(SHAPES), len(BACKGROUNDS))
    for shape, background in zip(factors["shape"], factors["background"], strict=True):
        table[shape, background] += 1
    expected = 3000 / table.numel()
    chi_squared = ((table - expected) ** 2 / expected).sum().item()
    assert chi_squared < 60  # 29 degrees of freedom: more has a chance of 1 in 1,600


def test_that_twelve_thousand_images_take_seconds():
    start = time.thread_time()
    shapes(images=3000)
    assert time.thread_time() - start < 2.5  # 0.45 s on a quiet machine


def test_that_drawing_can_be_cancelled():
    def stop(done, total, words):
        if done >= 500:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        shapes(stop, images=60_000)
