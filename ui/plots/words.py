"""The words in a plot: at levels and moments, and at the end of each curve instead of a legend."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from ui.plots.curve import Shown
from ui.plots.picture import Picture
from ui.theme import theme
from workbench.wording import digits


def end_words(shown: Shown, factor: float) -> str:
    """Name and last value of a curve, such as "train 0.327"."""
    end = shown.end()
    return f"{shown.curve.name} {digits(end[1] * factor)}" if end else ""


def paint_words(painter: QPainter, picture: Picture) -> None:
    """Words of levels and moments, on a patch of ground where a curve runs below them."""
    area, metrics = picture.area, QFontMetricsF(painter.font())
    end = _head_pixel(picture)
    for level in picture.levels:
        y = round(picture.y.pixel(level.value))
        if area.top() <= y <= area.bottom():
            left = end - 8 - metrics.horizontalAdvance(level.words)
            if left < area.left() + 8:
                left = area.right() - metrics.horizontalAdvance(level.words)
            base = y - 6.0 if y - 6 - metrics.ascent() >= area.top() else y + 5 + metrics.ascent()
            _write(painter, metrics, left, base, level.words)
    for row, moment in enumerate(picture.moments if picture.moment_words else ()):
        x = picture.x.pixel(moment.step)
        if area.left() <= x <= area.right():
            left = x - 6 - metrics.horizontalAdvance(moment.words)
            base = area.top() + area.height() * 0.4 + row % 4 * (metrics.height() + 2)
            _write(painter, metrics, left if left > area.left() + 4 else x + 7, base, moment.words)


def paint_ends(painter: QPainter, picture: Picture) -> None:
    """Name and last value of each curve, nudged apart."""
    area = picture.area
    painter.setFont(theme().font(12, 600))
    metrics = QFontMetricsF(painter.font())
    words: list[tuple[float, Shown]] = []
    for shown in picture.shown:
        end = shown.end()
        if end and picture.x.low <= end[0] <= picture.x.high:
            y = min(max(picture.y.pixel(end[1]), area.top() + 6), area.bottom() - 6)
            words.append((y, shown))
    words.sort(key=lambda word: word[0])
    # All at the newest end: beside an earlier end they would lie on the other curves.
    head = _head_pixel(picture) + 8
    heights = spread([y for y, _ in words], metrics.height(), area.top(), area.bottom())
    for y, (_, shown) in zip(heights, words, strict=True):
        text = end_words(shown, picture.factor)
        left = min(head, area.right() - metrics.horizontalAdvance(text))
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
    limit = high - gap / 2
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], limit)
        limit = placed[i] - gap
    limit = low + gap / 2
    for i in range(len(placed)):
        placed[i] = max(placed[i], limit)
        limit = placed[i] + gap
    return placed


def _head_pixel(picture: Picture) -> float:
    ends = [end[0] for shown in picture.shown if (end := shown.end())]
    pixel = picture.x.pixel(max(ends, default=0))
    return pixel if picture.x.start < pixel <= picture.x.end else picture.x.end


def _write(painter: QPainter, metrics: QFontMetricsF, left: float, base: float, words: str) -> None:
    ground = QColor(theme().tokens.surface)
    ground.setAlphaF(0.8)
    width = metrics.horizontalAdvance(words)
    painter.fillRect(QRectF(left - 3, base - metrics.ascent(), width + 6, metrics.height()), ground)
    painter.setPen(QColor(theme().tokens.muted))
    painter.drawText(QPointF(left, base), words)


def _top(group: list[float], gap: float) -> float:
    return sum(group) / len(group) - gap * (len(group) - 1) / 2


def _bottom(group: list[float], gap: float) -> float:
    return sum(group) / len(group) + gap * (len(group) - 1) / 2
