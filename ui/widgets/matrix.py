"""A confusion matrix painted in one widget: true classes down, predicted classes across."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.theme import contrast, heatmap, theme
from workbench.confusion import row_shares
from workbench.wording import percent, thousands

NUMBERS_FROM = 18  # px of a cell below which its number could not be read
LABEL_MOST, LABEL_MANY = 96, 64  # px for a class name before its middle is left out
MANY = 30  # classes, from which cells need the room more than names
BAR, GAP = 10, 12
KEYS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}


@dataclass(frozen=True, slots=True)
class _Places:
    """Where things stand: the grid's corner, the cell's side, and whether names fit across."""

    corner: QPoint
    cell: int
    classes: int
    upright: bool

    @property
    def grid(self) -> QRect:
        side = self.cell * self.classes
        return QRect(self.corner, QSize(side, side))

    def box(self, row: int, column: int) -> QRect:
        return QRect(
            self.corner + QPoint(column * self.cell, row * self.cell), QSize(self.cell, self.cell)
        )


class MatrixWidget(QWidget):
    """K × K cells, up to some hundred classes; one cell can be chosen by mouse or arrow keys.

    Signals:
        picked: (true, predicted) of the cell the user chose.
        pointed: (true, predicted) under the mouse, (-1, -1) outside.
    """

    picked = Signal(int, int)
    pointed = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(220, 220)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.counts_KK = np.zeros((0, 0), np.int64)
        self.classes: tuple[str, ...] = ()
        self.selected: tuple[int, int] | None = None
        self._shares_KK = np.zeros((0, 0))
        self._percent = False
        self._hovered: tuple[int, int] | None = None
        self._ground: QPixmap | None = None
        theme().changed.connect(self._repaint)
        self._describe()

    def show_counts(self, counts_KK: np.ndarray, classes: tuple[str, ...]) -> None:
        """Show int64 [K, K] counts, rows true; the chosen cell stays."""
        self.counts_KK, self.classes = counts_KK, classes
        self._shares_KK = row_shares(counts_KK)
        if self.selected and max(self.selected) >= len(classes):
            self.selected = None
        self._describe()
        self._repaint()

    def show_percent(self, chosen: bool) -> None:
        """Print and colour shares of each row instead of counts."""
        self._percent = chosen
        self._repaint()

    def select(self, true: int, predicted: int) -> None:
        """Choose a cell as the user would; `picked` follows."""
        self.selected = true, predicted
        self._describe()
        self.update()
        self.picked.emit(true, predicted)

    def sentence(self, true: int, predicted: int) -> str:
        """What a cell says, such as "Shirt called T-shirt: 92 of 512, 18 %"."""
        count, of = int(self.counts_KK[true, predicted]), int(self.counts_KK[true].sum())
        right = true == predicted
        start = f"{self.classes[true]} {'recognised' if right else 'called'}"
        called = "" if right else f" {self.classes[predicted]}"
        share = f", {percent(count / of)}" if of else ""
        return f"{start}{called}: {thousands(count)} of {thousands(of)}{share}"

    def picture(self) -> QPixmap:
        """The matrix as it stands, without hover and selection."""
        return self._painted(QSize(self.size()), self.devicePixelRatioF())

    def sizeHint(self) -> QSize:
        return QSize(480, 480)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.classes:
            return
        if self._ground is None:
            self._ground = self.picture()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._ground)
        places = self._places()
        for cell, token, width in ((self._hovered, "text", 1), (self.selected, "accent", 2)):
            if cell:
                self._outline(painter, places.box(*cell), theme().color(token), width)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ground = None

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        self._ground = None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._cell_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event.position().toPoint())
        if cell and event.button() == Qt.MouseButton.LeftButton:
            self.select(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        move = KEYS.get(Qt.Key(event.key()))
        if move is None or not self.classes:
            super().keyPressEvent(event)
            return
        last = len(self.classes) - 1
        row, column = self.selected or (0, 0)
        if self.selected:
            row, column = row + move[0], column + move[1]
        self.select(min(max(row, 0), last), min(max(column, 0), last))

    def _hover(self, cell: tuple[int, int] | None) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self.pointed.emit(*(cell or (-1, -1)))
            self.update()

    def _cell_at(self, point: QPoint) -> tuple[int, int] | None:
        if not self.classes:
            return None
        places = self._places()
        if not places.grid.contains(point):
            return None
        inside = point - places.corner
        return inside.y() // places.cell, inside.x() // places.cell

    def _repaint(self) -> None:
        self._ground = None
        self.update()

    def _describe(self) -> None:
        words = self.sentence(*self.selected) if self.selected and self.classes else ""
        self.setAccessibleName(f"Confusion matrix. {words}".strip())
        self.setAccessibleDescription("Rows are true classes, columns predicted. Arrow keys move.")

    def _places(self) -> _Places:
        """Names take what they need; the cell is the largest whole number of pixels that fits."""
        classes = max(1, len(self.classes))
        metrics = QFontMetrics(theme().font(11, 500))
        line = metrics.height()
        names = min(
            max((metrics.horizontalAdvance(name) for name in self.classes), default=0),
            theme().px(LABEL_MOST if classes <= MANY else LABEL_MANY),
        )
        left = line + 8 + names + 8
        right = GAP + BAR + 4 + metrics.horizontalAdvance("10 000")
        across = (self.width() - left - right) // classes
        upright = names + 6 > across
        top = line + 6 + (names if upright else line) + 8
        cell = max(1, min(across, (self.height() - top - 4) // classes))
        if not upright and names + 6 > cell:  # the height decided: the names need the room above
            upright, top = True, line + 6 + names + 8
            cell = max(1, min(across, (self.height() - top - 4) // classes))
        return _Places(QPoint(left, top), cell, classes, upright)

    def _painted(self, size: QSize, ratio: float) -> QPixmap:
        result = QPixmap(size * ratio)
        result.setDevicePixelRatio(ratio)
        result.fill(theme().color("surface"))
        painter = QPainter(result)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        places = self._places()
        values_KK, most = self._values()
        self._paint_cells(painter, places, values_KK, most)
        self._paint_names(painter, places)
        self._paint_bar(painter, places, most)
        painter.end()
        return result

    def _values(self) -> tuple[np.ndarray, float]:
        """What colours stand for, and the value of the brightest."""
        if self._percent:
            return self._shares_KK, 1.0
        return self.counts_KK.astype(np.float64), float(max(1, self.counts_KK.max(initial=0)))

    def _paint_cells(
        self, painter: QPainter, places: _Places, values_KK: np.ndarray, most: float
    ) -> None:
        table_256x3 = heatmap("cividis")
        index_KK = np.rint(np.nan_to_num(values_KK) / most * 255).astype(np.intp)
        colors_KK3 = np.ascontiguousarray(table_256x3[index_KK])
        classes = len(self.classes)
        image = QImage(colors_KK3.data, classes, classes, 3 * classes, QImage.Format.Format_RGB888)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(places.grid, image)
        if places.cell >= 8:
            painter.setPen(QPen(theme().color("surface"), 1))
            grid = places.grid
            for place in range(classes + 1):
                offset = place * places.cell
                painter.drawLine(grid.x() + offset, grid.y(), grid.x() + offset, grid.bottom())
                painter.drawLine(grid.x(), grid.y() + offset, grid.right(), grid.y() + offset)
        if places.cell >= NUMBERS_FROM:
            self._paint_numbers(painter, places, colors_KK3)

    def _paint_numbers(self, painter: QPainter, places: _Places, colors_KK3: np.ndarray) -> None:
        widest = "100" if self._percent else str(int(self.counts_KK.max(initial=0)))
        size = 13.0
        while size > 8 and (
            QFontMetrics(theme().font(size, 500)).horizontalAdvance(widest) > places.cell - 4
        ):
            size -= 1
        painter.setFont(theme().font(size, 500))
        for true, row in enumerate(self.counts_KK):
            for predicted, count in enumerate(row):
                text = self._number(true, predicted, int(count))
                if text:
                    red, green, blue = (int(channel) for channel in colors_KK3[true, predicted])
                    painter.setPen(QColor(readable_on(f"#{red:02X}{green:02X}{blue:02X}")))
                    painter.drawText(
                        places.box(true, predicted), Qt.AlignmentFlag.AlignCenter, text
                    )

    def _number(self, true: int, predicted: int, count: int) -> str:
        share = self._shares_KK[true, predicted]
        if np.isnan(share):
            return "–"
        if not count:
            return ""
        if not self._percent:
            return str(count)
        return "<1" if share < 0.005 else f"{100 * share:.0f}"

    def _paint_names(self, painter: QPainter, places: _Places) -> None:
        font, metrics = theme().font(11, 500), QFontMetrics(theme().font(11, 500))
        painter.setFont(font)
        painter.setPen(theme().color("muted"))
        grid, line, flag = places.grid, metrics.height(), Qt.AlignmentFlag
        painter.drawText(
            QRect(grid.x(), 0, max(grid.width(), 60), line), flag.AlignHCenter, "predicted"
        )
        painter.save()
        painter.translate(0, grid.center().y() + 60)
        painter.rotate(-90)
        painter.drawText(QRect(0, 0, 120, line), flag.AlignCenter, "true")
        painter.restore()
        painter.setPen(theme().color("text"))
        every = -(-line // places.cell)  # names of tiny cells would lie on each other
        room = grid.x() - line - 16
        for index in range(0, len(self.classes), every):
            box = places.box(index, 0)
            name = metrics.elidedText(self.classes[index], Qt.TextElideMode.ElideMiddle, room)
            height = max(places.cell, line)
            left = QRect(line + 8, box.center().y() - height // 2, room, height)
            painter.drawText(left, flag.AlignRight | flag.AlignVCenter, name)
            self._paint_column_name(painter, places, index, name)

    def _paint_column_name(self, painter: QPainter, places: _Places, index: int, name: str) -> None:
        box, flag = places.box(0, index), Qt.AlignmentFlag
        line = painter.fontMetrics().height()
        if not places.upright:
            above = QRect(box.x(), box.y() - line - 6, box.width(), line)
            painter.drawText(above, flag.AlignCenter, name)
            return
        painter.save()
        painter.translate(box.center().x(), box.y() - 6)
        painter.rotate(-90)
        painter.drawText(QRect(0, -line // 2, 200, line), flag.AlignVCenter, name)
        painter.restore()

    def _paint_bar(self, painter: QPainter, places: _Places, most: float) -> None:
        bar = QRect(places.grid.right() + GAP, places.grid.y(), BAR, places.grid.height())
        table_256x3 = np.ascontiguousarray(heatmap("cividis")[::-1])
        painter.drawImage(bar, QImage(table_256x3.data, 1, 256, 3, QImage.Format.Format_RGB888))
        painter.setPen(theme().color("muted"))
        line, flag = painter.fontMetrics().height(), Qt.AlignmentFlag
        top = "100 %" if self._percent else thousands(int(most))
        for y, text in ((bar.y(), top), (bar.bottom() - line, "0")):
            painter.drawText(QRect(bar.right() + 5, y, 60, line), flag.AlignLeft, text)

    @staticmethod
    def _outline(painter: QPainter, box: QRect, color: QColor, width: int) -> None:
        painter.setPen(QPen(theme().color("surface"), width + 2))
        painter.drawRect(box)
        painter.setPen(QPen(color, width))
        painter.drawRect(box)


def readable_on(ground: str) -> str:
    """Black or white, whichever has the larger contrast on "#RRGGBB"."""
    black, white = "#000000", "#FFFFFF"
    return black if contrast(black, ground) >= contrast(white, ground) else white
