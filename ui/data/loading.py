"""One data set being read on a thread: its progress comes through a deque, its end through then."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from ui.controller import Controller

POLL = 50  # milliseconds
Progress = Callable[[int, int, str], None]


class Cancelled(Exception):
    """Raised inside the work when nobody wants its result any more."""


class _Job:
    """What the worker and the window share."""

    def __init__(self, controller: Controller):
        self._controller, self._over = controller, threading.Event()
        self.said: deque[tuple[int, int, str]] = deque(maxlen=1)
        self.future: Future[Any] | None = None

    def cancel(self) -> bool:
        """End the work at its next report; True if it had not even begun."""
        self._over.set()
        return self.future is not None and self.future.cancel()

    def progress(self, done: int, total: int, words: str) -> None:
        """Runs on a worker thread: keeps the newest report, touches no widget."""
        if self._over.is_set() or self._controller.closing:
            raise Cancelled
        self.said.append((done, total, words))


class Loading(QObject):
    """Reads one thing at a time; what is asked for later replaces it.

    Signals:
        progressed: done, total, words.
        loaded: the result of the work.
        failed: the exception.
        cancelled: the user's Cancel took effect.
    """

    progressed = Signal(int, int, str)
    loaded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()

    def __init__(self, controller: Controller, parent: QObject | None = None):
        super().__init__(parent)
        self._controller = controller
        self._job: _Job | None = None
        self._timer = QTimer(self, interval=POLL)
        self._timer.timeout.connect(self._poll)

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self._job is not None

    def load(self, what: str, work: Callable[[Progress], Any]) -> None:
        """Run `work(progress)` on a thread; anything still being read is dropped."""
        self.drop()
        job = self._job = _Job(self._controller)
        job.future = self._controller.in_background(
            what,
            lambda: work(job.progress),
            lambda result: self._end(job, self.loaded, result),
            lambda error: self._end(job, self.failed, error),
        )
        self._timer.start()

    def cancel(self) -> None:
        """What the user's Cancel does."""
        if self._job is not None and self._job.cancel():
            self.drop()
            self.cancelled.emit()

    def drop(self) -> None:
        """Forget what is being read; none of its signals will come."""
        if self._job is not None:
            self._job.cancel()
        self._job = None
        self._timer.stop()

    def _end(self, job: _Job, signal: Any, value: Any) -> None:
        if job is not self._job:
            return
        self._job = None
        self._timer.stop()
        if isinstance(value, Cancelled):
            self.cancelled.emit()
        else:
            signal.emit(value)

    def _poll(self) -> None:
        if self._job is not None and self._job.said:
            self.progressed.emit(*self._job.said.popleft())
