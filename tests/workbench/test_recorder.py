"""What the recorder does when the disk, the listener or the numbers fail it."""

import errno
import sqlite3
import threading
import time

import numpy as np
import pytest
import torch

import workbench.recorder
import workbench.run_folder
from engines.events import (
    Artifact,
    ArtifactReady,
    Checkpoint,
    CheckpointReady,
    Mark,
    Metrics,
    Problem,
    RunEnded,
    RunStarted,
    Scores,
    StatusChanged,
)
from tests.workbench.runs import CNN, Scripted, assert_same_end, create, measured, train, trained
from workbench.recorder import Recorder

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture
def folder(workspace, tiny_spec):
    return create(workspace, tiny_spec)


@pytest.fixture
def full_disk(monkeypatch):
    """Files whose names hold one of these words can't be written."""
    words: list[str] = []
    real = workbench.recorder.atomic_write

    def write(path, content):
        if any(word in str(path) for word in words):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(workbench.recorder, "atomic_write", write)
    monkeypatch.setattr(workbench.run_folder, "atomic_write", write)
    return words


def block(first, count, value=1.0):
    return Metrics(first, ("train/loss",), np.full((count, 1), value, np.float32), 0.1)


def checkpoint(step, keep=False):
    return Checkpoint(step, {"w": torch.full((2, 3), float(step))}, {"optimizer": step}, keep)


def record(folder, *events):
    """Store these events; returns what was told."""
    told = []
    recorder = Recorder(folder, told.append)
    for event in events:
        recorder.put(event)
    recorder.close()
    return told


def test_that_events_are_told_in_order_and_in_their_stored_form(folder):
    arrays = {"a": np.arange(3)}
    told = record(
        folder,
        RunStarted(0, 20, 10),
        block(1, 4),
        Scores(4, {"validation/loss": 0.5}),
        Artifact(4, "predictions", arrays, {"count": 3}),
        checkpoint(4),
        Mark(4, "learning_rate", "lr", 0.1),
        RunEnded(4, "stopped"),
    )
    path = str(folder.path / "artifacts" / "predictions-00000004.npz")
    assert told[3] == ArtifactReady(4, "predictions", path, {"count": 3})
    assert told[4] == CheckpointReady(4)
    assert [type(event) for event in told] == [
        RunStarted,
        Metrics,
        Scores,
        ArtifactReady,
        CheckpointReady,
        Mark,
        RunEnded,
    ]
    with np.load(path) as stored:
        assert stored["a"].tolist() == [0, 1, 2]
    assert folder.read_json("state.json")["status"] == "stopped"
    assert "stopped" in (folder.path / "log.txt").read_text()


def test_that_values_that_are_no_numbers_come_back_as_they_were(folder):
    bad = float("nan"), float("inf"), float("-inf")
    events = [Scores(step, {"x": value}) for step, value in enumerate(bad)]
    record(folder, *events, block(1, 2, float("nan")))
    history = folder.history()
    assert np.array_equal(history.get("x").values, np.array(bad, np.float32), equal_nan=True)
    assert np.isnan(history.get("train/loss").values).all()


def test_that_metrics_are_stored_twice_a_second_while_they_keep_coming(folder):
    # The queue is never silent here, so only the clock can ask for a commit.
    recorder = Recorder(folder, lambda event: None)
    try:
        start, step = time.monotonic(), 1
        while time.monotonic() - start < 1.2:
            recorder.put(block(step, 1))
            step += 1
            time.sleep(0.02)
        stored = measured(folder)["train/loss"][0]
    finally:
        recorder.close()
    assert stored[-1] >= 0.3 * step


def test_that_a_mark_is_stored_at_once(folder):
    recorder = Recorder(folder, lambda event: None)
    try:
        recorder.put(Mark(3, "learning_rate", "lr 1 → 2", 2.0))
        deadline = time.monotonic() + workbench.recorder.COMMIT_SECONDS * 0.8
        while not folder.history().marks and time.monotonic() < deadline:
            time.sleep(0.01)
        assert folder.history().marks == [Mark(3, "learning_rate", "lr 1 → 2", 2.0)]
    finally:
        recorder.close()


@pytest.mark.parametrize("word", ["weights", "resume", "artifacts", "state.json"])
def test_that_a_failed_write_is_told_and_training_goes_on(workspace, folder, full_disk, word):
    full_disk.append(f"/{word}")

    def listen(event):
        if isinstance(event, Problem):
            full_disk.clear()  # somebody makes room

    events = train(folder, workspace, listen=listen)
    problem = next(e for e in events if isinstance(e, Problem))
    assert "No space left on device" in problem.sentence
    assert "Traceback" in problem.details
    assert events[-1].reason == "finished"
    assert len(measured(folder)["train/loss"][0]) == 20
    assert folder.files("resume")[-1][0] == 20
    for _, path in [*folder.files("weights"), *folder.files("resume")]:
        folder.verified(path)


def test_that_two_failed_checkpoints_pause_the_run_and_resuming_loses_nothing(workspace, full_disk):
    whole, folder = trained(workspace, CNN), create(workspace, CNN)
    control = Scripted({}, pause=0.03)  # training must not be over before the disk fails
    full_disk.append("/weights")
    paused = []

    def listen(event):
        if isinstance(event, StatusChanged) and event.status == "paused":
            paused.append(event.step)
            full_disk.clear()
            control.resume()

    events = train(folder, workspace, control, listen)
    assert len(paused) == 1
    assert sum(isinstance(e, Problem) for e in events) >= 2
    assert not [e for e in events if isinstance(e, CheckpointReady) and e.step < paused[0]]
    assert [e for e in events if isinstance(e, ArtifactReady) and e.step == 0]
    assert_same_end(whole, folder)


def test_that_a_run_whose_last_weights_are_not_stored_is_not_finished(workspace, folder, full_disk):
    full_disk.append("/resume/00000020")
    ended = train(folder, workspace)[-1]
    assert ended.reason == "failed"
    assert "Make room and resume" in ended.sentence
    full_disk.clear()
    assert train(folder, workspace)[-1].reason == "finished"
    assert folder.files("resume")[-1][0] == 20


def test_that_metrics_wait_in_memory_while_they_cannot_be_stored(folder, monkeypatch):
    real, broken = workbench.recorder.insert, [True]

    def insert(connection, event):
        if broken:
            raise sqlite3.OperationalError("database or disk is full")
        real(connection, event)

    monkeypatch.setattr(workbench.recorder, "insert", insert)
    told = []
    recorder = Recorder(folder, told.append)
    for step in range(1, 4):
        recorder.put(block(step, 1))
        recorder.put(Mark(step, "resumed", "resumed"))
    deadline = time.monotonic() + 5
    while not any(isinstance(e, Problem) for e in told) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert recorder.failures >= 1
    broken.clear()
    recorder.close()
    assert "metrics failed at step 1: database or disk is full" in next(
        e.sentence for e in told if isinstance(e, Problem)
    )
    assert len([e for e in told if isinstance(e, Problem)]) < 4  # it waits longer each time
    assert measured(folder)["train/loss"][0].tolist() == [1, 2, 3]


def test_that_a_disk_that_stays_full_never_blocks_training(folder, full_disk, monkeypatch):
    def insert(connection, event):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(workbench.recorder, "insert", insert)
    full_disk.append("/")
    recorder = Recorder(folder, lambda event: None)

    def flood():
        for step in range(1, 5 * workbench.recorder.WAITING):
            recorder.put(block(step, 1))
        recorder.put(checkpoint(step))
        recorder.put(RunEnded(step, "failed"))
        recorder.close()

    thread = threading.Thread(target=flood, name="flood")
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def test_that_a_listener_that_raises_stops_nothing(folder):
    def tell(event):
        raise BrokenPipeError("nobody reads")

    recorder = Recorder(folder, tell)
    for step in range(1, 3 * workbench.recorder.WAITING):
        recorder.put(block(step, 1))
    recorder.put(RunEnded(step, "stopped"))
    recorder.close()
    assert len(measured(folder)["train/loss"][0]) == step
    assert folder.status() == "stopped"


def test_that_an_event_that_cannot_be_stored_is_told_and_passed_over(folder):
    strange = Artifact(1, "x", {"a": np.array([object()])})
    told = record(folder, strange, block(1, 2), RunEnded(2, "stopped"))
    assert "holds objects" in told[0].sentence
    assert measured(folder)["train/loss"][0].tolist() == [1, 2]
    assert isinstance(told[-1], RunEnded)


def test_that_the_last_event_told_is_the_end_even_when_nothing_can_be_written(folder, full_disk):
    full_disk.append("/")
    told = record(folder, block(1, 2), checkpoint(2), RunEnded(2, "failed", "why"))
    assert told[-1] == RunEnded(2, "failed", "why")
    assert sum(isinstance(e, Problem) for e in told) == 3  # the checkpoint is tried twice


def test_that_a_damaged_database_fails_the_run_with_a_sentence(workspace, folder):
    folder.database.write_bytes(b"this is no database" * 200)
    events = train(folder, workspace)
    assert [type(e) for e in events] == [RunEnded]
    assert events[0].reason == "failed"
    assert "damaged" in events[0].sentence


def test_that_a_damaged_database_can_still_be_opened(workspace, tiny_spec):
    folder = trained(workspace, tiny_spec)
    folder.database.write_bytes(b"this is no database" * 200)
    history = folder.history()
    assert history.status == "finished"
    assert "is damaged" in history.problems[0].sentence


def test_that_an_overwritten_resume_state_leaves_one_file(folder):
    record(folder, checkpoint(3), checkpoint(3, keep=True), checkpoint(3, keep=True))
    assert len(folder.files("resume")) == len(list((folder.path / "resume").iterdir())) == 1
    folder.verified(folder.files("resume")[0][1])


def test_that_dropped_weights_are_named(folder):
    told = record(folder, *(checkpoint(step, keep=step == 2) for step in range(1, 6)))
    assert [event.dropped for event in told] == [(), (), (1,), (), (3,)]
    assert [step for step, _ in folder.files("weights")] == [2, 4, 5]
    assert [step for step, _ in folder.files("resume")] == [4, 5]


def test_that_what_a_crash_left_half_written_is_swept(folder):
    (folder.path / "weights").mkdir()
    stray = folder.path / "weights" / ".00000001.safetensors.tmp-1-abcd"
    stray.write_bytes(b"half")
    record(folder)
    assert not stray.exists()
