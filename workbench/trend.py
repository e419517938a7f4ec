"""What a noisy curve did: levels of its stretches with their errors, cheap at any length."""

import math
from dataclasses import dataclass

import numpy as np

from workbench.history import Series

MOST_POINTS = 100_000  # beyond it every k-th value is looked at: a mean of 50,000 is no better


@dataclass(frozen=True, slots=True)
class Level:
    """Mean of a stretch and the standard error of that mean, values taken as independent."""

    mean: float
    error: float
    count: int


@dataclass(frozen=True, slots=True)
class Curve:
    """The finite values of a series up to a step.

    Attributes:
        steps_n: int64, ascending.
        values_n: float64, all finite.
        missing: newest step whose value was not finite and came after every finite one, or None.
    """

    steps_n: np.ndarray
    values_n: np.ndarray
    missing: int | None = None

    def __len__(self) -> int:
        return len(self.steps_n)

    def level(self, after: int, until: int) -> Level | None:
        """The stretch of steps in (after, until]; None when it holds no value."""
        start, end = np.searchsorted(self.steps_n, (after, until), side="right")
        stretch = self.values_n[start:end]
        if not len(stretch):
            return None
        error = float(stretch.std()) / math.sqrt(len(stretch)) if len(stretch) > 1 else math.inf
        return Level(float(stretch.mean()), error, len(stretch))

    def blocks(self, most: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """(last step, mean) of up to `most` equal blocks; values left over at the start go."""
        size = max(1, len(self) // most)
        kept = len(self) // size * size
        means = self.values_n[len(self) - kept :].reshape(-1, size).mean(1)
        return self.steps_n[len(self) - kept :][size - 1 :: size], means


def curve(series: Series, cursor: int) -> Curve:
    """The series as of `cursor`, without the values that are not finite."""
    end = int(np.searchsorted(series.steps, cursor, side="right"))
    stride = 1 + end // MOST_POINTS
    # From the end backwards, so that the newest value is always among those looked at.
    steps, values = series.steps[:end][::-stride][::-1], series.values[:end][::-stride][::-1]
    finite = np.isfinite(values)
    missing = int(steps[-1]) if end and not finite[-1] else None
    return Curve(steps[finite], values[finite].astype(np.float64), missing)


def smooth_3(values: np.ndarray) -> np.ndarray:
    """Mean of each value and its neighbours; the two ends have one neighbour."""
    if len(values) < 2:
        return values.copy()
    padded = np.concatenate([[0.0], values, [0.0]])
    count = np.full(len(values), 3.0)
    count[[0, -1]] = 2.0
    return (padded[:-2] + padded[1:-1] + padded[2:]) / count


def noise_of(values: np.ndarray) -> float:
    """Standard deviation of the jitter around a smooth curve, robust to outliers.

    From second differences d = v[i-1] - 2·v[i] + v[i+1], whose variance is 6σ² for
    independent jitter and which a straight slope leaves at 0: σ = 1.4826·median|d| / √6.
    """
    if len(values) < 3:
        return 0.0
    return 1.4826 * float(np.median(np.abs(np.diff(values, 2)))) / math.sqrt(6)
