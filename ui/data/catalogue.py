"""The list of data sets: title and licence, and one line that says what it is."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from ui.theme import theme
from ui.widgets import tooltip

if TYPE_CHECKING:
    from workbench.data_summary import Offer

ROW, PADDING = 42, 16
OFFER, FIRST_OF_GROUP = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


class Catalogue(QListWidget):
    """Every data set, a line between the groups; Up and Down choose.

    Signals:
        picked: name of the data set the user chose.
    """

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setObjectName("catalogue")
        self.setAccessibleName("Data sets")
        self.setItemDelegate(_Delegate(self))
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.currentItemChanged.connect(self._picked)
        theme().changed.connect(self._fit)

    def show_offers(self, offers: "list[Offer]") -> None:
        """List them, without choosing one."""
        blocked = self.blockSignals(True)
        self.clear()
        for place, offer in enumerate(offers):
            item = QListWidgetItem(offer.title)
            item.setData(OFFER, offer)
            item.setData(FIRST_OF_GROUP, place > 0 and offers[place - 1].group != offer.group)
            words = f"{offer.title}. {offer.summary} Licence: {offer.licence}"
            item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
            item.setToolTip(tooltip(f"{offer.summary}\nLicence: {offer.licence}"))
            self.addItem(item)
        self.setCurrentRow(-1)
        self.blockSignals(blocked)
        self._fit()

    def offers(self) -> "list[Offer]":
        """What is listed."""
        return [self.item(row).data(OFFER) for row in range(self.count())]

    def select(self, name: str) -> None:
        """Choose a data set, telling as if the user had."""
        for row, offer in enumerate(self.offers()):
            if offer.name == name:
                self.setCurrentRow(row)

    def sizeHint(self) -> QSize:
        return QSize(280, sum(self.sizeHintForRow(row) for row in range(self.count())))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 2 * theme().px(ROW))

    def _fit(self) -> None:
        self.setMaximumHeight(max(self.sizeHint().height(), 1))
        self.updateGeometry()

    def _picked(self, now: QListWidgetItem | None) -> None:
        if now is not None:
            self.picked.emit(now.data(OFFER).name)


class _Delegate(QStyledItemDelegate):
    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(200, theme().px(ROW))

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        offer: Offer = index.data(OFFER)
        area: QRect = option.rect  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, theme().color("soft" if chosen else "raised"))
        if index.data(FIRST_OF_GROUP):
            painter.setPen(theme().color("border"))
            painter.drawLine(area.topLeft(), area.topRight())
        inside = area.adjusted(PADDING, 4, -PADDING, -4)
        upper = QRect(inside.x(), inside.y(), inside.width(), inside.height() // 2)
        lower = upper.translated(0, inside.height() // 2)
        flag = Qt.AlignmentFlag
        painter.setFont(theme().font(11, 500))
        painter.setPen(theme().color("muted"))
        painter.drawText(upper, flag.AlignRight | flag.AlignVCenter, offer.licence)
        room = upper.width() - painter.fontMetrics().horizontalAdvance(offer.licence) - 8
        self._line(painter, upper, room, offer.title, "text", 500, 13)
        self._line(painter, lower, lower.width(), offer.summary, "muted", 400, 12)
        painter.restore()

    @staticmethod
    def _line(
        painter: QPainter, box: QRect, room: int, words: str, color: str, weight: int, size: int
    ) -> None:
        painter.setFont(theme().font(size, weight))
        painter.setPen(theme().color(color))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
