"""Runs experiments one after another on a worker thread; the outside sees handles and events."""

import logging
import sqlite3
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from engines.control import Control
from engines.events import Event, Reason, RunEnded
from workbench.durable import Locked, lock
from workbench.run_folder import RunFolder
from workbench.workspace import Workspace

log = logging.getLogger(__name__)


class RunHandle:
    """One run as its starter sees it: control goes in, events come out.

    Attributes:
        inbox: events in order; appended by worker threads, popped by one reader.
    """

    def __init__(self, folder: RunFolder):
        self.folder = folder
        self.control = Control()
        self.inbox: deque[Event] = deque()
        self.ended = threading.Event()
        self.hold = ExitStack()  # the run's lock, from the queue to the end

    @property
    def id(self) -> str:
        """The run's id."""
        return self.folder.id

    def drain(self) -> list[Event]:
        """Every event since the last call."""
        events = []
        while self.inbox:
            events.append(self.inbox.popleft())
        return events


class Runner:
    """A queue of runs and the one thread that trains them.

    One at a time: two trainings in a process would share torch's threads and its
    global state, and neither would be faster.

    Args:
        niceness: how far training steps back for the window, on Linux; changes no number.
    """

    def __init__(self, workspace: Workspace, *, niceness: int = 0):
        self.workspace = workspace
        self._niceness = niceness
        self._waiting: deque[RunHandle] = deque()
        self._current: RunHandle | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def submit(self, spec: Mapping[str, Any], *, title: str = "", group: str = "") -> RunHandle:
        """Make a run of a spec's plain values and queue it. Validate the spec before."""
        return self._queue(self.workspace.create(spec, title=title, group=group))

    def resume(self, run: str | int) -> RunHandle:
        """Queue a run that was stopped, interrupted or failed, from its last checkpoint.

        Raises:
            NoSuchRun: there is no such run.
            ValueError: the run is finished, or runs already, here or elsewhere.
        """
        folder = self.workspace.folder(run)
        status = folder.status()
        if status in ("finished", "running", "paused", "queued"):
            raise ValueError(f"run {run} is {status}: there is nothing to resume")
        return self._queue(folder)

    @property
    def busy(self) -> bool:
        """Whether something trains or waits for its turn."""
        with self._changed:
            return self._current is not None or bool(self._waiting)

    def cancel(self, handle: RunHandle) -> None:
        """Take a run out of the queue, or stop it when it trains."""
        handle.control.stop()
        with self._changed:
            waiting = handle in self._waiting
            if waiting:
                self._waiting.remove(handle)
        if waiting:
            self._leave(handle, "stopped")

    def close(self, timeout: float | None = None) -> bool:
        """Interrupt everything, keep its state, and wait; returns whether all ended in time."""
        with self._changed:
            self._closing = True
            for handle in [self._current, *self._waiting]:
                if handle is not None:
                    handle.control.stop("interrupted")
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)
            return not self._thread.is_alive()
        return True

    def _queue(self, folder: RunFolder) -> RunHandle:
        handle = RunHandle(folder)
        with self._changed:
            if self._closing:
                raise RuntimeError("the runner is closed")
            try:
                handle.hold.enter_context(lock(folder.lock_file, f"run {folder.id}"))
            except Locked as error:
                raise ValueError(str(error)) from error
            announce(folder, self.workspace, "queued")
            self._waiting.append(handle)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="run-0")
                self._thread.start()
            self._changed.notify_all()
        return handle

    def _work(self) -> None:
        """The worker thread: trains what is queued until the runner closes."""
        step_back(self._niceness)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                handle = self._current = self._waiting.popleft()
            if handle.control.stopping:  # it would load its data only to stop
                self._leave(handle, handle.control.stop_reason)
                continue
            perform_locked(handle.folder, self.workspace, handle.control, handle.inbox.append)
            self._release(handle)

    def _leave(self, handle: RunHandle, reason: Reason) -> None:
        """End a run that never had its turn."""
        step = int(handle.folder.read_json("state.json").get("step", 0))
        announce(handle.folder, self.workspace, reason)
        handle.inbox.append(RunEnded(step, reason))
        self._release(handle)

    def _release(self, handle: RunHandle) -> None:
        handle.hold.close()
        with self._changed:
            if self._current is handle:
                self._current = None
        handle.ended.set()


def perform(
    folder: RunFolder,
    workspace: Workspace,
    control: Control,
    tell: Callable[[Event], None],
) -> RunEnded:
    """Train one run to its end, storing everything; runs on the calling thread.

    Never raises for a run's failure: the last event told, and returned, is a `RunEnded`.
    """
    try:
        with lock(folder.lock_file, f"run {folder.id}"):
            announce(folder, workspace, "queued")
            return perform_locked(folder, workspace, control, tell)
    except Locked as error:
        ended = RunEnded(0, "failed", f"{error}; it is left alone")
    except OSError as error:
        ended = RunEnded(0, "failed", f"run {folder.id} can't be locked: {error}")
    tell(ended)
    return ended


def perform_locked(
    folder: RunFolder,
    workspace: Workspace,
    control: Control,
    tell: Callable[[Event], None],
) -> RunEnded:
    """Like `perform`, for a caller that holds the run's lock."""
    try:
        # torch is imported by what follows: not before the first run of a process.
        from workbench.training import train

        ended = train(folder, workspace, control, tell)
    except Exception as error:
        log.exception("run %s failed", folder.id)
        ended = RunEnded(0, "failed", f"{type(error).__name__}: {error}", traceback.format_exc())
        tell(ended)
    refresh(folder, workspace)
    return ended


def announce(folder: RunFolder, workspace: Workspace, status: str) -> None:
    """Write a run's status where training has not yet written it, or never will."""
    try:
        folder.write_json("state.json", folder.read_json("state.json") | {"status": status})
    except OSError as error:
        log.warning("the status of run %s could not be written: %s", folder.id, error)
    refresh(folder, workspace)


def refresh(folder: RunFolder, workspace: Workspace) -> None:
    """Bring the index in step; a cache that can't be written is no reason to fail."""
    try:
        workspace.refresh(folder)
    except (OSError, sqlite3.Error) as error:
        log.warning("the index could not take in run %s: %s", folder.id, error)


def step_back(niceness: int) -> None:
    """Give this thread a lower priority where the system has one per thread."""
    import os
    import sys

    if niceness and sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
