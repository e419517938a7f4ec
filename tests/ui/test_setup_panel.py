"""The set-up: what a task brings with it, teachers for distillation, and faults at their fields."""

import threading

import pytest
from PySide6.QtCore import Qt

from tests.ui.runs_on_disk import write_run
from tests.ui.test_controller import TINY
from ui.controller import Controller
from ui.panels.preview import Preview
from ui.panels.setup import SECTIONS, SetupPanel
from ui.settings import Settings
from ui.widgets import PlainLabel
from workbench.workspace import Workspace


@pytest.fixture
def unloaded(qapp, tmp_path):
    made = Controller(Workspace(tmp_path), Settings(workspace=str(tmp_path)))
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def controller(unloaded):
    unloaded.engine_loaded()
    return unloaded


@pytest.fixture
def panel(qtbot, controller):
    made = SetupPanel(controller)
    qtbot.addWidget(made)
    made.setFixedWidth(320)
    made.resize(320, 900)
    made.show_spec(TINY, frozen=False)
    made.show()
    settle(qtbot, made)
    return made


def settle(qtbot, panel):
    """Wait until edits have been heard and the set-up has been looked at."""
    debounces = [form._debounce for form in panel._forms.values()]
    qtbot.waitUntil(lambda: not any(timer.isActive() for timer in debounces), timeout=5000)
    qtbot.waitUntil(lambda: not panel._controller.background.busy, timeout=60_000)


def choose(qtbot, panel, form, field, value):
    """Choose as a user does: from the open list, by keyboard."""
    editor = panel._forms[form].row(field).editor
    wanted = [option.value for option in editor.options].index(value)
    assert editor.combo.model().item(wanted).isEnabled(), editor.combo.itemText(wanted)
    while (now := editor.combo.currentIndex()) != wanted:
        qtbot.keyClick(editor.combo, Qt.Key.Key_Down if now < wanted else Qt.Key.Key_Up)
        assert editor.combo.currentIndex() != now
    settle(qtbot, panel)


def kind(panel, form, field):
    return panel._forms[form].value()[field]["kind"]


def sections(panel):
    """The headings on screen."""
    known = {words for words, _ in SECTIONS}
    labels = panel.findChildren(PlainLabel)
    return [label.text() for label in labels if label.text() in known and label.isVisible()]


def shown_error(panel, form, path):
    """The sentence that can be read at a field, or ""."""
    line = panel._forms[form].row(path).error
    return line.sentence() if line.isVisible() else ""


def all_errors(panel):
    return {path: words for form in panel._forms.values() for path, words in form.errors().items()}


def test_that_forms_come_with_torch_and_keep_what_was_asked_before(qtbot, unloaded):
    panel = SetupPanel(unloaded)
    qtbot.addWidget(panel)
    panel.show_spec(TINY, frozen=False)
    panel.show()
    assert panel._forms == {}
    assert any(label.text() == "Loading torch…" for label in panel.findChildren(PlainLabel))
    with qtbot.assertNotEmitted(panel.start_wanted):
        panel.start()
    unloaded.engine_loaded()
    settle(qtbot, panel)
    assert panel.value()["model"]["hidden"] == [16]
    labels = [label for label in panel.findChildren(PlainLabel) if label.isVisible()]
    assert not any(label.text() == "Loading torch…" for label in labels)


def test_that_start_hands_out_the_whole_spec_with_a_title_of_its_own(qtbot, panel):
    with qtbot.waitSignal(panel.start_wanted, timeout=1000) as heard:
        qtbot.mouseClick(panel._start, Qt.MouseButton.LeftButton)
    raw, title = heard.args
    assert (raw["model"]["kind"], raw["model"]["hidden"]) == ("mlp", [16])
    assert raw["training"]["epochs"] == 2
    assert (raw["task"]["kind"], raw["loss"]["kind"]) == ("classification", "cross_entropy")
    assert "on" in title.split()
    assert "digits" in title.lower()


def test_that_contrastive_learning_brings_a_loss_of_its_family_and_no_augmentation(qtbot, panel):
    assert sections(panel) == [words for words, _ in SECTIONS]
    choose(qtbot, panel, "Task", "task", "contrastive")
    assert kind(panel, "Loss", "loss") == "nt_xent"
    assert sections(panel) == [words for words, _ in SECTIONS if words != "Augmentation"]
    assert not panel._forms["Augmentation"].isVisible()
    assert all_errors(panel) == {}
    with qtbot.waitSignal(panel.start_wanted, timeout=1000) as heard:
        panel.start()
    assert heard.args[0]["task"]["kind"] == "contrastive"
    choose(qtbot, panel, "Task", "task", "classification")
    assert kind(panel, "Loss", "loss") == "cross_entropy"
    assert sections(panel) == [words for words, _ in SECTIONS]


def test_that_only_losses_of_the_task_s_family_can_be_chosen(qtbot, panel):
    def possible():
        editor = panel._forms["Loss"].row("loss").editor
        items = editor.combo.model()
        return {o.value for row, o in enumerate(editor.options) if items.item(row).isEnabled()}

    assert possible() == {
        "cross_entropy",
        "hinge",
        "squared_error",
        "kl_divergence",
        "distillation",
    }
    choose(qtbot, panel, "Task", "task", "contrastive")
    assert possible() == {
        "nt_xent",
        "supervised_contrastive",
        "triplet",
        "pairwise_contrastive",
    }


def test_that_a_loss_of_the_family_survives_a_look_at_another_set_up(qtbot, panel):
    raw = TINY | {"task": {"kind": "contrastive"}, "loss": {"kind": "triplet"}}
    panel.show_spec(raw, frozen=False)
    settle(qtbot, panel)
    assert kind(panel, "Loss", "loss") == "triplet"
    panel.show_spec(TINY | {"loss": {"kind": "hinge"}}, frozen=False)
    settle(qtbot, panel)
    assert kind(panel, "Loss", "loss") == "hinge"


def test_that_distillation_alone_asks_for_a_teacher_and_lists_finished_runs(qtbot, panel):
    workspace = panel._controller.workspace
    write_run(workspace, status="failed", title="A failure")
    row = panel._forms["Loss"].row("teacher")
    assert not row.isVisible()
    choose(qtbot, panel, "Loss", "loss", "distillation")
    assert row.isVisible()
    assert [option.title for option in row.editor.options] == ["No run is finished yet"]
    assert "finished run" in shown_error(panel, "Loss", "teacher")
    good = write_run(workspace, status="finished", title="A teacher")
    choose(qtbot, panel, "Loss", "loss", "cross_entropy")
    assert not row.isVisible()
    choose(qtbot, panel, "Loss", "loss", "distillation")
    titles = {option.value: option.title for option in row.editor.options}
    assert titles == {"": "Choose a finished run", good: "0002  A teacher"}
    choose(qtbot, panel, "Loss", "teacher", good)
    assert all_errors(panel) == {}
    with qtbot.waitSignal(panel.start_wanted, timeout=1000) as heard:
        panel.start()
    assert heard.args[0]["teacher"] == good


def test_that_a_teacher_chosen_before_does_not_forbid_another_loss(qtbot, panel):
    good = write_run(panel._controller.workspace, status="finished", title="A teacher")
    choose(qtbot, panel, "Loss", "loss", "distillation")
    choose(qtbot, panel, "Loss", "teacher", good)
    choose(qtbot, panel, "Loss", "loss", "hinge")
    assert all_errors(panel) == {}
    with qtbot.waitSignal(panel.start_wanted, timeout=1000) as heard:
        panel.start()
    assert heard.args[0]["teacher"] == ""


@pytest.mark.parametrize(
    ("change", "form", "path", "words"),
    [
        ({"model": {"kind": "vit", "patch": 3}}, "Model", "model.patch", "patch 3 doesn't divide"),
        ({"training": {"epochs": 0}}, "Training", "training.epochs", "at least 1"),
        ({"data": {"kind": "digits", "classes": ["0", "x"]}}, "Data", "data", "'x' is unknown"),
        (
            {"optimizer": {"kind": "sgd", "learning_rate": -1.0}},
            "Training",
            "optimizer.learning_rate",
            "more than 0",
        ),
    ],
)
def test_that_a_fault_stands_at_its_field_and_keeps_the_run_from_starting(
    qtbot, panel, change, form, path, words
):
    assert all_errors(panel) == {}
    panel.show_spec(TINY | change, frozen=False)
    settle(qtbot, panel)
    assert words in shown_error(panel, form, path)
    assert list(all_errors(panel)) == [path]
    with qtbot.assertNotEmitted(panel.start_wanted):
        panel.start()
    assert panel._forms[form].row(path).editor.isAncestorOf(panel.focusWidget())
    panel.show_spec(TINY, frozen=False)
    settle(qtbot, panel)
    assert all_errors(panel) == {}


def test_that_a_fault_goes_when_the_user_mends_it(qtbot, panel):
    line = panel._forms["Training"].row("training.epochs").editor.line
    line.clear()
    qtbot.keyClicks(line, "0")
    settle(qtbot, panel)
    assert shown_error(panel, "Training", "training.epochs")
    line.clear()
    qtbot.keyClicks(line, "3")
    settle(qtbot, panel)
    assert all_errors(panel) == {}
    assert panel.value()["training"]["epochs"] == 3


def test_that_a_frozen_set_up_shows_a_run_and_starts_nothing(qtbot, panel):
    panel.show_spec(TINY, frozen=True)
    settle(qtbot, panel)
    assert panel._duplicate.isVisible()
    assert not panel._start.isVisible()
    assert panel._chip_words.text() == "As it was run"
    assert panel._forms["Training"].row("training.epochs").editor.line.isReadOnly()
    assert panel._forms["Training"].row("optimizer.learning_rate").editor.line.isReadOnly()
    with qtbot.assertNotEmitted(panel.start_wanted):
        panel.start()
    with qtbot.waitSignal(panel.duplicate_wanted, timeout=1000):
        qtbot.mouseClick(panel._duplicate, Qt.MouseButton.LeftButton)


def test_that_of_a_live_run_only_the_learning_rate_can_be_changed(qtbot, panel):
    panel.show_spec(TINY, frozen=True, live=True)
    settle(qtbot, panel)
    form = panel._forms["Training"]
    assert panel._chip_words.text() == "Frozen while running"
    assert form.row("training.epochs").editor.line.isReadOnly()
    rate = form.row("optimizer.learning_rate").editor.line
    assert not rate.isReadOnly()
    heard = []
    panel.rate_changed.connect(heard.append)
    rate.clear()
    qtbot.keyClicks(rate, "0")  # not yet a rate
    settle(qtbot, panel)
    assert heard == []
    qtbot.keyClicks(rate, ".25")
    qtbot.waitUntil(lambda: heard == [0.25], timeout=2000)


def test_that_a_slow_look_at_an_older_set_up_does_not_replace_a_newer_one(
    qtbot, panel, monkeypatch
):
    first_may_end = threading.Event()

    def slow_then_quick(raw):
        if raw["training"]["epochs"] == 7:
            assert first_may_end.wait(20)
        return Preview(model_words=f"{raw['training']['epochs']} epochs")

    monkeypatch.setattr("ui.panels.setup.preview", slow_then_quick)
    panel.show_spec(TINY | {"training": {"epochs": 7}}, frozen=False)
    panel.show_spec(TINY | {"training": {"epochs": 8}}, frozen=False)
    qtbot.waitUntil(lambda: panel._model_words.text() == "8 epochs", timeout=5000)
    first_may_end.set()
    settle(qtbot, panel)
    assert panel._model_words.text() == "8 epochs"
