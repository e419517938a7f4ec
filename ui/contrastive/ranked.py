"""Ranked neighbours as pictures, right and wrong marked by icon and colour."""

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from ui.icons import pixmap
from ui.predictions import draw_pixels
from ui.theme import theme

SIDE, SPACE, MARK = 56, 8, 14


@dataclass(frozen=True, slots=True)
class Ranked:
    """One neighbour: its number, picture, class, similarity and whether the class is right."""

    index: int
    image: QImage
    name: str
    similarity: float
    right: bool

    def words(self, rank: int) -> str:
        """ "3. Shirt, cosine 0.98, right"."""
        value = f"{self.similarity:.3f}".replace("-", "−")
        return f"{rank}. {self.name}, cosine {value}, {'right' if self.right else 'wrong'}"


class RankedPictures(QWidget):
    """Pictures in reading order; a click, or Enter on the one the arrow keys are at, picks it.

    Signals:
        picked: the image's number.
    """

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.at = 0
        self.ranked: list[Ranked] = []
        theme().changed.connect(self.update)

    def show_ranked(self, ranked: list[Ranked]) -> None:
        """Show these, nearest first."""
        self.ranked, self.at = ranked, 0
        self._describe()
        self._fit()
        self.update()

    def box(self, place: int) -> QRect:
        """Where a picture stands, in this widget's coordinates."""
        side, px = theme().px(SIDE), theme().px
        down, across = divmod(place, self._columns())
        step = side + px(16) + SPACE
        return QRect(2 + across * (side + SPACE), 2 + down * step, side, side)

    def sizeHint(self) -> QSize:
        rows = -(-len(self.ranked) // self._columns())
        height = rows * (theme().px(SIDE) + theme().px(16) + SPACE)
        return QSize(5 * (theme().px(SIDE) + SPACE), height + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * theme().px(SIDE), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, line = QPainter(self), theme().px(16)
        for place, one in enumerate(self.ranked):
            box = self.box(place)
            if not box.adjusted(0, 0, 0, line + 4).intersects(event.rect()):
                continue
            token = "success" if one.right else "danger"
            painter.fillRect(box, theme().color("raised"))
            draw_pixels(painter, box, one.image)
            painter.setPen(QPen(theme().color(token), 2))
            painter.drawRect(box.adjusted(0, 0, -1, -1))
            mark = theme().px(MARK)
            below = QRect(box.x(), box.bottom() + 3, box.width(), line)
            icon = "check-circle" if one.right else "x-circle"
            glyph = pixmap(icon, token, mark, self.devicePixelRatioF())
            painter.drawPixmap(below.x(), below.y() + (line - mark) // 2, glyph)
            painter.setFont(theme().font(11, 500))
            painter.setPen(theme().color("text"))
            painter.drawText(
                below, Qt.AlignmentFlag.AlignRight, f"{one.similarity:.2f}".replace("-", "−")
            )
            if place == self.at and self.hasFocus():
                painter.setPen(QPen(theme().color("accent"), 2))
                painter.drawRect(box.adjusted(-2, -2, 1, 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._place_at(event.position().toPoint())
        if place >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(self.ranked[place].index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self._columns(),
            Qt.Key.Key_Down: self._columns(),
        }
        key = Qt.Key(event.key())
        if key in moves and self.ranked:
            wanted = self.at + moves[key]
            self.at = wanted if 0 <= wanted < len(self.ranked) else self.at
            self._describe()
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.ranked:
            self.picked.emit(self.ranked[self.at].index)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._place_at(event.pos())
            if place >= 0:
                QToolTip.showText(event.globalPos(), self.ranked[place].words(place + 1), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _describe(self) -> None:
        right = sum(one.right for one in self.ranked)
        self.setAccessibleName(f"{len(self.ranked)} neighbours, {right} of the same class")
        words = self.ranked[self.at].words(self.at + 1) if self.ranked else ""
        self.setAccessibleDescription(f"{words}. Enter makes it the query.")

    def _columns(self) -> int:
        return max(1, (self.width() - 4 + SPACE) // (theme().px(SIDE) + SPACE))

    def _fit(self) -> None:
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()

    def _place_at(self, point: QPoint) -> int:
        for place in range(len(self.ranked)):
            if self.box(place).contains(point):
                return place
        return -1
