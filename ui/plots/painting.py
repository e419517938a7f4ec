"""Draws a plot with as little work as the pixels need: the same code for screen and files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from ui.plots.axis import Scale, tick_words, ticks
from ui.plots.curve import Level, Moment, Shown
from ui.theme import mixed, theme
from workbench.curves import band, cell_size, polyline
from workbench.wording import digits

if TYPE_CHECKING:
    from PySide6.QtGui import QPolygonF

LINE_WIDTH = {"line": 2.0, "dots": 1.5}
BAND_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that a plot shows besides cursor and read-out.

    Attributes:
        area: where curves are drawn, in logical pixels; words may stand outside.
        factor: what values are multiplied with for people, such as 100 for percent.
        ratio: device pixels per logical pixel.
        vector: draw strokes of true width, for files; the screen gets faster ones.
    """

    area: QRectF
    x: Scale
    y: Scale
    shown: Sequence[Shown]
    levels: Sequence[Level] = ()
    moments: Sequence[Moment] = ()
    moment_words: bool = True
    factor: float = 1.0
    ratio: float = 1.0
    vector: bool = False

    @property
    def columns(self) -> int:
        """Pixel columns of the area on the device."""
        return max(1, round(self.area.width() * self.ratio))


def paint(painter: QPainter, picture: Picture) -> None:
    """Draw the picture on a ground that is already `surface`."""
    painter.setFont(theme().font(11, 500))
    painter.save()
    painter.setClipRect(picture.area.adjusted(0, -2, 0, 2))
    for shown in picture.shown:
        if shown.curve.style == "line" and shown.curve.band:
            _paint_band(painter, picture, shown)
    painter.restore()
    _paint_axes(painter, picture)
    end = _head_pixel(picture)
    _paint_levels(painter, picture, end)
    _paint_moments(painter, picture)
    painter.save()
    painter.setClipRect(picture.area.adjusted(0, -3, 3, 3))
    for shown in picture.shown:
        _paint_line(painter, picture, shown)
    painter.restore()
    _paint_ends(painter, picture)


def end_words(shown: Shown, factor: float) -> str:
    """Name and last value of a curve, such as "train 0.327"."""
    end = shown.end()
    return f"{shown.curve.name} {digits(end[1] * factor)}" if end else ""


def _head_pixel(picture: Picture) -> float:
    ends = [end[0] for shown in picture.shown if (end := shown.end())]
    pixel = picture.x.pixel(max(ends, default=0))
    return pixel if picture.x.start < pixel <= picture.x.end else picture.x.end


def _paint_axes(painter: QPainter, picture: Picture) -> None:
    area, tokens = picture.area, theme().tokens
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
        if x + half < border and (value > 0 or area.left() < 24):
            painter.drawText(QPointF(x - half, area.bottom() + 6 + metrics.ascent()), words)
    painter.drawText(QPointF(area.right() - unit, area.bottom() + 6 + metrics.ascent()), "step")


def _times(scale: Scale, factor: float) -> Scale:
    return Scale(scale.low * factor, scale.high * factor, scale.start, scale.end, scale.log)


def _most(length: float, least: float) -> int:
    return int(min(6, max(2, length / least)))


def _paint_levels(painter: QPainter, picture: Picture, end: float) -> None:
    area, tokens = picture.area, theme().tokens
    metrics = QFontMetricsF(painter.font())
    for level in picture.levels:
        y = round(picture.y.pixel(level.value)) + 0.5
        if not area.top() <= y <= area.bottom():
            continue
        pen = QPen(QColor(tokens.strong), 1)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawLine(QLineF(area.left(), y, area.right(), y))
        painter.setPen(QColor(tokens.muted))
        width = metrics.horizontalAdvance(level.words)
        left = end - 8 - width
        if left < area.left() + 8:
            left = area.right() - width
        below = y - 5 - metrics.ascent() < area.top()
        painter.drawText(QPointF(left, y + 5 + metrics.ascent() if below else y - 6), level.words)


def _paint_moments(painter: QPainter, picture: Picture) -> None:
    area, tokens = picture.area, theme().tokens
    metrics = QFontMetricsF(painter.font())
    pen = QPen(QColor(tokens.muted), 1)
    pen.setDashPattern([1, 2])
    for row, moment in enumerate(picture.moments):
        x = round(picture.x.pixel(moment.step)) + 0.5
        if not area.left() <= x <= area.right():
            continue
        painter.setPen(pen)
        painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
        if picture.moment_words:
            width = metrics.horizontalAdvance(moment.words)
            left = x - 6 - width if x - 6 - width > area.left() + 4 else x + 6
            y = area.top() + area.height() * 0.4 + row % 4 * (metrics.height() + 2)
            painter.setPen(QColor(tokens.muted))
            painter.drawText(QPointF(left, y), moment.words)


def _paint_band(painter: QPainter, picture: Picture, shown: Shown) -> None:
    x, y, curve = picture.x, picture.y, shown.curve
    cell = cell_size((x.high - x.low), picture.columns)
    middle_c, low_c, high_c = band(curve.steps, curve.values, cell, x.low, x.high)
    if len(middle_c) < 2:
        return
    at_c = x.place(x.forward(middle_c))
    column_C = np.arange(max(at_c[0], x.start), min(at_c[-1], x.end), 1 / picture.ratio)
    line_C4 = np.empty((len(column_C), 2, 2))
    line_C4[:, :, 0] = column_C[:, None]
    for place, bound_c in enumerate((low_c, high_c)):
        pixel_c = np.nan_to_num(y.place(y.forward(bound_c)), nan=y.start)
        line_C4[:, place, 1] = np.interp(column_C, at_c, np.clip(pixel_c, y.end - 4, y.start + 4))
    # Opaque on the ground, because blending costs three times as much.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    ground = theme().tokens.surface
    painter.setPen(QPen(QColor(mixed(ground, curve.hex, BAND_SHARE)), 1 if picture.vector else 0))
    from pyqtgraph.functions import arrayToQPath

    flat = line_C4.reshape(-1, 2)
    painter.drawPath(arrayToQPath(flat[:, 0], flat[:, 1], connect="pairs", finiteCheck=False))


def _paint_line(painter: QPainter, picture: Picture, shown: Shown) -> None:
    x, y = picture.x, picture.y
    per_pixel = abs(y.value(y.start) - y.value(y.start - 1)) if not y.log else 0.0
    values = y.forward(shown.smooth)
    steps = x.forward(shown.curve.steps)
    step_p, value_p = polyline(steps, values, x.edges(picture.columns), per_pixel / picture.ratio)
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
        _stroke(painter, points, colour, width * picture.ratio, picture.ratio)


def _stroke(
    painter: QPainter, points: "QPolygonF", colour: QColor, width: float, ratio: float
) -> None:
    """Draw a line of `width` device pixels as hair lines side by side.

    Qt has a fast path for antialiased lines of one device pixel only: 0.06 ms for
    900 points, 2 to 9 ms at width 2. Four of them, moved by half a pixel along
    both axes, look like width 2 at every slope.
    """
    painter.setPen(QPen(colour, 0))
    reach = (width - 1) / 2
    offsets = np.linspace(-reach, reach, max(2, round(width))) / ratio
    for dx, dy in [(0.0, offset) for offset in offsets] + [(offset, 0.0) for offset in offsets]:
        painter.translate(dx, dy)
        painter.drawPolyline(points)
        painter.translate(-dx, -dy)


def _polygon(x: np.ndarray, y: np.ndarray) -> "QPolygonF":
    # Inside: pyqtgraph takes a third of a second to import, and an empty plot needs none of it.
    from pyqtgraph.functions import arrayToQPolygonF

    return arrayToQPolygonF(np.ascontiguousarray(x), np.ascontiguousarray(y))


def _paint_ends(painter: QPainter, picture: Picture) -> None:
    area = picture.area
    painter.setFont(theme().font(12, 600))
    metrics = QFontMetricsF(painter.font())
    words = []
    for shown in picture.shown:
        end = shown.end()
        if end and picture.x.low <= end[0] <= picture.x.high:
            y = min(max(picture.y.pixel(end[1]), area.top() + 6), area.bottom() - 6)
            words.append((y, picture.x.pixel(end[0]) + 8, shown))
    words.sort(key=lambda word: word[0])
    heights = spread([y for y, _, _ in words], metrics.height(), area.top(), area.bottom())
    for y, (_, x, shown) in zip(heights, words, strict=True):
        text = end_words(shown, picture.factor)
        left = min(x, area.right() - metrics.horizontalAdvance(text))
        painter.setPen(QColor(shown.curve.hex))
        painter.drawText(QPointF(left, y + metrics.capHeight() / 2), text)


def spread(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Ascending heights near the ascending `wanted`, at least `gap` apart, within the borders.

    Groups that would touch are centred on the mean of what they wanted.
    """
    groups: list[list[float]] = []
    for height in wanted:
        groups.append([height])
        while len(groups) > 1 and _bottom(groups[-2], gap) + gap > _top(groups[-1], gap):
            groups[-2:] = [groups[-2] + groups[-1]]
    placed = [_top(group, gap) + gap * i for group in groups for i in range(len(group))]
    over = max(0.0, placed[-1] - (high - gap / 2)) if placed else 0.0
    placed = [height - over for height in placed]
    under = max(0.0, low + gap / 2 - placed[0]) if placed else 0.0
    return [height + under for height in placed]


def _top(group: list[float], gap: float) -> float:
    return sum(group) / len(group) - gap * (len(group) - 1) / 2


def _bottom(group: list[float], gap: float) -> float:
    return sum(group) / len(group) + gap * (len(group) - 1) / 2
