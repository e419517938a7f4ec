"""What the outside may ask of a running loop; safe to call from any thread."""

import threading
from typing import Literal


class Control:
    """Flags that the loop reads once per step.

    The loop calls `take` and `wait`; everything else is for the outside.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stop = ""
        self._paused = False
        self._single_steps = 0
        self._rate: float | None = None
        self._probe = False

    def stop(self, reason: Literal["stopped", "interrupted"] = "stopped") -> None:
        """End the run at the next step boundary, with a checkpoint.

        "interrupted" says that nobody meant it to end: it is offered for resuming.
        """
        with self._changed:
            self._stop = reason
            self._changed.notify_all()

    def pause(self) -> None:
        """Wait at the next step boundary, with a checkpoint and the model live."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        """Go on after a pause."""
        with self._changed:
            self._paused = False
            self._single_steps = 0
            self._changed.notify_all()

    def step_once(self) -> None:
        """While paused: do one update and pause again."""
        with self._changed:
            self._paused = True
            self._single_steps += 1
            self._changed.notify_all()

    def set_learning_rate(self, rate: float) -> None:
        """Change the base learning rate from the next update on.

        Raises:
            ValueError: `rate` is not positive and finite.
        """
        if not 0 < rate < float("inf"):
            raise ValueError(f"learning rate {rate} must be a positive number, such as 1e-3")
        with self._changed:
            self._rate = rate
            self._changed.notify_all()

    def probe_now(self) -> None:
        """Evaluate and take artifacts at the next step boundary."""
        with self._changed:
            self._probe = True
            self._changed.notify_all()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return bool(self._stop)

    @property
    def stop_reason(self) -> Literal["stopped", "interrupted"]:
        """What `stop` was called with."""
        return "interrupted" if self._stop == "interrupted" else "stopped"

    @property
    def held(self) -> bool:
        """Whether the loop must wait: paused, and no single step left to do."""
        return self._paused and not self._single_steps and not self.stopping

    @property
    def quiet(self) -> bool:
        """Whether nothing at all was asked: one read per step is all a free run pays."""
        return not (self.stopping or self._paused or self._probe or self._rate is not None)

    def take_rate(self) -> float | None:
        """The learning rate asked for since the last call, or None."""
        with self._changed:
            rate, self._rate = self._rate, None
            return rate

    def take_probe(self) -> bool:
        """Whether a probe was asked for since the last call."""
        with self._changed:
            probe, self._probe = self._probe, False
            return probe

    def take_single_step(self) -> None:
        """Use up one single step, if there is one."""
        with self._changed:
            self._single_steps = max(0, self._single_steps - 1)

    def wait(self) -> None:
        """Sleep until something is asked while paused."""
        with self._changed:
            self._changed.wait_for(lambda: not self.held or self._probe or self._rate is not None)
