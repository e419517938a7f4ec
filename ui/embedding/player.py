"""Walks through the embeddings of a run, staying on each until its map is made."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QAbstractButton

from ui.icons import icon

STAY = 700  # milliseconds on a map


class Player(QObject):
    """Acts while its checkable button is down; at the end it lets it go.

    Args:
        busy: whether the map of the step on show is still to come.

    Signals:
        step_wanted: the timeline should go to this step.
    """

    step_wanted = Signal(int)

    def __init__(
        self, button: QAbstractButton, busy: Callable[[], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._button, self._busy = button, busy
        self._steps: Sequence[int] = ()
        self._now = -1
        self._turn = QTimer(self, interval=STAY)
        self._turn.timeout.connect(self._go_on)
        button.toggled.connect(self._toggled)
        button.setEnabled(False)

    def set_steps(self, steps: Sequence[int], now: int) -> None:
        """There are embeddings at these steps, ascending; that of `now` is on show."""
        self._steps, self._now = steps, now
        self._button.setEnabled(len(steps) > 1)

    def stop(self) -> None:
        """Stay where the timeline is."""
        self._button.setChecked(False)

    def _toggled(self, on: bool) -> None:
        self._button.setIcon(icon("pause" if on else "play", "muted", checked="accent"))
        if not on:
            self._turn.stop()
            return
        self._turn.start()
        if self._next() is None and self._steps:
            self.step_wanted.emit(self._steps[0])
        else:
            self._go_on()

    def _go_on(self) -> None:
        if self._busy():
            return
        step = self._next()
        if step is None:
            self.stop()
        else:
            self.step_wanted.emit(step)

    def _next(self) -> int | None:
        return next((step for step in self._steps if step > self._now), None)
