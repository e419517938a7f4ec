"""Pictures on the preset cards: the shipped images themselves, and losses as functions.

Loading runs on a worker thread; painting is quick and happens where the card is shown.
N images, H rows, W columns.
"""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QPolygonF

from ui.theme import theme

DATASETS = Path(__file__).resolve().parent.parent / "resources" / "datasets"
GARMENTS = DATASETS / "fashion-mnist"
IDX_HEADER = 16  # bytes before the pixels of an idx file of images
INK = 16  # digits count inked pixels of a 4×4 block: 0 to 16
ROUND = 8
SHAPES_SEED, SHAPES_MANY = 0, 84


class Drawing(Protocol):
    """A picture that can be painted at any size."""

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """Fill `area`, in logical pixels."""


class Tiles:
    """Images side by side, every pixel a square of whole device pixels.

    Args:
        images: what is shown, row by row, again from the first where they don't suffice.
        side: side of a tile in logical pixels, a multiple of the images' side.
        gap: space between tiles.
    """

    def __init__(self, images: list[QImage], side: int, gap: int = 2):
        self.images, self.side, self.gap = images, side, gap

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """Rows from the top left; what doesn't fit is cut off at the right and below."""
        pitch = self.side + self.gap
        columns = -(-int(area.width()) // pitch)
        for row in range(-(-int(area.height()) // pitch)):
            for column in range(columns):
                place = QRectF(column * pitch, row * pitch, self.side, self.side)
                image = self.images[(row * columns + column) % len(self.images)]
                painter.drawImage(place.translated(area.topLeft()), image)


class Patches:
    """Images cut into the squares that a transformer reads.

    Args:
        images: as many as fit side by side are shown.
        patch: side of a square in pixels of the image.
    """

    def __init__(self, images: list[QImage], patch: int):
        self.images, self.patch = images, patch

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """The squares, a little apart, three images or more, as high as whole pixels allow."""
        image_side = self.images[0].width()
        squares, gap = image_side // self.patch, 2
        cuts = gap * (squares - 1)
        fit = min(area.height() - 20 - cuts, (area.width() - 4 * 16) / 3 - cuts)
        scale = max(1, int(fit) // image_side)
        pitch = self.patch * scale + gap
        side = squares * pitch - gap
        many = max(1, min(len(self.images), int((area.width() - 12) // (side + 12))))
        free = (area.width() - many * side) / (many + 1)
        top = round(area.top() + (area.height() - side) / 2)
        for place in range(many):
            left = round(area.left() + free + place * (side + free))
            for row in range(squares):
                for column in range(squares):
                    to = QRect(left + column * pitch, top + row * pitch, pitch - gap, pitch - gap)
                    source = QRect(column * self.patch, row * self.patch, self.patch, self.patch)
                    painter.drawImage(to, self.images[place], source)


class LossCurves:
    """Hinge and cross-entropy of two classes over how far the true score leads.

    With d = s_y - s_j, the hinge with margin 1 is max(0, 1 - d), and cross-entropy is
    ln(1 + e^-d): ln 2 at d = 0.
    """

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """Both curves on d in [-3, 3], each with its name beside it."""
        lead = np.linspace(-3, 3, 121)
        inside = area.adjusted(20, 22, -20, -22)
        _axes(painter, inside)
        curves = (
            ("hinge", np.maximum(0, 1 - lead), "accent", Qt.AlignmentFlag.AlignLeft),
            ("cross-entropy", np.logaddexp(0, -lead), "text", Qt.AlignmentFlag.AlignRight),
        )
        for name, values, color, side in curves:
            line = _line(inside, (lead + 3) / 6, values / 4)
            painter.setPen(QPen(theme().color(color), 2))
            painter.drawPolyline(QPolygonF(line))
            # Both fall: right of one and left of the other there is room.
            beside = QRectF(line[42] + QPointF(8, -14), QSizeF(200, 18))
            if side == Qt.AlignmentFlag.AlignRight:
                beside.moveTopRight(line[42] + QPointF(-8, 2))
            painter.drawText(beside, side, name)


class Overshoot:
    """Gradient descent on w²/2 with a step too long: w is multiplied by 1 - rate each time.

    With rate 2.3 it is multiplied by -1.3, so every step lands higher than the one before.
    """

    RATE, STEPS, REACH = 2.3, 6, 2.2

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """The parabola and the places that descent comes to, from the middle outwards."""
        inside = area.adjusted(20, 16, -20, -16)
        w = np.linspace(-self.REACH, self.REACH, 121)
        place = 0.45 * (1 - self.RATE) ** np.arange(self.STEPS + 1)
        painter.setPen(QPen(theme().color("strong"), 1.5))
        painter.drawPolyline(QPolygonF(self._on_parabola(inside, w)))
        visited = self._on_parabola(inside, place)
        painter.setPen(QPen(theme().color("danger"), 1.5))
        painter.drawPolyline(QPolygonF(visited))
        painter.setBrush(theme().color("danger"))
        for point in visited:
            painter.drawEllipse(point, 3, 3)

    def _on_parabola(self, inside: QRectF, w: np.ndarray) -> list[QPointF]:
        return _line(inside, (w + self.REACH) / (2 * self.REACH), (w / self.REACH) ** 2)


def drawing_of(name: str, spec: Mapping[str, Any], *, with_engine: bool) -> Drawing | None:
    """The picture called `name`; runs on a worker thread: reads, computes, touches no widget.

    Args:
        spec: of the preset on the card: its classes and patches are those shown.
        with_engine: torch is loaded, so what needs it may be asked for.

    Returns:
        None while it needs torch, or if no picture has that name.

    Raises:
        OSError: a shipped file can't be read.
    """
    classes = spec.get("data", {}).get("classes")
    match name:
        case "garments" if not classes:
            return Tiles(_garments(160), side=28)
        case "garments" if with_engine:
            return Tiles(_garments_of(classes, 160), side=28)
        case "patches":
            return Patches(_garments(6), spec.get("model", {}).get("patch", 4))
        case "digits":
            return _digit_tiles()
        case "shapes" if with_engine:
            return _shape_tiles()
        case "losses":
            return LossCurves()
        case "overshoot":
            return Overshoot()
    return None


def rendered(drawing: Drawing | None, size: QSize, ratio: float) -> QPixmap:
    """`drawing` on black or surface with round corners, for a screen of `ratio`."""
    result = QPixmap(size * ratio)
    result.setDevicePixelRatio(ratio)
    result.fill(Qt.GlobalColor.transparent)
    area = QRectF(0, 0, size.width(), size.height())
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_ground(drawing))
    painter.drawRoundedRect(area, ROUND, ROUND)
    if drawing is not None:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceAtop)
        drawing.paint(painter, area)
    painter.end()
    return result


def _ground(drawing: Drawing | None) -> QColor:
    pictures = isinstance(drawing, Tiles | Patches)
    return QColor("black") if pictures else theme().color("surface")


def _axes(painter: QPainter, inside: QRectF) -> None:
    """The lead's axis at loss 0, and where it changes sign."""
    painter.setFont(theme().font(11, 500))
    painter.setPen(QPen(theme().color("border"), 1))
    middle = inside.center().x()
    painter.drawLine(QPointF(inside.left(), inside.bottom()), inside.bottomRight())
    painter.drawLine(QPointF(middle, inside.top()), QPointF(middle, inside.bottom()))
    painter.setPen(theme().color("muted"))
    words = QRectF(inside.left(), inside.bottom() + 2, inside.width(), 18)
    painter.drawText(words, Qt.AlignmentFlag.AlignLeft, "wrong class leads")
    painter.drawText(words, Qt.AlignmentFlag.AlignRight, "true class leads")


def _line(inside: QRectF, x: np.ndarray, y: np.ndarray) -> list[QPointF]:
    """Points from parts of `inside`: x from the left, y from the bottom."""
    across = (inside.left() + x * inside.width()).tolist()
    down = (inside.bottom() - y * inside.height()).tolist()
    return [QPointF(*place) for place in zip(across, down, strict=True)]


def _idx_images(path: Path, many: int) -> np.ndarray:
    """The first images of a gzipped idx file: uint8 [N, H, W]. Reads no further than needed."""
    with gzip.open(path) as file:
        header = np.frombuffer(file.read(IDX_HEADER), ">u4")
        count, height, width = (int(part) for part in header[1:])
        many = min(many, count)
        content = file.read(many * height * width)
    return np.frombuffer(content, np.uint8).reshape(many, height, width)


def _grey(image_HW: np.ndarray) -> QImage:
    image_HW = np.ascontiguousarray(image_HW)
    height, width = image_HW.shape
    # The copy owns its pixels; the array may go.
    return QImage(image_HW.data, width, height, width, QImage.Format.Format_Grayscale8).copy()


def _garments(many: int) -> list[QImage]:
    stack_NHW = _idx_images(GARMENTS / "t10k-images-idx3-ubyte.gz", many)
    return [_grey(image_HW) for image_HW in stack_NHW]


def _garments_of(classes: Sequence[str], many: int) -> list[QImage]:
    """Garments of these classes only; the engine knows the names, so it needs torch."""
    from engines.data.fashion_mnist import CLASSES

    wanted = [CLASSES.index(name) for name in classes]
    with gzip.open(GARMENTS / "t10k-labels-idx1-ubyte.gz") as file:
        label_N = np.frombuffer(file.read()[8:], np.uint8)
    index_M = np.flatnonzero(np.isin(label_N, wanted))[:many]
    stack_NHW = _idx_images(GARMENTS / "t10k-images-idx3-ubyte.gz", int(index_M[-1]) + 1)
    return [_grey(image_HW) for image_HW in stack_NHW[index_M]]


def _digit_tiles() -> Drawing:
    raw_NHW = _idx_images(DATASETS / "digits" / "images-idx3-ubyte.gz", 120)
    stack_NHW = np.rint(raw_NHW * (255 / INK)).astype(np.uint8)
    return Tiles([_grey(image_HW) for image_HW in stack_NHW], side=32, gap=3)


def _shape_tiles() -> Drawing:
    """The first images of Shapes as the engine draws them; needs torch."""
    from engines.data.shapes import shapes

    stack_NCHW = shapes(images=SHAPES_MANY, seed=SHAPES_SEED).train.images_NCHW
    stack_NHWC = np.ascontiguousarray(stack_NCHW.permute(0, 2, 3, 1).numpy())
    height, width = stack_NHWC.shape[1:3]
    images = [
        QImage(image.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        for image in stack_NHWC
    ]
    return Tiles(images, side=32, gap=2)
