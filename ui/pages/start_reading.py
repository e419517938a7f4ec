"""What the Start page shows of the workspace, read on a worker thread."""

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ui.widgets.spark import course
from workbench.workspace import RunRecord, Workspace

if TYPE_CHECKING:
    from workbench.history import History  # pydantic: not before the first paint

CURVES = "train/loss", "validation/loss"
SCORES = ("test/accuracy", "test"), ("validation/accuracy", "val")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a row shows of a run.

    Attributes:
        total_steps: 0 while unknown.
        summary: newest scores by name.
        course_P: the training loss as the sparkline draws it, empty while there is none.
    """

    record: RunRecord
    status: str
    step: int
    total_steps: int
    summary: Mapping[str, float]
    course_P: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class CutOff:
    """A run that nobody ended.

    Attributes:
        checkpoint: step it resumes from; 0 is the beginning.
    """

    record: RunRecord
    checkpoint: int


@dataclass(frozen=True, slots=True)
class Found:
    """The workspace at one moment.

    Attributes:
        count: all runs outside the trash.
        newest: the newest of them, newest first.
        cut_off: interrupted runs, newest first, that don't train here.
    """

    count: int
    newest: tuple[Seen, ...]
    cut_off: tuple[CutOff, ...]


def look(
    workspace: Workspace, live: Collection[str], known: Mapping[str, Seen], most: int
) -> Found:
    """Read records, curves and checkpoints. Runs on a worker thread: touches no widget.

    Args:
        live: ids of runs in this window: they say how they stand themselves.
        known: what was seen before; a run that has not gone on since isn't read again.
        most: how many of the newest runs are wanted.
    """
    records = workspace.records()
    newest = tuple(_seen(workspace, record, live, known) for record in records[:most])
    cut_off = tuple(
        CutOff(record, _checkpoint(workspace, record))
        for record in records
        if record.status == "interrupted" and record.id not in live
    )
    return Found(len(records), newest, cut_off)


def seen_live(record: RunRecord, history: "History") -> Seen:
    """A run that trains or waits in this window."""
    newest = {name: history.get(name).last() for name, _ in SCORES}
    known = {name: value for name, value in newest.items() if value is not None}
    summary = dict(record.summary) | known
    total = history.total_steps or record.total_steps
    return Seen(record, history.status, history.step, total, summary, _course(history))


def _seen(
    workspace: Workspace, record: RunRecord, live: Collection[str], known: Mapping[str, Seen]
) -> Seen:
    plain = Seen(record, record.status, record.step, record.total_steps, record.summary)
    before = known.get(record.id)
    if record.id in live:
        return plain
    if before is not None and (before.status, before.step) == (record.status, record.step):
        return replace(plain, course_P=before.course_P)
    try:
        history = workspace.folder(record.id).history()
    except (OSError, LookupError, ValueError, sqlite3.Error):
        return plain  # a damaged run is still listed; opening it says what is wrong
    return replace(plain, course_P=_course(history))


def _checkpoint(workspace: Workspace, record: RunRecord) -> int:
    try:
        held = workspace.folder(record.id).files("resume")
    except (OSError, LookupError, sqlite3.Error):
        return 0
    return held[-1][0] if held else 0


def _course(history: "History") -> np.ndarray:
    for name in CURVES:
        values = course(history.get(name).values)
        if len(values) > 1:
            return values
    return np.empty(0)
