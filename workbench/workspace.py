"""All runs of one folder on disk, and the index that lists them quickly.

The run folders are the truth; `index.db` is a cache and can be deleted at any time.
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import platformdirs

from workbench.durable import is_locked
from workbench.run_folder import RunFolder

SCHEMA = """
CREATE TABLE IF NOT EXISTS run(
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, created REAL NOT NULL,
    trashed INTEGER NOT NULL DEFAULT 0, record TEXT NOT NULL) STRICT;
"""
DATE_DIGITS = 8  # fewer digits are a number: 2 must not mean a run of the year 2026
LABELS = ("title", "tags", "notes")


class NoSuchRun(LookupError):
    """No run has that number or id."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One row of the Runs table.

    Attributes:
        id: the folder's name.
        number: counts runs in a workspace, from 1.
        status: "queued", "running", "paused", "finished", "stopped", "failed", "interrupted".
        created: seconds since 1970.
        seconds: wall time spent training.
        summary: last values of the scores, such as {"validation/accuracy": 0.91}.
        group: runs started together by one preset share it.
    """

    id: str
    number: int
    created: float
    title: str = ""
    status: str = "queued"
    step: int = 0
    total_steps: int = 0
    seconds: float = 0.0
    sentence: str = ""
    summary: Mapping[str, float] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    notes: str = ""
    group: str = ""
    trashed: bool = False

    def kind(self, part: str) -> str:
        """The chosen kind of a part of the spec, such as "cnn" for "model"."""
        return str(self.spec.get(part, {}).get("kind", ""))


class Workspace:
    """The runs under `root`.

    Raises:
        OSError: `root` can't be created or written.
    """

    def __init__(self, root: Path):
        self.root = root
        self.runs_folder = root / "runs"
        self.runs_folder.mkdir(parents=True, exist_ok=True)
        self._index = root / "index.db"
        self._prepare_index()

    @property
    def lock_file(self) -> Path:
        """Held by the window that shows this workspace."""
        return self.root / "window.lock"

    def create(
        self,
        spec: Mapping[str, Any],
        *,
        title: str = "",
        group: str = "",
        environment: Mapping[str, Any] | None = None,
    ) -> RunFolder:
        """A new run's folder with its frozen spec, queued."""
        now = time.time()
        name = f"{datetime.fromtimestamp(now):%Y%m%d-%H%M%S}-{token_hex(4)}"
        folder = RunFolder(self.runs_folder / name)
        folder.path.mkdir(exist_ok=False)
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            (highest,) = connection.execute("SELECT coalesce(max(number), 0) FROM run").fetchone()
            number = highest + 1
            folder.write_json("labels.json", {"title": title, "tags": [], "notes": ""})
            folder.write_json("state.json", {"status": "queued", "step": 0})
            content = {"number": number, "created": now, "spec": spec, "group": group}
            content |= {"environment": environment or {}}
            folder.write_json("run.json", content)
            self._insert(connection, record_of(folder))
        return folder

    def folder(self, run: str | int) -> RunFolder:
        """The folder of a run, by id, number or the beginning of its id.

        Raises:
            NoSuchRun: none, or more than one, matches.
        """
        text = str(run)
        exact = self.runs_folder / text
        if text and "/" not in text and "\\" not in text and (exact / "run.json").exists():
            return RunFolder(exact)
        records = self.records(trashed=None)
        found = [r for r in records if text.isdigit() and r.number == int(text)]
        if not found and not (text.isdigit() and len(text) < DATE_DIGITS):
            found = [r for r in records if text and r.id.startswith(text)]
        if len(found) != 1:
            raise NoSuchRun(
                f"{len(found) or 'no'} runs match {text!r}; the command `runs` lists them"
            )
        return RunFolder(self.runs_folder / found[0].id)

    def records(self, *, trashed: bool | None = False) -> list[RunRecord]:
        """All runs, newest first; `trashed` picks those in the trash, or None for both."""
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT record, trashed FROM run ORDER BY created DESC, number DESC"
            ).fetchall()
        records = [_parse(text, bool(flag)) for text, flag in rows]
        return [self._current(r) for r in records if trashed is None or r.trashed == trashed]

    def record(self, run: str | int) -> RunRecord:
        """One run's row.

        Raises:
            NoSuchRun: none, or more than one, matches.
        """
        folder = self.folder(run)
        self.refresh(folder)
        return next(r for r in self.records(trashed=None) if r.id == folder.id)

    def refresh(self, folder: RunFolder) -> None:
        """Bring the index in step with a run's folder."""
        with self._connect() as connection:
            self._insert(connection, record_of(folder))

    def label(self, run: str | int, **labels: Any) -> None:
        """Change `title`, `tags` (a sequence of words) or `notes` of a run."""
        unknown = set(labels) - set(LABELS)
        if unknown:
            raise ValueError(f"a run has no label {sorted(unknown)}; there are {LABELS}")
        folder = self.folder(run)
        folder.write_json("labels.json", folder.read_json("labels.json") | labels)
        self.refresh(folder)

    def trash(self, runs: Sequence[str], *, restore: bool = False) -> None:
        """Put runs into the trash, or take them out of it again; nothing is deleted."""
        for run in runs:
            folder = self.folder(run)
            mark = folder.path / "trashed"
            mark.unlink(missing_ok=True) if restore else mark.touch()
            with self._connect() as connection:
                connection.execute(
                    "UPDATE run SET trashed = ? WHERE id = ?", (int(not restore), folder.id)
                )

    def empty_trash(self) -> int:
        """Delete for good what is in the trash and not being trained; returns how many runs."""
        folders = [(r, RunFolder(self.runs_folder / r.id)) for r in self.records(trashed=True)]
        doomed = [record for record, folder in folders if not is_locked(folder.lock_file)]
        for record in doomed:
            shutil.rmtree(self.runs_folder / record.id, ignore_errors=True)
            with self._connect() as connection:
                connection.execute("DELETE FROM run WHERE id = ?", (record.id,))
        return len(doomed)

    def rebuild_index(self) -> None:
        """Read every run's folder again."""
        with self._connect() as connection:
            connection.execute("DELETE FROM run")
            for path in sorted(self.runs_folder.iterdir()):
                if (path / "run.json").exists():
                    self._insert(connection, record_of(RunFolder(path)))

    def _current(self, record: RunRecord) -> RunRecord:
        """The record, asked again of the folder when another process may have gone on."""
        if record.status in ("running", "paused", "queued", "interrupted"):
            return record_of(RunFolder(self.runs_folder / record.id))
        return record

    def _prepare_index(self) -> None:
        try:
            known = self._known()
        except sqlite3.OperationalError:
            raise  # locked, or no space: the file itself may be sound and in use
        except sqlite3.DatabaseError:
            self._index.unlink(missing_ok=True)
            # A journal of the old file would be played back into the new one.
            self._index.with_name(f"{self._index.name}-journal").unlink(missing_ok=True)
            known = self._known()
        if known != sum(1 for path in self.runs_folder.iterdir() if (path / "run.json").exists()):
            self.rebuild_index()

    def _known(self) -> int:
        """How many runs the index lists; makes its table where there is none."""
        with self._open() as connection:
            connection.executescript(SCHEMA)
            return int(connection.execute("SELECT count(*) FROM run").fetchone()[0])

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        if not self._index.exists():  # somebody deleted the cache
            self._prepare_index()
        with self._open() as connection:
            yield connection

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._index, timeout=10)) as connection, connection:
            yield connection

    def _insert(self, connection: sqlite3.Connection, record: RunRecord) -> None:
        text = json.dumps({name: getattr(record, name) for name in RunRecord.__slots__})
        row = (record.id, record.number, record.created, int(record.trashed), text)
        connection.execute("INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?)", row)


def record_of(folder: RunFolder) -> RunRecord:
    """A run's row, read from its folder."""
    run, state = folder.read_json("run.json"), folder.read_json("state.json")
    labels = folder.read_json("labels.json")
    return RunRecord(
        id=folder.id,
        number=int(run.get("number", 0)),
        created=float(run.get("created", 0.0)),
        title=str(labels.get("title", "")),
        status=folder.status(),
        step=int(state.get("step", 0)),
        total_steps=int(state.get("total_steps", 0)),
        seconds=float(state.get("seconds", 0.0)),
        sentence=str(state.get("sentence", "")),
        summary=state.get("summary", {}),
        spec=run.get("spec", {}),
        tags=tuple(labels.get("tags", ())),
        notes=str(labels.get("notes", "")),
        group=str(run.get("group", "")),
        trashed=(folder.path / "trashed").exists(),
    )


def default_root() -> Path:
    """Where runs are kept unless the user says otherwise."""
    return Path(platformdirs.user_data_dir("cv-experiment-workbench", appauthor=False))


def _parse(text: str, trashed: bool) -> RunRecord:
    values = json.loads(text)
    values |= {"trashed": trashed, "tags": tuple(values["tags"])}
    return RunRecord(**values)
