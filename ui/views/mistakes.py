"""Pictures that the model called by the wrong name, with how sure it was."""

import numpy as np
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QListView,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from ui.predictions import Predictions, PredictionsHeader, copy_both, csv_text, drawn
from ui.views.base import NO_RUN, View
from ui.widgets import ElidedLabel, EmptyState
from ui.widgets.mistake import Mistake, MistakeDelegate, MistakeDetail, MistakeModel
from ui.widgets.segments import Segments
from workbench.history import History
from workbench.wording import thousands

ALL = -1


class MistakesView(View):
    """A gallery of mistakes, sorted by confidence, filtered by true and predicted class."""

    title, order, side = "Mistakes", 40, "right"
    shows = ("predictions", "test")
    families = ("classification",)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: History | None = None
        self._cursor: int | None = None
        self._shown: str | None = None
        self._predictions: Predictions | None = None
        self.header = PredictionsHeader("Mistakes")
        self.header.changed.connect(self._draw)
        self.header.add_export("mistakes", self.picture, self.table)
        self.order_switch = Segments(
            ("Most certain", "Least certain"),
            "Sort by",
            ("Most confident mistakes first", "Least confident mistakes first"),
        )
        self.order_switch.setObjectName("sort")
        self.order_switch.picked.connect(self._filter)
        self.true = _class_filter("True", "true")
        self.predicted = _class_filter("Called", "predicted")
        for box in (self.true, self.predicted):
            box.currentIndexChanged.connect(self._filter)
        self.count = ElidedLabel("", "why", "muted")
        self.count.setObjectName("count")
        self.model = MistakeModel(self)
        self.gallery = self._make_gallery()
        self.detail = MistakeDetail()
        self.detail_area = QScrollArea()
        self.detail_area.setObjectName("detail-area")
        self.detail_area.setWidget(self.detail)
        self.detail.setAutoFillBackground(False)  # setWidget turned it on
        self.detail_area.setWidgetResizable(True)
        self.detail_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.detail_area.setFixedWidth(self.detail.width() + 14)  # and the scroll bar
        self.detail_area.hide()
        self.empty = EmptyState("image-square", "")
        body = QWidget()
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(body)
        self._lay_out(body)
        self._draw()

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Show the mistakes of the newest predictions at or before `cursor`."""
        self._history, self._cursor = history, cursor
        self._draw()

    def picture(self) -> QPixmap:
        """The gallery as it is on screen."""
        return drawn(self.gallery.viewport())

    def table(self) -> str:
        """The mistakes on show as CSV: index in the split, true, predicted, confidence."""
        rows = [
            (m.index, m.true_name, m.predicted_name, f"{m.confidence:.4f}")
            for m in self.model.mistakes
        ]
        return csv_text([("index", "true", "predicted", "confidence"), *rows])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy) and self._predictions:
            copy_both(self.picture(), self.table())
        elif event.key() == Qt.Key.Key_Escape and self.detail_area.isVisible():
            self.gallery.clearSelection()
        else:
            super().keyPressEvent(event)

    def _make_gallery(self) -> QListView:
        gallery = QListView()
        gallery.setObjectName("gallery")
        gallery.setAccessibleName("Mistakes")
        gallery.setViewMode(QListView.ViewMode.IconMode)
        gallery.setResizeMode(QListView.ResizeMode.Adjust)
        gallery.setMovement(QListView.Movement.Static)
        gallery.setUniformItemSizes(True)
        gallery.setMouseTracking(True)
        gallery.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        gallery.setModel(self.model)
        gallery.setItemDelegate(MistakeDelegate(gallery))
        gallery.selectionModel().selectionChanged.connect(self._show_detail)
        return gallery

    def _lay_out(self, body: QWidget) -> None:
        filters = QHBoxLayout()
        filters.setSpacing(8)
        filters.addWidget(self.true)
        filters.addWidget(self.predicted)
        filters.addWidget(self.order_switch)
        filters.addStretch()
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self.gallery, 1)
        middle.addWidget(self.detail_area)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.header)
        layout.addLayout(filters)
        layout.addWidget(self.count)
        layout.addLayout(middle, 1)

    def _draw(self) -> None:
        try:
            predictions = self.header.read(self._history, self._cursor)
        except OSError as error:
            self._show_empty("warning", f"These predictions can't be read: {error}")
            return
        if predictions is None:
            words = "No predictions yet. The first evaluation brings them."
            self._show_empty("image-square", words if self._history is not None else NO_RUN)
            return
        self._stack.setCurrentIndex(1)
        if predictions.path == self._shown:
            return
        self._shown, self._predictions = predictions.path, predictions
        for box in (self.true, self.predicted):
            _offer(box, predictions.classes)
        self._filter()

    def _show_empty(self, icon: str, sentence: str) -> None:
        self._shown = self._predictions = None
        self.empty.icon.set_icon(icon, "muted")
        self.empty.sentence.setText(sentence)
        self._stack.setCurrentIndex(0)

    def _filter(self) -> None:
        """Choose and order what the gallery shows; the chosen picture stays if it is among it."""
        predictions = self._predictions
        if predictions is None:
            return
        chosen = self._chosen_index()
        true, called = self.true.currentData(), self.predicted.currentData()
        shown_M = predictions.shown_M
        label_M, predicted_M = predictions.label_N[shown_M], predictions.predicted_N[shown_M]
        fits_M = ((label_M == true) | (true == ALL)) & ((predicted_M == called) | (called == ALL))
        at_m = np.flatnonzero(fits_M)
        confidence_m = predictions.confidence_N[shown_M[at_m]].astype(np.float64)
        sign = 1 if self.order_switch.chosen else -1
        at_m = at_m[np.argsort(sign * confidence_m, kind="stable")]
        mistakes = [Mistake.of(predictions, int(place)) for place in at_m]
        self.model.show_mistakes(mistakes)
        self._say_count(true, called, len(mistakes))
        self._choose(chosen)

    def _say_count(self, true: int, called: int, fitting: int) -> None:
        predictions = self._predictions
        assert predictions is not None
        wrong_N = predictions.label_N != predictions.predicted_N
        if not wrong_N.any():
            count = thousands(len(wrong_N))
            self.count.setText(f"No mistake among {count} {predictions.split} images.")
            return
        asked = ""
        if true != ALL or called != ALL:
            wrong_N = wrong_N & ((predictions.label_N == true) | (true == ALL))
            wrong_N = wrong_N & ((predictions.predicted_N == called) | (called == ALL))
            asked = " of this choice"
        total = int(wrong_N.sum())
        words = f"{thousands(fitting)} of {thousands(total)} mistakes{asked} are pictured"
        self.count.setText(words if total else "No mistake of this choice.")

    def _chosen_index(self) -> int | None:
        rows = self.gallery.selectionModel().selectedIndexes()
        return self.model.mistakes[rows[0].row()].index if rows else None

    def _choose(self, index: int | None) -> None:
        rows = [row for row, m in enumerate(self.model.mistakes) if m.index == index]
        if rows:
            self.gallery.selectionModel().setCurrentIndex(
                self.model.index(rows[0]), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )
        self._show_detail()

    def _show_detail(self) -> None:
        rows: list[QModelIndex] = self.gallery.selectionModel().selectedIndexes()
        self.detail_area.setVisible(bool(rows))
        if rows:
            self.detail.show_mistake(self.model.mistakes[rows[0].row()])


def _class_filter(word: str, name: str) -> QComboBox:
    box = QComboBox()
    box.setObjectName(name)
    box.setAccessibleName(f"{word} class")
    box.setProperty("word", word)
    box.addItem(f"{word}: all", ALL)
    return box


def _offer(box: QComboBox, classes: tuple[str, ...]) -> None:
    """Offer these classes and keep the choice, without telling."""
    word, chosen = box.property("word"), box.currentData()
    if box.count() == len(classes) + 1 and box.itemData(1, Qt.ItemDataRole.UserRole + 1) == classes:
        return
    blocked = box.blockSignals(True)
    box.clear()
    box.addItem(f"{word}: all", ALL)
    for index, name in enumerate(classes):
        box.addItem(f"{word}: {name}", index)
    if classes:
        box.setItemData(1, classes, Qt.ItemDataRole.UserRole + 1)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    box.blockSignals(blocked)
