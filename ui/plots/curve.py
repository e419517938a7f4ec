"""What a plot draws: curves over steps, levels across them and marks between them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ui.plots.axis import Scale
from ui.theme import theme
from workbench.curves import Smoother

MOST_DOTS = 200


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
        there = np.flatnonzero(np.isfinite(self.smooth[-64:]))
        if not len(there):
            there = np.flatnonzero(np.isfinite(self.smooth))
            return (int(self.curve.steps[there[-1]]), float(self.smooth[there[-1]])) if len(
                there
            ) else None
        place = len(self.smooth) - min(len(self.smooth), 64) + int(there[-1])
        return int(self.curve.steps[place]), float(self.smooth[place])

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
