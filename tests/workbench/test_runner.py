"""A queue of runs, one thread, and a way out at every moment."""

import threading
import time

import pytest

import workbench.training
from engines.control import Control
from engines.events import CheckpointReady, RunEnded, RunStarted, Scores, StatusChanged
from tests.workbench.runs import create, forked, told, train, trained
from workbench.durable import is_locked, lock
from workbench.runner import Runner, perform

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture
def runner(workspace):
    made = Runner(workspace)
    yield made
    assert made.close(30)


@pytest.fixture
def endless(tiny_spec):
    return tiny_spec | {"training": {"epochs": 10_000, "batch_size": 64}}


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def heard(handle, kind):
    """Wait until the run says something of this kind; returns all it said until then."""
    events = []

    def there():
        events.extend(handle.drain())
        return any(isinstance(event, kind) for event in events)

    wait_for(there)
    return events


def test_that_runs_train_one_after_another(runner, workspace, tiny_spec):
    handles = [runner.submit(tiny_spec, title=str(n), group="g") for n in range(3)]
    wait_for(lambda: all(handle.ended.is_set() for handle in handles))
    assert not runner.busy
    spoken = [handle.drain() for handle in handles]
    for events in spoken:
        assert isinstance(events[0], RunStarted)
        assert events[-1] == RunEnded(20, "finished")
        assert sum(isinstance(event, RunEnded) for event in events) == 1
    assert [r.status for r in workspace.records()] == ["finished"] * 3
    assert {r.group for r in workspace.records()} == {"g"}
    assert not any(is_locked(handle.folder.lock_file) for handle in handles)


def test_that_a_waiting_run_is_queued_and_not_interrupted(runner, workspace, endless):
    first, second = runner.submit(endless), runner.submit(endless)
    heard(first, Scores)
    assert workspace.record(first.id).status == "running"
    assert workspace.record(second.id).status == "queued"
    with pytest.raises(ValueError, match="is queued: there is nothing to resume"):
        runner.resume(second.id)


def test_that_a_cancelled_waiting_run_never_starts(runner, workspace, endless):
    first, second = runner.submit(endless), runner.submit(endless)
    heard(first, Scores)
    runner.cancel(second)
    assert second.ended.is_set()
    assert second.drain() == [RunEnded(0, "stopped")]
    assert workspace.record(second.id).status == "stopped"
    runner.cancel(first)
    wait_for(first.ended.is_set)
    assert first.drain()[-1].reason == "stopped"


def test_that_a_run_told_to_stop_while_it_waits_loads_nothing(
    runner, workspace, endless, monkeypatch
):
    first, second = runner.submit(endless), runner.submit(endless)
    heard(first, Scores)
    second.control.stop()
    first.control.stop()
    wait_for(second.ended.is_set)
    assert second.drain() == [RunEnded(0, "stopped")]


def test_that_closing_interrupts_everything_and_keeps_its_state(workspace, endless):
    runner = Runner(workspace)
    first, second = runner.submit(endless), runner.submit(endless)
    heard(first, Scores)
    assert runner.close(20)
    ended = first.drain()[-1]
    assert ended.reason == "interrupted"
    assert first.folder.files("resume")[-1][0] == ended.step
    assert second.drain()[-1] == RunEnded(0, "interrupted")
    assert [r.status for r in workspace.records()] == ["interrupted"] * 2
    with pytest.raises(RuntimeError, match="closed"):
        runner.submit(endless)


def test_that_closing_a_paused_run_interrupts_it(workspace, endless):
    runner = Runner(workspace)
    handle = runner.submit(endless)
    handle.control.pause()
    heard(handle, StatusChanged)
    assert workspace.record(handle.id).status == "paused"
    assert runner.close(20)
    assert handle.drain()[-1].reason == "interrupted"


def test_that_a_runner_that_never_ran_closes_at_once(workspace):
    assert Runner(workspace).close()


def test_that_an_interrupted_run_is_resumed(workspace, tiny_spec):
    runner = Runner(workspace)
    handle = runner.submit(tiny_spec | {"training": {"epochs": 20, "batch_size": 64}})
    heard(handle, CheckpointReady)
    runner.close()
    step = handle.folder.files("resume")[-1][0]
    runner = Runner(workspace)
    again = runner.resume(handle.id)
    wait_for(again.ended.is_set)
    runner.close()
    events = again.drain()
    assert events[0].step == step
    assert events[-1] == RunEnded(80, "finished")


def test_that_a_finished_run_is_not_resumed(runner, workspace, tiny_spec):
    folder = trained(workspace, tiny_spec)
    with pytest.raises(ValueError, match="is finished: there is nothing to resume"):
        runner.resume(folder.id)
    with pytest.raises(LookupError):
        runner.resume("nothing")


def test_that_a_run_that_another_process_trains_is_refused(runner, workspace, endless):
    folder = create(workspace, endless)
    child = forked(folder, workspace)
    try:
        wait_for(lambda: told(folder))
        with pytest.raises(ValueError, match="is running: there is nothing to resume"):
            runner.resume(folder.id)
        (ended,) = train(folder, workspace)
        assert ended.reason == "failed"
        assert f"is in use by process {child.pid}" in ended.sentence
        assert workspace.record(folder.id).status == "running"
        steps = len(told(folder))
        wait_for(lambda: len(told(folder)) > steps)  # it wasn't disturbed
    finally:
        child.kill()
        child.join()
    assert workspace.record(folder.id).status == "interrupted"


def test_that_a_run_locked_between_look_and_queue_is_refused(runner, workspace, tiny_spec):
    folder = create(workspace, tiny_spec)
    with lock(folder.lock_file, "it"):
        folder.write_json("state.json", {"status": "stopped"})
        with pytest.raises(ValueError, match="in use by process"):
            runner.resume(folder.id)
    assert not runner.busy


def test_that_a_run_that_breaks_leaves_the_next_one_its_turn(
    runner, workspace, tiny_spec, monkeypatch
):
    real, calls = workbench.training.train, []

    def train_or_break(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise ImportError("a broken library")
        return real(*arguments)

    monkeypatch.setattr(workbench.training, "train", train_or_break)
    first, second = runner.submit(tiny_spec), runner.submit(tiny_spec)
    wait_for(second.ended.is_set)
    assert first.drain()[-1].sentence == "ImportError: a broken library"
    assert second.drain()[-1].reason == "finished"


def test_that_an_index_that_cannot_be_written_fails_no_run(workspace, tiny_spec, monkeypatch):
    folder = create(workspace, tiny_spec)

    def refresh(folder):
        raise OSError("No space left on device")

    monkeypatch.setattr(workspace, "refresh", refresh)
    assert train(folder, workspace)[-1].reason == "finished"


def test_that_a_run_may_be_trained_on_any_thread(workspace, tiny_spec):
    whole, folder = trained(workspace, tiny_spec), create(workspace, tiny_spec)
    ended = []
    thread = threading.Thread(
        target=lambda: ended.append(perform(folder, workspace, Control(), lambda event: None))
    )
    thread.start()
    thread.join()
    assert ended[0].reason == "finished"
    assert whole.files("weights")[-1][1].read_bytes() == folder.files("weights")[-1][1].read_bytes()
