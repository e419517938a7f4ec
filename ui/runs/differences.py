"""What differs between the selected runs, as a small table, and a sentence on the outcome."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ui.runs.cells import PADDING, RunDelegate
from ui.runs.model import swatch
from ui.theme import theme
from ui.widgets import IconLabel, Panel, PlainLabel, clean, link, muted, tooltip
from workbench.compare import Line, number, results, settings
from workbench.history import History
from workbench.verdict import verdict
from workbench.workspace import RunRecord

MOST, MOST_JUDGED = 10, 500
ROW = 30
LEAST_COLUMN = 92


class Differences(Panel):
    """Settings and results, one column per run; equal settings stay hidden until asked for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface", padding=0, spacing=4, parent=parent)
        self.box.setContentsMargins(16, 10, 16, 8)
        self.heading, self.hidden_words = PlainLabel("What differs", "section"), muted("")
        self.show_all = link("Show all")
        self.show_all.setObjectName("show_all")
        self.show_all.setCheckable(True)
        self.table = _table()
        self.sentence = PlainLabel("", "body", wrap=True)
        self.sentence.setObjectName("verdict")
        self._records: Sequence[RunRecord] = ()
        self._histories: Mapping[str, History] = {}
        self._lay_out()
        self.show_all.toggled.connect(self._fill)
        theme().changed.connect(self._fill)

    def show_runs(self, records: Sequence[RunRecord], histories: Mapping[str, History]) -> None:
        """Compare these runs; the table holds the first ten, the sentence counts up to 500."""
        self._records, self._histories = records, histories
        self.setVisible(bool(records))
        self._fill()

    def _fill(self) -> None:
        shown = list(self._records[:MOST])
        lines = settings([record.spec for record in shown])
        differing = [line for line in lines if line.differs]
        everything = self.show_all.isChecked()
        rows = (lines if everything else differing) + results(shown, self._histories)
        self.heading.setText("What differs" if len(shown) > 1 else "Outcome")
        equal = len(lines) - len(differing)
        noun = "setting" if equal == 1 else "settings"
        kind = f"equal {noun} hidden" if len(shown) > 1 else f"{noun} hidden"
        self.hidden_words.setText("" if everything or not equal else f"{equal} {kind}")
        self.show_all.setText("Show fewer" if everything else "Show all")
        self._fill_table(shown, rows)
        many = len(self._records)
        self.sentence.setText(
            verdict(self._records)
            if many <= MOST_JUDGED
            else f"{many} runs are too many to compare."
        )

    def _fill_table(self, records: Sequence[RunRecord], lines: Sequence[Line]) -> None:
        table, scroll = self.table, self.table.verticalScrollBar().value()
        table.setColumnCount(1 + len(records))
        table.setRowCount(len(lines))
        table.setHorizontalHeaderItem(0, _item("Setting" if len(records) > 1 else ""))
        for place, record in enumerate(records):
            header = _item(number(record))
            header.setIcon(swatch(place))
            header.setToolTip(tooltip(clean(record.title)))
            table.setHorizontalHeaderItem(place + 1, header)
        for row, line in enumerate(lines):
            table.setItem(row, 0, _item(line.title, "muted"))
            for place, words in enumerate(line.values):
                table.setItem(row, place + 1, _value(line, place, words))
        self._size_columns(lines)
        table.verticalScrollBar().setValue(scroll)

    def _size_columns(self, lines: Sequence[Line]) -> None:
        metrics = QFontMetrics(theme().font(13, 500))
        widest = max((metrics.horizontalAdvance(line.title) for line in lines), default=0)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        self.table.setColumnWidth(0, min(widest + 2 * PADDING + 4, theme().px(180)))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.heading)
        head.addWidget(self.hidden_words)
        head.addStretch()
        head.addWidget(self.show_all)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 4, 0, 4)
        foot.setSpacing(10)
        foot.addWidget(IconLabel("scales", "accent", 18), 0, Qt.AlignmentFlag.AlignTop)
        foot.addWidget(self.sentence, 1)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        column.addLayout(foot)
        self.box.addLayout(column)


def _table() -> QTableWidget:
    table = QTableWidget()
    table.setObjectName("differences")
    table.setAccessibleName("What differs between the selected runs")
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setItemDelegate(RunDelegate(table))
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    table.verticalHeader().setDefaultSectionSize(theme().px(ROW))
    header = table.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setMinimumSectionSize(theme().px(LEAST_COLUMN))
    header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    header.setHighlightSections(False)
    table.setMinimumHeight(theme().px(4 * ROW))
    return table


def _item(words: str, tone: str = "text") -> QTableWidgetItem:
    item = QTableWidgetItem(clean(words))
    item.setForeground(theme().color(tone))
    item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return item


def _value(line: Line, place: int, words: str) -> QTableWidgetItem:
    stands_out = line.stands_out(place)
    alone = len(line.values) == 1
    item = _item(words, "text" if stands_out or alone else "muted")
    item.setFont(theme().font(13, 600 if stands_out else 400))
    return item
