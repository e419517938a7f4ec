"""Dots on their way from one map to the next. N dots."""

import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

DURATION = 250  # milliseconds
INTERVAL = 33


class Glide(QObject):
    """Fast at first and slow at the end.

    Signals:
        moved: how far everything is, from 0 to 1, and where each dot is, float64 [N, 2].
    """

    moved = Signal(float, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._from_N2 = self._to_N2 = np.empty((0, 2))
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=INTERVAL)
        self._timer.timeout.connect(self._go_on)

    @property
    def active(self) -> bool:
        """Whether dots are on their way."""
        return self._timer.isActive()

    def start(self, from_N2: np.ndarray, to_N2: np.ndarray) -> None:
        """Set out from where the dots are."""
        self._from_N2, self._to_N2 = from_N2, to_N2
        self._clock.start()
        self._timer.start()

    def jump(self, to_N2: np.ndarray) -> None:
        """Be there at once."""
        self._from_N2 = self._to_N2 = to_N2
        self.land()

    def land(self) -> None:
        """Be where the dots are going."""
        self._timer.stop()
        self.moved.emit(1.0, self._to_N2)

    def _go_on(self) -> None:
        part = self._clock.elapsed() / DURATION
        if part >= 1:
            self.land()
            return
        eased = 1 - (1 - part) ** 3
        self.moved.emit(eased, self._from_N2 + (self._to_N2 - self._from_N2) * eased)
