"""What the recorder writes to metrics.db: blocks of metrics, scores, marks, problems, files."""

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from engines.events import Event, Mark, Metrics, Problem, Scores

if TYPE_CHECKING:
    from workbench.run_folder import RunFolder

SCHEMA = """
BEGIN;
CREATE TABLE IF NOT EXISTS block(
    first_step INTEGER PRIMARY KEY, steps INTEGER NOT NULL, seconds REAL NOT NULL,
    names TEXT NOT NULL, content BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS score(
    step INTEGER NOT NULL, name TEXT NOT NULL, value REAL, PRIMARY KEY(step, name)) STRICT;
CREATE TABLE IF NOT EXISTS mark(
    step INTEGER NOT NULL, kind TEXT NOT NULL, words TEXT NOT NULL, value REAL) STRICT;
CREATE TABLE IF NOT EXISTS file(
    path TEXT PRIMARY KEY, step INTEGER NOT NULL, kind TEXT NOT NULL,
    sha256 TEXT NOT NULL, meta TEXT NOT NULL) STRICT;
COMMIT;
"""
PROBLEM = "problem"  # a problem is kept among the marks, under this kind


def open_database(path: Path) -> sqlite3.Connection:
    """A writing connection; one commit is one sync, and a power cut loses none.

    Raises:
        sqlite3.Error: the file is damaged or can't be written.
    """
    # Made on one thread and used on another, never on two at once.
    connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")  # readers of old SQLite are safe too
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def has_tables(connection: sqlite3.Connection) -> bool:
    """Whether anything can be stored: a crash at the very start leaves an empty file."""
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def insert(connection: sqlite3.Connection, event: Event) -> None:
    """Store one block of metrics, scores, a mark or a problem, inside the caller's transaction."""
    match event:
        case Metrics():
            content = event.values_SM.astype("<f4").tobytes()
            row = (event.first_step, len(event.values_SM), event.seconds)
            connection.execute(
                "INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?)",
                (*row, json.dumps(event.names), content),
            )
        case Scores():
            connection.executemany(
                "INSERT OR REPLACE INTO score VALUES (?, ?, ?)",
                [(event.step, name, float(value)) for name, value in event.values.items()],
            )
        case Mark():
            if event.kind == "learning_rate":  # the newest word of the user undoes later ones
                connection.execute(
                    "DELETE FROM mark WHERE kind = 'learning_rate' AND step > ?", (event.step,)
                )
            connection.execute(
                "INSERT INTO mark VALUES (?, ?, ?, ?)",
                (event.step, event.kind, event.text, event.value),
            )
        case Problem():
            connection.execute(
                "INSERT INTO mark VALUES (?, ?, ?, NULL)", (event.step, PROBLEM, event.sentence)
            )


def forget_after(folder: "RunFolder", step: int) -> None:
    """Drop what was measured after `step`, so that a resumed run's history is that of one run.

    Learning rates that the user set later stay: they are applied again at their steps.
    """
    connection = open_database(folder.database)
    try:
        with connection:
            connection.execute("DELETE FROM block WHERE first_step > ?", (step,))
            connection.execute("DELETE FROM score WHERE step > ?", (step,))
            connection.execute(
                "DELETE FROM mark WHERE step > ? AND kind != 'learning_rate'", (step,)
            )
            doomed = connection.execute("SELECT path FROM file WHERE step > ?", (step,)).fetchall()
            connection.executemany("DELETE FROM file WHERE path = ?", doomed)
        for (path,) in doomed:
            (folder.path / path).unlink(missing_ok=True)
    finally:
        connection.close()
