"""Where map coordinates lie on the widget. N dots."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QSizeF

MARGIN = 28  # pixels kept free around a fitted map


@dataclass(frozen=True)
class Frame:
    """A map's place on screen: the coordinates in the middle, and pixels per unit."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0

    @classmethod
    def around(cls, xy_N2: np.ndarray, size: QSizeF) -> "Frame":
        """The frame that shows every dot as large as fits."""
        if not len(xy_N2):
            return cls()
        low_2, high_2 = xy_N2.min(0), xy_N2.max(0)
        room = np.maximum(1.0, np.array([size.width(), size.height()]) - 2 * MARGIN)
        span_2 = high_2 - low_2
        scales = [r / s for r, s in zip(room, span_2, strict=True) if s > 0]
        scale = float(min(scales)) if scales else 1.0  # all in one place: any scale will do
        middle_2 = (low_2 + high_2) / 2
        return cls(float(middle_2[0]), float(middle_2[1]), scale)

    def pixels(self, xy_N2: np.ndarray, size: QSizeF) -> np.ndarray:
        """[N, 2] places on a widget of `size`; y goes up on the map."""
        at_N2 = (xy_N2 - (self.x, self.y)) * (self.scale, -self.scale)
        at_N2 += (size.width() / 2, size.height() / 2)
        return at_N2

    def moved(self, by: QPointF) -> "Frame":
        """The map pushed by so many pixels."""
        return Frame(self.x - by.x() / self.scale, self.y + by.y() / self.scale, self.scale)

    def zoomed(self, factor: float, at: QPointF, size: QSizeF) -> "Frame":
        """Larger by `factor` around a place of the widget, which keeps its coordinates."""
        across, down = at.x() - size.width() / 2, at.y() - size.height() / 2
        kept = 1 / self.scale - 1 / (self.scale * factor)
        return Frame(self.x + across * kept, self.y - down * kept, self.scale * factor)

    def towards(self, other: "Frame", part: float) -> "Frame":
        """`part` of the way to another frame."""
        scale = self.scale * (other.scale / self.scale) ** part
        return Frame(self.x + (other.x - self.x) * part, self.y + (other.y - self.y) * part, scale)
