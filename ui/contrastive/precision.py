"""Precision at k: of a query and as the mean over all, painted as two small curves."""

import numpy as np
from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.plots.axis import Scale, ticks
from ui.plots.words import spread
from ui.theme import theme
from workbench.wording import percent


class PrecisionCurve(QWidget):
    """Share of right neighbours among the nearest k, for every k; a line stands at the chosen k."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(160)
        self._query_K = self._mean_K = np.zeros(0)
        self._chance = 0.0
        self._k = 1
        theme().changed.connect(self.update)

    def show_curves(self, query_K: np.ndarray, mean_K: np.ndarray, chance: float, k: int) -> None:
        """Show precisions in [0, 1] for k = 1 to K."""
        self._query_K, self._mean_K, self._chance, self._k = query_K, mean_K, chance, k
        words = f"query {percent(query_K[k - 1])}, mean {percent(mean_K[k - 1])}"
        self.setAccessibleName(f"Precision at {k}: {words}, chance {percent(chance)}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, theme().px(112))

    def paintEvent(self, event: QPaintEvent) -> None:
        if len(self._mean_K):
            painter = QPainter(self)
            painter.setFont(theme().font(11, 500))
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        px, count = theme().px, len(self._mean_K)
        words = painter.fontMetrics().horizontalAdvance("query 100 %") + 12
        area = QRect(px(34), 8, max(20, self.width() - px(34) - words), self.height() - px(26))
        across = Scale(1, max(2, count), area.left(), area.right())
        up = Scale(0, 1, area.bottom(), area.top())
        self._paint_axes(painter, area, across, up)
        painter.setPen(QPen(theme().color("strong"), 1, Qt.PenStyle.DashLine))
        chance = up.pixel(self._chance)
        painter.drawLine(QPointF(area.left(), chance), QPointF(area.right(), chance))
        painter.setPen(QPen(theme().color("text"), 1))
        x = round(across.pixel(self._k))
        painter.drawLine(x, area.top(), x, area.bottom())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        curves = (("query", self._query_K, "accent"), ("mean", self._mean_K, "second"))
        ends = [("chance", self._chance, "muted")]
        for name, values_K, token in curves:
            painter.setPen(QPen(theme().color(token), 2))
            points = [
                QPointF(across.pixel(k), up.pixel(float(value)))
                for k, value in enumerate(values_K, start=1)
            ]
            painter.drawPolyline(points)
            ends.append((name, float(values_K[-1]), token))
        ends.sort(key=lambda end: -end[1])
        line = painter.fontMetrics().height()
        heights = spread([up.pixel(end[1]) for end in ends], line, 0, self.height() - 6)
        for y, (name, value, token) in zip(heights, ends, strict=True):
            painter.setPen(theme().color(token))
            box = QRect(area.right() + 8, round(y - line / 2), words, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, f"{name} {100 * value:.0f} %")

    def _paint_axes(self, painter: QPainter, area: QRect, across: Scale, up: Scale) -> None:
        painter.setPen(theme().color("border"))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.drawLine(area.topLeft(), area.bottomLeft())
        painter.setPen(theme().color("muted"))
        flag, line = Qt.AlignmentFlag, painter.fontMetrics().height()
        for value in (0.0, 0.5, 1.0):
            beside = QRect(0, round(up.pixel(value)) - line // 2, area.left() - 6, line)
            painter.drawText(beside, flag.AlignRight, f"{100 * value:.0f}")
        for value in ticks(across, min(6, max(1, area.width() // theme().px(28))), whole=True):
            below = QRect(round(across.pixel(value)) - 20, area.bottom() + 3, 40, line)
            painter.drawText(below, flag.AlignHCenter, f"{value:.0f}")
        painter.drawText(QRect(area.right() + 8, area.bottom() + 3, 60, line), flag.AlignLeft, "k")
