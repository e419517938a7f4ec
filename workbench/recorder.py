"""Writes what a run says into its folder, on a thread of its own so that training never waits."""

import io
import json
import logging
import queue
import sqlite3
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engines.events import (
    Artifact,
    ArtifactReady,
    Checkpoint,
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
from workbench.artifacts import pack
from workbench.durable import atomic_write, sweep
from workbench.run_folder import SCHEMA, RunFolder

COMMIT_SECONDS = 0.5  # at most this much of the metrics is lost to a power cut
RESUMES_KEPT = 2
WAITING = 64  # events in the queue before training waits for the disk

log = logging.getLogger(__name__)


class Recorder:
    """The one writer of a run's folder.

    `put` takes the loop's events on the training thread; each is stored on the
    recorder's thread and then told on, artifacts and checkpoints as their `...Ready`
    form, in the same order. A failed write is told as a `Problem`; the run goes on.

    Args:
        folder: its lock is held by the caller.
        tell: called on the recorder's thread with every event.
    """

    def __init__(self, folder: RunFolder, tell: Callable[[Event], None]):
        self._folder, self._tell = folder, tell
        self._queue: queue.Queue[Event | None] = queue.Queue(WAITING)
        self._state = folder.read_json("state.json")
        self.failures = 0
        for name in ("weights", "resume", "artifacts"):
            (folder.path / name).mkdir(exist_ok=True)
            sweep(folder.path / name)
        sweep(folder.path)
        self._thread = threading.Thread(target=self._run, name=f"recorder-{folder.id}")
        self._thread.start()

    def put(self, event: Event) -> None:
        """Hand over one event; waits only when the disk is far behind."""
        self._queue.put(event)

    def close(self) -> None:
        """Store everything handed over, then end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        connection = open_database(self._folder.database)
        pending: list[Event] = []
        try:
            while True:
                try:
                    event = self._queue.get(timeout=COMMIT_SECONDS)
                except queue.Empty:
                    pending = self._commit(connection, pending)
                    continue
                if event is None:
                    break
                if isinstance(event, Metrics | Scores | Mark):
                    pending.append(event)
                    self._summarise(event)
                    self._tell(event)
                else:
                    pending = self._commit(connection, pending)
                    self._store(connection, event)
            self._commit(connection, pending)
        finally:
            connection.close()

    def _commit(self, connection: sqlite3.Connection, pending: list[Event]) -> list[Event]:
        """Store metrics; on failure they wait in memory for the next time."""
        if not pending:
            return []
        try:
            with connection:
                for event in pending:
                    insert(connection, event)
        except sqlite3.Error as error:
            self._fail(pending[-1].step if isinstance(pending[-1], Scores) else 0, error, "metrics")
            return pending
        return []

    def _store(self, connection: sqlite3.Connection, event: Event) -> None:
        try:
            match event:
                case Artifact():
                    self._tell(self._store_artifact(connection, event))
                case Checkpoint():
                    self._store_checkpoint(connection, event)
                    self._tell(CheckpointReady(event.step))
                case _:
                    self._note(event)
                    self._tell(event)
            self.failures = 0
        except Exception as error:  # noqa: BLE001 - a writer that dies would block training
            what = "the checkpoint" if isinstance(event, Checkpoint) else "what was seen"
            self._fail(getattr(event, "step", 0), error, what)
            if isinstance(event, RunEnded):
                self._tell(event)

    def _fail(self, step: int, error: Exception, what: str) -> None:
        self.failures += 1
        sentence = f"Saving {what} failed at step {step}: {error}. Training goes on."
        log.error(sentence)
        self._tell(Problem(step, sentence, traceback.format_exc()))

    def _store_artifact(self, connection: sqlite3.Connection, event: Artifact) -> ArtifactReady:
        name = f"artifacts/{event.kind}-{event.step:08d}.npz"
        self._write(connection, name, event.step, event.kind, pack(event.arrays), event.meta)
        path = str(self._folder.path / name)
        return ArtifactReady(event.step, event.kind, path, event.meta)

    def _store_checkpoint(self, connection: sqlite3.Connection, event: Checkpoint) -> None:
        import torch
        from safetensors.torch import save

        weights = {name: tensor.contiguous() for name, tensor in event.weights.items()}
        kept = "kept" if event.keep else "newest"
        name = f"weights/{event.step:08d}.safetensors"
        self._write(connection, name, event.step, "weights", save(weights), {"why": kept})
        buffer = io.BytesIO()
        torch.save(event.state, buffer)
        name = f"resume/{event.step:08d}.pt"
        self._write(connection, name, event.step, "resume", buffer.getvalue(), {})
        self._prune(connection)
        self._note(event)

    def _write(
        self,
        connection: sqlite3.Connection,
        name: str,
        step: int,
        kind: str,
        content: bytes,
        meta: Any,
    ) -> None:
        digest = atomic_write(self._folder.path / name, content)
        with connection:
            connection.execute(
                "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)",
                (name, step, kind, digest, json.dumps(dict(meta))),
            )

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Drop old resume states, and weights that were kept only for them."""
        steps = [
            step
            for (step,) in connection.execute(
                "SELECT step FROM file WHERE kind = 'resume' ORDER BY step DESC"
            )
        ]
        for step in steps[RESUMES_KEPT:]:
            doomed = connection.execute(
                "SELECT path FROM file WHERE step = ? AND (kind = 'resume' OR "
                "(kind = 'weights' AND meta NOT LIKE '%kept%'))",
                (step,),
            ).fetchall()
            with connection:
                connection.executemany("DELETE FROM file WHERE path = ?", doomed)
            for (path,) in doomed:
                (self._folder.path / path).unlink(missing_ok=True)

    def _summarise(self, event: Event) -> None:
        state = self._state
        match event:
            case Metrics():
                state["seconds"] = state.get("seconds", 0.0) + event.seconds
                state["step"] = event.last_step
            case Scores():
                state["summary"] = state.get("summary", {}) | dict(event.values)

    def _note(self, event: Event) -> None:
        """Keep state.json and the log in step with what happened."""
        state = self._state
        match event:
            case RunStarted():
                state |= {"status": "running", "total_steps": event.total_steps}
                state |= {"steps_per_epoch": event.steps_per_epoch, "facts": dict(event.facts)}
                state |= {"sentence": "", "error": ""}
            case StatusChanged():
                state["status"] = event.status
            case RunEnded():
                state |= {"status": event.reason, "sentence": event.sentence, "error": event.error}
        if hasattr(event, "step"):
            state["step"] = event.step
        self._folder.write_json("state.json", state)


def open_database(path: Path) -> sqlite3.Connection:
    """The one writing connection; one commit is one sync, and a power cut loses none."""
    connection = sqlite3.connect(path, timeout=10)
    connection.execute("PRAGMA journal_mode = DELETE")  # readers of old SQLite are safe too
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(SCHEMA)
    return connection


def insert(connection: sqlite3.Connection, event: Event) -> None:
    """Store one block of metrics, scores or a mark, inside the caller's transaction."""
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
            connection.execute(
                "INSERT INTO mark VALUES (?, ?, ?, ?)",
                (event.step, event.kind, event.text, event.value),
            )


def forget_after(folder: RunFolder, step: int) -> None:
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
