"""What a plot draws: curves over steps, levels across them and marks between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ui.plots.axis import Scale, Span
from ui.theme import theme
from workbench.curves import Smoother, band

MOST_DOTS = 200
RARE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One line of a plot.

    Attributes:
        name: the word at its end; also tells one curve of a plot from the others.
        steps: [n] ascending.
        values: [n] floats; NaN where nothing was measured.
        colour: a token's name, such as "accent", or the index of a class colour.
        style: "line" is 2 px, smoothed, with its band; "dots" is 1.5 px with a dot
            for each value, as measured.
        band: whether a "line" shows the lowest and highest raw values behind it.
    """

    name: str
    steps: np.ndarray
    values: np.ndarray
    colour: str | int = "accent"
    style: Literal["line", "dots"] = "line"
    band: bool = True

    @property
    def hex(self) -> str:
        """The colour as "#RRGGBB" in the theme of now."""
        tokens = theme().tokens
        if isinstance(self.colour, str):
            return str(getattr(tokens, self.colour))
        return tokens.classes[self.colour % len(tokens.classes)]


@dataclass(frozen=True, slots=True)
class Level:
    """A dashed line across, such as chance; `words` stand above it."""

    value: float
    words: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A dotted line upwards at a step, such as a new learning rate; `words` beside it."""

    step: int
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A curve as it is drawn: with its smoothed values [n]."""

    curve: Curve
    smooth: np.ndarray

    def at(self, step: float) -> tuple[int, float, float] | None:
        """(step, smoothed value, raw value) of the newest value at or before `step`."""
        place = int(np.searchsorted(self.curve.steps, step, side="right")) - 1
        if place < 0:
            return None
        steps, values = self.curve.steps, self.curve.values
        return int(steps[place]), float(self.smooth[place]), float(values[place])

    def end(self) -> tuple[int, float] | None:
        """(step, smoothed value) of the last finite value."""
        for place in range(len(self.smooth) - 1, -1, -1):
            if math.isfinite(self.smooth[place]):
                return int(self.curve.steps[place]), float(self.smooth[place])
        return None

    def spacing(self) -> float:
        """Steps from one value to the next, on average."""
        steps = self.curve.steps
        return float(steps[-1] - steps[0]) / (len(steps) - 1) if len(steps) > 1 else 1.0

    def dotted(self, x: Scale) -> bool:
        """Whether each value gets a dot: not when they would touch."""
        if self.curve.style == "line":
            return len(self.curve.steps) == 1
        first, last = np.searchsorted(self.curve.steps, (x.low, x.high))
        return bool(last - first <= min(MOST_DOTS, (x.end - x.start) / 6))


class Smoothing:
    """Smooths the "line" curves of a plot, each from where the last call left it."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self._smoothers: dict[str, Smoother] = {}

    def __call__(self, curves: list[Curve]) -> list[Shown]:
        names = {curve.name for curve in curves}
        self._smoothers = {name: s for name, s in self._smoothers.items() if name in names}
        return [Shown(curve, self._smooth(curve)) for curve in curves]

    def _smooth(self, curve: Curve) -> np.ndarray:
        if curve.style == "dots" or self.factor == 0:
            return curve.values
        smoother = self._smoothers.setdefault(curve.name, Smoother(self.factor))
        return smoother(curve.values)


def extent(shown: Sequence[Shown], levels: Sequence[Level], *, positive: bool = False) -> Span:
    """Lowest and highest value to fit: lines and levels whole, bands without rare spikes.

    Args:
        positive: leave out what a logarithmic axis can't show.
    """
    found = [level.value for level in levels]
    for one in shown:
        found += _ends(one.smooth)
        if one.curve.style == "line" and one.curve.band:
            found += _usual_ends(one.curve)
        if positive:
            found += _ends(one.smooth[one.smooth > 0])
    kept = [value for value in found if value > 0 or not positive]
    return (min(kept), max(kept)) if kept else (1.0, 10.0)


def _ends(values: np.ndarray) -> list[float]:
    if not len(values):
        return []
    found = [float(np.fmin.reduce(values)), float(np.fmax.reduce(values))]
    if not all(map(math.isfinite, found)):  # seldom, and ten times as much work
        there = values[np.isfinite(values)]
        found = [float(there.min()), float(there.max())] if len(there) else []
    return found


def _usual_ends(curve: Curve) -> list[float]:
    """Ends of the band with the rarest 2 % of its cells left out at either side."""
    if not len(curve.steps):
        return []
    cell = max(8, 1 << (len(curve.steps) // 500).bit_length())
    _, low_c, high_c = band(curve.steps, curve.values, cell, curve.steps[0], curve.steps[-1])
    if not len(low_c):
        return []
    rare = int(RARE * (len(low_c) - 1))
    return [float(np.sort(low_c)[rare]), float(np.sort(high_c)[-1 - rare])]
