"""The map itself: dots, names at medians, a card on hover, and a lasso. N dots."""

import numpy as np
from PySide6.QtCore import QPointF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QCursor,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from ui.embedding.card import Card, paint_card
from ui.embedding.colouring import Colouring
from ui.embedding.frame import Frame
from ui.embedding.glide import Glide
from ui.embedding.layer import Layer
from ui.embedding.pointing import inside, nearest, next_towards
from ui.theme import theme

REACH = 10  # pixels between pointer and dot
ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class Scatter(QWidget):
    """A map that can be panned, zoomed, pointed at and circled.

    Hover shows a card; a click picks; dragging moves the map; Shift or `lasso` and dragging
    circles; the wheel zooms; a double click fits. Arrow keys go from dot to dot, Return
    picks, Plus, Minus and 0 zoom and fit, Escape lets go.

    Attributes:
        lasso: dragging circles even without Shift.
        glides: whether dots glide from map to map.
        hovered: the dot under the pointer or the arrow keys, or -1.
        chosen: indices of the picked or circled dots.
        card_of: gives the card of a dot.

    Signals:
        pointed: the hovered dot changed; -1 for none.
        picked: a dot was picked; -1 when the choice was let go.
        circled: the lasso closed around these dots, an int64 array, perhaps empty.
    """

    pointed = Signal(int)
    picked = Signal(int)
    circled = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scatter")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(200, 120)
        self.lasso, self.glides = False, True
        self.hovered, self.chosen = -1, np.empty(0, np.int64)
        self.card_of: Card | None = None
        self._xy_N2 = self._to_N2 = np.empty((0, 2))
        self._wanted_N: np.ndarray | None = None
        self._layer, self._drawn, self._stale = Layer(), QPixmap(), True
        self._frame, self._from_frame = Frame(), Frame()
        self._fitted, self._keyboard = True, False
        self._press: QPointF | None = None
        self._moved_from: QPointF | None = None
        self._loop: list[QPointF] | None = None
        self._glide = Glide(self)
        self._glide.moved.connect(self._move)
        theme().changed.connect(self._redraw)

    # What is shown

    @property
    def gliding(self) -> bool:
        """Whether dots are on their way to a new map."""
        return self._glide.active

    @property
    def fitted(self) -> bool:
        """Whether the whole map is in view, because nobody has moved or zoomed it."""
        return self._fitted

    def show_map(self, xy_N2: np.ndarray, *, continues: bool) -> None:
        """Show a map: gliding there if it `continues` the one on show, else at once."""
        to_N2 = xy_N2.astype(np.float64)
        continues = continues and len(to_N2) == len(self._xy_N2) > 0
        if not continues:
            self._layer.reset(len(to_N2))
            self._fitted, self._wanted_N = True, None
            self.hovered, self.chosen = -1, np.empty(0, np.int64)
        self._to_N2, self._from_frame = to_N2, self._frame
        if continues and self.glides and self.isVisible():
            self._glide.start(self._xy_N2, to_N2)
        else:
            self._glide.jump(to_N2)
        self._say()

    def show_colours(self, colours: Colouring) -> None:
        """Colour the dots; one group for each of them."""
        self._layer.colours = colours
        self._redraw()

    def show_only(self, wanted_N: np.ndarray | None) -> None:
        """Fade all dots but the wanted ones; None shows all."""
        self._wanted_N = wanted_N
        self._fade()

    def set_dimmed(self, dimmed: bool) -> None:
        """Show the old map at 60 % while another one is computed."""
        if dimmed != self._layer.dimmed:
            self._layer.dimmed = dimmed
            self._redraw()

    def choose(self, index_M: np.ndarray) -> None:
        """Mark these dots, without telling: one by a ring, many by fading the others."""
        self.chosen = np.asarray(index_M, np.int64)
        self._fade()

    def fit(self) -> None:
        """Show the whole map."""
        self._fitted = True
        self._frame = Frame.around(self._xy_N2, self._size())
        self._redraw()

    def place(self, index: int) -> QPointF:
        """Where a dot is on the widget."""
        return QPointF(*self._frame.pixels(self._xy_N2[index : index + 1], self._size())[0])

    def picture(self) -> QPixmap:
        """The map without what the pointer adds."""
        ratio = self.devicePixelRatioF()
        result = QPixmap(self.size() * ratio)
        result.setDevicePixelRatio(ratio)
        painter = QPainter(result)
        self._layer.paint(painter, self._xy_N2, self._frame, self.rect(), ratio)
        painter.end()
        return result

    def sizeHint(self) -> QSize:
        return QSize(480, 360)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._stale or self._drawn.size() != self.size() * ratio:
            self._drawn, self._stale = self.picture(), False
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._drawn)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if len(self.chosen) == 1:
            self._ring(painter, self.place(int(self.chosen[0])), "accent", 8)
        if self._loop is not None:
            painter.setPen(QPen(theme().color("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolygon(QPolygonF(self._loop))
        if 0 <= self.hovered < len(self._xy_N2):
            at = self.place(self.hovered)
            self._ring(painter, at, "text", 6)
            if self.card_of is not None and not self.gliding:
                paint_card(painter, self.card_of(self.hovered), at, self.rect())
        if self.hasFocus() and self._keyboard:
            painter.setPen(QPen(theme().color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 6, 6)

    @staticmethod
    def _ring(painter: QPainter, at: QPointF, token: str, radius: float) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for name, width in (("surface", 4), (token, 2)):
            painter.setPen(QPen(theme().color(name), width))
            painter.drawEllipse(at, radius, radius)

    def _move(self, part: float, xy_N2: np.ndarray) -> None:
        """Dots, and what is in view if nobody zoomed, are `part` of their way."""
        self._xy_N2 = xy_N2
        if self._fitted:
            goal = Frame.around(self._to_N2, self._size())
            self._frame = self._from_frame.towards(goal, part)
        self._redraw()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self.gliding:
            self._glide.land()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fitted:
            self._frame = Frame.around(self._xy_N2, self._size())
        self._stale = True

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not len(self._xy_N2):
            return
        self._keyboard = False
        self._press = self._moved_from = event.position()
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        self._loop = [event.position()] if self.lasso or shift else None
        if self._loop is not None:
            self._point_at(-1)  # a card would lie over what is to be circled

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._press is None or self._moved_from is None:
            self._point_at(nearest(self._pixels(), at, REACH))
            return
        if self._loop is not None:
            self._loop.append(at)
            self.update()
            return
        far = (at - self._press).manhattanLength() >= QApplication.startDragDistance()
        if far or self._moved_from != self._press:
            self._point_at(-1)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self._look_from(self._frame.moved(at - self._moved_from))
            self._moved_from = at

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        press, moved_from, loop = self._press, self._moved_from, self._loop
        self._press = self._moved_from = self._loop = None
        self.unsetCursor()
        self.update()
        if press is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if loop is not None and len(loop) > 2:
            self.choose(inside(self._pixels(), loop))
            self.circled.emit(self.chosen)
        elif moved_from == press:
            self._pick(nearest(self._pixels(), event.position(), REACH))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if not turned or not len(self._xy_N2):
            event.ignore()
            return
        self._zoom(1.0015**turned, event.position())
        event.accept()

    def leaveEvent(self, event: object) -> None:
        if self._press is None and not self._keyboard:
            self._point_at(-1)

    # Keys

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._keyboard = event.reason() in (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
        )
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in ARROWS and len(self._xy_N2):
            self._keyboard = True
            self._point_at(next_towards(self._pixels(), self.hovered, ARROWS[key], self.rect()))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.hovered >= 0:
            self._pick(self.hovered)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus) and len(self._xy_N2):
            factor = 0.8 if key == Qt.Key.Key_Minus else 1.25
            self._zoom(factor, QPointF(self.rect().center()))
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key == Qt.Key.Key_Escape and (len(self.chosen) or self.hovered >= 0):
            self._point_at(-1)
            self._pick(-1)
        else:
            super().keyPressEvent(event)

    # Helpers

    def _redraw(self) -> None:
        self._stale = True
        self.update()

    def _fade(self) -> None:
        wanted_N = self._wanted_N
        if len(self.chosen) > 1:
            wanted_N = np.isin(np.arange(len(self._to_N2)), self.chosen)
        self._layer.show_only(wanted_N)
        self._redraw()

    def _size(self) -> QSizeF:
        return QSizeF(self.size())

    def _pixels(self) -> np.ndarray:
        return self._frame.pixels(self._xy_N2, self._size())

    def _zoom(self, factor: float, at: QPointF) -> None:
        whole = Frame.around(self._xy_N2, self._size()).scale
        scale = min(max(self._frame.scale * factor, whole / 2), whole * 200)
        self._look_from(self._frame.zoomed(scale / self._frame.scale, at, self._size()))
        self._point_at(nearest(self._pixels(), QPointF(self.mapFromGlobal(QCursor.pos())), REACH))

    def _look_from(self, frame: Frame) -> None:
        if self.gliding:
            self._glide.land()
        self._frame, self._fitted = frame, False
        self._redraw()

    def _point_at(self, index: int) -> None:
        if index != self.hovered:
            self.hovered = index
            self._say()
            self.pointed.emit(index)
            self.update()

    def _pick(self, index: int) -> None:
        self.choose(np.array([index] if index >= 0 else [], np.int64))
        self.picked.emit(index)

    def _say(self) -> None:
        words = f"Embedding map of {len(self._to_N2)} images."
        if 0 <= self.hovered < len(self._to_N2) and self.card_of is not None:
            words += " " + ", ".join(self.card_of(self.hovered).lines)
        self.setAccessibleName(words)
        self.setAccessibleDescription(
            "Arrow keys go from image to image, Return picks, Plus and Minus zoom, 0 fits."
        )
