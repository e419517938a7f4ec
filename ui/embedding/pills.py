"""Names at the middle of each group of dots, and the bar of a continuous scale."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from ui.embedding.colouring import Colouring
from ui.theme import theme

DOT, PADDING = 8, 6
MOST = 20  # names beyond which they would only cover the dots
BAR_WIDTH, BAR_HEIGHT = 120, 6


def paint_pills(
    painter: QPainter, at_G2: np.ndarray, groups: Sequence[int], colours: Colouring, area: QRect
) -> None:
    """A pill with each group's name at its place, pushed apart where they meet."""
    if len(groups) > MOST:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme().font(12, 600))
    metrics = painter.fontMetrics()
    height = metrics.height() + 4
    boxes = []
    for group, (x, y) in zip(groups, at_G2.tolist(), strict=True):
        if not area.contains(int(x), int(y)):
            continue
        words = metrics.elidedText(
            colours.names[group], Qt.TextElideMode.ElideRight, theme().px(140)
        )
        width = metrics.horizontalAdvance(words) + DOT + 4 + 2 * PADDING
        left = min(max(x - width / 2, 2.0), area.width() - width - 2.0)
        top = min(max(y - height / 2, 2.0), area.height() - height - 2.0)
        boxes.append((QRectF(left, top, width, height), words, colours.fills[group]))
    for box, words, fill in _apart(boxes):
        _paint_pill(painter, box, words, fill)
    painter.restore()


def paint_scale(painter: QPainter, colours: Colouring, area: QRect) -> None:
    """The colours from low to high with their values, at the lower left."""
    if colours.ends is None:
        return
    painter.setFont(theme().font(11, 500))
    metrics = painter.fontMetrics()
    low, high = colours.ends
    line, left = metrics.height(), area.left() + 4
    top = area.bottom() - line - BAR_HEIGHT - 8
    steps = len(colours.fills) - 1  # the last is that of unknown values
    for step in range(steps):
        first, last = (round(BAR_WIDTH * part / steps) for part in (step, step + 1))
        painter.fillRect(left + first, top, last - first, BAR_HEIGHT, colours.fills[step])
    painter.setPen(theme().color("muted"))
    words = QRect(left, top + BAR_HEIGHT + 2, BAR_WIDTH, line)
    painter.drawText(words, Qt.AlignmentFlag.AlignLeft, low)
    painter.drawText(words, Qt.AlignmentFlag.AlignRight, high)


def _apart(boxes: list[tuple[QRectF, str, QColor]]) -> list[tuple[QRectF, str, QColor]]:
    """The boxes from the top down, each below those it would lie on."""
    placed: list[tuple[QRectF, str, QColor]] = []
    for box, words, fill in sorted(boxes, key=lambda entry: entry[0].top()):
        for _ in range(len(boxes)):
            hit = next((other for other, *_ in placed if other.intersects(box)), None)
            if hit is None:
                break
            box = QRectF(box.x(), hit.bottom() + 1, box.width(), box.height())
        placed.append((box, words, fill))
    return placed


def _paint_pill(painter: QPainter, box: QRectF, words: str, fill: QColor) -> None:
    ground = theme().color("raised")
    ground.setAlphaF(0.85)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
    painter.setBrush(fill)
    painter.setPen(QPen(theme().color("surface"), 1))
    dot = QRectF(box.x() + PADDING, box.center().y() - DOT / 2, DOT, DOT)
    painter.drawEllipse(dot)
    painter.setPen(theme().color("text"))
    painter.drawText(box.adjusted(PADDING + DOT + 4, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words)
