"""One run on disk. The folder is the truth; the workspace's index can be rebuilt from it.

run.json        number, spec and environment, written once
labels.json     title, tags and notes, as the user edits them
state.json      status, step and summary
metrics.db      metrics in blocks, scores, marks, and every file with its digest
weights/        one safetensors file per kept step
resume/         what else is needed to go on, newest two
artifacts/      KIND-STEP.npz
log.txt         what happened, in words
run.lock        held while a process writes the run
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.events import (
    ArtifactReady,
    CheckpointReady,
    Mark,
    Metrics,
    Problem,
    RunEnded,
    Scores,
)
from workbench.durable import atomic_write, digest_of, is_locked
from workbench.metrics_database import PROBLEM, has_tables

if TYPE_CHECKING:
    from workbench.history import History  # numpy and pydantic: not before the first paint


class DamagedFile(OSError):
    """A stored file does not have the content that was written."""


class RunFolder:
    """Reads one run's folder; only `workbench.recorder` writes metrics and checkpoints."""

    def __init__(self, path: Path):
        self.path = path

    @property
    def id(self) -> str:
        """The folder's name, unique in the workspace."""
        return self.path.name

    @property
    def database(self) -> Path:
        """The metrics database."""
        return self.path / "metrics.db"

    @property
    def lock_file(self) -> Path:
        """Held by the process that writes the run."""
        return self.path / "run.lock"

    def read_json(self, name: str) -> dict[str, Any]:
        """The content of one of the JSON files, empty when it is missing or damaged."""
        try:
            content = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace one of the JSON files."""
        atomic_write(self.path / name, json.dumps(content, indent=1, default=str).encode())

    @property
    def spec(self) -> dict[str, Any]:
        """The spec's plain values."""
        return self.read_json("run.json").get("spec", {})

    def status(self) -> str:
        """The status; a run that says it runs but that no process writes is "interrupted"."""
        said = self.read_json("state.json").get("status", "interrupted")
        if said in ("running", "paused", "queued") and not is_locked(self.lock_file):
            return "interrupted"
        return said

    def history(self) -> "History":
        """Everything the run said, as a view wants it; a damaged database is told as a problem."""
        from workbench.history import History

        state = self.read_json("state.json")
        history = History()
        history.facts = state.get("facts", {})
        history.take_context(history.facts.get("context", {}))
        if title := self.read_json("labels.json").get("title", ""):
            history.take_context({"title": title})
        if self.database.exists():
            try:
                with closing(self.connect()) as connection:
                    if has_tables(connection):
                        _fill(history, connection, self.path)
            except (sqlite3.DatabaseError, ValueError) as error:
                sentence = f"{self.database} is damaged: not all of the run can be shown."
                history.add(Problem(state.get("step", 0), sentence, str(error)))
        history.total_steps = state.get("total_steps", 0)
        history.steps_per_epoch = state.get("steps_per_epoch", 0)
        history.step = max(history.step, state.get("step", 0))
        history.status = self.status()
        if state.get("status") in ("finished", "stopped", "failed", "interrupted"):
            words = (state.get("sentence", ""), state.get("error", ""))
            history.ended = RunEnded(history.step, state["status"], *words)
        return history

    def connect(self) -> sqlite3.Connection:
        """A read-only connection to the metrics."""
        journal = self.path / f"{self.database.name}-journal"
        if journal.exists() and not is_locked(self.lock_file):
            # A crash in the middle of a commit. SQLite undoes it, but not on a read-only
            # connection, which would refuse the whole database.
            with closing(sqlite3.connect(self.database, timeout=5)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True, timeout=5)

    def files(self, kind: str) -> list[tuple[int, Path]]:
        """(step, path) of the files of a kind ("weights", "resume", ...), ascending.

        Raises:
            DamagedFile: the database is damaged.
        """
        if not self.database.exists():
            return []
        try:
            with closing(self.connect()) as connection:
                if not has_tables(connection):
                    return []
                rows = connection.execute(
                    "SELECT step, path FROM file WHERE kind = ? ORDER BY step, rowid", (kind,)
                ).fetchall()
        except sqlite3.DatabaseError as error:
            raise DamagedFile(f"{self.database} is damaged: {error}") from error
        return [(step, self.path / path) for step, path in rows]

    def verified(self, path: Path) -> Path:
        """`path` again, when its content is what was written.

        Raises:
            DamagedFile: it is missing or changed.
        """
        relative = path.relative_to(self.path).as_posix()
        with closing(self.connect()) as connection:
            row = connection.execute(
                "SELECT sha256 FROM file WHERE path = ?", (relative,)
            ).fetchone()
        if row is None or not path.exists() or digest_of(path) != row[0]:
            raise DamagedFile(f"{path} is missing or damaged: it isn't what was written")
        return path


def _fill(history: "History", connection: sqlite3.Connection, folder: Path) -> None:
    import numpy as np

    for first, steps, seconds, names, content in connection.execute(
        "SELECT first_step, steps, seconds, names, content FROM block ORDER BY first_step"
    ):
        columns = tuple(json.loads(names))
        values_SM = np.frombuffer(content, "<f4").reshape(steps, len(columns))
        history.add(Metrics(first, columns, values_SM, seconds))
    for step, name, value in connection.execute(
        "SELECT step, name, value FROM score ORDER BY step"
    ):
        history.add(Scores(step, {name: float("nan") if value is None else value}))
    for step, kind, words, value in connection.execute(
        "SELECT step, kind, words, value FROM mark ORDER BY rowid"  # as it was said
    ):
        problem = kind == PROBLEM
        history.add(Problem(step, words) if problem else Mark(step, kind, words, value))
    for path, step, kind, meta in connection.execute(
        "SELECT path, step, kind, meta FROM file ORDER BY step"
    ):
        if kind == "weights":
            history.add(CheckpointReady(step))
        elif kind != "resume":
            history.add(ArtifactReady(step, kind, str(folder / path), json.loads(meta)))
