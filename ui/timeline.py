"""The one timeline: where the run is, what it kept, and which step every view shows."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ui.plots.ticks import Row, earlier, later, merged, rows_of, snapped, stops
from ui.plots.timeline_painting import ROW, Frame, paint_slider, paint_still
from ui.theme import theme
from ui.widgets import tooltip
from workbench.history import History
from workbench.wording import thousands

SNAP = 6
NO_RUN = "The steps of a run appear here."
FEWEST_ROWS = 4
FEWEST_COMPACT = 2


class Timeline(QWidget):
    """Epochs and a slider, and below a row of ticks for everything that the run kept.

    The handle at the newest step is live: views follow the run. Dragging it back
    detaches the views while training goes on. Left and Right go from tick to tick,
    with Ctrl from epoch to epoch; Home, End; L goes back to live.

    Signals:
        moved: the user chose a step (int), or live (None).
    """

    moved = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._history: History | None = None
        self._cursor: int | None = None
        self._compact = False
        self._rows: list[Row] = []
        self._counts: tuple[object, ...] = ()
        self._still: QPixmap | None = None
        self._still_of: tuple[object, ...] = ()
        self._pill = QRectF()
        self._dragging = False
        theme().changed.connect(self._fit)
        self._tell()

    def set_history(self, history: History | None) -> None:
        """Show the run as it is now; call it after every change, with the same object."""
        self._history = history
        self._gather()
        self._tell()
        self.update()

    def set_cursor(self, step: int | None) -> None:
        """Put the handle at `step`, or to the newest step with None, without a signal."""
        if step != self._cursor:
            self._cursor = step
            self._tell()
            self.update()

    def set_compact(self, compact: bool) -> None:
        """One merged row of ticks instead of one for each kind, for small windows."""
        if compact != self._compact:
            self._compact = compact
            self._counts = ()
            self._gather()
            self._fit()

    @property
    def cursor_step(self) -> int | None:
        """The step that views show; None while they follow the run."""
        return self._cursor

    @property
    def rows(self) -> list[Row]:
        """The rows as they are drawn."""
        return self._rows

    def sizeHint(self) -> QSize:
        # Room from the start, or the window would jump with the first tick.
        rows = max(len(self._rows), FEWEST_COMPACT if self._compact else FEWEST_ROWS)
        return QSize(480, theme().px(50) + theme().px(ROW) * rows + 6)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, self.sizeHint().height())

    def frame(self) -> Frame:
        """Where things are now."""
        history = self._history
        total = max(history.total_steps, history.step, 1) if history else 1
        per_epoch = history.steps_per_epoch if history else 0
        return Frame(self.width(), total, per_epoch, self._step(), self._rows)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        frame = self.frame()
        painter.drawPixmap(0, 0, self._drawn(frame))
        if self._history is not None:
            self._pill = paint_slider(
                painter, frame, self._head(), self._cursor, self._pill_words(), self._running()
            )
        else:
            painter.setFont(theme().font(12))
            painter.setPen(theme().color("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, NO_RUN)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._still = None

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            words = self.words_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), tooltip(words), self)
            return True
        return super().event(event)

    def words_at(self, place: QPointF) -> str:
        """What the tick at a place says, or nothing."""
        frame = self.frame()
        number = frame.row_at(place.y())
        if number is None:
            return ""
        row = frame.rows[number]
        near = snapped(round((place.x() - frame.left) / frame.length), row.steps, 5 / frame.length)
        return row.words[row.steps.index(near)] if near in row.steps else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._history is None:
            return
        if self._pill.contains(event.position()):
            self._go(None)
        elif event.position().x() >= self.frame().left - SNAP:
            self._dragging = True
            self._drag(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self._drag(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._history is None or not self._go_by_key(event):
            super().keyPressEvent(event)

    def _go_by_key(self, event: QKeyEvent) -> bool:
        step, head = self._step(), self._head()
        by_epoch = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        per_epoch = self._history.steps_per_epoch if self._history else 0
        targets = range(0, head + 1, per_epoch) if by_epoch and per_epoch else stops(self._rows)
        match event.key():
            case Qt.Key.Key_Left:
                self._go(earlier(step, targets) or 0)
            case Qt.Key.Key_Right:
                self._go(later(step, targets))
            case Qt.Key.Key_Home:
                self._go(0)
            case Qt.Key.Key_End | Qt.Key.Key_L:
                self._go(None)
            case _:
                return False
        return True

    def _drag(self, event: QMouseEvent) -> None:
        frame, head = self.frame(), self._head()
        step = min(max(round((event.position().x() - frame.left) / frame.length), 0), head)
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            step = snapped(step, sorted({*stops(self._rows), head}), SNAP / frame.length)
        self._go(step)

    def _go(self, step: int | None) -> None:
        if step is not None and step >= self._head():
            step = None  # The newest step is live, so that views go on following it.
        if step != self._cursor:
            self.set_cursor(step)
            self.moved.emit(step)

    def _head(self) -> int:
        return self._history.step if self._history else 0

    def _step(self) -> int:
        return self._head() if self._cursor is None else self._cursor

    def _running(self) -> bool:
        return self._history is not None and self._history.status in ("running", "paused")

    def _pill_words(self) -> str:
        if self._cursor is None:
            return "Live" if self._running() else "End"
        return "Back to live  L" if self._running() else "Back to the end  L"

    def _gather(self) -> None:
        history = self._history
        if history is None:
            counts: tuple[object, ...] = (None,)
        else:
            kinds = tuple((kind, len(held)) for kind, held in history.artifacts.items())
            counts = (id(history), kinds, tuple(history.checkpoints), len(history.marks))
        if counts == self._counts:
            return
        self._counts = counts
        rows = rows_of(history) if history is not None else []
        before, self._rows = len(self._rows), merged(rows) if self._compact else rows
        if len(self._rows) != before:
            self._fit()
        self._still = None

    def _fit(self) -> None:
        self._still = None
        self.updateGeometry()
        self.update()

    def _tell(self) -> None:
        total = self._history.total_steps if self._history else 0
        where = "live" if self._cursor is None and self._running() else "looking back"
        if self._cursor is None and not self._running():
            where = "the end"
        told = f"Step {thousands(self._step())} of {thousands(total)}, {where}"
        told = told if self._history else "No run is open"
        if told != self.accessibleDescription():
            self.setAccessibleName(f"Timeline: {told}")
            self.setAccessibleDescription(told)

    def _drawn(self, frame: Frame) -> QPixmap:
        """What moves seldom, kept as a pixmap."""
        ratio = self.devicePixelRatioF()
        newest = tuple(row.newest(frame.shown) for row in frame.rows)
        made_of = (ratio, frame.total, frame.per_epoch, newest)
        if self._still is None or made_of != self._still_of:
            self._still_of = made_of
            self._still = QPixmap(self.size() * ratio)
            self._still.setDevicePixelRatio(ratio)
            self._still.fill(QColor(theme().tokens.surface))
            painter = QPainter(self._still)
            paint_still(painter, frame)
            painter.end()
        return self._still
