"""A row for each class: name, bar with its interval, numbers, and how it moved over the run."""

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.predictions import class_color
from ui.theme import theme
from workbench.confusion import ClassAccuracy
from workbench.wording import percent, thousands

ROW, HEAD, SPARK = 32, 28, 88
Trail = Sequence[tuple[int, np.ndarray]]


class AccuracyBars(QWidget):
    """Accuracy of every class; rows in any order, one of them chosen by mouse or Up and Down.

    Signals:
        pointed: the class under the mouse or chosen by keys, -1 for none.
    """

    pointed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.accuracy: ClassAccuracy | None = None
        self.classes: tuple[str, ...] = ()
        self.order: list[int] = []
        self._trail: Trail = ()
        self._trail_words = ""
        self._row: int | None = None
        self.setAccessibleName("Accuracy of each class")
        theme().changed.connect(self.update)

    def show_accuracy(
        self, accuracy: ClassAccuracy, classes: tuple[str, ...], order: Sequence[int]
    ) -> None:
        """Show one row per class, from top to bottom as in `order`."""
        self.accuracy, self.classes, self.order = accuracy, classes, list(order)
        if self._row is not None and self._row >= len(classes):
            self._row = None
        self.updateGeometry()
        self.update()

    def show_trail(self, trail: Trail, words: str = "over the run") -> None:
        """Show how it moved: (step, share_K) of earlier evaluations, ascending, under `words`."""
        self._trail, self._trail_words = trail, words
        self.update()

    def sentence(self, k: int) -> str:
        """ "Shirt: 71.2 %, 95 % interval 67.1 to 74.9 %, 364 of 512"."""
        accuracy = self.accuracy
        assert accuracy is not None
        count = int(accuracy.count_K[k])
        if not count:
            return f"{self.classes[k]}: no picture in this split"
        low, high = f"{100 * accuracy.low_K[k]:.1f}", percent(float(accuracy.high_K[k]))
        words = f"{self.classes[k]}: {percent(float(accuracy.share_K[k]))}"
        right = f"{thousands(int(accuracy.correct_K[k]))} of {thousands(count)}"
        return f"{words}, 95 % interval {low} to {high}, {right}"

    def sizeHint(self) -> QSize:
        return QSize(480, theme().px(HEAD) + len(self.order) * theme().px(ROW))

    def minimumSizeHint(self) -> QSize:
        return QSize(360, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.accuracy is None:
            return
        painter = QPainter(self)
        columns = self._columns()
        self._paint_head(painter, columns)
        head, height = theme().px(HEAD), theme().px(ROW)
        for row, k in enumerate(self.order):
            box = QRect(0, head + row * height, self.width(), height)
            if not box.intersects(event.rect()):
                continue
            if row == self._row:
                painter.fillRect(box, theme().color("soft"))
            self._paint_row(painter, box, columns, k)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        row = int(event.position().y() - theme().px(HEAD)) // theme().px(ROW)
        self._point(row if 0 <= row < len(self.order) else None)

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        move = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if move is None or not self.order:
            super().keyPressEvent(event)
            return
        row = 0 if self._row is None else self._row + move
        self._point(min(max(row, 0), len(self.order) - 1))

    def _point(self, row: int | None) -> None:
        if row == self._row:
            return
        self._row = row
        k = -1 if row is None else self.order[row]
        words = self.sentence(k) if k >= 0 and self.accuracy else ""
        self.setAccessibleName(f"Accuracy of each class. {words}".strip())
        self.pointed.emit(k)
        self.update()

    def _columns(self) -> dict[str, QRect]:
        """Left and width of each column; the bar takes what is left."""
        metrics = QFontMetrics(theme().font(13))
        widest = max((metrics.horizontalAdvance(name) for name in self.classes), default=0)
        widths = {
            "name": min(widest + 24, theme().px(140)),
            "percent": metrics.horizontalAdvance("100.0 %") + 4,
            "interval": metrics.horizontalAdvance("88.8 to 88.8") + 4,
            "n": metrics.horizontalAdvance("88 888") + 4,
        }
        if len(self._trail) > 1:
            widths["trail"] = theme().px(SPARK)
        gap = 12
        bar = self.width() - sum(widths.values()) - len(widths) * gap
        if bar < 60:  # narrow: the interval is drawn on the bar, so its numbers go first
            bar += widths.pop("interval") + gap
        columns: dict[str, QRect] = {}
        x = 0
        for name in ("name", "bar", "percent", "interval", "n", "trail"):
            if name == "bar" or name in widths:
                width = max(bar, 24) if name == "bar" else widths[name]
                columns[name] = QRect(x, 0, width, 0)
                x += width + gap
        return columns

    def _paint_head(self, painter: QPainter, columns: dict[str, QRect]) -> None:
        painter.setFont(theme().font(11, 500))
        painter.setPen(theme().color("muted"))
        words = {"name": "class", "percent": "accuracy", "interval": "95 % interval", "n": "n"}
        height, flag = theme().px(HEAD), Qt.AlignmentFlag
        for name, column in columns.items():
            box = QRect(column.x(), 0, column.width(), height)
            if name in ("percent", "interval", "n"):
                painter.drawText(box, flag.AlignRight | flag.AlignVCenter, words[name])
            elif name == "name":
                painter.drawText(box, flag.AlignLeft | flag.AlignVCenter, "class")
            elif name == "trail":
                painter.drawText(box, flag.AlignLeft | flag.AlignVCenter, self._trail_words)
            elif name == "bar":
                painter.drawText(box, flag.AlignLeft | flag.AlignVCenter, "0")
                painter.drawText(box, flag.AlignRight | flag.AlignVCenter, "100 %")
        painter.setPen(theme().color("border"))
        painter.drawLine(0, height - 1, self.width(), height - 1)

    def _paint_row(self, painter: QPainter, box: QRect, columns: dict[str, QRect], k: int) -> None:
        accuracy = self.accuracy
        assert accuracy is not None
        place = {
            name: QRect(column.x(), box.y(), column.width(), box.height())
            for name, column in columns.items()
        }
        self._paint_name(painter, place["name"], k)
        count, share = int(accuracy.count_K[k]), float(accuracy.share_K[k])
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        self._paint_bar(painter, place["bar"], k)
        painter.setFont(theme().font(13))
        painter.setPen(theme().color("text"))
        painter.drawText(place["percent"], right, f"{100 * share:.1f} %" if count else "–")
        painter.setPen(theme().color("muted"))
        painter.drawText(place["n"], right, thousands(count))
        if "interval" in place and count:
            low, high = 100 * accuracy.low_K[k], 100 * accuracy.high_K[k]
            painter.drawText(place["interval"], right, f"{low:.1f} to {high:.1f}")
        if "trail" in place:
            self._paint_trail(painter, place["trail"], k)

    def _paint_name(self, painter: QPainter, place: QRect, k: int) -> None:
        painter.fillRect(
            QRect(place.x(), place.center().y() - 4, 10, 10), class_color(k, len(self.classes))
        )
        painter.setFont(theme().font(13))
        painter.setPen(theme().color("text"))
        room = place.adjusted(18, 0, 0, 0)
        name = painter.fontMetrics().elidedText(
            self.classes[k], Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, name)

    def _paint_bar(self, painter: QPainter, place: QRect, k: int) -> None:
        accuracy = self.accuracy
        assert accuracy is not None
        y = place.center().y()
        painter.fillRect(QRect(place.x(), y - 5, place.width(), 11), theme().color("raised"))
        if not accuracy.count_K[k]:
            return
        width = round(place.width() * float(accuracy.share_K[k]))
        painter.fillRect(QRect(place.x(), y - 5, width, 11), class_color(k, len(self.classes)))
        low = place.x() + place.width() * float(accuracy.low_K[k])
        high = place.x() + place.width() * float(accuracy.high_K[k])
        # The ground under the whisker, so that it is seen on every class colour.
        for token, thick in (("surface", 3), ("text", 1)):
            painter.setPen(QPen(theme().color(token), thick))
            painter.drawLine(QPointF(low, y), QPointF(high, y))
            for end in (low, high):
                painter.drawLine(QPointF(end, y - 3), QPointF(end, y + 3))

    def _paint_trail(self, painter: QPainter, place: QRect, k: int) -> None:
        """A line over all evaluations from 0 to 100 %, its newest point a dot."""
        points = [
            (step, float(share_K[k]))
            for step, share_K in self._trail
            if k < len(share_K) and math.isfinite(share_K[k])
        ]
        if len(points) < 2:
            return
        area = QRectF(place).adjusted(3, 6, -5, -6)
        first, last = points[0][0], points[-1][0]
        line = [
            QPointF(
                area.x() + area.width() * (step - first) / max(1, last - first),
                area.bottom() - area.height() * share,
            )
            for step, share in points
        ]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().color("muted"), 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(line)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("text"))
        painter.drawEllipse(line[-1], 2.5, 2.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
