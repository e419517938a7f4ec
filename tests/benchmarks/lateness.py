"""How late the GUI's thread is, by a 60 Hz timer."""

import time

from PySide6.QtCore import Qt, QTimer


class Lateness:
    """How late a 60 Hz timer of the GUI's thread fires, in milliseconds."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=16)
        self._timer.timeout.connect(self._tick)
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> list[float]:
        """End, and give the lateness of every tick."""
        self._timer.stop()
        return self.late

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._last) * 1e3 - 16))
        self._last = now
