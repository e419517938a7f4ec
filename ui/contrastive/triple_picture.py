"""One triplet as three pictures with the two distances between them."""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.contrastive.triples import Triples
from ui.predictions import draw_pixels
from ui.theme import theme
from workbench.wording import digits

SIDE = 72


class TriplePicture(QWidget):
    """Positive, anchor, negative from left to right; on the lines the squared distances."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._triples: Triples | None = None
        self.place = -1
        theme().changed.connect(self.update)

    def show_triple(self, triples: Triples | None, place: int) -> None:
        """Show a triplet; nothing where `place` is -1."""
        self._triples, self.place = triples, place
        there = triples is not None and place >= 0
        self.setAccessibleName(triples.sentence(place) if triples and there else "No triplet")
        self.update()

    def sizeHint(self) -> QSize:
        side = theme().px(SIDE)
        return QSize(5 * side, side + theme().px(18))

    def paintEvent(self, event: QPaintEvent) -> None:
        triples, place = self._triples, self.place
        if triples is None or place < 0:
            return
        painter, px, flag = QPainter(self), theme().px, Qt.AlignmentFlag
        side = px(SIDE)
        gap = min(px(110), max(px(40), (self.width() - 3 * side) // 2))
        left = max(0, (self.width() - 3 * side - 2 * gap) // 2)
        anchor, positive, negative = (int(row) for row in triples.rows_T3[place])
        parts = (
            ("positive", positive, "success"),
            ("anchor", anchor, "accent"),
            ("negative", negative, "danger"),
        )
        for column, (name, row, token) in enumerate(parts):
            box = QRect(left + column * (side + gap), 0, side, side)
            painter.fillRect(box, theme().color("raised"))
            draw_pixels(painter, box, triples.images[row])
            painter.setFont(theme().font(11, 500))
            painter.setPen(theme().color(token))
            below = QRect(box.x() - 20, side + 2, side + 40, px(16))
            painter.drawText(below, flag.AlignCenter, name)
        values = (triples.positive_T[place], triples.negative_T[place])
        for column, (value, token) in enumerate(zip(values, ("success", "danger"), strict=True)):
            start = left + column * (side + gap) + side
            painter.setPen(QPen(theme().color(token), 2))
            painter.drawLine(start + 4, side // 2, start + gap - 4, side // 2)
            painter.setPen(theme().color("text"))
            painter.setFont(theme().font(12, 600))
            above = QRect(start, side // 2 - px(20), gap, px(18))
            painter.drawText(above, flag.AlignCenter, digits(float(value)))
