"""The picture below the pointer's marks: dots, names, scale. N dots, G groups."""

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from ui.embedding.colouring import Colouring
from ui.embedding.dots import Dots
from ui.embedding.frame import Frame
from ui.embedding.pills import paint_pills, paint_scale
from ui.theme import theme

DIMMED, FADED = 0.6, 0.15
EDGE = 4  # pixels outside the widget where a dot still shows


class Layer:
    """Holds what the dots look like, and paints them where a frame puts them.

    Attributes:
        colours: a group for each dot; nothing is painted without.
        dimmed: everything is shown at 60 %, since another map is computed.
    """

    def __init__(self) -> None:
        self.colours: Colouring | None = None
        self.dimmed = False
        self._shuffled_N = self._order_N = np.empty(0, np.int64)
        self._wanted_N = np.empty(0, bool)
        self._dots = Dots()
        self._medians_of: tuple[object, ...] = ()
        self._medians: dict[int, np.ndarray] = {}

    def reset(self, count: int) -> None:
        """Begin with so many new dots, all wanted."""
        # One class drawn last would hide the others: any fixed order but theirs.
        self._shuffled_N = np.random.default_rng(0).permutation(count)
        self.show_only(None)

    def show_only(self, wanted_N: np.ndarray | None) -> None:
        """Fade all but these and draw these last; None shows all."""
        count = len(self._shuffled_N)
        self._wanted_N = np.ones(count, bool) if wanted_N is None else wanted_N
        wanted_last_N = np.argsort(self._wanted_N[self._shuffled_N], kind="stable")
        self._order_N = self._shuffled_N[wanted_last_N]

    def paint(
        self, painter: QPainter, xy_N2: np.ndarray, frame: Frame, area: QRect, ratio: float
    ) -> None:
        """Fill `area`, which begins at 0, with the map."""
        painter.fillRect(area, theme().color("surface"))
        colours = self.colours
        if colours is None or not len(colours.group_N) == len(xy_N2) == len(self._order_N):
            return
        size = area.size().toSizeF()
        at_N2 = frame.pixels(xy_N2, size)
        x_N, y_N = at_N2.T
        seen_N = (x_N > -EDGE) & (x_N < area.width() + EDGE)
        seen_N &= (y_N > -EDGE) & (y_N < area.height() + EDGE)
        seen_M = self._order_N[seen_N[self._order_N]]
        painter.setOpacity(DIMMED if self.dimmed else 1.0)
        self._dots.paint(
            painter,
            at_N2[seen_M],
            colours.group_N[seen_M],
            np.where(self._wanted_N[seen_M], 1.0, FADED),
            (colours.fills, colours.outlines),
            ratio,
        )
        if colours.names:
            medians = self._group_medians(xy_N2)
            at_G2 = frame.pixels(np.array([*medians.values()]).reshape(-1, 2), size)
            paint_pills(painter, at_G2, list(medians), colours, area)
        paint_scale(painter, colours, area)
        painter.setOpacity(1.0)

    def _group_medians(self, xy_N2: np.ndarray) -> dict[int, np.ndarray]:
        """The middle of each group's wanted dots; kept, for panning and zooming don't move it."""
        assert self.colours is not None
        made_of = (xy_N2, self.colours, self._wanted_N)
        if len(self._medians_of) != 3 or any(
            held is not new for held, new in zip(self._medians_of, made_of, strict=True)
        ):
            group_N = self.colours.group_N
            self._medians = {
                group: np.median(xy_N2[(group_N == group) & self._wanted_N], axis=0)
                for group in np.unique(group_N[self._wanted_N]).tolist()
            }
            self._medians_of = made_of
        return self._medians
