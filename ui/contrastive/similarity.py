"""The matrix of cosine similarities of a batch, painted in one widget."""

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.contrastive.batch import Batch
from ui.theme import heatmap, theme

BAR, GAP = 10, 10
BOXES_FROM = 5  # px of a cell below which a box around it would hide its neighbours


class SimilarityMatrix(QWidget):
    """N x N cells from -1 to 1, positives outlined; a row can be chosen by mouse or keys.

    Where cells are too small for outlines, two lines run along the positives on either side.

    Signals:
        picked: the row that the user chose.
        pointed: (row, column) under the mouse, (-1, -1) outside.
    """

    picked = Signal(int)
    pointed = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(160, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.anchor = -1
        self._batch: Batch | None = None
        self._image: QImage | None = None
        self._edges: list[QLineF] = []
        theme().changed.connect(self._color)

    def show_batch(self, batch: Batch) -> None:
        """Show a batch's similarities."""
        self._batch = batch
        self._color()

    def show_anchor(self, row: int) -> None:
        """Frame a row without telling."""
        self.anchor = row
        name = self._batch.name(row) if self._batch is not None and row >= 0 else "none"
        self.setAccessibleName(f"Similarity matrix. Anchor: {name}")
        self.setAccessibleDescription("Rows are anchors. Up and Down choose one.")
        self.update()

    def grid(self) -> QRect:
        """Where the cells stand: whole pixels per cell, unless that would waste much room."""
        count = self._batch.count if self._batch else 1
        line = self.fontMetrics().height()
        room = min(self.width() - self._left() - GAP - BAR - 34, self.height() - line - 6)
        whole = room // count * count
        side = whole if whole >= 0.85 * room else max(1, room)
        return QRect(self._left(), line + 4, side, side)

    def center(self, row: int, column: int) -> QPoint:
        """The middle of a cell, in this widget's coordinates."""
        grid, count = self.grid(), self._batch.count if self._batch else 1
        cell, row, column = grid.width() / count, self._rank(row), self._rank(column)
        return QPoint(int(grid.x() + (column + 0.5) * cell), int(grid.y() + (row + 0.5) * cell))

    def sizeHint(self) -> QSize:
        return QSize(300, 260)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._batch is None or self._image is None:
            return
        painter, grid = QPainter(self), self.grid()
        painter.setFont(theme().font(11, 500))
        # Cells of broken width: averaged, or some would look twice as wide as others.
        broken = bool(grid.width() % self._batch.count)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, broken)
        painter.drawImage(grid, self._image)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        self._paint_positives(painter, grid)
        self._paint_names(painter, grid)
        self._paint_bar(painter, grid)
        if self.anchor >= 0:
            cell = grid.width() / self._batch.count
            top = round(grid.y() + self._rank(self.anchor) * cell)
            box = QRect(grid.x() - 2, top - 2, grid.width() + 3, max(3, round(cell)) + 3)
            painter.setPen(QPen(theme().color("surface"), 4))
            painter.drawRect(box)
            painter.setPen(QPen(theme().color("accent"), 2))
            painter.drawRect(box)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.pointed.emit(*self._cell_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(-1, -1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row, _ = self._cell_at(event.position().toPoint())
        if row >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        move = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if move is None or self._batch is None:
            super().keyPressEvent(event)
            return
        rank = min(max(self._rank(self.anchor) + move, 0), self._batch.count - 1)
        self.picked.emit(int(self._batch.order_N[rank]))

    def _color(self) -> None:
        if self._batch is None:
            return
        order_N = self._batch.order_N
        similarity_NN = self._batch.similarity_NN[np.ix_(order_N, order_N)]
        index_NN = np.rint((similarity_NN.clip(-1, 1) + 1) * 127.5).astype(np.intp)
        colors_NN3 = np.ascontiguousarray(heatmap("cividis")[index_NN])
        itself = theme().color("surface")
        diagonal = np.arange(len(colors_NN3))
        colors_NN3[diagonal, diagonal] = (itself.red(), itself.green(), itself.blue())
        count = len(colors_NN3)
        kind = QImage.Format.Format_RGB888
        self._image = QImage(colors_NN3.data, count, count, 3 * count, kind).copy()
        positive_NN = self._batch.positive_NN[np.ix_(order_N, order_N)]
        if self._batch.by_class:  # a class is one block, though no view is its own positive
            positive_NN = positive_NN | np.eye(len(positive_NN), dtype=bool)
        self._edges = _edges(positive_NN)
        self.update()

    def _left(self) -> int:
        return self.fontMetrics().height() + 4

    def _cell_at(self, point: QPoint) -> tuple[int, int]:
        grid = self.grid()
        if self._batch is None or not grid.contains(point):
            return -1, -1
        inside, count = point - grid.topLeft(), self._batch.count
        down, across = inside.y() * count // grid.height(), inside.x() * count // grid.width()
        return int(self._batch.order_N[down]), int(self._batch.order_N[across])

    def _rank(self, row: int) -> int:
        """Where a row of the batch stands in the matrix; -1 for none."""
        if self._batch is None or row < 0:
            return -1
        return int(np.flatnonzero(self._batch.order_N == row)[0])

    def _paint_positives(self, painter: QPainter, grid: QRect) -> None:
        assert self._batch is not None
        count = self._batch.count
        cell = grid.width() / count
        painter.save()
        painter.setClipRect(grid)
        painter.translate(grid.topLeft())
        painter.scale(cell, cell)
        pen = QPen(theme().color("accent"), 1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        if self._batch.by_class or cell >= BOXES_FROM:
            painter.drawLines(self._edges)
        else:
            half, off = count // 2, 2.0
            for x, y in ((half, 0), (0, half)):
                for side in (-off, off):
                    start = QPointF(x + side, y - side)
                    painter.drawLine(QLineF(start, start + QPointF(half, half)))
        painter.restore()

    def _paint_names(self, painter: QPainter, grid: QRect) -> None:
        assert self._batch is not None
        painter.setPen(theme().color("muted"))
        words = ["class by class"] if self._batch.by_class else ["view 1", "view 2"]
        part, line = grid.width() // len(words), painter.fontMetrics().height()
        middle = Qt.AlignmentFlag.AlignCenter
        for place, word in enumerate(words):
            painter.drawText(QRect(grid.x() + place * part, 0, part, line), middle, word)
            painter.save()
            painter.translate(0, grid.y() + (place + 1) * part)
            painter.rotate(-90)
            painter.drawText(QRect(0, 0, part, line), middle, word)
            painter.restore()

    def _paint_bar(self, painter: QPainter, grid: QRect) -> None:
        bar = QRect(grid.right() + GAP, grid.y(), BAR, grid.height())
        table_256x3 = np.ascontiguousarray(heatmap("cividis")[::-1])
        painter.drawImage(bar, QImage(table_256x3.data, 1, 256, 3, QImage.Format.Format_RGB888))
        line, left = painter.fontMetrics().height(), Qt.AlignmentFlag.AlignLeft
        for y, words in (
            (bar.y(), "1"),
            (bar.center().y() - line // 2, "0"),
            (bar.bottom() - line, "−1"),
        ):
            painter.drawText(QRect(bar.right() + 5, y, 30, line), left, words)


def _edges(positive_NN: np.ndarray) -> list[QLineF]:
    """The border of the positives as lines in cells: where a positive meets something else."""
    padded = np.pad(positive_NN, 1)
    down = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    across = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    lines = [QLineF(x, y, x, y + 1) for y, x in down.tolist()]
    return lines + [QLineF(x, y, x + 1, y) for y, x in across.tolist()]
