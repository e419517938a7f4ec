"""An anchor's softmax row as bars over pictures, with the gradient that each negative gets."""

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ui.contrastive.batch import Batch, Push
from ui.predictions import draw_pixels
from ui.theme import theme
from workbench.wording import percent

COLUMN, SIDE, BARS = 46, 38, 64
POSITIVES = 2  # shown at most, where a class has many


class SoftmaxRow(QWidget):
    """Positives first, then negatives, most probable first; what has no room is summed up.

    Signals:
        picked: the row of the batch whose picture the user chose.
    """

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._batch: Batch | None = None
        self._push: Push | None = None
        self._anchor = 0
        theme().changed.connect(self.update)

    def show_row(self, batch: Batch, push: Push, anchor: int) -> None:
        """Show the row of `anchor`."""
        self._batch, self._push, self._anchor = batch, push, anchor
        first = ", ".join(
            f"{batch.name(row)} {percent(float(push.probability_NN[anchor, row]))}"
            for row in self.order()[:4]
        )
        self.setAccessibleName(f"Softmax row of {batch.name(anchor)}: {first}")
        self.update()

    def order(self) -> list[int]:
        """The rows with a column of their own, from left to right."""
        if self._batch is None or self._push is None:
            return []
        probability_N = self._push.probability_NN[self._anchor]
        positive_N = self._batch.positive_NN[self._anchor]
        ranked = np.argsort(-probability_N, kind="stable")
        positives = [int(row) for row in ranked if positive_N[row]][:POSITIVES]
        negatives = [int(row) for row in ranked if not positive_N[row] and row != self._anchor]
        room = max(1, (self.width() - self._left() - theme().px(COLUMN)) // theme().px(COLUMN))
        return positives + negatives[: max(0, room - len(positives))]

    def sizeHint(self) -> QSize:
        px = theme().px
        return QSize(px(6 * COLUMN), px(BARS) + px(SIDE) + 3 * px(16) + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._batch is None or self._push is None:
            return
        painter = QPainter(self)
        painter.setFont(theme().font(11, 500))
        order = self.order()
        probability_N = self._push.probability_NN[self._anchor]
        most = max(float(probability_N.max()), 1e-9)
        self._paint_captions(painter)
        for place, row in enumerate(order):
            self._paint_column(painter, place, row, most)
        self._paint_rest(painter, len(order), order)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position().toPoint())
        if row >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(row)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self._row_at(event.pos())
            if row >= 0 and self._batch is not None:
                QToolTip.showText(event.globalPos(), self._batch.pair(self._anchor, row), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def column(self, place: int) -> QRect:
        """The room of a column, in this widget's coordinates."""
        width = theme().px(COLUMN)
        return QRect(self._left() + place * width, 0, width, self.height())

    def _left(self) -> int:
        return self.fontMetrics().horizontalAdvance("gradient") + 10

    def _row_at(self, point: QPoint) -> int:
        for place, row in enumerate(self.order()):
            if self.column(place).contains(point):
                return row
        return -1

    def _paint_captions(self, painter: QPainter) -> None:
        line, top = theme().px(16), theme().px(BARS) + theme().px(16)
        painter.setPen(theme().color("muted"))
        flag, width = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._left()
        painter.drawText(QRect(0, top - line, width, line), flag, "softmax")
        below = top + theme().px(SIDE) + 6
        painter.drawText(QRect(0, below, width, line), flag, "gradient")

    def _paint_column(self, painter: QPainter, place: int, row: int, most: float) -> None:
        assert self._batch is not None
        assert self._push is not None
        px, box = theme().px, self.column(place)
        probability = float(self._push.probability_NN[self._anchor, row])
        positive = bool(self._batch.positive_NN[self._anchor, row])
        foot = px(16) + px(BARS)
        height = max(1, round(px(BARS) * probability / most))
        bar = QRect(box.x() + 6, foot - height, box.width() - 12, height)
        painter.fillRect(bar, theme().color("success" if positive else "accent"))
        flag, line = Qt.AlignmentFlag.AlignCenter, px(16)
        painter.setPen(theme().color("text"))
        over = QRect(box.x(), bar.y() - line, box.width(), line)
        painter.drawText(over, flag, _short(probability))
        picture = QRect(box.x() + (box.width() - px(SIDE)) // 2, foot + 3, px(SIDE), px(SIDE))
        painter.fillRect(picture, theme().color("raised"))
        draw_pixels(painter, picture, self._batch.images[row])
        below = QRect(box.x(), picture.bottom() + 4, box.width(), line)
        share = float(self._push.share_NN[self._anchor, row])
        painter.setPen(theme().color("success" if positive else "text"))
        painter.drawText(below, flag, "pulled" if positive else _short(share))

    def _paint_rest(self, painter: QPainter, place: int, order: list[int]) -> None:
        assert self._batch is not None
        assert self._push is not None
        others = np.ones(self._batch.count, bool)
        others[[*order, self._anchor]] = False
        if not others.any():
            return
        px, box, line = theme().px, self.column(place), theme().px(16)
        foot, flag = px(16) + px(BARS), Qt.AlignmentFlag.AlignCenter
        painter.setPen(theme().color("muted"))
        total = float(self._push.probability_NN[self._anchor, others].sum())
        share = float(self._push.share_NN[self._anchor, others].sum())
        painter.drawText(QRect(box.x(), foot - line, box.width(), line), flag, _short(total))
        middle = QRect(box.x(), foot + 3, box.width(), px(SIDE))
        painter.drawText(middle, flag, f"{int(others.sum())}\nmore")
        below = QRect(box.x(), foot + 3 + px(SIDE) + 4, box.width(), line)
        painter.drawText(below, flag, _short(share))


def _short(share: float) -> str:
    """ "31 %", "1.2 %", "<0.1 %" or "0 %"."""
    if share == 0:
        return "0 %"
    if share < 0.001:
        return "<0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"
