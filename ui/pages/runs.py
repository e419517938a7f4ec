"""The Runs page: every run in a table, and the selected ones side by side."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from ui.controller import Controller
from ui.pages.base import Page
from ui.runs.actions import ActionBar, Notice
from ui.runs.columns import COLUMNS, cell_values
from ui.runs.commands import Commands
from ui.runs.differences import Differences
from ui.runs.exporting import Exports
from ui.runs.filters import FilterBar
from ui.runs.labels import Labels
from ui.runs.menu import run_menu
from ui.runs.model import RunModel
from ui.runs.overlay import MOST, Overlay
from ui.runs.reading import Histories
from ui.runs.table import RunTable
from ui.theme import theme
from ui.widgets import EmptyState, HairLine, Panel, primary, secondary
from workbench.compare import live_record
from workbench.workspace import RunRecord

FOLLOW = 500  # milliseconds between two looks at runs that train
SETTLE = 60  # milliseconds that a selection rests before its curves are drawn


class RunsPage(Page):
    """Table left; curves, differences and labels of the selected runs right."""

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__(controller, parent)
        self.model = RunModel()
        self.table = RunTable(self.model)
        self.filters, self.bar, self.notice = FilterBar(), ActionBar(), Notice()
        self.overlay, self.differences, self.labels = Overlay(), Differences(), Labels()
        self.histories = Histories(controller, self)
        self.commands = Commands(controller, self, self.notice.say)
        self.exports = Exports(controller, self, self.notice.say)
        self._reading = self._stale = self._loaded_once = False
        self._grown: set[str] = set()
        self._follow = QTimer(self, interval=FOLLOW, singleShot=True)
        self._settle = QTimer(self, interval=SETTLE, singleShot=True)
        self._lay_out()
        self._connect()

    # Rows

    def entered(self) -> None:
        """Read what changed while another page was in front."""
        self.reload()
        if self.table.isVisible():
            self.table.setFocus()

    def reload(self) -> None:
        """Read the rows again, off this thread; rows and selection stay until they are there."""
        if self._reading:
            self._stale = True
            return
        self._reading, self._stale = True, False
        workspace, trash = self.controller.workspace, self.filters.trash.isChecked()
        self.controller.in_background(
            "Reading the runs",
            lambda: workspace.records(trashed=trash),
            lambda records: self._loaded(records, trash),
            self._not_loaded,
        )

    def _loaded(self, records: list[RunRecord], trash: bool) -> None:
        self._reading = False
        if self._stale or trash != self.filters.trash.isChecked():
            self.reload()
            return
        if self.table.renaming:  # new rows would close the editor
            QTimer.singleShot(FOLLOW, self, self.reload)
            return
        self.model.set_records([self._current(record) for record in records])
        if not self._loaded_once and self.model.rows:
            self.table.choose([self.model.rows[0].id])
        self._loaded_once = True
        self._show_rows()
        self._settle.start()

    def _not_loaded(self, error: Exception) -> None:
        self._reading = False
        self.controller.problem.emit(f"The runs can't be read: {error}", "")

    def _current(self, record: RunRecord) -> RunRecord:
        """The record, or for a run that trains here what it said last."""
        history = self.controller.bridge.histories.get(record.id)
        if history is None or not self.controller.is_live(record.id):
            return record
        return live_record(record, history)

    def _runs_changed(self) -> None:
        if self.isVisible():
            self.reload()

    def _show_rows(self) -> None:
        """The table, or the sentence that says why it is empty."""
        shown, total = len(self.model.rows), len(self.model.all)
        trash = self.filters.trash.isChecked()
        empty = self._trash_empty if trash else self._none
        self._left.setCurrentWidget(self.table if shown else (self._unmatched if total else empty))
        self.filters.show_count(shown, total)
        self._right.setVisible(bool(total))
        self._show_actions()

    # The selected runs

    def _choice_changed(self) -> None:
        chosen = self.table.chosen[:MOST]
        self.model.set_colours({run: place for place, run in enumerate(chosen)})
        self._show_actions()
        self._settle.start()

    def show_chosen(self) -> None:
        """Draw and compare the selected runs, as far as they are read."""
        records = self.table.chosen_records()
        known = self.histories.known(records[:MOST])
        if self.histories.ask(records[:MOST]):
            self.overlay.wait()
        else:
            self.overlay.show_runs(records, known)
        self.differences.show_runs(records, known)
        self.labels.show_run(records[0] if len(records) == 1 else None)

    def _show_actions(self) -> None:
        records = self.table.chosen_records()
        self.bar.show_runs(
            records,
            live=set(self.controller.live_runs),
            trash=self.filters.trash.isChecked(),
            ready=self.controller.is_engine_ready,
        )

    # Runs that train

    def _grew(self, run: str) -> None:
        self._grown.add(run)
        if self.isVisible() and not self._follow.isActive():
            self._follow.start()

    def _show_grown(self) -> None:
        grown, self._grown = self._grown, set()
        for run in grown:
            record = self.model.record(run)
            if record is not None:
                self.model.update_record(self._current(record))
        if grown & set(self.table.chosen):
            self._show_actions()
            self.show_chosen()

    # Commands

    def _act(self, name: str) -> None:
        records = self.table.chosen_records()
        match name:
            case "clear":
                self.table.clearSelection()
            case "open" if records:
                self.controller.open_run(records[0].id)
            case "rename":
                self.table.rename()
            case "resume":
                self.commands.resume(records)
            case "duplicate" if records:
                self.commands.duplicate(records[0])
            case "restore":
                self.commands.restore(records)
            case "delete" if not self.filters.trash.isChecked():
                self.commands.delete(records)

    def _more_seeds(self, count: int) -> None:
        self.commands.more_seeds(self.table.chosen_records(), self.model.all, count)

    def _export(self, what: str) -> None:
        records = self.table.chosen_records()
        if len(records) == 1:
            self.exports.ask(records[0], what)

    def _filter_by(self, row: int, column: int) -> None:
        for value in cell_values(COLUMNS[column], self.model.rows[row]):
            self.filters.add(COLUMNS[column].name, value)

    def _filter(self) -> None:
        self.model.filter(self.filters.words, self.filters.filters)
        self._show_rows()

    def _open_menu(self, place: QPoint) -> None:
        index = self.table.indexAt(place)
        if index.isValid():
            menu = run_menu(self.table, self.bar, self.model.record_at(index), index.column())
            menu.filter_wanted.connect(self.filters.add)
            menu.wanted.connect(self._act)
            menu.popup(self.table.viewport().mapToGlobal(place))

    # Layout

    def _lay_out(self) -> None:
        start = primary("Go to Start", "house")
        start.clicked.connect(lambda: self.controller.page_wanted.emit("start"))
        clear = secondary("Clear the filter")
        clear.clicked.connect(self.filters.clear)
        self._none = EmptyState("table", "No runs yet. Pick a preset on Start.", start)
        self._unmatched = EmptyState("magnifying-glass", "No run matches the filter.", clear)
        self._trash_empty = EmptyState("trash", "The trash is empty.")
        self._left = QStackedWidget()
        for widget in (QWidget(), self.table, self._none, self._unmatched, self._trash_empty):
            self._left.addWidget(widget)
        self._half = _column(
            [self.filters, HairLine(), self._left, self.notice, HairLine(), self.bar], (2,)
        )
        lines = HairLine(), HairLine()
        self._right = _column(
            [self.overlay, lines[0], self.labels, lines[1], self.differences], (0, 4)
        )
        self._half.setMinimumWidth(theme().px(420))
        self._right.setMinimumWidth(theme().px(360))
        self._right.hide()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._half)
        self.splitter.addWidget(self._right)
        self.splitter.setStretchFactor(0, 64)
        self.splitter.setStretchFactor(1, 36)
        self.splitter.setSizes([640, 360])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)

    def _connect(self) -> None:
        controller, table, bar = self.controller, self.table, self.bar
        controller.runs_changed.connect(self._runs_changed)
        controller.run_grew.connect(self._grew)
        controller.engine_ready.connect(self._show_actions)
        self._follow.timeout.connect(self._show_grown)
        self._settle.timeout.connect(self.show_chosen)
        self.histories.read.connect(self.show_chosen)
        self.model.renamed.connect(lambda run, title: controller.label(run, title=title))
        self.labels.edited.connect(lambda run, changes: controller.label(run, **changes))
        self.labels.rename_wanted.connect(table.rename)
        self.filters.changed.connect(self._filter)
        self.filters.trash_toggled.connect(lambda _: self.reload())
        table.chosen_changed.connect(self._choice_changed)
        table.open_wanted.connect(controller.open_run)
        table.delete_wanted.connect(lambda: self._act("delete"))
        table.filter_wanted.connect(self._filter_by)
        table.customContextMenuRequested.connect(self._open_menu)
        bar.wanted.connect(self._act)
        bar.seeds_wanted.connect(self._more_seeds)
        bar.export_wanted.connect(self._export)
        theme().changed.connect(self._settle.start)
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self.filters.field.setFocus)


def _column(widgets: Sequence[QWidget], growing: Sequence[int]) -> Panel:
    """Widgets from top to bottom; those at the places `growing` take the room."""
    panel = Panel("surface", padding=0, spacing=0)
    for place, widget in enumerate(widgets):
        panel.box.addWidget(widget, 1 if place in growing else 0)
    return panel
