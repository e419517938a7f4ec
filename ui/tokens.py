"""Colours by meaning: one table for the dark and the light theme, and the maps for pictures."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Tokens:
    """Every colour of one theme as "#RRGGBB".

    Attributes:
        window: behind everything.
        surface: panels, views, tables, plot background.
        raised: chips, hover cards, frozen fields, tooltips.
        border: separators, outlines of secondary buttons, plot axes.
        strong: outline of editable fields, reference lines, disabled text.
        text: body text.
        muted: labels, units, why-lines, ticks.
        accent: selection, links, training curve.
        fill: the one primary button, under `on_fill`.
        on_fill: text on `fill`.
        soft: selected row or rail item.
        second: validation curve only.
        success: always with an icon and a word, as `warn` and `danger`.
        warnsoft: ground of the recovery banner.
        classes: ten class colours, index 0 to 9; distinct for colour-blind eyes.
    """

    dark: bool
    window: str
    surface: str
    raised: str
    border: str
    strong: str
    text: str
    muted: str
    accent: str
    fill: str
    on_fill: str
    soft: str
    second: str
    success: str
    warn: str
    danger: str
    warnsoft: str
    classes: tuple[str, ...]

    def class_outline(self, index: int) -> str:
        """Outline of a dot of class `index` (0 to 9): pale dots need one to be seen on white."""
        return self.surface if self.dark else darkened(self.classes[index], 1.35)


DARK = Tokens(
    dark=True,
    window="#121519",
    surface="#191D23",
    raised="#222730",
    border="#2E353F",
    strong="#687385",
    text="#E8EBEF",
    muted="#9BA5B3",
    accent="#6AA8FF",
    fill="#2F6FDB",
    on_fill="#FFFFFF",
    soft="#1B2B45",
    second="#E9A23B",
    success="#4CC38A",
    warn="#E5B454",
    danger="#FF7B72",
    warnsoft="#2B2619",
    classes=(
        "#5E8DFA",
        "#FAA505",
        "#46D98F",
        "#B173A1",
        "#F0E42E",
        "#7754C7",
        "#F16442",
        "#5CF8FA",
        "#A7520B",
        "#B7B0DB",
    ),
)

LIGHT = Tokens(
    dark=False,
    window="#F3F5F7",
    surface="#FFFFFF",
    raised="#EDF0F3",
    border="#D9DEE4",
    strong="#7F8B9A",
    text="#1B2129",
    muted="#5A6675",
    accent="#1F62D0",
    fill="#1F62D0",
    on_fill="#FFFFFF",
    soft="#E4EDFB",
    second="#B35C00",
    success="#17784A",
    warn="#8A5A00",
    danger="#C4262E",
    warnsoft="#FBF3E0",
    classes=(
        "#2F299A",
        "#C46705",
        "#16A27A",
        "#FA70BA",
        "#B5AF06",
        "#9C60DC",
        "#AD2C48",
        "#06B7F5",
        "#632D07",
        "#45698C",
    ),
)


def channels(colour: str) -> tuple[int, int, int]:
    """ "#RRGGBB" as three numbers in [0, 255]."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mixed(ground: str, over: str, share: float) -> str:
    """`share` (0 to 1) of the colour `over` laid on `ground`."""
    pairs = zip(channels(ground), channels(over), strict=True)
    return "#" + "".join(f"{round(g + (o - g) * share):02X}" for g, o in pairs)


def darkened(colour: str, factor: float) -> str:
    """`colour` with every channel divided by `factor`."""
    return "#" + "".join(f"{round(channel / factor):02X}" for channel in channels(colour))


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast of two colours, 1 (equal) to 21 (black on white)."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


HEATMAPS = ("magma", "cividis", "CET-D1A", "CET-C2")


@cache
def heatmap(name: str) -> "np.ndarray":
    """Lookup table of a colour map, uint8 [256, 3], read-only.

    magma for attention and saliency, cividis for grids with printed numbers,
    CET-D1A for signed values symmetric about 0, CET-C2 for angles only.
    The first call imports pyqtgraph, which ships the tables.

    Raises:
        ValueError: `name` isn't one of HEATMAPS.
    """
    if name not in HEATMAPS:
        raise ValueError(f"no heat map is called {name!r}; there are {', '.join(HEATMAPS)}")
    import pyqtgraph as pg

    table_256x3: np.ndarray = pg.colormap.get(name).getLookupTable(nPts=256, alpha=False)
    table_256x3.setflags(write=False)
    return table_256x3
