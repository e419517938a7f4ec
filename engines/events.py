"""What a training loop says: small frozen values, in the order things happened.

A step is counted by the updates done: after the first update `step` is 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np  # the window imports this module before its first paint

Reason = Literal["finished", "stopped", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Training begins, or goes on from a checkpoint at `step`.

    Attributes:
        facts: what was decided at the start, such as device, precision and threads.
    """

    step: int
    total_steps: int
    steps_per_epoch: int
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Values of S consecutive steps, fetched from the device together.

    Attributes:
        first_step: the step of row 0; row i belongs to `first_step + i`.
        names: M names such as "train/loss".
        values_SM: float32 [S, M].
        seconds: wall time that the S steps took, evaluations left out.
    """

    first_step: int
    names: tuple[str, ...]
    values_SM: "np.ndarray"
    seconds: float

    @property
    def last_step(self) -> int:
        """The step of the last row."""
        return self.first_step + len(self.values_SM) - 1


@dataclass(frozen=True, slots=True)
class Scores:
    """Values measured now and then, such as {"validation/accuracy": 0.91}."""

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a probe saw of the model at a step: named arrays, no pictures."""

    step: int
    kind: str
    arrays: "Mapping[str, np.ndarray]"
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArtifactReady:
    """An artifact lies on disk."""

    step: int
    kind: str
    path: str
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything needed to go on from `step` exactly, cloned to the CPU.

    Attributes:
        weights: the model's state dict.
        state: plain types and tensors: optimiser and whatever else the task keeps.
        keep: whether the weights stay for looking inside later, not only for resuming.
    """

    step: int
    weights: Mapping[str, Any]
    state: Mapping[str, Any]
    keep: bool = False


@dataclass(frozen=True, slots=True)
class CheckpointReady:
    """A checkpoint lies on disk.

    Attributes:
        dropped: steps whose weights were deleted to make room for it.
    """

    step: int
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a step and is drawn on the curves.

    Attributes:
        kind: "learning_rate", "resumed" or "precision".
        text: words for the line, such as "lr 1e-3 → 3e-4".
        value: the new learning rate, where it is one.
    """

    step: int
    kind: str
    text: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The loop runs, waits, or is busy with something long, in words."""

    step: int
    status: Literal["running", "paused"]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something failed but the run goes on, such as one save; a sentence and the details."""

    step: int
    sentence: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last event of a run.

    Attributes:
        sentence: why, for a person, when it failed.
        error: the traceback's text, when it failed.
    """

    step: int
    reason: Reason
    sentence: str = ""
    error: str = ""


Event = (
    RunStarted
    | Metrics
    | Scores
    | Artifact
    | ArtifactReady
    | Checkpoint
    | CheckpointReady
    | Mark
    | StatusChanged
    | Problem
    | RunEnded
)
