"""Which colour each dot has, by class, prediction or anything else known of its image."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QColor

from ui.embedding.space import Space
from ui.theme import theme
from ui.tokens import darkened, heatmap
from workbench.maps import Map
from workbench.wording import digits

LEVELS = 64  # colours of a continuous scale
CLASS, PREDICTED, RIGHT, AGREEMENT = (
    "Class",
    "Predicted class",
    "Right or wrong",
    "Neighbours agree",
)


@dataclass(frozen=True)
class Colouring:
    """Dots in groups of one colour.

    Attributes:
        group_N: the group of each image.
        fills, outlines: a colour for each group.
        names: of the groups, for pills at their medians; empty for a continuous scale.
        ends: words of the lowest and highest value of a continuous scale.
        value_N: the number behind each colour of a continuous scale.
    """

    group_N: np.ndarray
    fills: tuple[QColor, ...]
    outlines: tuple[QColor, ...]
    names: tuple[str, ...] = ()
    ends: tuple[str, str] | None = None
    value_N: np.ndarray | None = None

    def words(self, index: int) -> str:
        """What the colour of an image stands for."""
        if self.names:
            return self.names[self.group_N[index]]
        value = float("nan") if self.value_N is None else float(self.value_N[index])
        return digits(value)


def choices(space: Space) -> list[str]:
    """What dots can be coloured by."""
    return [CLASS, PREDICTED, RIGHT, AGREEMENT, *(factor.title for factor in space.factors)]


def colouring(space: Space, map_: Map, by: str) -> Colouring:
    """The colours of a space's dots; by class where it knows nothing called `by`."""
    if by == RIGHT:
        colours = (theme().color("muted"), theme().color("danger"))
        return _with_outlines(space.wrong_N.astype(np.int64), colours, ("right", "wrong"))
    if by == AGREEMENT:
        return _continuous(map_.agreement_N, ("0 %", "100 %"), (0.0, 1.0))
    if by == PREDICTED:
        return _classes(space.predicted_N, space.classes)
    for factor in space.factors:
        if factor.title == by and factor.colours:
            fills = tuple(QColor(colour) for colour in factor.colours)
            return _with_outlines(factor.value_N.astype(np.int64), fills, factor.names)
        if factor.title == by and factor.names:
            return _classes(factor.value_N.astype(np.int64), factor.names)
        if factor.title == by:
            return _continuous(factor.value_N)
    return _classes(space.label_N, space.classes)


def _classes(group_N: np.ndarray, names: tuple[str, ...]) -> Colouring:
    """Beyond ten classes colours don't suffice: all grey, told apart by search."""
    tokens = theme().tokens
    if len(names) > len(tokens.classes):
        grey = (theme().color("muted"),) * len(names)
        return _with_outlines(group_N, grey, names)
    fills = tuple(QColor(tokens.classes[k]) for k in range(len(names)))
    outlines = tuple(QColor(tokens.class_outline(k)) for k in range(len(names)))
    return Colouring(group_N, fills, outlines, names)


def _continuous(
    value_N: np.ndarray,
    ends: tuple[str, str] | None = None,
    span: tuple[float, float] | None = None,
) -> Colouring:
    """cividis from the lowest to the highest value; what wasn't measured is grey."""
    value_N = np.asarray(value_N, np.float64)
    known_N = np.isfinite(value_N)
    if span is None:
        known = value_N[known_N]
        span = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    low, high = span
    part_N = (np.where(known_N, value_N, low) - low) / ((high - low) or 1)
    level_N = np.rint(part_N * (LEVELS - 1)).astype(np.int64)
    table_256x3 = heatmap("cividis")[np.linspace(0, 255, LEVELS).astype(np.intp)]
    fills = [QColor(*(int(channel) for channel in row)) for row in table_256x3]
    group_N = np.where(known_N, level_N, LEVELS)
    shown = ends or (digits(low), digits(high))
    plain = _with_outlines(group_N, (*fills, theme().color("muted")), ())
    return Colouring(group_N, plain.fills, plain.outlines, (), shown, value_N)


def _with_outlines(
    group_N: np.ndarray, fills: tuple[QColor, ...], names: tuple[str, ...]
) -> Colouring:
    dark, surface = theme().tokens.dark, theme().color("surface")
    outlines = tuple(surface if dark else QColor(darkened(fill.name(), 1.35)) for fill in fills)
    return Colouring(group_N, fills, outlines, names)
