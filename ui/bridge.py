"""The border between threads: worker threads append to deques, the GUI's timer drains them.

No Qt signal is ever emitted by a worker, and no flood can arrive: one tick, one update.
"""

import logging
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from engines.events import RunEnded
from workbench.runner import RunHandle

if TYPE_CHECKING:
    from workbench.history import History  # numpy: not before the first paint

TICK = 33  # milliseconds

log = logging.getLogger(__name__)


class RunBridge(QObject):
    """Turns the inboxes of live runs into histories and signals, once per tick.

    Signals:
        grew: a run said something; at most once per tick and run.
        ended: a run said its last; its history is complete.
    """

    grew = Signal(str)
    ended = Signal(str, object)

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self.histories: dict[str, History] = {}
        self._handles: dict[str, RunHandle] = {}

    def watch(self, handle: RunHandle, history: "History") -> None:
        """Follow a run from now on, adding to `history`."""
        self._handles[handle.id] = handle
        self.histories[handle.id] = history

    def handle(self, run: str) -> RunHandle | None:
        """The handle of a run that trains or waits, or None."""
        return self._handles.get(run)

    @property
    def live(self) -> list[str]:
        """Ids of runs that train or wait, in the order they were queued."""
        return list(self._handles)

    def drain(self) -> None:
        """Take in everything said since the last tick."""
        for run, handle in list(self._handles.items()):
            events = handle.drain()
            history = self.histories[run]
            for event in events:
                history.add(event)
            if events:
                self.grew.emit(run)
            if events and isinstance(events[-1], RunEnded):
                del self._handles[run]
                self.ended.emit(run, events[-1])


class Background(QObject):
    """Work off the GUI's thread whose result comes back to it.

    Signals:
        failed: what was being done, and the traceback, for work that nobody listens to.
    """

    failed = Signal(str, str)

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="background")
        self._done: deque[tuple[Future[Any], str, Any, Any]] = deque()
        self._pending = 0

    @property
    def busy(self) -> bool:
        """Whether anything is being done or has a result not yet handed over."""
        return self._pending > 0

    def run(
        self,
        what: str,
        work: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> Future[Any]:
        """Run `work` on a thread, then `then(result)` or `failed(error)` on the GUI's thread.

        Cancelling the returned future before it starts means that neither is called.
        `what` completes the sentence "... failed" when there is no `failed`.
        """
        self._pending += 1
        future = self._pool.submit(work)
        future.add_done_callback(lambda done: self._done.append((done, what, then, failed)))
        return future

    def drain(self) -> None:
        """Hand over what is done; called by the tick."""
        while self._done:
            future, what, then, failed = self._done.popleft()
            self._pending -= 1
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                if then is not None:
                    then(future.result())
            elif failed is not None and isinstance(error, Exception):
                failed(error)
            else:
                details = "".join(traceback.format_exception(error))
                log.error("%s failed\n%s", what, details)
                self.failed.emit(f"{what} failed: {error}", details)

    def close(self) -> None:
        """Drop what has not begun and wait for the rest."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._done.clear()
        self._pending = 0


def ticking(parent: QObject, *drains: Callable[[], None]) -> QTimer:
    """A timer that calls every drain about 30 times a second."""
    timer = QTimer(parent)
    timer.setInterval(TICK)
    for drain in drains:
        timer.timeout.connect(drain)
    timer.start()
    return timer
