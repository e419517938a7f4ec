"""A row of small pictures, as they are: nearest neighbour, rounded a little."""

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPixmap


def image_of(picture_HWC: np.ndarray) -> QImage:
    """A grey or RGB picture, uint8 [H, W, C], as a QImage of its own memory."""
    height, width, channels = picture_HWC.shape
    pixels = np.ascontiguousarray(picture_HWC)
    kind = QImage.Format.Format_Grayscale8 if channels == 1 else QImage.Format.Format_RGB888
    return QImage(pixels.data, width, height, width * channels, kind).copy()


def thumbnail_row(
    pictures_NHWC: np.ndarray | None, side: int, ratio: float = 1.0, gap: int = 3
) -> QPixmap | None:
    """The pictures side by side, each `side` pixels square; None when there are none."""
    if pictures_NHWC is None or not len(pictures_NHWC):
        return None
    count = len(pictures_NHWC)
    width = count * side + (count - 1) * gap
    row = QPixmap(round(width * ratio), round(side * ratio))
    row.setDevicePixelRatio(ratio)
    row.fill("transparent")
    painter = QPainter(row)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for place, picture_HWC in enumerate(pictures_NHWC):
        target = QRectF(place * (side + gap), 0, side, side)
        shape = QPainterPath()
        shape.addRoundedRect(target, 4, 4)
        painter.setClipPath(shape)
        painter.drawImage(target, image_of(picture_HWC))
    painter.end()
    return row
