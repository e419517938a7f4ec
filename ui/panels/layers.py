"""The layer table of a model: output shapes, parameters and multiply-adds, before training."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ui.panels.preview import Preview
from ui.theme import theme
from ui.widgets import PlainLabel, muted
from workbench.wording import thousands

HEADS = ("Layer", "Kind", "Output", "Parameters", "Multiply-adds")


class LayerTable(QDialog):
    """A window of its own, beside which the set-up stays usable.

    Args:
        shown: the preview whose `layers` are listed.
    """

    def __init__(self, shown: Preview, parent: QWidget | None = None):
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Layer table")
        self.setModal(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(PlainLabel("Layers of the model, for one image", "section"))
        column.addWidget(muted(shown.model_words))
        column.addWidget(self._table(shown))
        self.resize(theme().px(640), theme().px(480))

    def _table(self, shown: Preview) -> QTableWidget:
        table = QTableWidget(len(shown.layers), len(HEADS))
        table.setObjectName("layer_table")
        table.setHorizontalHeaderLabels(HEADS)
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, layer in enumerate(shown.layers):
            shape = " × ".join(str(size) for size in layer.output_shape)
            cells = (
                layer.name,
                layer.kind,
                shape,
                thousands(layer.parameters),
                thousands(layer.multiply_adds),
            )
            for place, words in enumerate(cells):
                item = QTableWidgetItem(words)
                if place >= 2:
                    item.setTextAlignment(right)
                table.setItem(row, place, item)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setStretchLastSection(True)
        return table
