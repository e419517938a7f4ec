import math

import numpy as np
import pytest

from workbench.curves import Smoother, band, cell_size, polyline, smoothed


def by_hand(values, factor):
    total = weight = 0.0
    averages = []
    for value in map(float, values):
        total, weight = factor * total, factor * weight
        if math.isfinite(value):
            total, weight = total + value, weight + 1
        averages.append(total / weight if weight else math.nan)
    return averages


@pytest.mark.parametrize("factor", [0.3, 0.9, 0.99])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 200, 5000])
def test_that_smoothing_equals_the_recursion_written_out(factor, count):
    values = np.random.default_rng(0).normal(size=count)
    assert smoothed(values, factor) == pytest.approx(by_hand(values, factor), rel=1e-9, abs=1e-12)


def test_that_missing_values_are_stepped_over():
    values = np.array([np.nan, 2.0, np.nan, 4.0, np.inf, 4.0])
    expected = by_hand(values, 0.5)
    assert smoothed(values, 0.5) == pytest.approx(expected, nan_ok=True)
    assert math.isnan(smoothed(values, 0.5)[0])
    assert smoothed(values, 0.5)[2] == 2.0


def test_that_a_constant_stays_what_it_is():
    assert smoothed(np.full(300, 7.0), 0.97) == pytest.approx(np.full(300, 7.0))


def test_that_no_smoothing_gives_back_the_values():
    values = np.array([3.0, np.nan, 1.0])
    assert smoothed(values, 0.0) == pytest.approx(values, nan_ok=True)


def test_that_a_growing_series_is_smoothed_as_if_at_once():
    values = np.random.default_rng(1).normal(size=500).astype(np.float32)
    smoother = Smoother(0.9)
    for end in (0, 1, 64, 65, 200, 500):
        assert smoother(values[:end]) == pytest.approx(smoothed(values[:end], 0.9), rel=1e-12)


@pytest.mark.parametrize("length", [400, 100])
def test_that_a_series_replaced_after_a_resume_is_smoothed_afresh(length):
    old = np.random.default_rng(2).normal(size=300).astype(np.float32)
    new = np.concatenate([old[:90], np.full(length - 90, 5, np.float32)])
    smoother = Smoother(0.9)
    smoother(old)
    assert smoother(new) == pytest.approx(by_hand(new, 0.9), rel=1e-6)


def test_that_a_factor_of_one_is_refused():
    with pytest.raises(ValueError, match="smoothing factor 1"):
        smoothed(np.ones(3), 1.0)


def test_that_few_points_are_drawn_as_they_are():
    x, y = polyline(np.array([0, 5, 9]), np.array([1.0, np.nan, 3.0]), np.linspace(0, 10, 101))
    assert x.tolist() == [0, 9]
    assert y.tolist() == [1, 3]


def test_that_every_column_keeps_its_lowest_and_highest_value():
    values = np.random.default_rng(3).normal(size=10_000)
    steps = np.arange(10_000)
    x, y = polyline(steps, values, np.linspace(0, 10_000, 101))
    for column in range(100):
        inside = (x >= column * 100) & (x < (column + 1) * 100)
        raw = values[column * 100 : (column + 1) * 100]
        assert sorted(y[inside]) == [raw.min(), raw.max()]


def test_that_one_bad_step_survives_in_a_million():
    values = np.ones(1_000_000, np.float32)
    values[654_321] = 40
    _, y = polyline(np.arange(1_000_000), values, np.linspace(0, 1e6, 901))
    assert y.max() == 40
    assert len(y) <= 2 * 900 + 2


def test_that_columns_that_vary_less_than_a_pixel_are_one_point():
    values = np.tile([1.0, 1.1], 500)
    x, y = polyline(np.arange(1000), values, np.linspace(0, 1000, 11), still=0.5)
    assert len(x) == 10
    assert y == pytest.approx(np.full(10, 1.05))


def test_that_a_zoomed_curve_runs_to_both_borders():
    steps = np.arange(10_000)
    x, _ = polyline(steps, np.sin(steps / 50), np.linspace(4000, 6000, 101))
    assert x[0] == 3999
    assert x[-1] == 6000


def test_that_a_curve_out_of_view_or_empty_draws_at_most_its_nearest_point():
    edges = np.linspace(100, 200, 11)
    x, _ = polyline(np.arange(50), np.ones(50), edges)
    assert x.tolist() == [49]
    assert not len(polyline(np.empty(0, int), np.empty(0), edges)[0])


def test_that_the_band_holds_the_extremes_of_each_cell():
    values = np.random.default_rng(4).normal(size=100)
    values[17] = np.nan
    middle, low, high = band(np.arange(100), values, 16, 0, 99)
    cells = [values[start : start + 16] for start in range(0, 100, 16)]
    assert low == pytest.approx([np.nanmin(cell) for cell in cells])
    assert high == pytest.approx([np.nanmax(cell) for cell in cells])
    assert middle[0] == 7.5


def test_that_cells_without_a_finite_value_are_left_out():
    values = np.array([1.0] * 8 + [np.nan] * 8 + [2.0] * 8)
    middle, low, _ = band(np.arange(24), values, 8, 0, 23)
    assert low.tolist() == [1, 2]
    assert middle.tolist() == [3.5, 19.5]
    assert not len(band(np.empty(0, int), np.empty(0), 8, 0, 10)[0])


def test_that_the_bands_cells_stay_in_place_while_a_curve_grows():
    values = np.random.default_rng(5).normal(size=64)
    _, low, high = band(np.arange(40), values[:40], 8, 0, 39)
    _, later_low, later_high = band(np.arange(64), values, 8, 0, 63)
    assert low.tolist() == later_low[:5].tolist()
    assert high.tolist() == later_high[:5].tolist()


@pytest.mark.parametrize(
    ("steps", "columns", "spacing", "expected"),
    [(100, 900, 1, 8), (10_000, 900, 1, 64), (1000, 900, 20, 256), (1e6, 500, 1, 8192)],
)
def test_that_a_cell_is_a_power_of_two_of_eight_values_and_three_columns(
    steps, columns, spacing, expected
):
    assert cell_size(steps, columns, spacing) == expected
    assert expected >= 8 * spacing
    assert expected >= 3 * steps / columns
