"""The card beside the dot under the pointer: picture, class, prediction."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from ui.embedding.colouring import Colouring
from ui.embedding.space import Space
from ui.predictions import draw_pixels, to_image
from ui.theme import theme

PICTURE, PADDING, AWAY = 56, 8, 14


@dataclass(frozen=True)
class CardContent:
    """What a card says.

    Attributes:
        lines: the first one is strong.
        image: or None where the run kept no pictures.
    """

    lines: tuple[str, ...]
    image: QImage | None = None


Card = Callable[[int], CardContent]


def content_of(space: Space, index: int, by: str, colours: Colouring | None) -> CardContent:
    """What is said of an image: class, prediction, and what its colour stands for."""
    label, predicted = space.classes[space.label_N[index]], space.classes[space.predicted_N[index]]
    lines = [f"{label} · image {index}", f"predicted {predicted}"]
    more = colours is not None and colours.value_N is not None
    if colours is not None and (more or by in [factor.title for factor in space.factors]):
        lines.append(f"{by.lower()} {colours.words(index)}")
    picture = space.picture_NHWC
    return CardContent(tuple(lines), None if picture is None else to_image(picture[index]))


def paint_card(painter: QPainter, content: CardContent, at: QPointF, area: QRect) -> None:
    """Draw the card right of `at`, or left where `area` ends, and wholly inside it."""
    strong, plain = theme().font(13, 600), theme().font(12)
    painter.setFont(strong)
    wide = painter.fontMetrics().horizontalAdvance(content.lines[0])
    line = painter.fontMetrics().height()
    painter.setFont(plain)
    wide = max(
        [wide, *(painter.fontMetrics().horizontalAdvance(words) for words in content.lines[1:])]
    )
    wide = min(wide, theme().px(220))
    picture = PICTURE + PADDING if content.image is not None else 0
    height = max(PICTURE if content.image is not None else 0, line * len(content.lines))
    box = QRectF(0, 0, picture + wide + 2 * PADDING, height + 2 * PADDING)
    box.moveTopLeft(at + QPointF(AWAY, -box.height() - AWAY / 2))
    if box.right() > area.right() - 2:
        box.moveRight(at.x() - AWAY)
    box.moveLeft(max(box.left(), 2.0))
    if box.top() < 2:
        box.moveTop(min(at.y() + AWAY, area.height() - box.height() - 2))
    painter.setPen(QPen(theme().color("border"), 1))
    painter.setBrush(theme().color("raised"))
    painter.drawRoundedRect(box, 8, 8)
    inner = box.adjusted(PADDING, PADDING, -PADDING, -PADDING)
    if content.image is not None:
        frame = QRectF(inner.x(), inner.y(), PICTURE, PICTURE).toRect()
        draw_pixels(painter, frame, content.image)
    for place, words in enumerate(content.lines):
        painter.setFont(plain if place else strong)
        painter.setPen(theme().color("muted" if place else "text"))
        row = QRectF(inner.x() + picture, inner.y() + place * line, wide + 1, line)
        words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(wide) + 1)
        painter.drawText(row, Qt.AlignmentFlag.AlignVCenter, words)
