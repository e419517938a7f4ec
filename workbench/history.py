"""What is known of one run, live or from disk: the same object feeds every view."""

from bisect import bisect_right, insort
from collections.abc import Mapping
from typing import Any

import numpy as np

from engines.events import (
    ArtifactReady,
    CheckpointReady,
    Event,
    Mark,
    Metrics,
    Problem,
    RunEnded,
    RunStarted,
    Scores,
    StatusChanged,
)
from engines.registry import Reference


class Series:
    """One metric over steps: two growing arrays, steps ascending."""

    def __init__(self) -> None:
        self._steps = np.empty(256, np.int64)
        self._values = np.empty(256, np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def steps(self) -> np.ndarray:
        """int64 [n], a view that stays valid until the next `extend`."""
        return self._steps[: self._count]

    @property
    def values(self) -> np.ndarray:
        """float32 [n]; NaN where the value was not finite or not measured."""
        return self._values[: self._count]

    def extend(self, steps: np.ndarray, values: np.ndarray) -> None:
        """Append; anything already held at or after the first new step is replaced."""
        if not len(steps):
            return
        start = int(np.searchsorted(self.steps, steps[0]))
        end = start + len(steps)
        if end > len(self._steps):
            size = max(end, 2 * len(self._steps))
            self._steps = np.resize(self._steps, size)
            self._values = np.resize(self._values, size)
        self._steps[start:end] = steps
        self._values[start:end] = values
        self._count = end

    def forget_after(self, step: int) -> None:
        """Drop what is held of later steps."""
        self._count = int(np.searchsorted(self.steps, step, side="right"))

    def at(self, step: int) -> tuple[int, float] | None:
        """(step, value) of the newest value at or before `step`, or None."""
        place = int(np.searchsorted(self.steps, step, side="right")) - 1
        return (int(self._steps[place]), float(self._values[place])) if place >= 0 else None

    def last(self) -> float | None:
        """The newest value, or None."""
        return float(self._values[self._count - 1]) if self._count else None


class History:
    """Everything a run has said so far.

    Attributes:
        series: metrics by name, such as "train/loss", "validation/accuracy",
            "train/gradient_norm", "learning_rate" and "samples_per_second".
        artifacts: kind to `ArtifactReady`, ascending in step, one per step.
        checkpoints: steps whose weights are on disk, ascending.
        step: the newest step heard of.
        status: "queued", "running", "paused", "finished", "stopped", "failed", "interrupted".
        context: what views need to know besides numbers: "classes" (names), "data"
            (title), "references" (list of `engines.registry.Reference`), "batch_size".
        revision: grows with every change, so that a view can skip a redraw.
    """

    def __init__(self, context: Mapping[str, Any] | None = None):
        self.context = dict(context or {})
        self.series: dict[str, Series] = {}
        self.artifacts: dict[str, list[ArtifactReady]] = {}
        self.checkpoints: list[int] = []
        self.marks: list[Mark] = []
        self.problems: list[Problem] = []
        self.facts: dict[str, Any] = {}
        self.step = 0
        self.total_steps = 0
        self.steps_per_epoch = 0
        self.status = "queued"
        self.ended: RunEnded | None = None
        self.revision = 0

    def add(self, event: Event) -> None:
        """Take in one event. Not thread-safe: the GUI's thread, or the only reader."""
        self.revision += 1
        match event:
            case RunStarted():
                self._forget_after(event.step)
                self.step, self.total_steps = event.step, event.total_steps
                self.steps_per_epoch = event.steps_per_epoch
                self.facts, self.status, self.ended = dict(event.facts), "running", None
                self.take_context(event.facts.get("context", {}))
            case Metrics():
                self._add_metrics(event)
            case Scores():
                for name, value in event.values.items():
                    self._extend(name, np.array([event.step]), np.array([value]))
            case ArtifactReady():
                kept = [a for a in self.artifacts.get(event.kind, []) if a.step != event.step]
                insort(kept, event, key=lambda artifact: artifact.step)
                self.artifacts[event.kind] = kept
            case CheckpointReady():
                self.checkpoints = [s for s in self.checkpoints if s not in event.dropped]
                if event.step not in self.checkpoints:
                    insort(self.checkpoints, event.step)
            case Mark():
                if event.kind == "learning_rate":  # the newest word of the user undoes later ones
                    self.marks = [
                        m for m in self.marks if m.kind != event.kind or m.step <= event.step
                    ]
                self.marks.append(event)
            case StatusChanged():
                self.step, self.status = max(self.step, event.step), event.status
            case Problem():
                self.problems.append(event)
            case RunEnded():
                self.step, self.status, self.ended = event.step, event.reason, event

    def take_context(self, context: Mapping[str, Any]) -> None:
        """What was written about the run; reference lines may come as plain values."""
        self.context |= context
        self.context["references"] = [
            line if isinstance(line, Reference) else Reference(**line)
            for line in self.context.get("references", ())
        ]

    def get(self, name: str) -> Series:
        """The series called `name`, empty when nothing was measured yet."""
        return self.series.get(name) or Series()

    def artifact_at(self, kind: str, step: int | None = None) -> ArtifactReady | None:
        """The newest artifact of `kind` at or before `step` (None: the newest there is)."""
        held = self.artifacts.get(kind, [])
        if step is None:
            return held[-1] if held else None
        place = bisect_right(held, step, key=lambda artifact: artifact.step) - 1
        return held[place] if place >= 0 else None

    def _forget_after(self, step: int) -> None:
        """A run that goes on from `step` measures what came later anew, as its folder says too."""
        for series in self.series.values():
            series.forget_after(step)
        for kind, held in self.artifacts.items():
            self.artifacts[kind] = [artifact for artifact in held if artifact.step <= step]
        self.checkpoints = [kept for kept in self.checkpoints if kept <= step]
        self.marks = [m for m in self.marks if m.step <= step or m.kind == "learning_rate"]
        self.problems = [problem for problem in self.problems if problem.step <= step]

    def _add_metrics(self, event: Metrics) -> None:
        steps = np.arange(event.first_step, event.last_step + 1)
        for column, name in enumerate(event.names):
            self._extend(name, steps, event.values_SM[:, column])
        if event.seconds > 0 and (batch := self.context.get("batch_size")):
            speed = len(steps) * batch / event.seconds
            self._extend("samples_per_second", steps[-1:], np.array([speed]))
        self.step = max(self.step, event.last_step)

    def _extend(self, name: str, steps: np.ndarray, values: np.ndarray) -> None:
        self.series.setdefault(name, Series()).extend(steps, values)
