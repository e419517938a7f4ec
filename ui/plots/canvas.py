"""The drawn part of a plot: holds curves and ranges, and paints them once per change."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.plots.axis import Scale, Span, value_span
from ui.plots.curve import Curve, Level, Moment, Shown, Smoothing, extent
from ui.plots.painting import paint_axes, paint_curves
from ui.plots.picture import Picture
from ui.plots.pointing import Pointing
from ui.plots.readout import paint_readout, readout, spoken
from ui.plots.steps import Steps
from ui.plots.words import end_words
from ui.theme import theme


class Canvas(QWidget):
    """Curves between a left and a bottom axis.

    The picture is kept as a pixmap; cursor and read-out are drawn over it, so that
    moving them costs next to nothing. A hidden canvas draws nothing at all.

    Args:
        values: the range of values if it is fixed, such as (0, 1).
        from_zero: always show 0, so that heights compare.
        factor: what values are multiplied with for people, such as 100 for percent.
        moment_words: whether marks carry their words.

    Attributes:
        steps: the axis along the steps, perhaps shared with other canvases.
        repaints: how often the picture was drawn.

    Signals:
        step_picked: the user clicked at a step or dragged the cursor there.
    """

    step_picked = Signal(int)

    def __init__(
        self,
        *,
        values: Span | None = None,
        from_zero: bool = False,
        factor: float = 1.0,
        moment_words: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.shown: list[Shown] = []
        self.levels: Sequence[Level] = ()
        self.moments: Sequence[Moment] = ()
        self.factor = factor
        self.log_values = False
        self.goal = 0
        self.repaints = 0
        self.steps = Steps()
        self._curves: list[Curve] = []
        self._cursor: int | None = None
        self._fixed, self._from_zero, self._moment_words = values, from_zero, moment_words
        self._smoothing = Smoothing(0.0)
        self._zoom_y: Span | None = None
        self._span_y: Span | None = None
        self._axes, self._layer = QPixmap(), QPixmap()
        self._axes_of: tuple[object, ...] = ()
        self._stale = True
        self._picture: Picture | None = None
        self.pointing = Pointing(self)
        self.steps.join(self)
        theme().changed.connect(self.redraw)

    def set_curves(
        self,
        curves: Sequence[Curve],
        levels: Sequence[Level] = (),
        moments: Sequence[Moment] = (),
        goal: int = 0,
    ) -> None:
        """Show these curves instead of what was shown; the first is painted last.

        Args:
            goal: the last step there will be, if the curves still grow towards it.
        """
        self._curves, self.levels, self.moments = list(curves), levels, moments
        self.goal = goal
        self.shown = self._smoothing(self._curves)
        self.setAccessibleDescription(
            ", ".join(filter(None, (end_words(shown, self.factor) for shown in self.shown)))
        )
        self.redraw()

    def set_cursor(self, step: int | None) -> None:
        """Put the shared cursor at `step`; None keeps it at the newest step."""
        if step != self._cursor:
            self._cursor = step
            self.update()

    def set_smoothing(self, factor: float) -> None:
        """Smooth "line" curves with `factor` in [0, 1)."""
        self._smoothing = Smoothing(factor)
        self.shown = self._smoothing(self._curves)
        self._span_y = None
        self.redraw()

    def set_log(self, on: bool) -> None:
        """Make the axis of values logarithmic or linear, and fit it."""
        self.log_values = on
        self._zoom_y = self._span_y = None
        self.redraw()

    def zoom(self, steps: Span | None, values: Span | None = None) -> None:
        """Show only these steps and values; None fits an axis to the curves again."""
        self._zoom_y, self._span_y = values, None
        self.redraw()
        self.steps.set_zoom(steps)

    def share(self, steps: Steps) -> None:
        """Move along the steps together with the other canvases of `steps`."""
        self.steps.leave(self)
        self.steps = steps
        steps.join(self)
        self.redraw()

    @property
    def zoomed(self) -> bool:
        """Whether something is left out on purpose."""
        return self.steps.zoom is not None or self._zoom_y is not None

    @property
    def cursor_step(self) -> int:
        """The step of the cursor line: the newest one while it follows."""
        if self._cursor is not None:
            return self._cursor
        return max((end[0] for shown in self.shown if (end := shown.end())), default=0)

    def picture(self) -> Picture:
        """What is shown now, for painting it somewhere else too."""
        if self._picture is None:
            area = self._area()
            log_values = self.log_values and any(np.any(s.smooth > 0) for s in self.shown)
            x = Scale(*self.steps.span(area.width()), area.left(), area.right(), self.steps.log)
            y = Scale(*self._values(log_values), area.bottom(), area.top(), log_values)
            self._picture = Picture(
                area=area,
                x=x,
                y=y,
                shown=self.shown[::-1],
                levels=self.levels,
                moments=self.moments,
                moment_words=self._moment_words,
                factor=self.factor,
                ratio=self.devicePixelRatioF(),
            )
        return self._picture

    def redraw(self) -> None:
        """Paint afresh at the next chance."""
        self._stale, self._picture = True, None
        self.update()

    def last_step(self) -> int:
        """The newest step that any curve has."""
        return max((int(c.steps[-1]) for c in self._curves if len(c.steps)), default=0)

    def words_width(self) -> float:
        """Pixels that the longest words at a curve's end need."""
        metrics = QFontMetricsF(theme().font(12, 600))
        words = (end_words(shown, self.factor) for shown in self.shown)
        return max(map(metrics.horizontalAdvance, words), default=0.0)

    def sizeHint(self) -> QSize:
        return QSize(480, 260)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 84)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._stale or self._layer.devicePixelRatio() != self.devicePixelRatioF():
            self._draw()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._layer)
        picture = self.picture()
        self._paint_cursor(painter, picture)
        step = self.pointing.step if self.pointing.step is not None else self._cursor
        if step is not None and (rows := readout(picture, step)):
            paint_readout(painter, picture, step, rows, line=step != self.cursor_step)
        self.pointing.paint(painter)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.redraw()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self.redraw()
        super().changeEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pointing.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.pointing.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.pointing.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.pointing.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.pointing.wheel(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.pointing.leave()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.pointing.key(event):
            super().keyPressEvent(event)

    def point_at(self, step: int | None) -> None:
        """Show the read-out at `step`, or nowhere."""
        self.setAccessibleName(spoken(self.picture(), step) if step is not None else "Curves")
        self.update()

    def _draw(self) -> None:
        self.repaints += 1
        picture, tokens = self.picture(), theme().tokens
        axes = (self.size(), picture.ratio, picture.x, picture.y, tokens.dark, theme().scale)
        if axes != self._axes_of:
            # Pixmaps are kept while the size stays: fresh memory costs as much as a curve.
            if self._layer.size() != self.size() * picture.ratio:
                self._axes, self._layer = self._blank(picture.ratio), self._blank(picture.ratio)
            self._axes.fill(QColor(tokens.surface))
            painter = QPainter(self._axes)
            paint_axes(painter, picture)
            painter.end()
            self._axes_of = axes
        painter = QPainter(self._layer)
        painter.drawPixmap(0, 0, self._axes)
        paint_curves(painter, picture)
        painter.end()
        self._stale = False

    def _blank(self, ratio: float) -> QPixmap:
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        return pixmap

    def _paint_cursor(self, painter: QPainter, picture: Picture) -> None:
        x = round(picture.x.pixel(self.cursor_step)) + 0.5
        if self.shown and picture.area.left() <= x <= picture.area.right():
            painter.setPen(QPen(QColor(theme().tokens.text), 1))
            painter.drawLine(QPointF(x, picture.area.top()), QPointF(x, picture.area.bottom()))

    def _area(self) -> QRectF:
        metrics = QFontMetricsF(theme().font(11, 500))
        left = round(metrics.horizontalAdvance("0.0000")) + 12
        bottom = round(metrics.height()) + 8
        return QRectF(self.rect()).adjusted(left + 0.5, 6.5, -8.5, -bottom - 0.5)

    def _values(self, log: bool) -> Span:
        if self._zoom_y is not None:
            return self._zoom_y
        if self._fixed is not None and not log:
            return self._fixed
        low, high = extent(self.shown, self.levels, positive=log)
        low = min(low, 0.0) if self._from_zero and not log else low
        self._span_y = value_span(self._span_y, low, high, log)
        return self._span_y
