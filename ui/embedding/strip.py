"""What was picked on the map: an image with its nearest ones, or how many of each class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from ui.embedding.space import Space
from ui.predictions import class_color, draw_pixels, to_image
from ui.theme import theme
from ui.widgets import ElidedLabel, icon_button
from workbench.wording import joined, thousands

PICTURE, SPACE = 48, 6
DOT = 7
CIRCLED_SHOWN = 24


@dataclass(frozen=True)
class Shown:
    """One picture of the row: which image, its class and what the tooltip says."""

    index: int
    name: str
    color: QColor
    words: str
    image: QImage | None
    apart: bool = False


class SelectionStrip(QWidget):
    """A sentence about the choice over a row of pictures with their classes.

    Signals:
        picked: a picture was clicked.
        closed: the choice is let go.
    """

    picked = Signal(int)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = ElidedLabel("", "label", "text")
        self.words.setObjectName("selection")
        self.row = _Row()
        self.row.picked.connect(self.picked)
        close = icon_button("x", "Let the choice go", tip="Let the choice go  Esc", size=14)
        close.setObjectName("let-go")
        close.clicked.connect(self.closed)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.words, 1)
        top.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.row)
        self.hide()

    def show_image(self, space: Space, index: int, near: Sequence[tuple[int, float]]) -> None:
        """An image and its neighbours as (index, cosine similarity), nearest first."""
        label, predicted = space.label_N[index], space.predicted_N[index]
        same = sum(space.label_N[other] == label for other, _ in near)
        told = f"{same} of the {len(near)} nearest are {space.classes[label]}" if near else ""
        called = f"called {space.classes[predicted]}" if predicted != label else "called right"
        self.words.setText(joined(f"{space.classes[label]}, image {index}", called, told))
        shown = [_shown(space, index, "the picked image", apart=True)]
        shown += [_shown(space, other, f"cosine similarity {cos:.3f}") for other, cos in near]
        self.row.show_pictures(shown)
        self.show()

    def show_many(self, space: Space, index_M: np.ndarray) -> None:
        """How many images of each class were circled, and the first of them."""
        count_K = np.bincount(space.label_N[index_M], minlength=len(space.classes))
        most = [k for k in np.argsort(-count_K, kind="stable").tolist() if count_K[k]]
        counts = joined(*(f"{space.classes[k]} {thousands(int(count_K[k]))}" for k in most))
        noun = "image" if len(index_M) == 1 else "images"
        self.words.setText(f"{thousands(len(index_M))} {noun}: {counts}")
        first = _mixed(space.label_N[index_M], index_M)[:CIRCLED_SHOWN].tolist()
        self.row.show_pictures([_shown(space, other, "circled") for other in first])
        self.show()


def _mixed(label_M: np.ndarray, index_M: np.ndarray) -> np.ndarray:
    """The first of every class, then the second of every class and so on."""
    order_M = np.argsort(label_M, kind="stable")
    ordered_M = label_M[order_M]
    turn_M = np.arange(len(ordered_M)) - np.searchsorted(ordered_M, ordered_M)
    return index_M[order_M][np.argsort(turn_M, kind="stable")]


def _shown(space: Space, index: int, how: str, *, apart: bool = False) -> Shown:
    label = int(space.label_N[index])
    name = space.classes[label]
    picture = None if space.picture_NHWC is None else to_image(space.picture_NHWC[index])
    color = class_color(label, len(space.classes))
    return Shown(index, name, color, f"{name}, image {index}, {how}", picture, apart)


class _Row(QWidget):
    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("strip-pictures")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.shown: list[Shown] = []
        theme().changed.connect(self.update)

    def show_pictures(self, shown: list[Shown]) -> None:
        self.shown = shown
        self.setAccessibleName("; ".join(entry.words for entry in shown))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(9 * (PICTURE + SPACE), PICTURE + 2 + theme().px(16))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def box(self, place: int) -> QRect:
        """Where the picture at a place of the row stands."""
        after = 2 * SPACE if self.shown and self.shown[0].apart and place else 0
        return QRect(place * (PICTURE + SPACE) + after, 0, PICTURE, PICTURE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(theme().font(11, 500))
        for place, entry in enumerate(self.shown):
            box = self.box(place)
            if box.right() > self.width():
                break
            painter.fillRect(box, theme().color("raised"))
            if entry.image is not None:
                draw_pixels(painter, box, entry.image)
            below = QRect(box.x(), box.bottom() + 3, box.width(), theme().px(16))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(entry.color)
            painter.drawEllipse(QRect(below.x(), below.center().y() - DOT // 2, DOT, DOT))
            painter.setPen(theme().color("text" if entry.apart else "muted"))
            words = below.adjusted(DOT + 3, 0, 0, 0)
            name = painter.fontMetrics().elidedText(
                entry.name, Qt.TextElideMode.ElideRight, words.width()
            )
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, name)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position().toPoint().x())
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(self.shown[place].index)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._at(event.pos().x())
            words = "" if place is None else self.shown[place].words
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)

    def _at(self, x: int) -> int | None:
        for place in range(len(self.shown)):
            box = self.box(place)
            if box.left() <= x <= box.right() and box.right() <= self.width():
                return place
        return None
