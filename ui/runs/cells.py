"""How a cell is drawn, edited, and explained where its words are cut."""

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex
from PySide6.QtGui import QFontMetrics, QHelpEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from ui.runs.columns import COLUMNS
from ui.runs.model import RunModel
from ui.theme import theme
from ui.widgets import tooltip

PADDING = 11  # px: 8 of the sheet, and 3 that Qt leaves beside the words of an item
Index = QModelIndex | QPersistentModelIndex


class RunDelegate(QStyledItemDelegate):
    """Cells without a focus frame, with the whole text as tooltip where it is cut."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        option.state &= ~option.state.State_HasFocus

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setObjectName("title_editor")
        editor.setMaxLength(120)
        editor.setAccessibleName("Title")
        return editor

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        editor.setGeometry(option.rect.adjusted(0, 2, 0, -3))

    def helpEvent(
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        if event.type() != QEvent.Type.ToolTip or not index.isValid():
            return False
        text = cell_tip(index, view.visualRect(index).width())
        if text:
            QToolTip.showText(event.globalPos(), tooltip(text), view)
        else:
            QToolTip.hideText()
        return True


def cell_tip(index: Index, width: int) -> str:
    """The whole words of a cell that is cut; for a state, the sentence of the run's end."""
    model = index.model()
    if isinstance(model, RunModel) and COLUMNS[index.column()].name == "state":
        return model.record_at(index).sentence
    words = str(index.data() or "")
    needed = QFontMetrics(theme().font(13, 500)).horizontalAdvance(words) + 2 * PADDING
    return words if needed > width else ""
