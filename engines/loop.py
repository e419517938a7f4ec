"""The training loop: steps in, events out; pauses, probes, checkpoints and stops between steps."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from engines.control import Control
from engines.events import (
    Checkpoint,
    Event,
    Mark,
    Metrics,
    RunEnded,
    RunStarted,
    StatusChanged,
)
from engines.executor import executor_for

FETCH_SECONDS = 0.25  # a few fetches a second keep the curves live at no cost
BLOCK = 1024  # steps a block can hold before it must be fetched


class Diverged(ArithmeticError):
    """A loss or gradient became NaN or infinite; `step` names the update that did it."""

    def __init__(self, step: int, what: str, value: float):
        super().__init__(
            f"The {what} became {value} at step {step}. A smaller learning rate or gradient "
            "clipping is the usual remedy; the last checkpoint before it is kept."
        )
        self.step = step


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often things happen.

    Attributes:
        evaluate_every: steps between evaluations, at least 1.
        checkpoint_steps: steps between checkpoints; 0 leaves it to the clock.
        checkpoint_seconds: seconds between checkpoints; 0 leaves it to the steps.
    """

    evaluate_every: int
    checkpoint_steps: int = 0
    checkpoint_seconds: float = 30.0


class Meter:
    """Values of recent steps, kept on the device until they are fetched as one block."""

    def __init__(self, names: tuple[str, ...], device: torch.device):
        self._names = names
        self._ring_SM = torch.empty(BLOCK, len(names), device=device)
        self._count = 0
        self._since = time.perf_counter()

    @property
    def due(self) -> bool:
        """Whether the block is full or old enough to fetch."""
        return self._count == BLOCK or time.perf_counter() - self._since > FETCH_SECONDS

    def add(self, values_M: torch.Tensor) -> None:
        """Keep one step's values; no host-device sync."""
        self._ring_SM[self._count].copy_(values_M)
        self._count += 1

    def fetch(self, step: int) -> Metrics | None:
        """The block that ends with `step`, or None when it is empty."""
        if not self._count:
            return None
        values_SM = self._ring_SM[: self._count].cpu().numpy().copy()
        now = time.perf_counter()
        block = Metrics(step - self._count + 1, self._names, values_SM, now - self._since)
        self._count, self._since = 0, now
        return block

    def restart_clock(self) -> None:
        """Leave the time since the last fetch out of the next block."""
        self._since = time.perf_counter()


def check_finite(block: Metrics) -> None:
    """Refuse a block with a loss or a gradient that is not finite.

    Raises:
        Diverged: naming the first such step.
    """
    bad_R2 = np.argwhere(~np.isfinite(block.values_SM))  # in order of steps
    if len(bad_R2):
        row, column = bad_R2[0].tolist()
        what = block.names[column].rpartition("/")[2].replace("_", " ")
        raise Diverged(block.first_step + row, what, float(block.values_SM[row, column]))


def run(
    task: Any,
    control: Control,
    cadence: Cadence,
    *,
    start: int = 0,
    facts: Mapping[str, Any] | None = None,
) -> Iterator[Event]:
    """Train `task` from update `start` on and yield what happens.

    Stops at the first step boundary after `control.stop()`, with a checkpoint. Nothing
    is yielded inside `no_grad` or `autocast`: the listener's code runs at each yield.

    Raises:
        Diverged: a loss, gradient or weight is not finite; the block that shows it was
            yielded before, and no checkpoint after it.
    """
    loop = _Loop(task, control, cadence, start)
    yield RunStarted(start, task.total_steps, task.steps_per_epoch, dict(facts or {}))
    if start == 0:
        yield from loop.evaluate()
    while loop.step < task.total_steps and not control.stopping:
        if not control.quiet:
            yield from loop.answer()
            if control.stopping:
                break
        loop.advance()
        if loop.meter.due:
            yield from loop.flush()
        if loop.step % cadence.evaluate_every == 0 or loop.step == task.total_steps:
            yield from loop.flush()
            yield from loop.evaluate()
        elif loop.checkpoint_due:
            yield from loop.flush()
            yield from loop.checkpoint()
    yield from loop.flush()
    finished = loop.step == task.total_steps
    if finished:
        yield from loop.evaluate("test")
    yield from loop.checkpoint(keep=True)
    yield RunEnded(loop.step, "finished" if finished else control.stop_reason)


class _Loop:
    def __init__(self, task: Any, control: Control, cadence: Cadence, start: int):
        self.task, self.control, self.cadence = task, control, cadence
        self.step = start
        self.executor = executor_for(task)
        self.meter = Meter(task.metric_names, task.device)
        self.evaluated = -1
        self.saved_step = start or -1  # a fresh start has nothing on disk yet
        self.saved_time = time.monotonic()

    @property
    def checkpoint_due(self) -> bool:
        cadence = self.cadence
        by_steps = cadence.checkpoint_steps and self.step % cadence.checkpoint_steps == 0
        elapsed = time.monotonic() - self.saved_time
        return bool(
            by_steps or (cadence.checkpoint_seconds and elapsed > cadence.checkpoint_seconds)
        )

    def advance(self) -> None:
        self.meter.add(self.executor.step(self.step))
        self.step += 1

    def flush(self) -> Iterator[Event]:
        block = self.meter.fetch(self.step)
        if block is not None:
            yield block
            check_finite(block)

    def evaluate(self, split: str = "validation") -> Iterator[Event]:
        if split == "validation" and self.evaluated == self.step:
            return
        for event in self.task.evaluate(split):
            yield replace(event, step=self.step)
        if split == "validation":
            self.evaluated = self.step
            yield from self.checkpoint(keep=True)
        self.meter.restart_clock()

    def checkpoint(self, keep: bool = False) -> Iterator[Event]:
        if self.saved_step == self.step and not keep:
            return
        weights = on_cpu(self.task.model.state_dict())
        check_weights(self.step, weights)
        self.saved_step, self.saved_time = self.step, time.monotonic()
        yield Checkpoint(self.step, weights, on_cpu(self.task.state_dict()), keep)
        self.meter.restart_clock()

    def answer(self) -> Iterator[Event]:
        """Do what was asked, and wait here while the run is paused."""
        yield from self._small_requests()
        if self.control.held:
            yield from self.flush()
            yield from self.checkpoint()
            yield StatusChanged(self.step, "paused")
            yield from self._small_requests()  # asked for, and let go again, while we saved
            while self.control.held:
                self.control.wait()
                yield from self._small_requests()
            self.meter.restart_clock()
            if not self.control.stopping:
                yield StatusChanged(self.step, "running")
        self.control.take_single_step()

    def _small_requests(self) -> Iterator[Event]:
        rate = self.control.take_rate()
        if rate is not None:
            rates = self.task.learning_rates
            before = rates[max(step for step in rates if step <= self.step)]
            # A resumed run knows of later changes; the newest word of the user undoes them.
            for later in [step for step in rates if step > self.step]:
                del rates[later]
            rates[self.step] = rate
            yield Mark(self.step, "learning_rate", f"lr {short(before)} → {short(rate)}", rate)
        if self.control.take_probe():
            yield from self.flush()
            yield from self.evaluate()


def check_weights(step: int, weights: Mapping[str, torch.Tensor]) -> None:
    """Refuse weights that are not finite: losses show that only one step later.

    Raises:
        Diverged: at `step`.
    """
    for values in weights.values():
        if values.is_floating_point() and not bool(values.isfinite().all()):
            raise Diverged(step, "weights", float(values[~values.isfinite()][0]))


def short(rate: float) -> str:
    """A learning rate as people write it: 2e-3, 0.1."""
    mantissa, _, exponent = f"{rate:.2e}".partition("e")
    if -2 <= int(exponent) <= 2:
        return f"{rate:.3g}"
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def on_cpu(value: Any) -> Any:
    """A deep copy of nested dicts, lists and tensors that training can't change any more."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {name: on_cpu(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(on_cpu(part) for part in value)
    return value
