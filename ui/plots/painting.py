"""Draws a plot with as little work as the pixels need: the same code for screen and files."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from ui.plots.axis import Scale, tick_words, ticks
from ui.plots.curve import Shown
from ui.plots.picture import Picture
from ui.plots.words import paint_ends, paint_words
from ui.theme import mixed, theme
from workbench.curves import band, polyline

if TYPE_CHECKING:
    from PySide6.QtGui import QPolygonF

LINE_WIDTH = {"line": 2.0, "dots": 1.5}
BAND_SHARE = 0.2
# A column that varies by less than this many device pixels is hidden below the line's width.
STILL = 1.5


def paint(painter: QPainter, picture: Picture) -> None:
    """Draw the picture on a ground that is already `surface`."""
    paint_axes(painter, picture)
    paint_curves(painter, picture)


def paint_curves(painter: QPainter, picture: Picture) -> None:
    """Draw everything but the axes, over these."""
    painter.setFont(theme().font(11, 500))
    painter.save()
    painter.setClipRect(picture.area.adjusted(1, -2, 0, -1))
    for shown in picture.shown:
        if shown.curve.style == "line" and shown.curve.band:
            _paint_band(painter, picture, shown)
    painter.restore()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    _paint_levels(painter, picture)
    _paint_moments(painter, picture)
    painter.save()
    painter.setClipRect(picture.area.adjusted(0, -3, 3, 3))
    for shown in picture.shown:
        _paint_line(painter, picture, shown)
    painter.restore()
    paint_words(painter, picture)
    paint_ends(painter, picture)


def paint_axes(painter: QPainter, picture: Picture) -> None:
    """Draw both axes with their ticks: the part that changes seldom."""
    area, tokens = picture.area, theme().tokens
    painter.setFont(theme().font(11, 500))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(tokens.border), 1))
    painter.drawLine(area.bottomLeft(), area.topLeft())
    painter.drawLine(area.bottomLeft(), area.bottomRight())
    painter.setPen(QColor(tokens.muted))
    metrics = QFontMetricsF(painter.font())
    height = metrics.height()
    heights = ticks(_times(picture.y, picture.factor), _most(area.height(), 2.2 * height))
    for value, words in zip(heights, tick_words(heights, picture.y.log), strict=True):
        y = picture.y.pixel(value / picture.factor)
        box = QRectF(0, y - height / 2, area.left() - 8, height)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
    unit = metrics.horizontalAdvance("step")
    border = area.right() - unit - 12
    steps = ticks(picture.x, _most(area.width(), 64), whole=True)
    for value, words in zip(steps, tick_words(steps, picture.x.log), strict=True):
        x, half = picture.x.pixel(value), metrics.horizontalAdvance(words) / 2
        if value > 0 and x + half < border:
            painter.drawText(QPointF(x - half, area.bottom() + 6 + metrics.ascent()), words)
    painter.drawText(QPointF(area.right() - unit, area.bottom() + 6 + metrics.ascent()), "step")


def _times(scale: Scale, factor: float) -> Scale:
    return Scale(scale.low * factor, scale.high * factor, scale.start, scale.end, scale.log)


def _most(length: float, least: float) -> int:
    return int(min(6, max(2, length / least)))


def _paint_levels(painter: QPainter, picture: Picture) -> None:
    area = picture.area
    pen = QPen(QColor(theme().tokens.strong), 1)
    pen.setDashPattern([4, 3])
    painter.setPen(pen)
    for level in picture.levels:
        y = round(picture.y.pixel(level.value)) + 0.5
        if area.top() <= y <= area.bottom():
            painter.drawLine(QLineF(area.left(), y, area.right(), y))


def _paint_moments(painter: QPainter, picture: Picture) -> None:
    area = picture.area
    pen = QPen(QColor(theme().tokens.muted), 1)
    pen.setDashPattern([1, 2])
    painter.setPen(pen)
    for moment in picture.moments:
        x = round(picture.x.pixel(moment.step)) + 0.5
        if area.left() <= x <= area.right():
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))


def _paint_band(painter: QPainter, picture: Picture, shown: Shown) -> None:
    x, y, curve = picture.x, picture.y, shown.curve
    cell = picture.cell(shown)
    middle_c, low_c, high_c = band(curve.steps, curve.values, cell, x.low, x.high)
    if len(middle_c) < 2:
        return
    at_c = np.nan_to_num(x.place(x.forward(middle_c)), nan=x.start)
    outer = np.nan_to_num(x.place(x.forward(curve.steps[[0, -1]])), nan=x.start)
    # The first and last cell are drawn to the ends of the curve, not to their middles.
    at_c[0], at_c[-1] = min(at_c[0], outer[0]), max(at_c[-1], outer[1])
    edges_c = [
        np.clip(np.nan_to_num(y.place(y.forward(bound_c)), nan=y.start), y.end - 4, y.start + 4)
        for bound_c in (low_c, high_c)
    ]
    outline = _polygon(
        np.concatenate([at_c, at_c[::-1]]), np.concatenate([edges_c[0], edges_c[1][::-1]])
    )
    # Opaque on the ground and not antialiased: 0.05 ms instead of 1 ms.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, picture.vector)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(mixed(theme().tokens.surface, curve.hex, BAND_SHARE)))
    painter.drawPolygon(outline)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _paint_line(painter: QPainter, picture: Picture, shown: Shown) -> None:
    x, y = picture.x, picture.y
    first = int(np.searchsorted(shown.curve.steps, 1)) if x.log else 0
    steps, values = x.forward(shown.curve.steps[first:]), y.forward(shown.smooth[first:])
    still = STILL / picture.ratio * y.per_pixel()
    step_p, value_p = polyline(steps, values, x.edges(picture.columns), still)
    if not len(step_p):
        return
    # Far outside, Qt's rasteriser clips point by point and slowly.
    y_p = np.clip(y.place(value_p), y.end - 2000, y.start + 2000)
    points = _polygon(x.place(step_p), y_p)
    colour = QColor(shown.curve.hex)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if shown.dotted(x):
        painter.setPen(QPen(colour, 5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints(points)
    width = LINE_WIDTH[shown.curve.style]
    if picture.vector:
        painter.setPen(QPen(colour, width))
        painter.drawPolyline(points)
    else:
        noisy = len(step_p) > 1.1 * picture.columns
        _stroke(painter, points, colour, width * picture.ratio, picture.ratio, noisy)


def _stroke(
    painter: QPainter, points: "QPolygonF", colour: QColor, width: float, ratio: float, noisy: bool
) -> None:
    """Draw a line of `width` device pixels as hair lines side by side.

    Qt has a fast path for antialiased lines of one device pixel only: 0.06 ms for
    900 points, 2 to 9 ms at width 2. Three of them around a point look like width 2
    at every slope; a line that is `noisy` has every slope anyway and takes two;
    wider lines, on dense screens, take a ring of six and its middle.
    """
    painter.setPen(QPen(colour, 0))
    hairs = 6 if width > 2.5 else 2 if noisy else 3
    # A ring of three is 1.6 radii wide on average over all slopes, one of six 1.9.
    radius = (width - 1) / (1.9 if hairs == 6 else 1.6) / ratio
    angles = np.arange(hairs) * (2 * np.pi / hairs) + np.pi / 4
    around = [(radius * float(np.cos(a)), radius * float(np.sin(a))) for a in angles]
    for dx, dy in [*around, (0.0, 0.0)] if hairs == 6 else around:
        painter.translate(dx, dy)
        painter.drawPolyline(points)
        painter.translate(-dx, -dy)


def _polygon(x: np.ndarray, y: np.ndarray) -> "QPolygonF":
    # Inside: pyqtgraph takes a third of a second to import, and an empty plot needs none of it.
    from pyqtgraph.functions import arrayToQPolygonF

    return arrayToQPolygonF(np.ascontiguousarray(x), np.ascontiguousarray(y))
