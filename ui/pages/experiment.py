"""The Experiment page: set-up left, views right, one timeline under them, steering on top."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from ui.controller import Controller
from ui.pages.base import Page
from ui.panels.controlbar import ControlBar, Shown
from ui.panels.diagnosis import DiagnosisPanel
from ui.panels.layers import LayerTable
from ui.panels.setup import SetupPanel
from ui.panels.viewgroup import ViewGroup, make_views
from ui.theme import theme
from ui.timeline import Timeline
from ui.views.base import View
from ui.widgets import HairLine
from workbench.diagnosis import diagnose
from workbench.history import History

REDRAW = 100  # milliseconds between redraws while training: curves need no more, training does
DIAGNOSE = 1000  # milliseconds between diagnoses
NARROW = 1400  # width of the page below which views share one group


class ExperimentPage(Page):
    """One experiment: being set up, running, or from the past."""

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__(controller, parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "surface")
        self.run: str | None = None
        self.history: History | None = None
        self.cursor_step: int | None = None
        self._number, self._title, self._family = 0, "", "classification"
        self._narrow: bool | None = None
        self.setup = SetupPanel(controller)
        self.bar = ControlBar()
        self.left, self.right = ViewGroup(), ViewGroup()
        self.diagnosis = DiagnosisPanel()
        self.timeline = Timeline()
        self._redraw = QTimer(self, interval=REDRAW, singleShot=True)
        self._diagnose = QTimer(self, interval=DIAGNOSE)
        views, broken = make_views()
        for view in views:
            (self.left if view.side == "left" else self.right).add(view)
        for trouble in broken:
            controller.problem.emit(trouble.sentence, trouble.details)
        self._lay_out()
        self._connect()
        self._show_draft({})

    # Opening

    def open_run(self, run: str) -> None:
        """Show a run, live or past."""
        try:
            record = self.controller.record(run)
            self.history = self.controller.history(run)
        except (LookupError, OSError) as error:
            self.controller.problem.emit(f"That run can't be opened: {error}", "")
            return
        self.run, self.cursor_step = run, None
        self._number, self._title = record.number, record.title
        kind = record.kind("task") or "classification"
        self._family = "classification" if kind == "classification" else "contrastive"
        self._show_family()
        live = self.controller.is_live(run)
        spec = with_rate(record.spec, self.history) if live else record.spec
        self.setup.show_spec(spec, frozen=True, live=live)
        self.timeline.set_history(self.history)
        self.timeline.set_cursor(None)
        self._show_all()
        self._show_diagnosis()

    def open_draft(self, raw: Mapping[str, Any]) -> None:
        """Show a set-up to edit; nothing runs yet."""
        self._show_draft({"device": self.controller.settings.device} | dict(raw))

    def entered(self) -> None:
        """Draw what arrived while another page was in front."""
        self._show_all()

    # Commands

    def main(self) -> None:
        """What the primary button says: start, pause, resume or duplicate."""
        if self.run is None:
            self.setup.start()
        elif self.history is not None and self.history.status == "finished":
            self.controller.duplicate(self.run)
        elif self.history is not None and self.history.status in ("running", "queued"):
            self.controller.pause(self.run)
        else:
            self.controller.resume(self.run)
            self.open_run(self.run)

    def _start(self, raw: Mapping[str, Any], title: str) -> None:
        self.open_run(self.controller.start(raw, title=title))

    def _steer(self, act: Any) -> None:
        if self.run is not None:
            act(self.run)

    def move_cursor(self, step: int | None) -> None:
        """Show every view as of `step`; None follows the head."""
        self.cursor_step = step
        self.timeline.set_cursor(step)
        self._show_views()
        self._show_diagnosis()

    def all_views(self) -> list[View]:
        """The views of both groups."""
        return [*self.left.views, *self.right.views]

    def bring_forward(self, view: View) -> None:
        """Show one of the views."""
        (self.left if view in self.left.views else self.right).bring_forward(view)

    # Following the run

    def _grew(self, run: str) -> None:
        if run == self.run and not self._redraw.isActive():
            self._redraw.start()

    def _ended(self, run: str, _ended: Any) -> None:
        if run == self.run:
            self.setup.show_spec(self.controller.record(run).spec, frozen=True)
            self._show_all()
            self._show_diagnosis()

    def _show_draft(self, raw: Mapping[str, Any]) -> None:
        self.run = self.history = self.cursor_step = None
        self.setup.show_spec(raw, frozen=False)
        self.timeline.set_history(None)
        self._show_all()
        self.diagnosis.show_diagnosis(None)

    def _show_all(self) -> None:
        if not self.isVisible():
            return
        if self.run is None or self.history is None:
            self.bar.show_run(None)
        else:
            live, stopping = (
                self.controller.is_live(self.run),
                self.controller.is_stopping(self.run),
            )
            self.bar.show_run(Shown(self._title, self._number, self.history, live, stopping))
            self.timeline.set_history(self.history)
        self._show_views()

    def _show_family(self) -> None:
        """Tabs of the family of the run, or of what is being set up."""
        for group in (self.left, self.right):
            group.show_family(self._family)

    def _draft_family(self, family: str) -> None:
        if self.run is None:
            self._family = family
            self._show_family()

    def _show_views(self) -> None:
        for group in (self.left, self.right):
            group.show_history(self.history, self.cursor_step)

    def _show_diagnosis(self) -> None:
        if self.history is not None and self.isVisible():
            self.diagnosis.show_diagnosis(diagnose(self.history, self.cursor_step))

    # Layout

    def _lay_out(self) -> None:
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.left)
        self.splitter.addWidget(self.right)
        self.splitter.setSizes([600, 500])
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(HairLine())
        column.addWidget(self.splitter, 1)
        column.addWidget(HairLine())
        column.addWidget(self.diagnosis)
        column.addWidget(HairLine())
        column.addWidget(self.timeline)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.setup)
        row.addWidget(HairLine(vertical=True))
        row.addLayout(column, 1)

    def _connect(self) -> None:
        controller, bar = self.controller, self.bar
        self._redraw.timeout.connect(self._show_all)
        self._diagnose.timeout.connect(self._show_diagnosis)
        self._diagnose.start()
        controller.run_grew.connect(self._grew)
        controller.run_ended.connect(self._ended)
        controller.opened.connect(self.open_run)
        controller.draft_opened.connect(self.open_draft)
        self.setup.start_wanted.connect(self._start)
        self.setup.duplicate_wanted.connect(lambda: self._steer(controller.duplicate))
        self.setup.rate_changed.connect(
            lambda rate: self._steer(lambda run: controller.set_learning_rate(run, rate))
        )
        self.setup.layers_wanted.connect(lambda shown: LayerTable(shown, self).open())
        self.setup.family_changed.connect(self._draft_family)
        bar.main_wanted.connect(self.main)
        bar.step_wanted.connect(lambda: self._steer(controller.step))
        bar.stop_wanted.connect(lambda: self._steer(controller.stop))
        bar.probe_wanted.connect(lambda: self._steer(controller.probe_now))
        self.timeline.moved.connect(self.move_cursor)
        for group, other in ((self.left, self.right), (self.right, self.left)):
            group.turned.connect(self._show_views)
            group.step_picked.connect(self.move_cursor)
            group.move_wanted.connect(lambda view, g=group, o=other: self._move(view, g, o))
        for keys, act in (
            ("Ctrl+Return", self._start_by_key),
            ("Space", self._pause_by_key),
            (".", lambda: self._steer(controller.step)),
            ("Ctrl+B", lambda: self.setup.setVisible(not self.setup.isVisible())),
            ("L", lambda: self.move_cursor(None)),
            ("Ctrl+\\", self._move_front),
            ("Ctrl+Tab", lambda: self._group_in_use().turn(1)),
            ("Ctrl+Shift+Tab", lambda: self._group_in_use().turn(-1)),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    def _start_by_key(self) -> None:
        if self.run is None:
            self.setup.start()

    def _pause_by_key(self) -> None:
        if self.run is not None and self.controller.is_live(self.run):
            self.main()

    def _group_in_use(self) -> ViewGroup:
        focus = self.focusWidget()
        return self.right if focus is not None and self.right.isAncestorOf(focus) else self.left

    def _move_front(self) -> None:
        group = self._group_in_use()
        other = self.left if group is self.right else self.right
        if group.front is not None:
            self._move(group.front, group, other)

    def _move(self, view: View, group: ViewGroup, other: ViewGroup) -> None:
        if len(group.views) > 1 or other.views:
            other.add(group.take(view))
            other.bring_forward(view)
            self._show_groups()
            self._show_views()

    def _show_groups(self) -> None:
        for group in (self.left, self.right):
            group.setVisible(bool(group.views))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """On a small screen views share one group, and panels take their small sizes."""
        super().resizeEvent(event)
        narrow = self.width() < theme().px(NARROW)
        setup_width = theme().px(272 if narrow else 320)
        self.bar.set_room(self.width() - setup_width)
        if narrow == self._narrow:
            return
        self._narrow = narrow
        self.setup.setFixedWidth(setup_width)
        self.timeline.set_compact(narrow)
        if narrow:
            for view in list(self.right.views):
                self.left.add(self.right.take(view))
        elif not self.right.views:
            for view in [v for v in self.left.views if v.side == "right"]:
                self.right.add(self.left.take(view))
        self._show_groups()
        self._show_family()


def with_rate(spec: Mapping[str, Any], history: History) -> dict[str, Any]:
    """The spec's plain values with the learning rate that the user set last."""
    rates = [mark.value for mark in history.marks if mark.kind == "learning_rate"]
    if not rates:
        return dict(spec)
    return dict(spec) | {"optimizer": dict(spec["optimizer"]) | {"learning_rate": rates[-1]}}
