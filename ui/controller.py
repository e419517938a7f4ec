"""What the pages may do and hear: start, steer, open and label runs."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engines.events import RunEnded
from ui.bridge import Background, RunBridge, ticking
from ui.settings import Settings
from workbench.runner import Runner
from workbench.workspace import RunRecord, Workspace

if TYPE_CHECKING:
    from workbench.history import History  # numpy: not before the first paint

log = logging.getLogger(__name__)

NICENESS = 5  # halves the window's worst lateness on Linux and changes no number


class Controller(QObject):
    """One workspace in one window.

    Signals:
        engine_ready: torch is loaded; forms and data can be used.
        runs_changed: rows of the Runs table appeared, went or have new words.
        run_grew: a run's history has more; at most once per tick.
        run_ended: a run trained here said its last.
        opened: show this run on the Experiment page.
        draft_opened: show a set-up with these plain values there, nothing started.
        page_wanted: go to the page of this name.
        problem: something failed: a sentence, and details for the curious.
    """

    engine_ready = Signal()
    runs_changed = Signal()
    run_grew = Signal(str)
    run_ended = Signal(str, object)
    opened = Signal(str)
    draft_opened = Signal(object)
    page_wanted = Signal(str)
    problem = Signal(str, str)

    def __init__(self, workspace: Workspace, settings: Settings, parent: QObject | None = None):
        super().__init__(parent)
        self.workspace, self.settings = workspace, settings
        self.is_engine_ready = False
        self.closing = False
        self.runner = Runner(workspace, niceness=NICENESS)
        self.bridge = RunBridge(self)
        self.background = Background(self)
        self.bridge.grew.connect(self.run_grew)
        self.bridge.ended.connect(self._run_ended)
        self.background.failed.connect(self.problem)
        self._timer = ticking(self, self.bridge.drain, self.background.drain)
        self._stored: dict[str, History] = {}

    # Runs: starting and steering

    def start(self, spec: Mapping[str, Any], *, title: str = "", group: str = "") -> str:
        """Queue a run of a validated spec's plain values; returns its id."""
        from workbench.history import History

        handle = self.runner.submit(spec, title=title, group=group)
        history = History({"title": title})
        self.bridge.watch(handle, history)
        self.runs_changed.emit()
        return handle.id

    def resume(self, run: str) -> None:
        """Go on with a run: out of a pause, or from its last checkpoint."""
        handle = self.bridge.handle(run)
        if handle is not None:
            handle.control.resume()
            return
        try:
            history = self.workspace.folder(run).history()
            handle = self.runner.resume(run)
        except (ValueError, LookupError, OSError) as error:
            self.problem.emit(f"Resuming failed: {error}", "")
            return
        self._stored.pop(run, None)
        history.status = "queued"
        self.bridge.watch(handle, history)
        self.runs_changed.emit()
        self.run_grew.emit(run)

    def pause(self, run: str) -> None:
        """Pause after the current step."""
        self._steer(run, lambda control: control.pause())

    def step(self, run: str) -> None:
        """Do one step and pause."""
        self._steer(run, lambda control: control.step_once())

    def stop(self, run: str) -> None:
        """End a run after the current step, keeping everything."""
        self._steer(run, lambda control: control.stop())

    def probe_now(self, run: str) -> None:
        """Evaluate and take artifacts after the current step."""
        self._steer(run, lambda control: control.probe_now())

    def set_learning_rate(self, run: str, rate: float) -> None:
        """Change the base learning rate of a training run."""
        self._steer(run, lambda control: control.set_learning_rate(rate))

    def is_live(self, run: str) -> bool:
        """Whether the run trains, waits or is paused in this window."""
        return self.bridge.handle(run) is not None

    def is_stopping(self, run: str) -> bool:
        """Whether the run was asked to end and has not yet."""
        handle = self.bridge.handle(run)
        return handle is not None and handle.control.stopping

    @property
    def live_runs(self) -> list[str]:
        """Ids of runs that train or wait here, in the order they will train."""
        return self.bridge.live

    # Runs: reading

    def history(self, run: str) -> "History":
        """A run's history: the live one, or read from disk once.

        Raises:
            LookupError: there is no such run.
        """
        if run in self.bridge.histories:
            return self.bridge.histories[run]
        if run not in self._stored:
            while len(self._stored) > 32:
                self._stored.pop(next(iter(self._stored)))
            self._stored[run] = self.workspace.folder(run).history()
        return self._stored[run]

    def record(self, run: str) -> RunRecord:
        """A run's row."""
        return self.workspace.record(run)

    # Navigation

    def open_run(self, run: str) -> None:
        """Show a run on the Experiment page."""
        self.page_wanted.emit("experiment")
        self.opened.emit(run)

    def open_draft(self, spec: Mapping[str, Any]) -> None:
        """Show a set-up on the Experiment page; `spec` may leave anything out."""
        self.page_wanted.emit("experiment")
        self.draft_opened.emit(dict(spec))

    def duplicate(self, run: str) -> None:
        """Show a run's spec as a new set-up."""
        spec = dict(self.workspace.folder(run).spec)
        self.open_draft(spec)

    # Labels and the trash

    def label(self, run: str, **labels: Any) -> None:
        """Change title, tags or notes of a run."""
        self._stored_labels(lambda: self.workspace.label(run, **labels))

    def trash(self, runs: list[str], *, restore: bool = False) -> None:
        """Put runs into the trash, or take them out of it."""
        self._stored_labels(lambda: self.workspace.trash(runs, restore=restore))

    # Work off the GUI's thread

    def in_background(
        self,
        what: str,
        work: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> Future[Any]:
        """See `ui.bridge.Background.run`."""
        return self.background.run(what, work, then, failed)

    def engine_loaded(self) -> None:
        """Called on the GUI's thread once torch is there."""
        self.is_engine_ready = True
        self.engine_ready.emit()

    def close(self) -> None:
        """Interrupt runs, keep their state, and wait for every thread. May take a step's time."""
        self.closing = True
        self._timer.stop()
        self.runner.close()
        self.bridge.drain()
        self.background.close()

    def _steer(self, run: str, act: Callable[[Any], None]) -> None:
        handle = self.bridge.handle(run)
        if handle is not None:
            act(handle.control)
            self.run_grew.emit(run)

    def _run_ended(self, run: str, ended: RunEnded) -> None:
        self.run_ended.emit(run, ended)
        self.runs_changed.emit()

    def _stored_labels(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (OSError, LookupError, ValueError) as error:
            self.problem.emit(f"That could not be saved: {error}", "")
        self.runs_changed.emit()
