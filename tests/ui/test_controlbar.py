"""The control bar alone: its words and what can be pressed, for every status and width."""

import pytest
from PySide6.QtCore import Qt

from engines.events import RunStarted, Scores
from ui.panels.controlbar import ControlBar, Shown, duration
from workbench.history import History

BUTTONS = ("main", "step", "stop", "probe")
ALL, NOT_YET, NONE = set(BUTTONS), {"main", "stop"}, {"main"}


@pytest.fixture
def bar(qtbot):
    made = ControlBar()
    qtbot.addWidget(made)
    made.resize(1500, 64)
    made.set_room(1500)
    made.show()
    return made


def run_of(status, **context):
    """A history at step 30 of 100, 10 steps an epoch, with the status given."""
    facts = {"device": "cpu", "threads": 2, "precision": "float32"}
    history = History({"batch_size": 64} | context)
    history.add(RunStarted(0, 100, 10, facts=facts))
    history.step = 30
    history.status = status
    return history


def shown(status, *, live=None, stopping=False, history=None):
    live = status in ("queued", "running", "paused") if live is None else live
    return Shown("A run", 7, history or run_of(status), live, stopping)


def enabled(bar):
    return {name for name in BUTTONS if getattr(bar, name).isEnabled()}


def test_that_before_a_run_only_start_can_be_pressed_and_the_rest_says_why(bar):
    assert bar.main.text() == "Start"
    assert bar._name.full_text() == "New experiment"
    assert bar._state.text() == "Not started"
    assert enabled(bar) == {"main"}
    assert bar.step.toolTip() == bar.stop.toolTip() == "Nothing is training yet"
    assert bar._where.text() == ""


@pytest.mark.parametrize(
    ("status", "main", "state", "can"),
    [
        ("queued", "Pause", "Queued", NOT_YET),
        ("running", "Pause", "Running", ALL),
        ("paused", "Resume", "Paused", ALL),
        ("finished", "Duplicate", "Finished", NONE),
        ("stopped", "Resume", "Stopped", NONE),
        ("interrupted", "Resume", "Interrupted", NONE),
        ("failed", "Resume", "Failed", NONE),
    ],
)
def test_that_each_status_has_its_words_and_its_buttons(bar, status, main, state, can):
    bar.show_run(shown(status))
    assert bar.main.text() == bar.main.accessibleName() == main
    assert bar._state.text() == f"{state} · run 0007"
    assert bar._name.full_text() == "A run"
    assert enabled(bar) == can
    for name in ALL - can:
        wanted = "It waits for another run to end" if can is NOT_YET else "This run is not training"
        assert getattr(bar, name).toolTip() == wanted
    for name in can:
        assert getattr(bar, name).toolTip() == bar._tips[getattr(bar, name)]


def test_that_a_run_on_its_way_to_the_end_takes_no_more_orders(bar):
    bar.show_run(shown("running", stopping=True))
    assert enabled(bar) == set()
    assert bar.stop.text() == "Stopping…"
    assert bar.main.toolTip() == "It is stopping"
    bar.show_run(shown("stopped"))
    assert bar.stop.text() == "Stop"
    assert enabled(bar) == NONE


def test_that_a_draft_after_a_run_forgets_all_of_it(bar):
    bar.show_run(shown("running"))
    bar.show_run(None)
    assert bar.main.text() == "Start"
    assert (bar._where.text(), bar._epoch.full_text(), bar._left.text()) == ("", "", "")
    assert bar._progress.value() == 0
    assert enabled(bar) == {"main"}


def test_that_a_draft_after_a_stopping_run_has_its_stop_button_back(bar):
    bar.show_run(shown("running", stopping=True))
    bar.show_run(None)
    assert bar.stop.text() == "Stop"


def test_that_progress_is_told_in_steps_epochs_and_time(bar):
    history = run_of("running")
    history.add(Scores(30, {"samples_per_second": 640.0}))
    bar.show_run(shown("running", history=history))
    assert bar._where.text() == "Step 30 of 100"
    assert bar._epoch.full_text() == "epoch 4 of 10"
    assert (bar._progress.value(), bar._progress.maximum()) == (30, 100)
    assert bar._speed.text() == "10 steps/s"  # 640 images/s in batches of 64
    assert bar._left.text() == "7 s left"  # 70 steps at 10/s
    assert bar._device.text() == "CPU · 2 threads"
    assert bar._device.toolTip() == "Precision float32"


def test_that_a_finished_run_is_in_its_last_epoch_with_no_time_left(bar):
    history = run_of("finished")
    history.step = 100
    history.add(Scores(100, {"samples_per_second": 640.0}))
    bar.show_run(shown("finished", history=history))
    assert bar._epoch.full_text() == "epoch 10 of 10"
    assert bar._left.text() == ""
    assert bar._progress.value() == bar._progress.maximum() == 100


@pytest.mark.parametrize(
    ("status", "words"),
    [("running", "Preparing data and model…"), ("queued", "Waits for its turn")]
    + [(status, "") for status in ("failed", "stopped", "interrupted")],
)
def test_that_a_run_without_a_first_step_prepares_unless_it_has_ended(bar, status, words):
    history = History({"batch_size": 64})
    history.status = status
    bar.show_run(shown(status, history=history))
    assert bar._where.text() == words


def test_that_memory_is_that_of_where_the_run_trains(bar, monkeypatch):
    monkeypatch.setattr("ui.panels.controlbar.memory_words", lambda: "1 of 4 GB")
    monkeypatch.setattr("ui.panels.controlbar.card_memory_words", lambda: "3 of 80 GB")
    bar.show_run(shown("running"))
    assert bar._memory.text() == "1 of 4 GB"
    history = run_of("running")
    history.facts["device"] = "cuda"
    bar.show_run(shown("running", history=history))
    assert (bar._device.text(), bar._memory.text()) == ("CUDA", "3 of 80 GB")


@pytest.mark.parametrize("name", BUTTONS)
def test_that_every_button_tells_what_it_is_for(qtbot, bar, name):
    bar.show_run(shown("running"))
    with qtbot.waitSignal(getattr(bar, f"{name}_wanted"), timeout=1000):
        qtbot.mouseClick(getattr(bar, name), Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(
    ("width", "words", "speed", "memory"),
    [
        (1400, True, True, True),
        (1399, True, True, False),
        (1100, True, True, False),
        (1099, False, False, False),
    ],
)
def test_that_a_narrow_bar_drops_what_stands_elsewhere_first(bar, width, words, speed, memory):
    bar.show_run(shown("running"))
    bar.set_room(width)
    assert (bar.step.text(), bar.stop.text()) == (("Step", "Stop") if words else ("", ""))
    assert bar._speed_box.isVisible() == bar._device_box.isVisible() == speed
    assert bar._memory_box.isVisible() == memory
    bar.show_run(shown("paused"))
    assert bar.stop.text() == ("Stop" if words else "")
    bar.set_room(1500)
    assert (bar.step.text(), bar.stop.text()) == ("Step", "Stop")
    assert bar._speed_box.isVisible()
    assert bar._memory_box.isVisible()


def test_that_buttons_without_words_still_have_a_name(bar):
    bar.set_room(800)
    assert bar.step.accessibleName() == "Step"
    assert bar.stop.accessibleName() == "Stop"


def test_that_a_narrow_bar_says_that_it_stops(bar):
    bar.set_room(800)
    bar.show_run(shown("running", stopping=True))
    assert bar.stop.text() == "Stopping…"
    bar.show_run(shown("stopped"))
    assert bar.stop.text() == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (192, "3 min 12 s"), (7500, "2 h 5 min")],
)
def test_that_durations_are_words(seconds, words):
    assert duration(seconds) == words
