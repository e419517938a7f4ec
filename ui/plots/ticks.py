"""Where a run left something to look at: rows of ticks, and the way from one to the next. No Qt."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.history import History
from workbench.wording import THIN, digits, percent, thousands


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the timeline.

    Attributes:
        title: what its ticks are.
        kind: how they are drawn: bars, or diamonds with words.
        steps: ascending.
        words: what a tick says when pointed at, one for each step.
    """

    title: str
    kind: Literal["kept", "event"]
    steps: tuple[int, ...]
    words: tuple[str, ...]

    def newest(self, step: int) -> int | None:
        """The newest step at or before `step`."""
        place = bisect_right(self.steps, step)
        return self.steps[place - 1] if place else None


def rows_of(history: History) -> list[Row]:
    """A row for each kind of artifact, then checkpoints and events, without empty ones."""
    rows = [
        Row(
            kind.replace("_", " ").capitalize(),
            "kept",
            tuple(artifact.step for artifact in held),
            tuple(_artifact_words(kind, artifact.step, artifact.meta) for artifact in held),
        )
        for kind, held in history.artifacts.items()
    ]
    points = history.checkpoints
    rows.append(
        Row(
            "Checkpoint", "kept", tuple(points), tuple(f"Checkpoint, {at(step)}" for step in points)
        )
    )
    marks = sorted(history.marks, key=lambda mark: mark.step)
    rows.append(
        Row(
            "Events",
            "event",
            tuple(mark.step for mark in marks),
            tuple(mark.text for mark in marks),
        )
    )
    return [row for row in rows if row.steps]


def merged(rows: Sequence[Row]) -> list[Row]:
    """The same ticks on one row for what was kept, events beside them: for small windows."""
    words: dict[int, list[str]] = {}
    for row in rows:
        if row.kind == "kept":
            for step, said in zip(row.steps, row.words, strict=True):
                words.setdefault(step, []).append(said)
    steps = sorted(words)
    kept = Row("Kept", "kept", tuple(steps), tuple("\n".join(words[step]) for step in steps))
    events = [row for row in rows if row.kind == "event"]
    return [kept, *events] if steps else events


def stops(rows: Sequence[Row]) -> list[int]:
    """Every step with a tick, ascending."""
    return sorted({step for row in rows for step in row.steps})


def snapped(step: int, targets: Sequence[int], reach: float) -> int:
    """The nearest of the ascending `targets` within `reach` steps, or `step` itself."""
    place = bisect_left(targets, step)
    near = targets[max(place - 1, 0) : place + 1]
    best = min(near, key=lambda target: abs(target - step), default=step)
    return best if abs(best - step) <= reach else step


def earlier(step: int, targets: Sequence[int]) -> int | None:
    """The last of the ascending `targets` before `step`."""
    place = bisect_left(targets, step)
    return targets[place - 1] if place else None


def later(step: int, targets: Sequence[int]) -> int | None:
    """The first of the ascending `targets` after `step`."""
    place = bisect_right(targets, step)
    return targets[place] if place < len(targets) else None


def at(step: int) -> str:
    """ "step 4 690"."""
    return f"step {thousands(step)}"


def _artifact_words(kind: str, step: int, meta: object) -> str:
    told = [f"{kind.replace('_', ' ').capitalize()}, {at(step)}"]
    if isinstance(meta, dict):
        if isinstance(share := meta.get("accuracy"), float):
            told.append(f"accuracy {percent(share)}".replace(" %", f"{THIN}%"))
        if isinstance(loss := meta.get("loss"), float):
            told.append(f"loss {digits(loss)}")
    return " · ".join(told)
