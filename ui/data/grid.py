"""Any number of pictures in a grid: only those in sight are drawn, so 60,000 scroll like 60."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from ui.data.picture import side_for, thumbnail
from ui.predictions import class_color, draw_pixels
from ui.theme import theme
from ui.widgets import tooltip

CELL, GAP, STRIPE = 64, 8, 3
KEPT = 1500  # thumbnails that stay ready
NOTHING = -1
KEYS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class PictureGrid(QAbstractScrollArea):
    """Pictures by place; one of them chosen by a click or the arrow keys.

    Signals:
        chosen: place of the chosen picture, -1 for none.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setObjectName("pictures")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(self.Shape.NoFrame)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.place = NOTHING
        self.count = 0
        self._hovered = NOTHING
        self._side = CELL
        self._picture: Callable[[int], np.ndarray] = lambda place: np.zeros((1, 1, 1), np.uint8)
        self._words: Callable[[int], str] = lambda place: ""
        self._label: Callable[[int], int] = lambda place: 0
        self._classes = 0
        self._ready: OrderedDict[int, QImage] = OrderedDict()
        theme().changed.connect(self._fit)

    def show_pictures(
        self,
        count: int,
        picture: Callable[[int], np.ndarray],
        words: Callable[[int], str],
        label: Callable[[int], int],
        classes: int,
    ) -> None:
        """Show `count` pictures, asked for by place as they come into sight.

        Args:
            picture: uint8 [H, W, C] at a place, all of one size.
            words: what is known of it, for the tooltip.
            label: its class; of up to ten `classes`, the colour below the picture.
        """
        self.count, self._picture, self._words = count, picture, words
        self._label, self._classes = label, classes
        self.place = self._hovered = NOTHING
        self._ready.clear()
        height, width = picture(0).shape[:2] if count else (1, 1)
        self._side = side_for(height, width, CELL) if max(height, width) <= CELL else CELL + 32
        self.setAccessibleName(f"Pictures, {count} in all")
        self.verticalScrollBar().setValue(0)
        self._fit()

    def choose(self, place: int) -> None:
        """Choose the picture at a place and bring it into sight; -1 chooses none."""
        if place == self.place or place >= self.count:
            return
        self.place = max(place, NOTHING)
        words = f". {self._words(place)}" if place >= 0 else ""
        self.setAccessibleName(f"Pictures, {self.count} in all{words}")
        if place >= 0:
            self._reveal(place)
        self.viewport().update()
        self.chosen.emit(self.place)

    def columns(self) -> int:
        """How many stand side by side."""
        return max(1, (self.viewport().width() - GAP) // (self._pitch().width()))

    def box(self, place: int) -> QRect:
        """Where a picture stands in the viewport, the stripe below it left out."""
        pitch, columns = self._pitch(), self.columns()
        row, column = divmod(place, columns)
        y = GAP + row * pitch.height() - self.verticalScrollBar().value()
        return QRect(GAP + column * pitch.width(), y, self._pixels(), self._pixels())

    def place_at(self, point: QPoint) -> int:
        """The picture under a point of the viewport, -1 for none."""
        pitch = self._pitch()
        column = (point.x() - GAP) // pitch.width()
        row = (point.y() - GAP + self.verticalScrollBar().value()) // pitch.height()
        place = row * self.columns() + column
        if point.x() < GAP or column >= self.columns() or not 0 <= place < self.count:
            return NOTHING
        return int(place)

    # Qt's events

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        pitch, columns = self._pitch(), self.columns()
        top = self.verticalScrollBar().value()
        first = max(0, (top - GAP) // pitch.height()) * columns
        last = (top + self.viewport().height()) // pitch.height() + 1
        for place in range(first, min(self.count, last * columns)):
            self._paint(painter, place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.place_at(event.position().toPoint()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position().toPoint())
        if place >= 0:
            self.choose(place)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.place_at(event.pos())
            if place >= 0:
                box = self.box(place)
                QToolTip.showText(event.globalPos(), tooltip(self._words(place)), self, box)
            else:
                QToolTip.hideText()
            return True
        if event.type() == QEvent.Type.Leave:
            self._hover(NOTHING)
        return super().viewportEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        place = self._moved(Qt.Key(event.key()))
        if place is None or not self.count:
            super().keyPressEvent(event)
        else:
            self.choose(min(max(place, 0), self.count - 1))

    # How it is done

    def _moved(self, key: Qt.Key) -> int | None:
        """The place that a key leads to; None if the key isn't ours."""
        rows = max(1, self.viewport().height() // self._pitch().height())
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: self.count - 1}
        if key in ends:
            return ends[key]
        step = {Qt.Key.Key_PageUp: (-rows, 0), Qt.Key.Key_PageDown: (rows, 0)} | KEYS
        if key not in step:
            return None
        down, right = step[key]
        if self.place < 0:
            return 0
        place = self.place + down * self.columns() + right
        return place if 0 <= place < self.count or abs(down) > 1 else self.place

    def _paint(self, painter: QPainter, place: int) -> None:
        box = self.box(place)
        draw_pixels(painter, box, self._thumbnail(place))
        stripe = QRect(box.x(), box.bottom() + 3, box.width(), STRIPE)
        painter.fillRect(stripe, class_color(self._label(place), self._classes))
        if place in (self.place, self._hovered):
            chosen = place == self.place
            painter.setPen(QPen(theme().color("accent"), 2 if chosen else 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(-2, -2, 1, STRIPE + 5))

    def _thumbnail(self, place: int) -> QImage:
        image = self._ready.get(place)
        if image is None:
            most = round(self._pixels() * self.devicePixelRatioF())
            image = self._ready[place] = thumbnail(self._picture(place), most)
            if len(self._ready) > KEPT:
                self._ready.popitem(last=False)
        else:
            self._ready.move_to_end(place)
        return image

    def _pixels(self) -> int:
        # Whole multiples of the picture's own pixels stay sharp; a larger text makes them larger.
        return self._side * max(1, round(theme().scale))

    def _pitch(self) -> QSize:
        return QSize(self._pixels() + GAP, self._pixels() + STRIPE + 2 + GAP)

    def _fit(self) -> None:
        rows = -(-self.count // self.columns())
        bar, height = self.verticalScrollBar(), self.viewport().height()
        bar.setPageStep(height)
        bar.setSingleStep(self._pitch().height() // 2)
        bar.setRange(0, max(0, rows * self._pitch().height() + GAP - height))
        self.viewport().update()

    def _reveal(self, place: int) -> None:
        bar = self.verticalScrollBar()
        top = bar.value() + self.box(place).top() - GAP
        if top < bar.value():
            bar.setValue(top)
        elif top + self._pitch().height() + GAP > bar.value() + self.viewport().height():
            bar.setValue(top + self._pitch().height() + GAP - self.viewport().height())

    def _hover(self, place: int) -> None:
        if place != self._hovered:
            self._hovered = place
            self.viewport().update()
