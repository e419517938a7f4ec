"""Which classes are taken for which, and the pictures behind a cell."""

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from ui.predictions import Predictions, PredictionsHeader, copy_both, csv_text
from ui.theme import theme
from ui.views.base import NO_RUN, View
from ui.widgets import ElidedLabel, EmptyState, PlainLabel
from ui.widgets.matrix import MatrixWidget
from ui.widgets.pictures import PictureStrip
from ui.widgets.segments import Segments
from workbench.confusion import confusion_matrix, most_confused, overall_accuracy
from workbench.history import History
from workbench.wording import percent, thousands

SIDE = 208
NARROW = 620  # px below which pictures stand below the matrix and the list of pairs goes
PAIRS = 12
QWIDGETSIZE_MAX = 16_777_215  # Qt's "no limit", which PySide does not export
FIGURE_SPACE = "\u2007"  # as wide as a digit, so that counts stand in a column


class ConfusionView(View):
    """Counts of true and predicted classes; a chosen cell shows its pictures beside it."""

    title, order, side = "Confusion", 30, "left"
    shows = ("predictions", "test")
    families = ("classification",)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: History | None = None
        self._cursor: int | None = None
        self._shown: str | None = None
        self._predictions: Predictions | None = None
        self.header = PredictionsHeader("Confusion")
        self.header.changed.connect(self._draw)
        self.unit = Segments(
            ("Count", "Row %"), "Numbers", ("Pictures in each cell", "Share of each true class")
        )
        self.unit.setObjectName("unit")
        self.header.controls.addWidget(self.unit)
        self.matrix = MatrixWidget()
        self.matrix.setObjectName("matrix")
        self.unit.picked.connect(lambda chosen: self.matrix.show_percent(chosen == 1))
        self.matrix.picked.connect(self._show_cell)
        self.matrix.pointed.connect(self._show_read_out)
        self.header.add_export("confusion", self.picture, self.table)
        self.read_out = ElidedLabel("", "why", "muted")
        self.read_out.setObjectName("read-out")
        self.empty = EmptyState("grid-four", "")
        body = QWidget()
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(body)
        self._middle = QHBoxLayout()
        self._middle.setSpacing(16)
        self._middle.addWidget(self.matrix, 1)
        self._side = self._make_side()
        self._middle.addWidget(self._side)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.header)
        layout.addLayout(self._middle, 1)
        layout.addWidget(self.read_out)
        self._draw()

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Draw the newest predictions at or before `cursor`; nothing when they are on screen."""
        self._history, self._cursor = history, cursor
        self._draw()

    def picture(self) -> QPixmap:
        """The matrix as a picture."""
        return self.matrix.picture()

    def table(self) -> str:
        """The counts as CSV, with a row and a column of names."""
        names, counts_KK = self.matrix.classes, self.matrix.counts_KK
        rows = [[name, *row] for name, row in zip(names, counts_KK.tolist(), strict=True)]
        return csv_text([["true \\ predicted", *names], *rows])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy) and self._predictions:
            copy_both(self.picture(), self.table())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < theme().px(NARROW)
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._middle.setDirection(down if narrow else across)
        self._middle.setSpacing(8 if narrow else 16)
        self._side.setMinimumWidth(0 if narrow else theme().px(SIDE))
        self._side.setMaximumWidth(QWIDGETSIZE_MAX if narrow else theme().px(SIDE))
        self.strip.rows = 1 if narrow else 3
        self.strip.updateGeometry()
        self.pairs.setVisible(not narrow)
        self.pairs_title.setVisible(not narrow)

    def _make_side(self) -> QWidget:
        side = QWidget()
        self.cell_words = PlainLabel("", "control", wrap=True)
        self.cell_words.setObjectName("cell")
        self.strip = PictureStrip()
        self.strip.setObjectName("strip")
        self.strip_words = PlainLabel("", "why", "muted", wrap=True)
        self.pairs = QListWidget()
        self.pairs.setObjectName("pairs")
        self.pairs.setAccessibleName("Most confused pairs")
        self.pairs.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.pairs.itemClicked.connect(self._pick_pair)
        self.pairs.itemActivated.connect(self._pick_pair)
        layout = QVBoxLayout(side)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.cell_words, self.strip_words, self.strip):
            layout.addWidget(widget)
        self.pairs_title = PlainLabel("Most confused", "label", "muted")
        layout.addWidget(self.pairs_title)
        layout.addWidget(self.pairs, 1)
        return side

    def _draw(self) -> None:
        try:
            predictions = self.header.read(self._history, self._cursor)
        except OSError as error:
            self._show_empty("warning", f"These predictions can't be read: {error}")
            return
        if predictions is None:
            self._show_empty("grid-four", _nothing(self._history))
            return
        self._stack.setCurrentIndex(1)
        if predictions.path == self._shown:
            return
        self._shown, self._predictions = predictions.path, predictions
        counts_KK = confusion_matrix(
            predictions.label_N, predictions.predicted_N, len(predictions.classes)
        )
        self.matrix.show_counts(counts_KK, predictions.classes)
        self._show_pairs(counts_KK)
        self._show_cell(*(self.matrix.selected or (-1, -1)))
        self._show_read_out(-1, -1)

    def _show_empty(self, icon: str, sentence: str) -> None:
        self._shown = self._predictions = None
        self.empty.icon.set_icon(icon, "muted")
        self.empty.sentence.setText(sentence)
        self._stack.setCurrentIndex(0)

    def _show_pairs(self, counts_KK: np.ndarray) -> None:
        self.pairs.clear()
        names = self.matrix.classes
        pairs = most_confused(counts_KK, PAIRS)
        widest = max((len(thousands(pair.count)) for pair in pairs), default=0)
        for pair in pairs:
            count = thousands(pair.count).rjust(widest, FIGURE_SPACE)
            words = f"{count}  {names[pair.true]} → {names[pair.predicted]}"
            item = QListWidgetItem(words)
            item.setData(Qt.ItemDataRole.UserRole, (pair.true, pair.predicted))
            item.setToolTip(self.matrix.sentence(pair.true, pair.predicted))
            item.setSizeHint(QSize(0, theme().px(28)))
            self.pairs.addItem(item)

    def _pick_pair(self, item: QListWidgetItem) -> None:
        self.matrix.select(*item.data(Qt.ItemDataRole.UserRole))

    def _show_read_out(self, true: int, predicted: int) -> None:
        if true >= 0:
            self.read_out.setText(self.matrix.sentence(true, predicted))
            return
        counts_KK = self.matrix.counts_KK
        right, total = int(np.trace(counts_KK)), int(counts_KK.sum())
        words = f"{thousands(right)} of {thousands(total)} on the diagonal"
        self.read_out.setText(f"{words}, accuracy {percent(overall_accuracy(counts_KK))}")

    def _show_cell(self, true: int, predicted: int) -> None:
        predictions = self._predictions
        if predictions is None or true < 0:
            self.cell_words.setText("Choose a cell to see its pictures.")
            self.strip_words.setText("")
            self.strip.show_pictures(np.zeros((0, 1, 1, 1), np.uint8), [])
            return
        self.cell_words.setText(self.matrix.sentence(true, predicted))
        shown_M = predictions.shown_M
        at_m = np.flatnonzero(
            (predictions.label_N[shown_M] == true) & (predictions.predicted_N[shown_M] == predicted)
        )
        confidence_m = predictions.confidence_N[shown_M[at_m]].astype(np.float64)
        words = [
            f"picture {index}, {percent(c)}"
            for index, c in zip(shown_M[at_m], confidence_m, strict=True)
        ]
        self.strip.show_pictures(predictions.picture_MHWC[at_m], words)
        count = int(self.matrix.counts_KK[true, predicted])
        self.strip_words.setText(_strip_words(true == predicted, count, len(at_m)))


def _strip_words(right: bool, count: int, pictured: int) -> str:
    if right:
        return "Pictures are kept of mistakes only."
    if not count:
        return "No such mistake."
    return f"{thousands(pictured)} of {thousands(count)} pictured, most confident first"


def _nothing(history: History | None) -> str:
    if history is None:
        return NO_RUN
    return "No predictions yet. The first evaluation brings them."
