"""One funnel for every failure that nobody caught: the log first, then the window."""

import logging
import sys
import threading
import traceback
from collections import deque
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

log = logging.getLogger(__name__)


class Failures(QObject):
    """Catches what escapes on any thread.

    The hooks only append text; a timer tells it on the GUI's thread. The same
    failure is told the first, tenth, hundredth ... time.

    Signals:
        told: a sentence, and the traceback.
    """

    told = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._heard: deque[tuple[str, str]] = deque()
        self._counts: dict[str, int] = {}
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tell)

    def install(self) -> None:
        """Take over the hooks of Python and its threads."""
        self._before = sys.excepthook, threading.excepthook, sys.unraisablehook
        sys.excepthook = self._hook
        threading.excepthook = lambda args: self._hook(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        sys.unraisablehook = lambda args: self._hook(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        self._timer.start(200)

    def remove(self) -> None:
        """Give the hooks back."""
        self._timer.stop()
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before

    def _hook(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, KeyboardInterrupt):
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        log.error("Uncaught\n%s", details)
        if sys.stderr is not None:  # there is none under pythonw
            sys.stderr.write(details)
        self._heard.append((f"Something failed that should not have: {error}", details))

    def _tell(self) -> None:
        while self._heard:
            sentence, details = self._heard.popleft()
            count = self._counts[details] = self._counts.get(details, 0) + 1
            if str(count).strip("0") == "1":
                self.told.emit(sentence, details)
