"""The controller: runs start, steer and end through it, and every failure reaches the user."""

import threading

import pytest

from engines.events import RunEnded
from ui.controller import Controller
from ui.settings import Settings
from workbench.workspace import Workspace

TINY = {
    "data": {"kind": "digits"},
    "model": {"kind": "mlp", "hidden": [16]},
    "training": {"epochs": 2, "batch_size": 64},
    "watching": {"checkpoint_seconds": 0.0},
}


def spec(**changes):
    from workbench.spec import parse

    return parse(TINY | changes).model_dump(mode="json")


@pytest.fixture
def controller(qapp, tmp_path):
    made = Controller(Workspace(tmp_path), Settings(workspace=str(tmp_path)))
    made.engine_loaded()
    yield made
    made.close()
    made.deleteLater()


def test_that_a_run_ends_with_its_scores_in_the_history(qtbot, controller):
    with qtbot.waitSignal(controller.run_ended, timeout=60_000) as heard:
        run = controller.start(spec(), title="tiny")
    assert heard.args[0] == run
    assert heard.args[1].reason == "finished"
    history = controller.history(run)
    assert history.get("test/accuracy").last() > 0.1
    assert not controller.is_live(run)
    assert controller.record(run).title == "tiny"


def test_that_events_reach_the_gui_thread_only(qtbot, controller):
    threads = set()
    controller.run_grew.connect(lambda run: threads.add(threading.current_thread().name))
    with qtbot.waitSignal(controller.run_ended, timeout=60_000):
        controller.start(spec())
    assert threads == {threading.main_thread().name}


def test_that_pause_step_and_resume_steer_the_run(qtbot, controller):
    run = controller.start(spec(training={"epochs": 400, "batch_size": 64}))
    qtbot.waitUntil(lambda: controller.history(run).step > 0, timeout=60_000)
    controller.pause(run)
    qtbot.waitUntil(lambda: controller.history(run).status == "paused", timeout=20_000)
    paused_at = controller.history(run).step
    controller.step(run)
    qtbot.waitUntil(lambda: controller.history(run).step == paused_at + 1, timeout=20_000)
    controller.set_learning_rate(run, 3e-4)
    controller.resume(run)
    qtbot.waitUntil(lambda: controller.history(run).step > paused_at + 5, timeout=20_000)
    assert [mark.value for mark in controller.history(run).marks] == [3e-4]
    with qtbot.waitSignal(controller.run_ended, timeout=20_000) as heard:
        controller.stop(run)
    assert heard.args[1].reason == "stopped"


def test_that_closing_interrupts_a_run_which_a_new_window_resumes(qtbot, controller, tmp_path):
    run = controller.start(spec(training={"epochs": 300, "batch_size": 64}))
    qtbot.waitUntil(lambda: controller.history(run).step > 0, timeout=60_000)
    controller.close()
    record = Workspace(tmp_path).record(run)
    assert record.status == "interrupted"
    again = Controller(Workspace(tmp_path), Settings(workspace=str(tmp_path)))
    try:
        again.resume(run)
        qtbot.waitUntil(lambda: again.history(run).step > record.step, timeout=60_000)
        again.stop(run)
        qtbot.waitUntil(lambda: not again.is_live(run), timeout=20_000)
        assert again.history(run).status == "stopped"
    finally:
        again.close()
        again.deleteLater()


def test_that_a_failing_run_says_why(qtbot, controller):
    raw = spec(optimizer={"kind": "sgd", "learning_rate": 10.0}, model={"kind": "mlp"})
    raw["data"]["classes"] = ["0", "nonsense"]
    with qtbot.waitSignal(controller.run_ended, timeout=60_000) as heard:
        controller.start(raw)
    ended: RunEnded = heard.args[1]
    assert ended.reason == "failed"
    assert "nonsense" in ended.sentence


def test_that_resuming_a_finished_run_is_refused_in_words(qtbot, controller):
    with qtbot.waitSignal(controller.run_ended, timeout=60_000):
        run = controller.start(spec())
    with qtbot.waitSignal(controller.problem, timeout=1000) as heard:
        controller.resume(run)
    assert "nothing to resume" in heard.args[0]


def test_that_work_in_the_background_comes_back_on_the_gui_thread(qtbot, controller):
    got = []

    def then(result):
        got.append((result, threading.current_thread() is threading.main_thread()))

    controller.in_background("Counting", lambda: 6 * 7, then)
    qtbot.waitUntil(lambda: got == [(42, True)], timeout=5000)


def test_that_unheard_failures_of_background_work_reach_the_user(qtbot, controller):
    def fail():
        raise OSError("disk on fire")

    with qtbot.waitSignal(controller.problem, timeout=5000) as heard:
        controller.in_background("Counting", fail)
    assert "Counting failed: disk on fire" in heard.args[0]
    assert "OSError" in heard.args[1]
