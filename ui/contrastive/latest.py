"""Work off the GUI's thread of which only the newest result is wanted."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from PySide6.QtCore import QObject

from ui.bridge import Background, ticking


class Latest(QObject):
    """Runs one thing at a time on a thread; what is asked for later replaces it.

    It holds a thread and a ticking timer only while there is work, so an idle view costs nothing.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background: Background | None = None
        self._timer: Any = None
        self._future: Future[Any] | None = None
        self._newest = 0

    @property
    def busy(self) -> bool:
        """Whether a result is still to come."""
        return self._background is not None

    def ask(
        self,
        what: str,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Run `work` on a thread, then `then(result)` here, unless something was asked since.

        `what` completes the sentence "... failed" in the log when there is no `failed`.
        """
        self.drop()
        wanted = self._newest
        if self._background is None:
            self._background = Background(self)
            self._timer = ticking(self, self._tick)

        def hand_over(result: Any) -> None:
            if wanted == self._newest:
                then(result)

        def report(error: Exception) -> None:
            if wanted == self._newest and failed is not None:
                failed(error)

        self._future = self._background.run(
            what, work, hand_over, report if failed is not None else None
        )

    def drop(self) -> None:
        """Nobody wants what was asked for any more."""
        self._newest += 1
        if self._future is not None:
            self._future.cancel()
            self._future = None

    def _tick(self) -> None:
        assert self._background is not None
        self._background.drain()
        if self._background.busy:
            return
        self._timer.stop()
        self._timer.deleteLater()
        self._background.close()
        self._background.deleteLater()
        self._background = self._timer = None
