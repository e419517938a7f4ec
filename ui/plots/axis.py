"""Axes: from values to pixels and back, ticks, and ranges that change seldom. No Qt here."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench.wording import thousands

MOST_TICKS = 6
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear or logarithmic axis.

    Attributes:
        low: value at pixel `start`; above 0 where `log`.
        high: value at pixel `end`, above `low`.
        log: whether equal distances are equal factors.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def forward(self, values: np.ndarray) -> np.ndarray:
        """float64 [n]: the values, or their log10; NaN where there is none."""
        plain = np.asarray(values, float)
        if not self.log:
            return plain
        return np.log10(plain, out=np.full(plain.shape, np.nan), where=plain > 0)

    def edges(self, columns: int) -> np.ndarray:
        """float64 [columns + 1]: borders of equal columns, as `forward` gives values."""
        return np.linspace(*self._ends(), columns + 1)

    def place(self, forwarded: np.ndarray) -> np.ndarray:
        """Pixels of values that went through `forward`."""
        low, high = self._ends()
        return self.start + (forwarded - low) * ((self.end - self.start) / (high - low))

    def pixel(self, value: float) -> float:
        """Pixel of one value; far outside for what a logarithm doesn't have."""
        if self.log and value <= 0:
            return self.start + 10 * (self.start - self.end)
        low, high = self._ends()
        forwarded = math.log10(value) if self.log else value
        return self.start + (forwarded - low) * (self.end - self.start) / (high - low)

    def value(self, pixel: float) -> float:
        """The value at a pixel."""
        low, high = self._ends()
        forwarded = low + (pixel - self.start) * (high - low) / (self.end - self.start)
        return 10**forwarded if self.log else forwarded

    def per_pixel(self) -> float:
        """Length of one pixel, as `forward` gives values."""
        low, high = self._ends()
        return abs((high - low) / (self.end - self.start))

    def _ends(self) -> Span:
        return (math.log10(self.low), math.log10(self.high)) if self.log else (self.low, self.high)


def step_span(now: Span | None, last: int, goal: int, share: float, log: bool) -> Span:
    """The steps to show of a curve that ends at `last` and is meant to end at `goal`.

    The range stays `now` while the curve fits and fills a third of it; then it grows
    by half, because a range that changes moves everything on screen.

    Args:
        share: of the width, in [0, 1): what the words at the curve's end need.
        log: the range then starts at step 1.
    """
    low = 1.0 if log else 0.0
    roomy = _with_room(low, max(last, 2), share, log)
    if now is not None and now[0] == low and roomy <= now[1] and last >= 0.35 * now[1]:
        return now
    ahead = min(1.5 * last, goal) if goal > last else last
    return low, max(roomy, _with_room(low, max(ahead, 2), share, log))


def _with_room(low: float, last: float, share: float, log: bool) -> float:
    if log:
        return float(10 ** (math.log10(last) / (1 - share)))
    return low + (last - low) / (1 - share)


def value_span(now: Span | None, low: float, high: float, log: bool) -> Span:
    """The values to show of curves between `low` and `high`.

    The range stays `now` while they fit and fill 35 % of it. A linear range starts
    at 0 when the lowest value is well below the highest, so that heights compare.
    """
    fresh = _fresh_span(low, high, log)
    if now is None or not now[0] <= low <= high <= now[1] or (log and now[0] <= 0):
        return fresh
    return now if _length(*fresh, log) >= 0.35 * _length(*now, log) else fresh


def _fresh_span(low: float, high: float, log: bool) -> Span:
    if log:
        pad = 10 ** max(0.05 * math.log10(high / low), 0.02)
        return low / pad, high * pad
    from_zero = 0 <= low <= 0.75 * high
    bottom = 0.0 if from_zero else low
    pad = 0.06 * (high - bottom) or 0.05 * abs(high) or 1.0
    return bottom if from_zero else low - pad, high + pad


def _length(low: float, high: float, log: bool) -> float:
    return math.log10(high / low) if log else high - low


def ticks(scale: Scale, most: int = MOST_TICKS, whole: bool = False) -> list[float]:
    """At most `most` round values inside the axis; `whole` leaves fractions out."""
    find = _log_ticks if scale.log else _linear_ticks
    found = find(scale.low, scale.high, most)
    return [value for value in found if value == round(value)] if whole else found


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 2.5, 5, 10, 20, 25):
        step = factor * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            return [index * step for index in range(first, last + 1)]
    return [low, high]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for factors in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        inside = [
            factor * 10.0**power
            for power in range(first, last + 1)
            for factor in factors
            if low <= factor * 10.0**power <= high
        ]
        if len(inside) <= most:
            return inside if len(inside) > 1 else _linear_ticks(low, high, most)
    return inside[:: -(-len(inside) // most)]


def tick_words(values: list[float], log: bool = False) -> list[str]:
    """The ticks as people read them, all with the same number of decimals unless `log`."""
    if not values:
        return []
    if log or max(map(abs, values)) >= 1e5 or 0 < max(map(abs, values)) < 1e-2:
        return [_short(value) for value in values]
    gap = min((b - a for a, b in pairwise(values)), default=abs(values[0]))
    places = next((p for p in range(6) if _is_whole(gap * 10**p)), 6)
    return [
        (thousands(round(value)) if places == 0 else f"{value:.{places}f}").replace("-", "−")
        for value in values
    ]


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-6 and round(value) > 0


def _short(value: float) -> str:
    if value == 0:
        return "0"
    if 1000 <= abs(value) < 1e5 and value == round(value):
        return thousands(round(value)).replace("-", "−")
    if 1e-2 <= abs(value) < 1e5:
        return f"{value:.4g}".replace("-", "−")
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}".replace("-", "−")
