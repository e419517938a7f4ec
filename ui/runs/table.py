"""The Runs table: keys and mouse, the order of selection, and columns that give way."""

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QSignalBlocker,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableView,
    QWidget,
)

from ui.runs.cells import PADDING, RunDelegate
from ui.runs.columns import COLUMNS, PLACE, Column
from ui.runs.model import RunModel
from ui.theme import theme
from workbench.workspace import RunRecord

ARROW = 10  # px that a header keeps for the arrow of sorting, half of it in the padding
ICON = 24  # px of an icon and its gap
TITLE_MOST = 320


class RunTable(QTableView):
    """Rows of runs; `chosen` are the selected ones in the order they were selected.

    Signals:
        chosen_changed: the selection or its order changed.
        open_wanted: open this run.
        delete_wanted: the Delete key.
        filter_wanted: Alt+click on the cell at (row, column).
    """

    chosen_changed = Signal()
    open_wanted = Signal(str)
    delete_wanted = Signal()
    filter_wanted = Signal(int, int)

    def __init__(self, model: RunModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = model
        self.chosen: list[str] = []
        self._current, self._scroll = "", 0
        self._restoring = False
        self.setModel(model)
        self.setObjectName("runs")
        self.setAccessibleName("Runs")
        self._set_up()
        model.about_to_change.connect(self._remember)
        model.changed.connect(self._restore)
        self.selectionModel().selectionChanged.connect(self._follow_selection)
        theme().changed.connect(self._themed)

    def choose(self, runs: list[str]) -> None:
        """Select these runs, in this order, as far as they are shown."""
        self.chosen = [run for run in runs if self.rows.row_of(run) is not None]
        self._select_chosen()
        if self.chosen:
            index = self.rows.index(self.rows.row_of(self.chosen[0]) or 0, PLACE["title"])
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(index)
        self.chosen_changed.emit()

    def chosen_records(self) -> list[RunRecord]:
        """The selected runs, in the order they were selected."""
        rows = [self.rows.row_of(run) for run in self.chosen]
        return [self.rows.rows[row] for row in rows if row is not None]

    def rename(self) -> None:
        """Edit the title of the current row."""
        index = self.currentIndex()
        if index.isValid():
            self.edit(self.rows.index(index.row(), PLACE["title"]))

    @property
    def renaming(self) -> bool:
        """Whether a title is being edited, so that rows must stay."""
        return self.state() == QAbstractItemView.State.EditingState

    # Keys and mouse

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        match event.key():
            case Qt.Key.Key_F2:
                self.rename()
            case Qt.Key.Key_Delete:
                self.delete_wanted.emit()
            # The Enter that ends a rename comes through here too, and must not open the run.
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if index.isValid() and not self.renaming:
                self.open_wanted.emit(self.rows.record_at(index).id)
            case Qt.Key.Key_Escape if self.chosen:
                self.clearSelection()
            case _:
                super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        alt = event.modifiers() & Qt.KeyboardModifier.AltModifier
        if alt and index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            self.filter_wanted.emit(index.row(), index.column())
            return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if not index.isValid() or event.button() != Qt.MouseButton.LeftButton:
            return
        if index.column() == PLACE["title"]:
            self.edit(index)
        else:
            self.open_wanted.emit(self.rows.record_at(index).id)

    # Selection

    def _follow_selection(self) -> None:
        if self._restoring:
            return
        # By ranges: `selectedRows` takes seconds for thousands of rows.
        ranges = self.selectionModel().selection().toList()
        rows = sorted({row for r in ranges for row in range(r.top(), r.bottom() + 1)})
        now = dict.fromkeys(self.rows.rows[row].id for row in rows)
        kept = dict.fromkeys(run for run in self.chosen if run in now)
        self.chosen = list(kept | now)
        self.chosen_changed.emit()

    def _remember(self) -> None:
        index = self.currentIndex()
        self._current = self.rows.record_at(index).id if index.isValid() else ""
        self._scroll = self.verticalScrollBar().value()
        self._restoring = True

    def _restore(self) -> None:
        before = self.chosen
        self.chosen = [run for run in before if self.rows.row_of(run) is not None]
        self._select_chosen()
        row = self.rows.row_of(self._current)
        if row is not None:
            self.selectionModel().setCurrentIndex(
                self.rows.index(row, PLACE["title"]), QItemSelectionModel.SelectionFlag.NoUpdate
            )
        self.verticalScrollBar().setValue(self._scroll)
        if self.chosen != before:
            self.chosen_changed.emit()

    def _select_chosen(self) -> None:
        selection, last = QItemSelection(), len(COLUMNS) - 1
        for first, end in _ranges(sorted(self.rows.row_of(run) or 0 for run in self.chosen)):
            selection.select(self.rows.index(first, 0), self.rows.index(end, last))
        self._restoring = True
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._restoring = False

    # Look

    def _set_up(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setItemDelegate(RunDelegate(self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setMinimumSectionSize(theme().px(28))
        with QSignalBlocker(header):
            header.setSortIndicator(PLACE["run"], Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        self._themed()

    def _themed(self) -> None:
        self.verticalHeader().setDefaultSectionSize(theme().px(38))
        self._lay_out_columns()
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out_columns()

    def _lay_out_columns(self) -> None:
        """Show what fits, by rank; titles and then tags take the room that is left."""
        room = self.viewport().width()
        wide = {column.name: least_width(column) for column in COLUMNS}
        shown = sorted(COLUMNS, key=lambda column: column.rank)
        while shown[-1].rank > 0 and sum(wide[column.name] for column in shown) > room:
            shown.pop()
        left = max(0, room - sum(wide[column.name] for column in shown))
        more = min(left, theme().px(TITLE_MOST) - wide["title"]) if _has(shown, "tags") else left
        wide["title"] += max(0, more)
        wide["tags"] += max(0, left - more)
        for place, column in enumerate(COLUMNS):
            self.setColumnHidden(place, column not in shown)
            self.setColumnWidth(place, wide[column.name])


def least_width(column: Column) -> int:
    """Pixels that a column needs for its usual words and its header."""
    if column.name == "swatch":
        return theme().px(34)
    body = QFontMetrics(theme().font(13, 500)).horizontalAdvance(column.sample)
    head = QFontMetrics(theme().font(13, 500)).horizontalAdvance(column.title) + ARROW
    return max(body + (ICON if column.name == "state" else 0), head) + 2 * PADDING + 1


def _has(columns: list[Column], name: str) -> bool:
    return any(column.name == name for column in columns)


def _ranges(rows: list[int]) -> list[tuple[int, int]]:
    """Ascending rows as (first, last) of their unbroken stretches."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and row == found[-1][1] + 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found
