"""Writes what a run says into its folder, on a thread of its own so that training never waits."""

import io
import json
import logging
import queue
import sqlite3
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
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
from workbench.metrics_database import insert, open_database
from workbench.run_folder import RunFolder

COMMIT_SECONDS = 0.5  # at most this much of the metrics is lost to a power cut
LONGEST_RETRY = 30.0  # seconds between two tries to store metrics on a full disk
RESUMES_KEPT = 2
WAITING = 64  # events in the queue before training waits for the disk

log = logging.getLogger(__name__)


class Recorder:
    """The one writer of a run's folder.

    `put` takes the loop's events on the training thread; each is stored on the
    recorder's thread and then told on, artifacts and checkpoints as their `...Ready`
    form, in the same order. A failed write is told as a `Problem`; the run goes on.
    A `RunEnded` is told by `close`, as the last event.

    Args:
        folder: its lock is held by the caller.
        tell: called on the recorder's thread with every event.

    Raises:
        OSError, sqlite3.Error: the folder can't be written, or its database is damaged.
    """

    def __init__(self, folder: RunFolder, tell: Callable[[Event], None]):
        self._folder, self._listener = folder, tell
        self._queue: queue.Queue[Event | None] = queue.Queue(WAITING)
        self._state = folder.read_json("state.json")
        self._pending: list[Event] = []
        self._committed = self._retry = time.monotonic()
        self._failed: Counter[str] = Counter()
        self._ended: RunEnded | None = None
        self._unsaved: Checkpoint | None = None
        self.step = int(self._state.get("step", 0))
        for name in ("weights", "resume", "artifacts"):
            (folder.path / name).mkdir(exist_ok=True)
            sweep(folder.path / name)
        sweep(folder.path)
        self._connection = open_database(folder.database)
        self._thread = threading.Thread(target=self._run, name=f"recorder-{folder.id}")
        self._thread.start()

    @property
    def failures(self) -> int:
        """How many times in a row the same thing could not be stored."""
        return max(self._failed.values(), default=0)

    def put(self, event: Event) -> None:
        """Hand over one event; waits only when the disk is far behind."""
        self.step = step_of(event, self.step)
        self._queue.put(event)

    def close(self) -> RunEnded | None:
        """Store everything handed over, then end; returns the end as it was told."""
        self._queue.put(None)
        self._thread.join()
        return self._ended

    def _run(self) -> None:
        while True:
            try:
                event = self._queue.get(timeout=COMMIT_SECONDS)
            except queue.Empty:
                self._commit()
                continue
            if event is None:
                break
            try:
                self._take(event)
            except Exception as error:  # noqa: BLE001 - a writer that dies would block training
                self._fail("what happened", step_of(event, self.step), error)
            if time.monotonic() - self._committed > COMMIT_SECONDS:
                self._commit()
        self._commit(last_chance=True)
        self._connection.close()
        if self._ended is not None:
            self._tell(self._ended)

    def _take(self, event: Event) -> None:
        if isinstance(event, Metrics | Scores | Mark | Problem):
            self._pending.append(event)
            self._summarise(event)
            self._log(event)
            self._tell(event)
            if isinstance(event, Mark):
                self._commit()  # what the user decided must outlive a crash at once
            return
        self._commit()
        match event:
            case Artifact():
                self._attempt("what was seen", event, self._store_artifact)
            case Checkpoint():
                self._unsaved = event
                self._attempt("the checkpoint", event, self._store_checkpoint)
            case RunEnded():
                self._end(event)
            case _:
                self._attempt("the run's state", event, self._note)
                self._log(event)
                self._tell(event)

    def _end(self, event: RunEnded) -> None:
        """Note the end; a run is not finished while its last weights aren't on disk."""
        if self._unsaved is not None:
            self._attempt("the checkpoint", self._unsaved, self._store_checkpoint)
        if self._unsaved is not None and event.reason == "finished":
            sentence = "The last checkpoint could not be saved. Make room and resume the run."
            event = RunEnded(event.step, "failed", sentence)
        self._attempt("the run's state", event, self._note)
        self._log(event)
        self._ended = event

    def _tell(self, event: Event) -> None:
        try:
            self._listener(event)
        except Exception:
            log.exception("a listener of run %s failed", self._folder.id)

    def _attempt(self, what: str, event: Any, store: Callable[[Any], Event | None]) -> None:
        """Store one event and tell its `...Ready` form; a failure is told instead."""
        try:
            ready = store(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, training goes on
            self._fail(what, event.step, error)
            return
        self._failed[what] = 0
        if ready is not None:
            self._tell(ready)

    def _fail(self, what: str, step: int, error: Exception) -> None:
        self._failed[what] += 1
        sentence = f"Saving {what} failed at step {step}: {error}. Nothing stored before is lost."
        problem = Problem(step, sentence, "".join(traceback.format_exception(error)))
        log.error(sentence)
        self._pending.append(problem)
        self._log(problem)
        self._tell(problem)

    def _commit(self, *, last_chance: bool = False) -> None:
        """Store metrics; on failure they wait in memory, longer each time."""
        self._committed = time.monotonic()
        if not self._pending or (self._committed < self._retry and not last_chance):
            return
        try:
            with self._connection:
                for event in self._pending:
                    insert(self._connection, event)
        except sqlite3.Error as error:
            self._fail("metrics", step_of(self._pending[-1], self.step), error)
            wait = COMMIT_SECONDS * 2 ** min(self._failed["metrics"], 10)
            self._retry = time.monotonic() + min(LONGEST_RETRY, wait)
            return
        self._pending = []
        self._failed["metrics"] = 0

    def _store_artifact(self, event: Artifact) -> ArtifactReady:
        name = f"artifacts/{event.kind}-{event.step:08d}.npz"
        self._write(name, event.step, event.kind, pack(event.arrays), event.meta)
        return ArtifactReady(event.step, event.kind, str(self._folder.path / name), event.meta)

    def _store_checkpoint(self, event: Checkpoint) -> CheckpointReady:
        import torch
        from safetensors.torch import save

        weights = {name: tensor.contiguous() for name, tensor in event.weights.items()}
        kept = "kept" if event.keep else "newest"
        name = f"weights/{event.step:08d}.safetensors"
        self._write(name, event.step, "weights", save(weights), {"why": kept})
        buffer = io.BytesIO()
        torch.save(event.state, buffer)
        # A name of its own: a crash between file and digest must not damage an older state.
        name = f"resume/{event.step:08d}-{time.time_ns():x}.pt"
        self._write(name, event.step, "resume", buffer.getvalue(), {})
        dropped = self._prune()
        self._unsaved = None
        self._note(event)
        return CheckpointReady(event.step, dropped)

    def _write(self, name: str, step: int, kind: str, content: bytes, meta: Any) -> None:
        digest = atomic_write(self._folder.path / name, content)
        with self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)",
                (name, step, kind, digest, json.dumps(dict(meta))),
            )

    def _prune(self) -> tuple[int, ...]:
        """Drop old resume states, and weights that were kept only for them.

        Returns:
            Steps whose weights are gone.
        """
        files = self._connection.execute(
            "SELECT kind, step, path, meta FROM file WHERE kind IN ('resume', 'weights') "
            "ORDER BY step DESC, rowid DESC"
        ).fetchall()
        newest: dict[int, str] = {}
        for kind, step, path, _ in files:
            if kind == "resume" and (step in newest or len(newest) < RESUMES_KEPT):
                newest.setdefault(step, path)
        doomed = [
            (kind, step, path)
            for kind, step, path, meta in files
            if (kind == "resume" and path != newest.get(step))
            or (kind == "weights" and step not in newest and json.loads(meta)["why"] != "kept")
        ]
        with self._connection:
            self._connection.executemany(
                "DELETE FROM file WHERE path = ?", [(path,) for _, _, path in doomed]
            )
        for _, _, path in doomed:
            (self._folder.path / path).unlink(missing_ok=True)
        return tuple(step for kind, step, _ in doomed if kind == "weights")

    def _summarise(self, event: Event) -> None:
        state = self._state
        match event:
            case Metrics():
                state["seconds"] = state.get("seconds", 0.0) + event.seconds
                state["step"] = event.last_step
            case Scores():
                state["summary"] = state.get("summary", {}) | dict(event.values)

    def _note(self, event: Event) -> None:
        """Keep state.json in step with what happened."""
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
        state["step"] = step_of(event, state.get("step", 0))
        self._folder.write_json("state.json", state)

    def _log(self, event: Event) -> None:
        """Add a line to log.txt for a person to read."""
        match event:
            case RunStarted():
                words = f"training from step {event.step} of {event.total_steps}"
            case Mark():
                words = f"step {event.step}: {event.text}"
            case StatusChanged():
                words = f"step {event.step}: {event.status} {event.words}".rstrip()
            case Problem():
                words = f"step {event.step}: {event.sentence}\n{event.details}".rstrip()
            case RunEnded():
                words = (
                    f"step {event.step}: {event.reason} {event.sentence}\n{event.error}".rstrip()
                )
            case _:
                return
        with suppress(OSError), (self._folder.path / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {words}\n")


def step_of(event: Event, otherwise: int) -> int:
    """The newest step that an event speaks of; a problem may speak of an older one."""
    if isinstance(event, Metrics):
        return event.last_step
    return otherwise if isinstance(event, Problem) else event.step
