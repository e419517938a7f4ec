"""The rows of the Runs table.

They are sorted and filtered as a Python list: 20 times faster than a proxy model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPen, QPixmap

from ui.icons import icon
from ui.run_states import state_of
from ui.runs.columns import COLUMNS, PLACE, Column, cell_values, haystack
from ui.theme import theme
from ui.widgets import clean
from workbench.workspace import RunRecord

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
Filters = Sequence[tuple[str, str]]
NO_COLOUR = -1
ROOT = QModelIndex()


class RunModel(QAbstractTableModel):
    """Runs by column.

    Signals:
        about_to_change, changed: the rows are replaced between these two.
        renamed: the user gave a run another title.
    """

    about_to_change = Signal()
    changed = Signal()
    renamed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._all: dict[str, RunRecord] = {}
        self.rows: list[RunRecord] = []
        self.colours: Mapping[str, int] = {}
        self._place: dict[str, int] = {}
        self._words, self._filters = "", tuple[tuple[str, str], ...]()
        self._column, self._order = PLACE["run"], Qt.SortOrder.DescendingOrder
        self._hay: dict[str, tuple[RunRecord, str]] = {}

    # What is shown

    def set_records(self, records: Sequence[RunRecord]) -> None:
        """Show these runs; rows that stay where they are only get their new words."""
        self._all = {record.id: record for record in records}
        self._show(self._arranged())

    def update_record(self, record: RunRecord) -> None:
        """Show a run's new numbers, leaving it where it is."""
        self._all[record.id] = record
        row = self._place.get(record.id)
        if row is not None:
            self.rows[row] = record
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def filter(self, words: str, filters: Filters) -> None:
        """Show the runs that have all of `words` and, for each (column, value), that value."""
        self._words, self._filters = words, tuple(filters)
        self._show(self._arranged())

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; runs without a value come last, whichever way."""
        if (column, order) == (self._column, self._order):  # Qt asks twice
            return
        self._column, self._order = column, order
        self._show(self._arranged())

    def set_colours(self, colours: Mapping[str, int]) -> None:
        """Give runs, by id, their class colours; the others have an empty swatch."""
        touched = set(colours) | set(self.colours)
        self.colours = colours
        for row in sorted(self._place[run] for run in touched if run in self._place):
            index = self.index(row, PLACE["swatch"])
            self.dataChanged.emit(index, index)

    @property
    def all(self) -> list[RunRecord]:
        """Every run, filtered out or not, newest first."""
        return list(self._all.values())

    def record(self, run: str) -> RunRecord | None:
        """A run's row, filtered out or not; None if there is no such run."""
        return self._all.get(run)

    def row_of(self, run: str) -> int | None:
        """The row of a run, None while it is filtered out."""
        return self._place.get(run)

    def record_at(self, index: Index) -> RunRecord:
        """The run of a row."""
        return self.rows[index.row()]

    # What Qt asks

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        editable = COLUMNS[index.column()].name == "title"
        return flags | Qt.ItemFlag.ItemIsEditable if editable else flags

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Role.DisplayRole:
            return column.title
        if role == Role.TextAlignmentRole:
            return _alignment(column)
        if role == Role.ToolTipRole:
            return "Learning rate" if column.name == "lr" else None
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        column, record = COLUMNS[index.column()], self.rows[index.row()]
        match role:
            case Role.DisplayRole:
                return clean(column.words(record))
            case Role.EditRole:
                return record.title
            case Role.TextAlignmentRole:
                return _alignment(column)
            case Role.ForegroundRole:
                return theme().color(_tone(column, record))
            case Role.FontRole if column.name in ("run", "accuracy"):
                return theme().font(13, QFont.Weight.DemiBold)
            case Role.DecorationRole:
                return self._decoration(column, record)
            case Role.AccessibleTextRole if column.name == "swatch":
                colour = self.colours.get(record.id, NO_COLOUR)
                return f"curve {colour + 1}" if colour >= 0 else "no curve"
        return None

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        record, title = self.rows[index.row()], clean(str(value)).strip()[:120]
        if title != record.title:
            self.renamed.emit(record.id, title)
        return True

    def _decoration(self, column: Column, record: RunRecord) -> QIcon | None:
        if column.name == "swatch":
            return swatch(self.colours.get(record.id, NO_COLOUR))
        if column.name == "state":
            state = state_of(record.status)
            return icon(state.icon, state.tone)
        return None

    # Sorting and filtering

    def _arranged(self) -> list[RunRecord]:
        column, kept = COLUMNS[self._column], self._kept()
        keyed = [(column.key(record), record) for record in kept]
        known = [pair for pair in keyed if pair[0] is not None]
        known.sort(key=_first, reverse=self._order == Qt.SortOrder.DescendingOrder)
        return [r for _, r in known] + [r for key, r in keyed if key is None]

    def _kept(self) -> list[RunRecord]:
        kept = self.all
        for name, value in self._filters:
            column = COLUMNS[PLACE[name]]
            kept = [record for record in kept if value in cell_values(column, record)]
        for word in self._words.casefold().split():
            kept = [record for record in kept if word in self._haystack(record)]
        return kept

    def _haystack(self, record: RunRecord) -> str:
        held = self._hay.get(record.id)
        if held is None or held[0] is not record:
            held = self._hay[record.id] = (record, haystack(record))
        return held[1]

    def _show(self, rows: list[RunRecord]) -> None:
        same = len(rows) == len(self.rows) and all(
            new.id == old.id for new, old in zip(rows, self.rows, strict=True)
        )
        if same:
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))
            return
        self.about_to_change.emit()
        self.beginResetModel()
        self.rows = rows
        self._place = {record.id: row for row, record in enumerate(rows)}
        self.endResetModel()
        self.changed.emit()


def swatch(colour: int, size: int = 12) -> QIcon:
    """A dot in a class colour, or a ring for no colour, which a selected row doesn't tint."""
    ratio = 2.0
    pixmap = QPixmap(round(size * ratio), round(size * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    tokens = theme().tokens
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if colour >= 0:
        painter.setPen(QPen(QColor(tokens.class_outline(colour)), 0.6))
        painter.setBrush(QColor(tokens.classes[colour]))
    else:
        painter.setPen(QPen(QColor(tokens.strong), 1))
    painter.drawEllipse(QRectF(1, 1, size - 2, size - 2))
    painter.end()
    result = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected, QIcon.Mode.Disabled):
        result.addPixmap(pixmap, mode)
    return result


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.numeric else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _tone(column: Column, record: RunRecord) -> str:
    if column.name == "state" and record.status in ("failed", "interrupted"):
        return state_of(record.status).tone
    if column.numeric and column.key(record) is None:
        return "muted"
    return column.tone


def _first(pair: tuple[Any, RunRecord]) -> Any:
    return pair[0]
