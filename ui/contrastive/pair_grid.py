"""The two views of each image of a batch side by side, painted in one widget."""

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ui.contrastive.batch import Batch
from ui.predictions import draw_pixels
from ui.theme import theme

SIDE, INSIDE, BETWEEN = 40, 2, 12


class PairGrid(QWidget):
    """Pairs in rows; the anchor is framed in the accent, its positives in the text's colour.

    Signals:
        picked: the row of the batch (view 1: below B, view 2: from B) that the user chose.
    """

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.anchor = -1
        self._batch: Batch | None = None
        theme().changed.connect(self.update)

    def show_batch(self, batch: Batch) -> None:
        """Show a batch's pictures."""
        self._batch = batch
        self._fit()
        self.update()

    def show_anchor(self, row: int) -> None:
        """Frame a picture without telling."""
        self.anchor = row
        name = self._batch.name(row) if self._batch is not None and row >= 0 else "none"
        self.setAccessibleName(f"Pairs of views. Anchor: {name}")
        self.setAccessibleDescription("Arrow keys choose the anchor.")
        self.update()

    def box(self, row: int) -> QRect:
        """Where a picture stands, in this widget's coordinates."""
        half, side = self._half(), theme().px(SIDE)
        place, view = row % half, row // half
        down, across = divmod(place, self._columns())
        x = across * (2 * side + INSIDE + BETWEEN) + view * (side + INSIDE) + 3
        return QRect(x, down * (side + BETWEEN // 2) + 3, side, side)

    def sizeHint(self) -> QSize:
        side = theme().px(SIDE)
        rows = -(-self._half() // self._columns()) if self._batch else 1
        return QSize(2 * (2 * side + INSIDE + BETWEEN), rows * (side + BETWEEN // 2) + 6)

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * theme().px(SIDE) + INSIDE + 6, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._batch is None:
            return
        painter = QPainter(self)
        for row, image in enumerate(self._batch.images):
            box = self.box(row)
            if not box.intersects(event.rect()):
                continue
            painter.fillRect(box, theme().color("raised"))
            draw_pixels(painter, box, image)
            if row == self.anchor:
                painter.setPen(QPen(theme().color("accent"), 2))
            elif self.anchor >= 0 and self._batch.positive_NN[self.anchor, row]:
                painter.setPen(QPen(theme().color("text"), 2, Qt.PenStyle.DotLine))
            else:
                continue
            painter.drawRect(box.adjusted(-1, -1, 1, 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position().toPoint())
        if row >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self._batch is None or key not in MOVES:
            super().keyPressEvent(event)
            return
        half = self._half()
        row = max(self.anchor, 0)
        place, view = row % half, row // half
        across, down = MOVES[key]
        walked = min(max(2 * place + view + across, 0), 2 * half - 1)
        place, view = walked // 2, walked % 2
        further = place + down * self._columns()
        place = further if 0 <= further < half else place
        self.picked.emit(view * half + place)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self._row_at(event.pos())
            if row >= 0 and self._batch is not None:
                QToolTip.showText(event.globalPos(), self._batch.name(row), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _half(self) -> int:
        return self._batch.count // 2 if self._batch else 1

    def _columns(self) -> int:
        pair = 2 * theme().px(SIDE) + INSIDE + BETWEEN
        return max(1, (self.width() + BETWEEN - 6) // pair)

    def _fit(self) -> None:
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()

    def _row_at(self, point: QPoint) -> int:
        if self._batch is not None:
            for row in range(self._batch.count):
                if self.box(row).contains(point):
                    return row
        return -1


MOVES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
