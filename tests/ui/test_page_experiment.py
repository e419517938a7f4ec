"""The Experiment page: set up, start, watch, steer, scrub, and read a finished run."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from tests.ui.test_controller import spec
from ui.controller import Controller
from ui.pages.experiment import ExperimentPage
from ui.settings import Settings
from workbench.workspace import Workspace


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
    assert page.run is None
    errors = page.setup._forms["Model"].errors()
    assert any("patch 3" in words for words in errors.values()), errors


def test_that_losses_for_two_classes_are_listed_but_disabled_for_ten(page):
    combo = page.setup._forms["Loss"].row("loss").editor.combo
    items = {combo.itemData(i): combo.model().item(i).isEnabled() for i in range(combo.count())}
    by_title = {combo.itemText(i): combo.model().item(i) for i in range(combo.count())}
    disabled = [text for text, item in by_title.items() if not item.isEnabled()]
    assert len(disabled) == 1, items
    assert "two classes" in disabled[0] or "two classes" in by_title[disabled[0]].toolTip()


def test_that_every_view_draws_an_empty_a_live_and_a_finished_run(qtbot, controller, page):
    for view in page.all_views():
        page.bring_forward(view)
        assert not view.grab().isNull()
    run = controller.start(spec(training={"epochs": 60, "batch_size": 64}), title="tiny")
    page.open_run(run)
    qtbot.waitUntil(lambda: controller.history(run).step > 20, timeout=60_000)
    for view in page.all_views():
        page.bring_forward(view)
        assert not view.grab().isNull()
    qtbot.waitUntil(lambda: not controller.is_live(run), timeout=120_000)
    for view in page.all_views():
        page.bring_forward(view)
        assert not view.grab().isNull()


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
    assert page.cursor == first
    assert page.timeline.cursor_step == first
    words = [label.text() for label in confusion.findChildren(QLabel)]
    assert any(f"step {first}" in text for text in words), words
    page.move_cursor(None)
    assert page.cursor is None


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


def test_that_space_pauses_and_resumes(qtbot, controller, page):
    run = controller.start(spec(training={"epochs": 400, "batch_size": 64}), title="tiny")
    page.open_run(run)
    qtbot.waitUntil(lambda: controller.history(run).status == "running", timeout=60_000)
    qtbot.waitUntil(lambda: page.bar.main.text() == "Pause", timeout=5000)
    page._pause_by_key()
    qtbot.waitUntil(lambda: controller.history(run).status == "paused", timeout=20_000)
    qtbot.waitUntil(lambda: page.bar.main.text() == "Resume", timeout=5000)
    page.bar.step_wanted.emit()
    page._pause_by_key()
    qtbot.waitUntil(lambda: controller.history(run).status == "running", timeout=20_000)
    controller.stop(run)
    qtbot.waitUntil(lambda: not controller.is_live(run), timeout=20_000)


def test_that_on_a_small_screen_all_views_share_one_group(qtbot, page):
    page.resize(1300, 700)
    qtbot.waitUntil(lambda: not page.right.views, timeout=2000)
    page.resize(1512, 860)
    qtbot.waitUntil(lambda: bool(page.right.views), timeout=2000)


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
