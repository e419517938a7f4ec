import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from engines.events import ArtifactReady, CheckpointReady, Mark, Metrics, RunEnded, RunStarted
from ui.plots.ticks import earlier, later, merged, rows_of, snapped, stops
from ui.plots.timeline_painting import DENSE
from ui.theme import theme
from ui.timeline import Timeline
from workbench.history import History
from workbench.wording import THIN

EPOCH, TOTAL = 100, 1000


def run_to(step):
    history = History()
    history.add(RunStarted(0, TOTAL, EPOCH))
    for kept in range(50, step + 1, 50):
        meta = {"accuracy": 0.5, "loss": 1.25}
        history.add(ArtifactReady(kept, "predictions", "", meta))
    for kept in range(100, step + 1, 100):
        history.add(CheckpointReady(kept))
    history.add(Mark(240, "learning_rate", "lr 1e-3 → 3e-4", 3e-4))
    history.step = step
    return history


@pytest.fixture
def timeline(qtbot):
    timeline = Timeline()
    qtbot.addWidget(timeline)
    timeline.resize(1100, timeline.sizeHint().height())
    timeline.set_history(run_to(480))
    timeline.show()
    timeline.grab()
    return timeline


@pytest.fixture
def moved(timeline):
    heard = []
    timeline.moved.connect(heard.append)
    return heard


def place(timeline, step, more=0):
    frame = timeline.frame()
    return QPoint(round(frame.x(step)) + more, round(frame.slider))


def click(qtbot, timeline, step, more=0, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, modifier, pos=place(timeline, step, more))


def test_that_each_kind_has_a_row_and_what_is_missing_has_none():
    assert [row.title for row in rows_of(run_to(480))] == ["Predictions", "Checkpoint", "Events"]
    assert rows_of(History()) == []


def test_that_a_small_window_has_one_row_for_everything_kept():
    kept, events = merged(rows_of(run_to(300)))
    assert kept.steps == (50, 100, 150, 200, 250, 300)
    assert kept.words[1].splitlines()[1] == "Checkpoint, step 100"
    assert events.kind == "event"


def test_that_snapping_takes_the_nearest_tick_within_reach():
    assert [snapped(step, [10, 20], 3) for step in (5, 8, 14, 17, 22, 40)] == [
        5,
        10,
        14,
        20,
        20,
        40,
    ]
    assert snapped(5, [], 3) == 5


def test_that_neighbours_are_strictly_before_and_after():
    assert (earlier(10, [5, 10, 15]), later(10, [5, 10, 15])) == (5, 15)
    assert (earlier(5, [5]), later(5, [5])) == (None, None)


def test_that_a_click_snaps_to_a_tick_within_six_pixels(timeline, moved, qtbot):
    click(qtbot, timeline, 300, 5)
    assert moved == [300]
    click(qtbot, timeline, 300, 9)
    assert moved[1] == pytest.approx(300 + 9 / timeline.frame().length, abs=1)


def test_that_shift_disables_snapping(timeline, moved, qtbot):
    click(qtbot, timeline, 300, 5, Qt.KeyboardModifier.ShiftModifier)
    assert moved[0] == pytest.approx(300 + 5 / timeline.frame().length, abs=1)
    assert moved[0] != 300


def test_that_dragging_back_detaches_and_dragging_to_the_head_is_live(timeline, moved, qtbot):
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=place(timeline, 480))
    assert moved == []
    qtbot.mouseMove(timeline, place(timeline, 200))
    qtbot.mouseMove(timeline, place(timeline, 900))
    qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=place(timeline, 900))
    assert moved == [200, None]


def test_that_keys_go_from_tick_to_tick_and_epoch_to_epoch(timeline, moved, qtbot):
    control = Qt.KeyboardModifier.ControlModifier
    for key, modifier in (
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Left, control),
        (Qt.Key.Key_Left, control),
        (Qt.Key.Key_Right, control),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_L, Qt.KeyboardModifier.NoModifier),
    ):
        qtbot.keyClick(timeline, key, modifier)
    assert moved == [450, 400, 300, 200, 300, 350, 0, None, 0, None]


def test_that_right_beyond_the_last_tick_is_live(timeline, moved, qtbot):
    timeline.set_cursor(450)
    qtbot.keyClick(timeline, Qt.Key.Key_Right)
    assert moved == [None]
    qtbot.keyClick(timeline, Qt.Key.Key_Right)
    assert moved == [None]


def test_that_the_pill_goes_back_to_live(timeline, moved, qtbot):
    timeline.set_cursor(100)
    timeline.grab()
    centre = timeline._pill.center().toPoint()
    qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=centre)
    assert moved == [None]
    assert timeline.cursor_step is None


def test_that_setting_the_cursor_sends_no_signal(timeline, moved):
    timeline.set_cursor(100)
    assert timeline.cursor_step == 100
    assert moved == []


def test_that_training_goes_on_while_the_handle_stays(timeline):
    timeline.set_cursor(200)
    history = timeline._history
    history.step = 700
    timeline.set_history(history)
    assert timeline.cursor_step == 200
    assert timeline.accessibleDescription() == f"Step 200 of 1{THIN}000, looking back"


def test_that_the_accessible_words_follow_the_head(timeline):
    assert timeline.accessibleName() == f"Timeline: Step 480 of 1{THIN}000, live"
    timeline._history.add(RunEnded(480, "stopped"))
    timeline.set_history(timeline._history)
    assert timeline.accessibleDescription() == f"Step 480 of 1{THIN}000, the end"
    timeline.set_history(None)
    assert timeline.accessibleDescription() == "No run is open"
    assert not timeline.grab().isNull()


def test_that_pointing_at_a_tick_tells_what_it_is(timeline):
    frame = timeline.frame()
    words = timeline.words_at(QPointF(frame.x(300) + 3, frame.middle(0)))
    assert words == f"Predictions, step 300 · accuracy 50{THIN}% · loss 1.25"
    assert timeline.words_at(QPointF(frame.x(240), frame.middle(2))) == "lr 1e-3 → 3e-4"
    assert timeline.words_at(QPointF(frame.x(325), frame.middle(0))) == ""
    assert timeline.words_at(QPointF(frame.x(300), frame.slider)) == ""


def test_that_the_artifact_on_screen_is_the_newest_at_or_before_the_step(timeline):
    timeline.set_cursor(333)
    image, frame = timeline.grab().toImage(), timeline.frame()
    accent, strong = theme().color("accent"), theme().color("strong")

    def colour(step):
        return image.pixelColor(round(frame.x(step)) - 1, round(frame.middle(0)))

    assert colour(300) == accent
    assert colour(350) == strong
    assert colour(250) == strong


def test_that_crowded_ticks_become_one_bar(timeline):
    history = run_to(100)
    for step in range(101, 901):
        history.add(ArtifactReady(step, "predictions", ""))
    history.step = 950
    timeline.set_history(history)
    frame = timeline.frame()
    assert frame.length < DENSE
    image = timeline.grab().toImage()
    ground, y = theme().color("surface"), round(frame.middle(0))
    bar = range(round(frame.x(200)), round(frame.x(800)))
    assert all(image.pixelColor(x, y) != ground for x in bar)


def test_that_compact_is_lower_and_holds_one_row_of_ticks(timeline):
    before = timeline.sizeHint().height()
    timeline.set_compact(True)
    assert timeline.sizeHint().height() < before
    assert [row.title for row in timeline.rows] == ["Kept", "Events"]


def test_that_only_new_ticks_paint_the_rows_again(timeline):
    still = timeline._still
    history = timeline._history
    history.add(Metrics(481, (), np.empty((5, 0), np.float32), 0.1))
    timeline.set_history(history)
    timeline.grab()
    assert timeline._still is still
    history.add(ArtifactReady(500, "predictions", ""))
    timeline.set_history(history)
    timeline.grab()
    assert timeline._still is not still
    assert 500 in stops(timeline.rows)
