"""Painting one picture of a data set: sharp squares when enlarged, smooth when made smaller."""

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ui.panels.thumbnails import image_of
from ui.predictions import draw_pixels
from ui.theme import theme


def thumbnail(picture_HWC: np.ndarray, most: int) -> QImage:
    """The picture, made smaller only if it has more than `most` pixels a side."""
    image = image_of(picture_HWC)
    if max(image.width(), image.height()) <= most:
        return image
    return image.scaled(
        most, most, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def side_for(height: int, width: int, wanted: int) -> int:
    """Side of a square of about `wanted` pixels in which each pixel becomes a whole number."""
    longest = max(height, width, 1)
    return wanted if longest > wanted else longest * (wanted // longest)


class Enlarged(QWidget):
    """One picture as large as its place allows."""

    def __init__(self, side: int, parent: QWidget | None = None):
        super().__init__(parent)
        self._side, self._image = side, QImage()
        self.setFixedSize(theme().px(side), theme().px(side))

    def show_picture(self, picture_HWC: np.ndarray, words: str) -> None:
        """Show it; `words` say what it is to those who can't see it."""
        most = round(self.width() * self.devicePixelRatioF())
        self._image = thumbnail(picture_HWC, most)
        self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._image.isNull():
            side = side_for(self._image.height(), self._image.width(), self.width())
            draw_pixels(QPainter(self), QRect(0, 0, side, side), self._image)
