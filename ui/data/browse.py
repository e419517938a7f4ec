"""Classes and pictures of one split beside each other, and the chosen picture enlarged."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ui.data.classes import ClassCounts
from ui.data.grid import NOTHING, PictureGrid
from ui.data.picture import Enlarged
from ui.theme import theme
from ui.widgets import ElidedLabel, HairLine, PlainLabel, icon_button, muted, secondary
from ui.widgets.segments import Segments
from workbench.wording import thousands

if TYPE_CHECKING:
    from workbench.data_summary import DataSummary

SPLITS = ("train", "validation", "test")
COUNTS, DETAIL, ENLARGED = 300, 232, 200


class BrowsePanel(QWidget):
    """Switch the split, choose a class, look at the pictures.

    Signals:
        augment_wanted: show the augmentation of (split, index).
    """

    augment_wanted = Signal(str, int)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._summary: DataSummary | None = None
        self._index_M = np.zeros(0, np.int64)
        self.split = Segments(("Train", "Validation", "Test"), "Split")
        self.split.setObjectName("split")
        self.split.picked.connect(lambda: self._show_split())
        self.balance = ElidedLabel("", "body", "muted")
        self.balance.setObjectName("balance")
        self.shown = muted("", "body")
        self.shown.setObjectName("shown")
        self.counts = ClassCounts()
        self.counts.setFixedWidth(theme().px(COUNTS))
        self.counts.picked.connect(self._show_pictures)
        self.grid = PictureGrid()
        self.grid.chosen.connect(self._show_detail)
        self.detail = PictureDetail()
        self.detail.closed.connect(lambda: self.grid.choose(NOTHING))
        self.detail.augment.clicked.connect(self._want_augmentation)
        self.detail.hide()
        self._lay_out()

    def show_summary(self, summary: "DataSummary") -> None:
        """Show another data set; the split stays, and the class if there is the same choice."""
        before, self._summary = self._summary, summary
        alike = before is not None and before.classes == summary.classes
        self._show_split(keep=alike)

    def shown_split(self) -> str:
        """Name of the split on show."""
        return SPLITS[self.split.chosen]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.detail.isVisible():
            self.grid.choose(NOTHING)
        else:
            super().keyPressEvent(event)

    def _show_split(self, *, keep: bool = True) -> None:
        from workbench.data_summary import balance

        if self._summary is None:
            return
        counts_K = self._summary.counts[self.shown_split()]
        self.counts.show_counts(counts_K, self._summary.classes, keep=keep)
        self.balance.setText(balance(counts_K, self._summary.classes))
        self._show_pictures()

    def _show_pictures(self) -> None:
        summary, split = self._summary, self.shown_split()
        if summary is None:
            return
        pictures, k = summary.splits[split], self.counts.currentRow() - 1
        index_M = self._index_M = pictures.of_class(k if k >= 0 else None)
        self.shown.setText(f"{thousands(len(index_M))} pictures")

        def words(place: int) -> str:
            facts = summary.facts(split, int(index_M[place]))
            return "\n".join(f"{what}: {value}" for what, value in facts)

        self.grid.show_pictures(
            len(index_M),
            lambda place: pictures.picture(int(index_M[place])),
            words,
            lambda place: int(pictures.label_N[index_M[place]]),
            len(summary.classes),
        )
        self.detail.hide()

    def _show_detail(self, place: int) -> None:
        self.detail.setVisible(place >= 0)
        if place >= 0 and self._summary is not None:
            self.detail.show_picture(self._summary, self.shown_split(), int(self._index_M[place]))

    def _want_augmentation(self) -> None:
        if self.grid.place >= 0:
            self.augment_wanted.emit(self.shown_split(), int(self._index_M[self.grid.place]))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 8, 16, 8)
        head.setSpacing(12)
        head.addWidget(self.split)
        head.addWidget(self.balance, 1)
        head.addWidget(self.shown)
        body = QHBoxLayout()
        body.setSpacing(0)
        body.addWidget(self.counts)
        body.addWidget(HairLine(vertical=True))
        body.addWidget(self.grid, 1)
        body.addWidget(self.detail)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(HairLine())
        column.addLayout(body, 1)


class PictureDetail(QWidget):
    """One picture large, with what is known of it.

    Signals:
        closed: the user closed it.
    """

    closed = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setObjectName("detail")
        self.setFixedWidth(theme().px(DETAIL))
        self.enlarged = Enlarged(ENLARGED)
        self.title = ElidedLabel("", "control")
        close = icon_button("x", "Close the enlarged picture", tip="Close  Esc")
        close.clicked.connect(self.closed)
        self.augment = secondary("Augment this one", "shuffle")
        self.augment.setObjectName("augment_this")
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(12)
        self._facts.setVerticalSpacing(4)
        self._labels: list[tuple[PlainLabel, PlainLabel]] = []
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(close)
        column = QVBoxLayout()
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.enlarged)
        column.addLayout(self._facts)
        column.addWidget(self.augment)
        column.addStretch()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(HairLine(vertical=True))
        row.addLayout(column, 1)

    def show_picture(self, summary: "DataSummary", split: str, index: int) -> None:
        """Show picture `index` of a split."""
        facts = summary.facts(split, index)
        words = ", ".join(f"{what} {value}" for what, value in facts)
        self.enlarged.show_picture(summary.splits[split].picture(index), words)
        self.title.setText(facts[0][1])
        rest = facts[1:]
        while len(self._labels) < len(rest):
            pair = muted(""), PlainLabel("", "why", wrap=True)
            for column, label in enumerate(pair):
                self._facts.addWidget(label, len(self._labels), column)
            self._facts.setColumnStretch(1, 1)
            self._labels.append(pair)
        for place, (what, value) in enumerate(self._labels):
            for label in (what, value):
                label.setVisible(place < len(rest))
            if place < len(rest):
                what.setText(rest[place][0])
                value.setText(rest[place][1])
