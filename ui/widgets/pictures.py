"""Small pictures in rows, painted in one widget, every pixel a sharp square."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRect, QSize
from PySide6.QtGui import QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ui.predictions import draw_pixels, to_image
from ui.theme import theme

SIDE, SPACE = 48, 5


class PictureStrip(QWidget):
    """As many of the given pictures as fit in a few rows; the tooltip says what each is.

    Attributes:
        rows: at most so many.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.rows = 3
        self._images: list[QImage] = []
        self._words: list[str] = []
        theme().changed.connect(self.update)

    def show_pictures(self, picture_MHWC: np.ndarray, words: Sequence[str]) -> None:
        """Show uint8 pictures; `words` has one text for each."""
        most = 36
        self._images = [to_image(picture) for picture in picture_MHWC[:most]]
        self._words = list(words[:most])
        self.setAccessibleName(f"{len(picture_MHWC)} pictures. " + "; ".join(self._words[:5]))
        self.updateGeometry()
        self.update()

    def count(self) -> int:
        """How many pictures there are to show."""
        return len(self._images)

    def sizeHint(self) -> QSize:
        rows = min(self.rows, -(-len(self._images) // self._columns()))
        return QSize(4 * (SIDE + SPACE), max(0, rows * (SIDE + SPACE) - SPACE))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for place, image in enumerate(self._images):
            box = self._box(place)
            if box.bottom() > self.height():
                break
            painter.fillRect(box, theme().color("raised"))
            draw_pixels(painter, box, image)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            for place, words in enumerate(self._words):
                if self._box(place).contains(event.pos()):
                    QToolTip.showText(event.globalPos(), words, self)
                    return True
            QToolTip.hideText()
        return super().event(event)

    def _columns(self) -> int:
        return max(1, (max(self.width(), 4 * (SIDE + SPACE)) + SPACE) // (SIDE + SPACE))

    def _box(self, place: int) -> QRect:
        row, column = divmod(place, self._columns())
        return QRect(column * (SIDE + SPACE), row * (SIDE + SPACE), SIDE, SIDE)
