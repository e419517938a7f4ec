"""How many images each class has, as bars; choosing a class filters the pictures."""

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from ui.predictions import class_color
from ui.theme import theme
from workbench.wording import percent, thousands

ROW, SWATCH = 32, 10
COUNT = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


class ClassCounts(QListWidget):
    """A row for all classes and one for each: colour, name, bar, number.

    Signals:
        picked: the class the user chose, -1 for all.
    """

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setObjectName("class_counts")
        self.setAccessibleName("Images per class")
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_Delegate(self))
        self.largest, self.widest_name = 1, 0
        self.currentRowChanged.connect(lambda row: self.picked.emit(row - 1))
        theme().changed.connect(self._measure)

    def show_counts(
        self, counts_K: np.ndarray, classes: tuple[str, ...], *, keep: bool = True
    ) -> None:
        """Show the counts, with the row chosen before or with that of all; tells nobody."""
        blocked = self.blockSignals(True)
        row = max(self.currentRow(), 0) if keep else 0
        self.clear()
        total = int(counts_K.sum())
        self._add("All classes", total, total)
        for name, count in zip(classes, counts_K.tolist(), strict=True):
            self._add(name, count, total)
        self.largest = max(1, int(counts_K.max()))
        self._measure()
        self.setCurrentRow(row)
        self.blockSignals(blocked)

    def _add(self, name: str, count: int, total: int) -> None:
        item = QListWidgetItem(name)
        item.setData(COUNT, count)
        words = f"{name}: {thousands(count)} images, {percent(count / max(total, 1))}"
        item.setToolTip(words)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
        self.addItem(item)

    def _measure(self) -> None:
        metrics = QFontMetrics(theme().font(13))
        names = (self.item(row).text() for row in range(self.count()))
        widths = (metrics.horizontalAdvance(name) for name in names)
        self.widest_name = max(widths, default=0) + 4  # eliding counts parts of a pixel
        self.doItemsLayout()


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, theme().px(ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        owner = self.parent()
        assert isinstance(owner, ClassCounts)
        area: QRect = option.rect  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, theme().color("soft" if chosen else "raised"))
        inside = area.adjusted(16, 0, -16, 0)
        painter.setFont(theme().font(13))
        metrics, flag = painter.fontMetrics(), Qt.AlignmentFlag
        number = metrics.horizontalAdvance("888 888") + 4
        names = min(owner.widest_name, inside.width() // 2 - 20)
        painter.setPen(theme().color("text"))
        box = QRect(inside.x() + SWATCH + 8, inside.y(), names, inside.height())
        name = metrics.elidedText(index.data(), Qt.TextElideMode.ElideRight, names)
        painter.drawText(box, flag.AlignVCenter, name)
        painter.drawText(inside, flag.AlignVCenter | flag.AlignRight, thousands(index.data(COUNT)))
        if index.row():
            left = box.right() + 12
            room = QRect(left, inside.y(), inside.right() - number - left, inside.height())
            self._bar(painter, inside, room, index, owner)
        painter.restore()

    @staticmethod
    def _bar(
        painter: QPainter, inside: QRect, room: QRect, index: Index, owner: ClassCounts
    ) -> None:
        color = class_color(index.row() - 1, owner.count() - 1)
        middle = inside.center().y()
        painter.fillRect(QRect(inside.x(), middle - SWATCH // 2 + 1, SWATCH, SWATCH), color)
        width = round(max(room.width(), 8) * index.data(COUNT) / owner.largest)
        painter.fillRect(
            QRect(room.x(), middle - 4, max(room.width(), 8), 9), theme().color("raised")
        )
        painter.fillRect(QRect(room.x(), middle - 4, width, 9), color)
