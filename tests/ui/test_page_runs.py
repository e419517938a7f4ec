"""The Runs page on run folders written without training, and on one run that is told of live."""

import time
from contextlib import closing

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QMessageBox, QPushButton

from engines.events import Metrics, RunEnded, RunStarted, Scores
from ui.controller import Controller
from ui.pages.runs import RunsPage
from ui.runs.cells import cell_tip
from ui.runs.columns import COLUMNS, PLACE
from ui.runs.menu import run_menu
from ui.settings import Settings
from workbench.history import History
from workbench.recorder import insert, open_database
from workbench.runner import RunHandle
from workbench.workspace import RunRecord, Workspace

CONTEXT = {
    "batch_size": 8,
    "loss_unit": "nats",
    "references": [{"metric": "loss", "value": 2.303, "label": "chance  ln 10"}],
}


def spec(model="cnn", seed=0, rate=1e-3, data="digits"):
    return {
        "model": {"kind": model},
        "data": {"kind": data},
        "loss": {"kind": "cross_entropy"},
        "optimizer": {"kind": "adamw", "learning_rate": rate},
        "seed": seed,
    }


def write(workspace, title, accuracy, status="finished", tags=(), sentence="", **choices):
    """A run of 20 steps with two evaluations; returns its id."""
    folder = workspace.create(spec(**choices), title=title)
    summary = {"validation/accuracy": accuracy, "validation/loss": 2 - accuracy}
    folder.write_json(
        "state.json",
        {
            "status": status,
            "step": 20,
            "total_steps": 20,
            "seconds": 65.0,
            "sentence": sentence,
            "summary": summary,
            "facts": {"parameters": 1234, "context": CONTEXT},
        },
    )
    with closing(open_database(folder.database)) as connection, connection:
        losses_S1 = np.linspace(2, 2 - accuracy, 20, dtype=np.float32)[:, None]
        insert(connection, Metrics(1, ("train/loss",), losses_S1, 1.0))
        for step in (10, 20):
            insert(connection, Scores(step, summary))
    workspace.label(folder.id, tags=list(tags))
    return folder.id


@pytest.fixture
def runs(tmp_path):
    """Ids by a short name, oldest first."""
    workspace = Workspace(tmp_path)
    return workspace, {
        "mlp": write(workspace, "Plain <b>MLP</b>", 0.80, model="mlp", tags=["baseline"]),
        "cnn": write(workspace, "CNN", 0.92, tags=["baseline", "good"]),
        "seed": write(workspace, "CNN", 0.90, seed=1),
        "failed": write(
            workspace, "Broken", 0.1, "failed", rate=1.0, sentence="The loss became nan at step 20."
        ),
        "cut": write(workspace, "Cut off", 0.5, "interrupted", model="vit"),
    }


@pytest.fixture
def page(qtbot, qapp, runs):
    controller = Controller(runs[0], Settings())
    made = RunsPage(controller)
    qtbot.addWidget(made)
    made.resize(1310, 740)
    made.show()
    made.entered()
    qtbot.waitUntil(lambda: len(made.model.rows) == 5)
    yield made
    controller.close()


@pytest.fixture
def ids(runs):
    return runs[1]


def titles(page):
    return [record.title for record in page.model.rows]


def click(qtbot, page, run, column="run", keys=Qt.KeyboardModifier.NoModifier):
    index = page.model.index(page.model.row_of(run), PLACE[column])
    place = page.table.visualRect(index).center()
    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, keys, place)


def settled(qtbot, page):
    qtbot.waitUntil(lambda: not page._settle.isActive() and not page.controller.background.busy)


def drawn(page):
    return {shown.curve.name: shown.curve.colour for shown in page.overlay.plot.canvas.shown}


def test_that_runs_are_listed_newest_first_and_the_newest_is_shown(qtbot, page, ids):
    assert [record.number for record in page.model.rows] == [5, 4, 3, 2, 1]
    assert page.table.chosen == [ids["cut"]]
    settled(qtbot, page)
    assert drawn(page) == {"0005": 0}


def test_that_cells_say_what_the_record_holds(page, ids):
    row = page.model.row_of(ids["cnn"])
    cells = {c.name: page.model.index(row, place).data() for place, c in enumerate(COLUMNS)}
    assert cells == {
        "swatch": "",
        "run": "0002",
        "title": "CNN",
        "model": "CNN",
        "data": "Digits",
        "loss": "Cross-entropy",
        "lr": "1e-3",
        "seed": "0",
        "accuracy": "92.0",
        "test": "–",
        "val_loss": "1.08",
        "time": "1:05",
        "state": "Finished",
        "tags": "baseline, good",
    }


def test_that_a_nan_is_named_in_the_state_and_explained_by_its_tooltip(page, ids):
    index = page.model.index(page.model.row_of(ids["failed"]), PLACE["state"])
    assert index.data() == "Failed: NaN"
    assert cell_tip(index, 500) == "The loss became nan at step 20."


def test_that_a_cut_cell_has_its_words_as_tooltip(page, ids):
    index = page.model.index(page.model.row_of(ids["mlp"]), PLACE["title"])
    assert cell_tip(index, 30) == "Plain <b>MLP</b>"
    assert cell_tip(index, 400) == ""


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Qt.SortOrder.DescendingOrder, ["CNN", "CNN", "Plain <b>MLP</b>", "Cut off", "Broken"]),
        (Qt.SortOrder.AscendingOrder, ["Broken", "Cut off", "Plain <b>MLP</b>", "CNN", "CNN"]),
    ],
)
def test_that_a_header_sorts_and_keeps_the_selection(page, ids, order, expected):
    page.table.choose([ids["mlp"], ids["cut"]])
    page.table.sortByColumn(PLACE["accuracy"], order)
    assert titles(page) == expected
    assert page.table.chosen == [ids["mlp"], ids["cut"]]
    rows = {index.row() for index in page.table.selectionModel().selectedRows()}
    assert rows == {expected.index("Plain <b>MLP</b>"), expected.index("Cut off")}


def test_that_runs_without_a_value_come_last_either_way(page):
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        page.table.sortByColumn(PLACE["tags"], order)
        assert [len(r.tags) > 0 for r in page.model.rows] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("words", "count"),
    [("cnn", 3), ("CNN good", 1), ("interrupted", 1), ("0004", 1), ("baseline mlp", 1), ("zz", 0)],
)
def test_that_the_field_filters_by_words(page, words, count):
    page.filters.field.setText(words)
    assert len(page.model.rows) == count


def test_that_notes_are_searched(qtbot, page, ids):
    page.controller.label(ids["mlp"], notes="Odd bump near the end")
    qtbot.waitUntil(lambda: page.model.record(ids["mlp"]).notes != "")
    page.filters.field.setText("bump")
    assert titles(page) == ["Plain <b>MLP</b>"]


def test_that_no_match_says_so_and_can_be_cleared(qtbot, page):
    page.filters.field.setText("zz")
    button = page._left.currentWidget().findChild(QPushButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert len(page.model.rows) == 5
    assert page._left.currentWidget() is page.table


def test_that_alt_click_filters_by_the_cell_and_the_chip_takes_it_back(qtbot, page, ids):
    click(qtbot, page, ids["mlp"], "model", Qt.KeyboardModifier.AltModifier)
    assert titles(page) == ["Plain <b>MLP</b>"]
    assert page.filters.filters == [("model", "MLP")]
    page.filters.findChild(type(page.filters._chips["model", "MLP"])).removed.emit()
    assert len(page.model.rows) == 5


def test_that_the_selection_s_order_gives_curves_and_swatches_their_colours(qtbot, page, ids):
    click(qtbot, page, ids["mlp"])
    click(qtbot, page, ids["cut"], keys=Qt.KeyboardModifier.ControlModifier)
    click(qtbot, page, ids["cnn"], keys=Qt.KeyboardModifier.ControlModifier)
    assert page.table.chosen == [ids["mlp"], ids["cut"], ids["cnn"]]
    assert page.model.colours == {ids["mlp"]: 0, ids["cut"]: 1, ids["cnn"]: 2}
    settled(qtbot, page)
    assert drawn(page) == {"0001": 0, "0005": 1, "0002": 2}
    assert [level.value for level in page.overlay.plot.canvas.levels] == [2.303]


def test_that_the_switch_changes_the_metric(qtbot, page, ids):
    page.table.choose([ids["cnn"]])
    settled(qtbot, page)
    page.overlay.switch.findChildren(type(page.overlay.switch._group.button(0)))[1].click()
    (shown,) = page.overlay.plot.canvas.shown
    assert len(shown.curve.steps) == 20
    page.overlay._turn(2)
    (shown,) = page.overlay.plot.canvas.shown
    assert list(shown.curve.values) == pytest.approx([0.92, 0.92])


def test_that_what_differs_is_shown_and_equal_settings_on_demand(qtbot, page, ids):
    page.table.choose([ids["cnn"], ids["mlp"]])
    settled(qtbot, page)
    table = page.differences.table
    rows = [table.item(row, 0).text() for row in range(table.rowCount())]
    assert rows == ["Model", "Weights", "Steps", "Time", "Val. accuracy", "Val. loss"]
    assert [table.item(0, column).text() for column in (1, 2)] == ["CNN", "MLP"]
    page.differences.show_all.click()
    rows = [table.item(row, 0).text() for row in range(table.rowCount())]
    assert "Learning rate" in rows
    assert "12.0 points ahead" in page.differences.sentence.text()
    assert "One seed each" in page.differences.sentence.text()


def test_that_a_title_is_renamed_in_place_and_stored(qtbot, page, ids):
    page.table.choose([ids["cut"]])
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_F2)
    editor = page.table.findChild(QLineEdit, "title_editor")
    assert editor.text() == "Cut off"
    page.reload()  # rows that arrive meanwhile must not close the editor
    qtbot.waitUntil(lambda: not page._reading)
    assert page.table.renaming
    editor.setText("<i>New</i>")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.model.record(ids["cut"]).title == "<i>New</i>")
    assert page.controller.workspace.record(ids["cut"]).title == "<i>New</i>"


def test_that_a_double_click_on_a_title_edits_and_elsewhere_opens(qtbot, page, ids):
    opened = []
    page.controller.opened.connect(opened.append)
    for column in ("title", "model"):
        index = page.model.index(page.model.row_of(ids["cnn"]), PLACE[column])
        place = page.table.visualRect(index).center()
        qtbot.mouseDClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        if column == "title":
            assert page.table.renaming
            qtbot.keyClick(page.table.findChild(QLineEdit, "title_editor"), Qt.Key.Key_Escape)
            assert opened == []
    assert opened == [ids["cnn"]]


def test_that_enter_opens_the_current_run(qtbot, page, ids):
    page.table.choose([ids["seed"]])
    with qtbot.waitSignal(page.controller.opened) as heard:
        qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert heard.args == [ids["seed"]]


def test_that_deleting_asks_by_name_and_can_be_undone(qtbot, page, ids):
    page.table.choose([ids["mlp"]])
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    box = page.findChild(QMessageBox)
    assert box.text() == "Put 0001 Plain <b>MLP</b> into the trash?"
    assert box.textFormat() == Qt.TextFormat.PlainText
    box.findChild(QPushButton, "confirm_delete").click()
    qtbot.waitUntil(lambda: page.model.record(ids["mlp"]) is None)
    assert page.notice.words.full_text() == "0001 Plain <b>MLP</b> is in the trash."
    page.notice.undo.click()
    qtbot.waitUntil(lambda: page.model.record(ids["mlp"]) is not None)
    assert not page.notice.isVisible()


def test_that_cancelling_deletes_nothing(qtbot, page, ids):
    page.table.choose([ids["mlp"]])
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    page.findChild(QMessageBox).button(QMessageBox.StandardButton.Cancel).click()
    assert len(page.controller.workspace.records()) == 5


def test_that_the_trash_shows_deleted_runs_and_restores_them(qtbot, page, ids):
    page.controller.trash([ids["cnn"], ids["mlp"]])
    page.filters.trash.click()
    qtbot.waitUntil(lambda: {r.id for r in page.model.rows} == {ids["cnn"], ids["mlp"]})
    page.table.choose([ids["cnn"]])
    assert page.bar.buttons["delete"].isHidden()
    page.bar.buttons["restore"].click()
    qtbot.waitUntil(lambda: {r.id for r in page.model.rows} == {ids["mlp"]})
    page.filters.trash.click()
    qtbot.waitUntil(lambda: page.model.record(ids["cnn"]) is not None)


def test_that_tags_and_notes_are_stored_and_follow_the_selection(qtbot, page, ids):
    page.table.choose([ids["seed"]])
    settled(qtbot, page)
    qtbot.keyClicks(page.labels.tags, "fresh, two words, fresh")
    page.labels.notes.setPlainText("A <script> note")
    page.table.choose([ids["mlp"]])  # stores what was typed for the run before
    settled(qtbot, page)
    stored = page.controller.workspace.record(ids["seed"])
    assert (stored.tags, stored.notes) == (("fresh", "two words"), "A <script> note")
    assert page.labels.tags.text() == "baseline"
    assert page.labels.notes.toPlainText() == ""


def test_that_typing_is_kept_when_rows_are_read_again(qtbot, page, ids):
    page.table.choose([ids["seed"]])
    settled(qtbot, page)
    page.labels.notes.setPlainText("half a sen")
    page.controller.runs_changed.emit()
    qtbot.waitUntil(lambda: not page._reading)
    page.show_chosen()
    assert page.labels.notes.toPlainText() == "half a sen"


def test_that_buttons_say_why_they_cannot_be_pressed(page, ids):
    page.table.choose([ids["cnn"], ids["mlp"]])
    buttons = page.bar.buttons
    assert not buttons["resume"].isEnabled()
    assert "Only what was cut off can go on." in buttons["resume"].toolTip()
    assert "one run only" in buttons["open"].toolTip()
    assert "torch is still loading" in buttons["seeds"].toolTip()
    page.controller.engine_loaded()
    page.table.choose([ids["cut"]])
    assert all(buttons[name].isEnabled() for name in ("open", "resume", "seeds", "delete"))


def test_that_resume_and_duplicate_go_through_the_controller(page, ids, monkeypatch):
    asked = []
    monkeypatch.setattr(page.controller, "resume", lambda run: asked.append(("resume", run)))
    page.table.choose([ids["cut"], ids["cnn"]])
    page.bar.buttons["resume"].click()
    page.controller.draft_opened.connect(lambda raw: asked.append(("draft", raw["model"]["kind"])))
    page.table.choose([ids["cut"]])
    page.bar.buttons["duplicate"].click()
    assert asked == [("resume", ids["cut"]), ("draft", "vit")]


def test_that_more_seeds_queues_seeds_that_are_not_there(page, ids, monkeypatch):
    started = []

    def start(raw, *, title="", group=""):
        started.append((raw["seed"], raw["model"]["kind"], title, group))
        return "new"

    monkeypatch.setattr(page.controller, "start", start)
    page.controller.engine_loaded()
    page.table.choose([ids["cnn"], ids["seed"]])  # one recipe, seeds 0 and 1
    page.bar.seeds_wanted.emit(2)
    group = f"seeds-{ids['cnn']}"
    assert started == [(2, "cnn", "CNN", group), (3, "cnn", "CNN", group)]
    assert "2 runs queued" in page.notice.words.full_text()


def test_that_a_set_up_that_is_not_valid_any_more_is_a_problem(qtbot, page, ids):
    page.controller.engine_loaded()
    page.controller.workspace.folder(ids["cut"]).write_json(
        "run.json", {"number": 5, "created": 9e9, "spec": {"model": {"kind": "gone"}}}
    )
    page.controller.workspace.rebuild_index()
    page.reload()
    qtbot.waitUntil(lambda: page.model.record(ids["cut"]).kind("model") == "gone")
    page.table.choose([ids["cut"]])
    with qtbot.waitSignal(page.controller.problem) as heard:
        page.bar.seeds_wanted.emit(1)
    assert "0005" in heard.args[0]
    assert "gone" in heard.args[1]


def test_that_exports_are_written(qtbot, page, ids, tmp_path):
    target = tmp_path / "out.csv"
    page.exports.write(page.model.record(ids["cnn"]), "csv", target)
    qtbot.waitUntil(lambda: page.notice.isVisible())
    header, *rows = target.read_text().splitlines()
    assert "train/loss" in header
    assert len(rows) == 20
    page.exports.write(page.model.record(ids["cnn"]), "spec", tmp_path / "missing" / "spec.toml")
    with qtbot.waitSignal(page.controller.problem) as heard:
        pass
    assert "Saving set-up of run 0002 failed" in heard.args[0]


def live(page, folder):
    """A run that the test speaks for, as the runner would."""
    handle = RunHandle(folder)
    page.controller.bridge.watch(handle, History())
    page.controller.runs_changed.emit()
    return handle


def test_that_a_live_run_s_row_follows_without_losing_selection_or_scroll(qtbot, page, ids):
    handle = live(page, page.controller.workspace.create(spec("mlp", 7), title="Live"))
    qtbot.waitUntil(lambda: page.model.row_of(handle.id) == 0)
    assert page.model.index(0, PLACE["state"]).data() == "Queued"
    page.table.choose([ids["mlp"], handle.id])
    resets = []
    page.model.modelReset.connect(lambda: resets.append(1))
    losses_S1 = np.ones((30, 1), np.float32)
    handle.inbox += [
        RunStarted(0, 100, 50, {"context": CONTEXT}),
        Metrics(1, ("train/loss",), losses_S1, 2.0),
        Scores(30, {"validation/accuracy": 0.61, "validation/loss": 1.2}),
    ]
    row = page.model.row_of(handle.id)
    qtbot.waitUntil(lambda: page.model.index(row, PLACE["accuracy"]).data() == "61.0")
    assert page.model.index(row, PLACE["state"]).data() == "Running 30 %"
    assert page.model.index(row, PLACE["time"]).data() == "0:02"
    assert page.table.chosen == [ids["mlp"], handle.id]
    assert not resets
    qtbot.waitUntil(lambda: drawn(page) == {"0001": 0, "0006": 1})
    assert not page.bar.buttons["delete"].isEnabled()
    handle.inbox.append(RunEnded(30, "stopped"))
    qtbot.waitUntil(lambda: not page.controller.is_live(handle.id))


def test_that_growth_is_shown_at_most_twice_a_second(qtbot, page):
    handle = live(page, page.controller.workspace.create(spec("mlp", 7)))
    qtbot.waitUntil(lambda: page.model.row_of(handle.id) == 0)
    changes, started = [], time.monotonic()
    page.model.dataChanged.connect(lambda *_: changes.append(time.monotonic()))
    handle.inbox.append(RunStarted(0, 1000, 50))
    for step in range(1, 25):
        handle.inbox.append(Metrics(step, ("train/loss",), np.ones((1, 1), np.float32), 0.1))
        page.controller.bridge.drain()
    qtbot.waitUntil(lambda: changes != [])
    assert changes[0] - started >= 0.45
    assert len(changes) == 1
    handle.inbox.append(RunEnded(24, "stopped"))
    qtbot.waitUntil(lambda: not page.controller.is_live(handle.id))


def test_that_a_live_run_is_not_deleted(qtbot, page):
    handle = live(page, page.controller.workspace.create(spec("mlp", 7), title="Live"))
    qtbot.waitUntil(lambda: page.model.row_of(handle.id) == 0)
    page.table.choose([handle.id])
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    assert page.findChild(QMessageBox) is None
    assert "stop it before deleting" in page.notice.words.full_text()
    handle.inbox.append(RunEnded(0, "stopped"))
    qtbot.waitUntil(lambda: not page.controller.is_live(handle.id))


def test_that_an_empty_workspace_leads_to_the_start_page(qtbot, qapp, tmp_path):
    controller = Controller(Workspace(tmp_path / "empty"), Settings())
    page = RunsPage(controller)
    qtbot.addWidget(page)
    page.show()
    page.entered()
    qtbot.waitUntil(lambda: page._left.currentWidget() is page._none)
    assert page._none.sentence.text() == "No runs yet. Pick a preset on Start."
    with qtbot.waitSignal(controller.page_wanted) as heard:
        page._none.button.click()
    assert heard.args == ["start"]
    controller.close()


def test_that_a_run_that_cannot_be_read_is_told_once(qtbot, page, ids, monkeypatch):
    def refuse(run):
        raise PermissionError(f"{run} belongs to somebody else")

    monkeypatch.setattr(page.controller.workspace, "folder", refuse)
    with qtbot.waitSignal(page.controller.problem) as heard:
        page.table.choose([ids["mlp"]])
    assert "Run 1 can't be read" in heard.args[0]
    again = []
    page.controller.problem.connect(lambda *words: again.append(words))
    page.show_chosen()
    settled(qtbot, page)
    assert again == []


def test_that_a_damaged_run_says_so_beside_its_curves(qtbot, page, ids):
    page.controller.workspace.folder(ids["mlp"]).database.write_bytes(b"no database " * 200)
    page.table.choose([ids["mlp"]])
    settled(qtbot, page)
    assert "is damaged" in page.overlay.note.full_text()
    assert drawn(page) == {}


@pytest.mark.parametrize(("width", "hidden"), [(1830, {"data"}), (900, {"data", "loss", "tags"})])
def test_that_columns_give_way_by_rank(page, width, hidden):
    page.resize(width, 740)
    table = page.table
    gone = {c.name for place, c in enumerate(COLUMNS) if table.isColumnHidden(place)}
    assert hidden <= gone
    assert not gone & {"swatch", "run", "title", "accuracy", "state"}
    ranks = [c.rank for c in COLUMNS]
    kept = [c.rank for c in COLUMNS if c.name not in gone]
    assert max(kept) <= min([c.rank for c in COLUMNS if c.name in gone] or ranks)
    assert table.horizontalHeader().length() <= table.viewport().width()


def test_that_the_menu_offers_filters_and_what_the_buttons_allow(page, ids):
    page.table.choose([ids["cnn"]])
    record = page.model.record(ids["cnn"])
    menu = run_menu(page.table, page.bar, record, PLACE["tags"])
    words = [action.text() for action in menu.actions() if action.text()]
    assert words == [
        "Open",
        "Rename",
        "Duplicate and edit",
        "Delete",
        "Only Tags: baseline",
        "Only Tags: good",
    ]
    wanted = []
    menu.filter_wanted.connect(lambda *pair: wanted.append(pair))
    menu.actions()[-1].trigger()
    assert wanted == [("tags", "good")]
    menu.deleteLater()


def test_that_ctrl_a_selects_all_and_ten_are_drawn(qtbot, qapp, tmp_path):
    workspace = Workspace(tmp_path / "many")
    for seed in range(12):
        write(workspace, f"Run {seed}", 0.5, seed=seed)
    controller = Controller(workspace, Settings())
    page = RunsPage(controller)
    qtbot.addWidget(page)
    page.show()
    page.entered()
    qtbot.waitUntil(lambda: len(page.model.rows) == 12)
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert len(page.table.chosen) == 12
    qtbot.waitUntil(lambda: len(drawn(page)) == 10)
    assert sorted(drawn(page).values()) == list(range(10))
    assert page.overlay.note.full_text() == "the first 10 of 12"
    controller.close()


def test_that_five_hundred_runs_sort_and_filter_in_a_blink(page):
    records = [
        RunRecord(
            f"r{n}",
            n,
            float(n),
            title=f"Run {n % 97}",
            spec=spec("mlp" if n % 5 == 0 else "cnn", seed=n),
            summary={"validation/accuracy": (n * 37 % 500) / 500},
            status="finished",
        )
        for n in range(500)
    ]
    page.model.set_records(records)
    started = time.perf_counter()
    page.table.sortByColumn(PLACE["accuracy"], Qt.SortOrder.DescendingOrder)
    page.filters.field.setText("mlp")
    passed = time.perf_counter() - started
    shown = [record.summary["validation/accuracy"] for record in page.model.rows]
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == 100
    assert passed < 0.5


def test_that_the_page_is_drawn_in_both_themes(qtbot, page, ids, each_theme):
    page.table.choose([ids["cnn"], ids["mlp"]])
    settled(qtbot, page)
    image = page.table.viewport().grab().toImage()
    rect = page.table.visualRect(page.model.index(page.model.row_of(ids["cnn"]), 0))
    colours = {
        image.pixelColor(x, y).name().lower()
        for x in range(rect.left(), rect.right())
        for y in range(rect.top(), rect.bottom())
    }
    assert each_theme.tokens.classes[0].lower() in colours
