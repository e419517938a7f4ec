"""A curve as small as a word: its course, without axes or numbers."""

import numpy as np
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.theme import theme

POINTS = 60
SIZE = 120, 24
EDGE = 2  # pixels kept free, so that the stroke isn't cut


class Sparkline(QWidget):
    """Draws values [n], evenly spaced, from their lowest to their highest."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(*SIZE)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._values = np.empty(0)
        self._color = "accent"
        theme().changed.connect(self.update)

    def show_values(self, values: np.ndarray, color: str = "accent") -> None:
        """Show the finite ones of `values` in the colour of the token `color`."""
        self._values, self._color = values[np.isfinite(values)], color
        self.update()

    @property
    def values(self) -> np.ndarray:
        """What is drawn."""
        return self._values

    def sizeHint(self) -> QSize:
        return QSize(*SIZE)

    def paintEvent(self, event: QPaintEvent) -> None:
        count = len(self._values)
        if count < 2:
            return
        low, high = float(self._values.min()), float(self._values.max())
        x = np.linspace(EDGE, self.width() - EDGE, count)
        part = (self._values - low) / (high - low) if high > low else np.zeros(count)
        y = self.height() - EDGE - part * (self.height() - 2 * EDGE)
        points = [QPointF(*at) for at in zip(x.tolist(), y.tolist(), strict=True)]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().color(self._color), 1.5))
        painter.drawPolyline(QPolygonF(points))


def course(values: np.ndarray, points: int = POINTS) -> np.ndarray:
    """At most `points` means of equal stretches of the finite `values`: float64 [p].

    A mean of a stretch shows the course; single spikes belong on a plot with numbers.
    """
    finite = np.asarray(values, float)[np.isfinite(values)]
    if len(finite) <= points:
        return finite
    edges = np.linspace(0, len(finite), points + 1).astype(int)
    return np.add.reduceat(finite, edges[:-1]) / np.diff(edges)
