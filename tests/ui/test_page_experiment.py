"""The Experiment page: set up, start, watch, steer, scrub, and read a finished run."""

import gc
import importlib
import pkgutil
import re
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPixmap, QRegion
from PySide6.QtWidgets import QLabel, QListView, QWidget

from engines.events import RunStarted
from tests.ui.test_controller import spec
from ui import views
from ui.controller import Controller
from ui.pages.experiment import ExperimentPage
from ui.panels.controlbar import Shown
from ui.panels.viewgroup import classes_in
from ui.settings import Settings
from ui.widgets import ElidedLabel
from workbench.history import History
from workbench.runner import Runner
from workbench.workspace import Workspace

MODULES = [
    importlib.import_module(f"ui.views.{module.name}")
    for module in pkgutil.iter_modules(views.__path__)
]
VIEWS = sorted(
    {kind for module in MODULES for kind in classes_in(module)}, key=lambda kind: kind.title
)

# What a view has to say of a run, on labels or to a screen reader; others must name the step.
# {accuracy} is the history's, in percent; {step} that of the artifact.
WORDS = {
    "Curves": r"train [\d.]+",
    "Optimisation": r"lr [\d.]+(?s:.*)norm [\d.]+",
    "Speed": r"speed \d+",
    "Confusion": r"step {step}\n(?s:.*)on the diagonal, accuracy {accuracy} %",
    "Classes": r"step {step}\n(?s:.*)All classes: {accuracy} %",
    "Mistakes": r"step {step}\n(?s:.*)\d+ of \d+ mistakes are pictured",
    "Embedding": r"144 held-out images (?s:.*)step {step}\n(?s:.*)Trustworthiness\n0\.\d+",
    "Space": r"step {step}\n(?s:.*)kNN {accuracy} %",
    "Triplets": r"step {step}\n(?s:.*)\d+ triplets, mined: semi-hard",
}
SMALL = {
    "data": {"kind": "digits", "train_images": 256},
    "watching": {"checkpoint_seconds": 0.0, "evaluate_every": 4},
}
SHORT, LONG = {"epochs": 2, "batch_size": 64}, {"epochs": 4000, "batch_size": 64}
KINDS = {
    "classification": {},
    "contrastive": {"task": {"kind": "contrastive"}, "loss": {"kind": "nt_xent"}},
    "triplet": {"task": {"kind": "contrastive"}, "loss": {"kind": "triplet"}},
}


class Past(dict):
    """Histories by (state, kind of run); the live ones are paused in the middle.

    Attributes:
        ids: of the runs, by the same keys.
    """

    def __init__(self, workspace):
        super().__init__()
        self.workspace, self.ids = workspace, {}


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    made = Past(Workspace(tmp_path_factory.mktemp("past")))
    runner = Runner(made.workspace)
    nonsense = {"data": {"kind": "digits", "classes": ["0", "nonsense"]}}
    for kind, raw in KINDS.items():
        for state, change in (
            ("finished", {"training": SHORT}),
            ("failed", {"training": SHORT} | nonsense),
        ):
            handle = runner.submit(spec(**(SMALL | raw | change)), title=f"{state} {kind}")
            assert handle.ended.wait(60)
            made.ids[state, kind] = handle.id
            made[state, kind] = made.workspace.folder(handle.id).history()
            assert made[state, kind].status == state
    runners = [runner]
    for kind, raw in KINDS.items():
        runners.append(Runner(made.workspace))  # a runner trains one run at a time
        handle = runners[-1].submit(spec(**(SMALL | raw | {"training": LONG})), title="live")
        made["live", kind] = paused_on_the_way(handle)
    yield made
    for each in runners:
        each.close()


def paused_on_the_way(handle):
    """The history of a run that is not at its end, with some evaluations."""
    history = History()
    end = time.monotonic() + 60
    while history.status != "paused":
        for event in handle.drain():
            history.add(event)
        if history.step > 8:
            handle.control.pause()
        assert time.monotonic() < end
        time.sleep(0.01)
    assert history.ended is None
    return history


def family_of(kind):
    """The kind of run that a view is tried with."""
    if kind.title == "Triplets":
        return "triplet"
    return kind.families[0] if kind.families else "classification"


def shown_alone(qtbot, kind):
    """A view on screen with no run."""
    view = kind()
    qtbot.addWidget(view)
    view.resize(700, 600)
    view.show()
    view.show_history(None, None)
    return view


def words_of(view):
    """Everything that can be read in a view, by eye on labels or by a screen reader."""
    found = []
    for widget in [view, *view.findChildren(QWidget)]:
        if not widget.isVisible():
            continue
        if isinstance(widget, QLabel):
            found.append(widget.full_text() if isinstance(widget, ElidedLabel) else widget.text())
        found.append(widget.accessibleDescription())
    return "\n".join(filter(None, found)) + "\n"


def no_thread_works():
    gc.collect()  # a pool's threads end with the pool
    return not any(t.name.startswith("background") for t in threading.enumerate())


def says(view, pattern):
    return re.search(pattern, words_of(view)) is not None


def expected_words(kind, history):
    """A pattern of what a view must say of a history with artifacts."""
    measured = history.get("validation/accuracy")
    ready = history.artifact_at(kind.shows[0]) if kind.shows else None
    step = ready.step if ready else measured.steps[-1]
    percent = f"{100 * measured.at(step)[1]:.1f}".removesuffix(".0")
    pattern = WORDS.get(kind.title, r"step {step}\n")
    return pattern.replace("{step}", str(step)).replace("{accuracy}", percent)


def colours(view):
    """How many different colours the view's picture has: a few hundred for icon and letters."""
    return different(view.grab())


def colours_of_picture(view):
    """The same for the largest widget that paints itself, without what lies upon it."""
    painted = [listed.viewport() for listed in view.findChildren(QListView)] + [
        widget
        for widget in view.findChildren(QWidget)
        if type(widget).__module__.startswith("ui.")
        and type(widget).paintEvent is not QWidget.paintEvent
        and not isinstance(widget, QLabel)
    ]
    visible = [widget for widget in painted if widget.isVisible()]
    largest = max(visible, key=lambda widget: widget.width() * widget.height())
    picture = QPixmap(largest.size())
    picture.fill(Qt.GlobalColor.white)
    largest.render(picture, QPoint(), QRegion(), QWidget.RenderFlag(0))
    return different(picture)


def different(picture):
    image = picture.toImage().convertToFormat(QImage.Format.Format_RGB32)
    return len(np.unique(np.frombuffer(image.constBits(), np.uint32)))


def tabs_of(page):
    """The titles of the tabs on screen."""
    return {
        group.tabs.tabText(place)
        for group in (page.left, page.right)
        for place in range(group.tabs.count())
        if group.tabs.isTabVisible(place)
    }


def focus(qtbot, page):
    """Give the page the keyboard, as a click beside the fields does."""
    page.activateWindow()
    page.setFocus()
    qtbot.waitUntil(lambda: page.isActiveWindow() and page.hasFocus(), timeout=5000)


def end_run(qtbot, controller, run):
    controller.stop(run)
    qtbot.waitUntil(lambda: not controller.is_live(run), timeout=20_000)


@pytest.fixture
def controller(qapp, tmp_path):
    made = Controller(Workspace(tmp_path), Settings(workspace=str(tmp_path)))
    made.engine_loaded()
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def page(qtbot, controller):
    made = ExperimentPage(controller)
    qtbot.addWidget(made)
    made.resize(1512, 860)
    made.show()
    made.entered()
    qtbot.waitUntil(lambda: not controller.background.busy, timeout=60_000)
    return made


def run_to_its_end(qtbot, controller, page, raw=None):
    with qtbot.waitSignal(controller.run_ended, timeout=120_000):
        run = controller.start(raw or spec(), title="tiny")
        page.open_run(run)
    qtbot.waitUntil(lambda: not page._redraw.isActive(), timeout=5000)
    return run


def test_that_a_draft_shows_the_default_model_with_its_size(page):
    assert page.bar.main.text() == "Start"
    assert "weights" in page.setup._model_words.text()
    assert page.setup._data_words.text().startswith("54")


def test_that_start_trains_what_is_set_up_and_freezes_the_forms(qtbot, controller, page):
    page.open_draft(spec())
    qtbot.waitUntil(lambda: not controller.background.busy, timeout=60_000)
    with qtbot.waitSignal(controller.run_ended, timeout=120_000):
        qtbot.mouseClick(page.bar.main, Qt.MouseButton.LeftButton)
        assert page.run is not None
        assert page.setup._frozen
    qtbot.waitUntil(lambda: page.bar.main.text() == "Duplicate", timeout=5000)
    assert page.history.get("test/accuracy").last() > 0.1
    stored = controller.record(page.run).spec
    assert stored["model"] == {"kind": "mlp"} | stored["model"]
    assert stored["training"]["epochs"] == 2


def test_that_an_impossible_set_up_is_refused_at_its_field(qtbot, controller, page):
    page.open_draft(spec(model={"kind": "vit", "patch": 3}))
    qtbot.waitUntil(lambda: not controller.background.busy, timeout=60_000)
    page.setup.start()
    qtbot.waitUntil(lambda: not controller.background.busy, timeout=60_000)
    assert page.run is None
    errors = page.setup._forms["Model"].errors()
    assert any("patch 3" in words for words in errors.values()), errors


def test_that_losses_for_two_classes_are_listed_but_disabled_for_ten(page):
    combo = page.setup._forms["Loss"].row("loss").editor.combo
    items = [combo.model().item(place) for place in range(combo.count())]
    for_two = [item for item in items if "(two classes" in item.text()]
    assert len(for_two) == 1
    assert not for_two[0].isEnabled()
    assert for_two[0].toolTip() == "needs exactly two classes, the data has 10"


@pytest.mark.parametrize("state", ["live", "finished"])
@pytest.mark.parametrize("kind", VIEWS, ids=lambda kind: kind.title)
def test_that_a_view_draws_what_it_is_for(qtbot, past, kind, state):
    view = shown_alone(qtbot, kind)
    blank = colours(view)
    history = past[state, family_of(kind)]
    view.show_history(history, None)
    wanted = expected_words(kind, history)
    qtbot.waitUntil(lambda: says(view, wanted), timeout=60_000)
    assert "Nothing has run yet" not in words_of(view)
    assert " yet." not in words_of(view)
    qtbot.waitUntil(lambda: colours_of_picture(view) > 50, timeout=20_000)
    assert colours(view) > blank + 300
    view.hide()
    qtbot.waitUntil(no_thread_works, timeout=20_000)


@pytest.mark.parametrize("kind", VIEWS, ids=lambda kind: kind.title)
def test_that_a_view_says_that_there_is_nothing_to_draw(qtbot, past, kind):
    view = shown_alone(qtbot, kind)
    before_any_run = words_of(view)
    assert re.search(r"Nothing has run yet\.|No values yet\.", before_any_run)
    blank = colours(view)
    # Its data could not be loaded: no step, no evaluation.
    view.show_history(past["failed", family_of(kind)], None)
    assert re.search(r"\bNo [\w ]+ yet\.", words_of(view)), words_of(view)
    assert "Nothing has run" not in words_of(view)
    assert colours(view) < blank + 300
    view.show_history(None, None)
    assert words_of(view) == before_any_run


@pytest.mark.parametrize(
    ("kind", "family", "other"),
    # The triplet loss has something for every contrastive view, the others have no triplets.
    [
        ("classification", "classification", "contrastive"),
        ("triplet", "contrastive", "classification"),
    ],
)
def test_that_a_run_has_the_tabs_of_its_family_and_each_shows_its_view(
    qtbot, past, kind, family, other
):
    controller = Controller(past.workspace, Settings(workspace=str(past.workspace.root)))
    controller.engine_loaded()
    page = ExperimentPage(controller)
    qtbot.addWidget(page)
    try:
        page.resize(1512, 860)
        page.show()
        page.open_run(past.ids["finished", kind])
        assert tabs_of(page) == {v.title for v in VIEWS if not v.families or family in v.families}
        for view in page.all_views():
            if view.title in tabs_of(page):
                page.bring_forward(view)
                assert view.isVisible()
                wanted = expected_words(type(view), page.history)
                qtbot.waitUntil(lambda v=view, w=wanted: says(v, w), timeout=20_000)
        page.open_run(past.ids["finished", other])
        assert tabs_of(page) == {v.title for v in VIEWS if not v.families or other in v.families}
        for group in (page.left, page.right):
            assert group.front.title in tabs_of(page)
        qtbot.waitUntil(lambda: not controller.background.busy, timeout=60_000)
    finally:
        page.hide()
        controller.close()
        controller.deleteLater()
    qtbot.waitUntil(no_thread_works, timeout=20_000)


def test_that_the_view_in_front_follows_a_live_run(qtbot, controller, page):
    run = controller.start(spec(training={"epochs": 400, "batch_size": 64}), title="tiny")
    page.open_run(run)
    curves = next(view for view in page.all_views() if view.title == "Curves")
    page.bring_forward(curves)
    qtbot.waitUntil(lambda: "train" in words_of(curves), timeout=60_000)
    early = words_of(curves)
    qtbot.waitUntil(lambda: words_of(curves) != early, timeout=20_000)
    end_run(qtbot, controller, run)


def test_that_a_failed_run_is_shown_with_its_sentence(qtbot, controller, page):
    raw = spec()
    raw["data"]["classes"] = ["0", "nonsense"]
    run_to_its_end(qtbot, controller, page, raw)
    assert page.history.status == "failed"
    assert "Failed" in page.bar._state.text()
    page._show_diagnosis()
    assert "nonsense" in page.diagnosis.sentence.full_text()


def test_that_scrubbing_shows_every_view_as_of_that_step(qtbot, controller, page):
    run_to_its_end(qtbot, controller, page)
    confusion = next(view for view in page.all_views() if view.title == "Confusion")
    page.bring_forward(confusion)
    first = page.history.artifacts["predictions"][0].step
    page.timeline.moved.emit(first)
    assert page.cursor_step == first
    assert page.timeline.cursor_step == first
    words = [label.text() for label in confusion.findChildren(QLabel)]
    assert any(f"step {first}" in text for text in words), words
    page.move_cursor(None)
    assert page.cursor_step is None


def test_that_the_learning_rate_of_a_running_experiment_can_be_changed(qtbot, controller, page):
    run = controller.start(spec(training={"epochs": 400, "batch_size": 64}), title="tiny")
    page.open_run(run)
    qtbot.waitUntil(lambda: controller.history(run).step > 5, timeout=60_000)
    line = page.setup._forms["Training"].row("optimizer.learning_rate").editor.line
    assert not line.isReadOnly()
    assert page.setup._forms["Training"].row("training.epochs").editor.line.isReadOnly()
    line.setText("")
    qtbot.keyClicks(line, "3e-4")
    qtbot.waitUntil(lambda: bool(controller.history(run).marks), timeout=20_000)
    assert controller.history(run).marks[0].value == pytest.approx(3e-4)
    controller.stop(run)
    qtbot.waitUntil(lambda: not controller.is_live(run), timeout=20_000)


def test_that_space_pauses_and_resumes_and_a_full_stop_does_one_step(qtbot, controller, page):
    focus(qtbot, page)
    run = controller.start(spec(training={"epochs": 400, "batch_size": 64}), title="tiny")
    page.open_run(run)
    history = controller.history(run)
    qtbot.waitUntil(lambda: history.step > 0, timeout=60_000)
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: history.status == "paused", timeout=20_000)
    qtbot.waitUntil(lambda: page.bar.main.text() == "Resume", timeout=5000)
    paused_at = history.step
    qtbot.keyClick(page, Qt.Key.Key_Period)
    qtbot.waitUntil(lambda: history.step == paused_at + 1, timeout=20_000)
    qtbot.waitUntil(lambda: history.status == "paused", timeout=20_000)
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: history.step > paused_at + 3, timeout=20_000)
    assert history.status == "running"
    end_run(qtbot, controller, run)


def test_that_space_does_nothing_to_a_run_that_has_ended(qtbot, controller, page):
    focus(qtbot, page)
    run = run_to_its_end(qtbot, controller, page)
    qtbot.keyClick(page, Qt.Key.Key_Space)
    assert page.run == run
    assert not controller.is_live(run)


def test_that_ctrl_return_starts_the_draft_and_only_a_draft(qtbot, controller, page):
    page.open_draft(spec(training={"epochs": 400, "batch_size": 64}))
    qtbot.waitUntil(lambda: not controller.background.busy, timeout=60_000)
    focus(qtbot, page)
    for _ in range(2):
        qtbot.keyClick(page, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        assert controller.live_runs == [page.run]
    end_run(qtbot, controller, page.run)


def test_that_l_takes_the_cursor_back_to_the_head(qtbot, controller, page):
    run_to_its_end(qtbot, controller, page)
    focus(qtbot, page)
    page.move_cursor(1)
    assert page.timeline.cursor_step == 1
    qtbot.keyClick(page, Qt.Key.Key_L)
    assert page.cursor_step is None
    assert page.timeline.cursor_step is None


def test_that_ctrl_b_hides_the_set_up_and_brings_it_back(qtbot, page):
    focus(qtbot, page)
    for visible in (False, True):
        qtbot.keyClick(page, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
        assert page.setup.isVisible() == visible


def test_that_ctrl_tab_goes_round_the_tabs_that_are_there(qtbot, page):
    focus(qtbot, page)
    there = [view.title for view in page.left.views if view.title in tabs_of(page)]
    seen = []
    for _ in there:
        seen.append(page.left.front.title)
        qtbot.keyClick(page, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert seen == there
    assert page.left.front.title == there[0]
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(page, Qt.Key.Key_Tab, both)
    assert page.left.front.title == there[-1]


def test_that_ctrl_tab_turns_the_group_that_has_the_keyboard(qtbot, page):
    focus(qtbot, page)
    page.right.tabs.setFocus()
    left, right = page.left.front, page.right.front
    qtbot.keyClick(page.right.tabs, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert page.left.front is left
    assert page.right.front is not right


def test_that_ctrl_backslash_moves_the_view_in_front_to_the_other_half(qtbot, page):
    focus(qtbot, page)
    view = page.left.front
    qtbot.keyClick(page, Qt.Key.Key_Backslash, Qt.KeyboardModifier.ControlModifier)
    assert page.right.front is view
    assert view not in page.left.views


def test_that_on_a_small_screen_all_views_share_one_group(qtbot, page):
    page.resize(1300, 700)
    qtbot.waitUntil(lambda: not page.right.views, timeout=2000)
    page.resize(1512, 860)
    qtbot.waitUntil(lambda: bool(page.right.views), timeout=2000)


NEW_VIEW = """
from ui.views.base import View

class Mine(View):
    title = "Mine"

    def __init__(self):
        super().__init__()
        {act}
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_package", "No module named 'no_such_package'"),
        (NEW_VIEW.format(act="self.no_such_name()"), "no_such_name"),
    ],
)
def test_that_a_broken_view_is_named_and_the_others_stay(
    qtbot, controller, page, tmp_path, monkeypatch, text, reason
):
    (tmp_path / "mine.py").write_text(text)
    monkeypatch.setattr(views, "__path__", [*views.__path__, str(tmp_path)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with qtbot.waitSignal(controller.problem) as told:
        second = ExperimentPage(controller)
    qtbot.addWidget(second)
    sys.modules.pop("ui.views.mine", None)
    sentence, details = told.args
    assert "ui/views/mine.py" in sentence
    assert reason in sentence
    assert "Traceback" in details
    titles = [view.title for view in page.all_views()]
    assert sorted(view.title for view in second.all_views()) == sorted(titles)


def test_that_a_run_on_a_graphics_card_shows_the_memory_of_the_card(page, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 3 << 29)
    card = SimpleNamespace(total_memory=80 << 30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda place: card)
    history = History()
    history.add(RunStarted(0, 100, 10, {"device": "cuda"}))
    page.bar.show_run(Shown("a run", 1, history, live=True))
    assert page.bar._memory.text() == "1.5 of 80 GB"
    history.add(RunStarted(0, 100, 10, {"device": "cpu", "threads": 2}))
    page.bar.show_run(Shown("a run", 1, history, live=True))
    assert page.bar._memory.text() != "1.5 of 80 GB"


def test_that_a_view_moves_to_the_other_half(page):
    view = page.left.front
    page._move(view, page.left, page.right)
    assert view in page.right.views
    assert page.right.front is view


def test_that_the_layer_table_lists_every_layer_and_adds_up(qtbot, page):
    from ui.panels.layers import LayerTable

    shown = page.setup._preview
    table = LayerTable(shown)
    qtbot.addWidget(table)
    rows = table.findChild(object, "layer_table").rowCount()
    assert rows == len(shown.layers) > 3
