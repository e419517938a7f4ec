"""What mouse, wheel and keys do on a plot: read out, pick a step, zoom, fit."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QApplication

from ui.theme import theme

if TYPE_CHECKING:
    from ui.plots.canvas import Canvas

GRIP = 6
FLAT = 14
LEAST_STEPS = 2


class Pointing:
    """The state of the pointer over one canvas.

    Hover reads out; a click picks the step; dragging the cursor line moves it;
    dragging elsewhere zooms, along the steps only if the drag is flat; the wheel
    zooms along the steps; a double click fits. Left, Right, Home and End move the
    read-out by keyboard, Return picks its step.

    Attributes:
        step: the step read out, or None.
    """

    def __init__(self, canvas: "Canvas") -> None:
        self._canvas = canvas
        self.step: int | None = None
        self._pressed: QPointF | None = None
        self._dragged: QPointF | None = None
        self._moves_cursor = False
        # A double click fits a zoomed plot and must not pick a step on its way.
        self._later = QTimer(canvas, singleShot=True)
        self._later.timeout.connect(self._pick)
        self._wanted = 0

    def press(self, event: QMouseEvent) -> None:
        """Begin a click, a zoom, or a move of the cursor line."""
        if event.button() != Qt.MouseButton.LeftButton or not self._canvas.shown:
            return
        self._pressed, self._dragged = event.position(), None
        self._moves_cursor = self._near_cursor(event.position())

    def move(self, event: QMouseEvent) -> None:
        """Read out, or go on with what the press began."""
        at = event.position()
        near = self._moves_cursor or self._near_cursor(at)
        shape = Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.CrossCursor
        self._canvas.setCursor(shape)
        if self._pressed is None:
            area = self._canvas.picture().area
            self._read(self._step_at(at) if area.contains(at) else None)
        elif self._moves_cursor:
            self._read(self._step_at(at))
            self._canvas.step_picked.emit(self._step_at(at))
        elif self._dragged is not None or self._far(at):
            self._dragged = at
            self._read(None)
            self._canvas.update()

    def release(self, event: QMouseEvent) -> None:
        """End a click or a zoom."""
        pressed, dragged = self._pressed, self._dragged
        self._pressed = self._dragged = None
        if pressed is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if dragged is not None:
            self._zoom_to(pressed, dragged)
        elif not self._moves_cursor and self._canvas.picture().area.contains(pressed):
            self._wanted = self._step_at(pressed)
            if self._canvas.zoomed:
                self._later.start(QApplication.doubleClickInterval())
            else:
                self._pick()
        self._moves_cursor = False

    def double_click(self, event: QMouseEvent) -> None:
        """Fit the plot to its curves."""
        self._later.stop()
        self._pressed = None
        self._canvas.zoom(None)

    def wheel(self, event: QWheelEvent) -> None:
        """Zoom along the steps around the pointer."""
        x = self._canvas.picture().x
        pixel = min(max(event.position().x(), x.start), x.end)
        turned = 0.85 ** (event.angleDelta().y() / 120)
        if not self._canvas.shown or turned == 1:
            event.ignore()
            return
        ends = [x.value(pixel + (end - pixel) * turned) for end in (x.start, x.end)]
        low = max(ends[0], 1.0 if x.log else 0.0)
        if ends[1] - low >= LEAST_STEPS:
            self._canvas.zoom((low, ends[1]))
        event.accept()

    def leave(self) -> None:
        """Take the read-out away."""
        self._read(None)

    def key(self, event: QKeyEvent) -> bool:
        """Move the read-out, pick or leave; returns whether the key meant something."""
        picture = self._canvas.picture()
        step = self.step if self.step is not None else self._canvas.cursor_step
        # By a hundredth of what is visible, so that it takes as long at every length of run.
        stride = max(1, round((picture.x.high - picture.x.low) / 100))
        last = self._last()
        moved = {
            Qt.Key.Key_Left: step - stride,
            Qt.Key.Key_Right: step + stride,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }.get(Qt.Key(event.key()))
        if moved is not None:
            self._read(min(max(moved, 0), last))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.step is not None:
            self._canvas.step_picked.emit(self.step)
        elif event.key() == Qt.Key.Key_Escape and self.step is not None:
            self._read(None)
        else:
            return False
        return True

    def paint(self, painter: QPainter) -> None:
        """Draw the part that a drag is about to zoom to."""
        if self._pressed is None or self._dragged is None:
            return
        colour = QColor(theme().tokens.accent)
        painter.setPen(QPen(colour, 1))
        colour.setAlphaF(0.15)
        painter.setBrush(colour)
        painter.drawRect(self._framed(self._pressed, self._dragged))

    def _framed(self, pressed: QPointF, dragged: QPointF) -> QRectF:
        area = self._canvas.picture().area
        framed = QRectF(pressed, dragged).normalized()
        if framed.height() < FLAT:
            framed.setTop(area.top())
            framed.setBottom(area.bottom())
        return framed.intersected(area)

    def _zoom_to(self, pressed: QPointF, dragged: QPointF) -> None:
        framed, picture = self._framed(pressed, dragged), self._canvas.picture()
        low, high = picture.x.value(framed.left()), picture.x.value(framed.right())
        if framed.width() < FLAT or high - low < LEAST_STEPS:
            self._canvas.update()
            return
        whole = framed.height() >= picture.area.height() - 1
        heights = picture.y.value(framed.bottom()), picture.y.value(framed.top())
        self._canvas.zoom((low, high), None if whole else heights)

    def _far(self, at: QPointF) -> bool:
        assert self._pressed is not None
        moved = at - self._pressed
        return moved.manhattanLength() > QApplication.startDragDistance()

    def _near_cursor(self, at: QPointF) -> bool:
        picture = self._canvas.picture()
        beside = abs(picture.x.pixel(self._canvas.cursor_step) - at.x()) <= GRIP
        return bool(self._canvas.shown) and beside and picture.area.contains(at)

    def _step_at(self, at: QPointF) -> int:
        return min(max(round(self._canvas.picture().x.value(at.x())), 0), self._last())

    def _last(self) -> int:
        ends = (s.curve.steps[-1] for s in self._canvas.shown if len(s.curve.steps))
        return int(max(ends, default=0))

    def _pick(self) -> None:
        self._canvas.step_picked.emit(self._wanted)

    def _read(self, step: int | None) -> None:
        if step != self.step:
            self.step = step
            self._canvas.point_at(step)
