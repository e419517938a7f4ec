import time

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QMenu, QPushButton

import ui.pages.start as start_module
from tests.ui.runs_on_disk import write_run
from ui.controller import Controller
from ui.pages.start import StartPage
from ui.pages.start_banners import words
from ui.pages.start_reading import CutOff, Seen
from ui.pages.start_recent import MOST, result_words, state_words
from ui.settings import Settings
from ui.times import duration, when
from ui.widgets.spark import course
from workbench.presets import Preset
from workbench.workspace import RunRecord


def preset(name, order=1, picture="losses", spec=None, variants=()):
    return Preset(
        name, f"Title {name}", "One sentence.", 6, "0.97", picture, order, spec or {}, variants
    )


@pytest.fixture
def cards(monkeypatch, tiny_spec):
    known = (
        preset("one", spec=tiny_spec),
        preset("two", 2, variants=(("A", {"seed": 1}), ("B", {"seed": 2}))),
    )
    monkeypatch.setattr(start_module, "presets", lambda: known)
    return known


@pytest.fixture
def controller(qapp, workspace):
    controller = Controller(workspace, Settings())
    yield controller
    controller.close()


@pytest.fixture
def page(qtbot, cards, controller):
    return shown(qtbot, controller)


def shown(qtbot, controller, size=(1200, 740)):
    page = StartPage(controller)
    qtbot.addWidget(page)
    page.resize(*size)
    page.show()
    page.entered()
    qtbot.waitUntil(lambda: page.has_read and not controller.background.busy)
    return page


def test_that_an_empty_workspace_says_what_to_do_and_offers_nothing_to_resume(page):
    assert page.recent.empty.isVisible()
    assert "No runs yet" in page.recent.empty.sentence.text()
    assert not page.recent.rows
    assert not page.recovery.isVisible()
    assert not page.recent.all_runs.isVisible()


def test_that_an_interrupted_run_is_offered_from_its_last_checkpoint(qtbot, cards, controller):
    run = write_run(controller.workspace, status="interrupted", step=3120, checkpoints=(3000, 3100))
    resumed, opened = [], []
    controller.resume = resumed.append
    controller.is_live = lambda run: run in resumed
    controller.opened.connect(opened.append)
    page = shown(qtbot, controller)
    (banner,) = page.recovery.banners
    assert banner.sentence.text() == "Run 0001 was cut off at step 3\u2009120."
    assert "checkpoint at step 3\u2009100 " in banner.evidence.text()
    qtbot.mouseClick(banner.findChild(QPushButton, "look_first"), Qt.MouseButton.LeftButton)
    assert (resumed, opened) == ([], [run])
    qtbot.mouseClick(banner.findChild(QPushButton, "resume"), Qt.MouseButton.LeftButton)
    assert (resumed, opened) == ([run], [run, run])


def test_that_more_than_two_interrupted_runs_are_folded(qtbot, cards, controller):
    for _ in range(5):
        write_run(controller.workspace, status="interrupted", step=7)
    page = shown(qtbot, controller)
    assert len(page.recovery.banners) == 2
    assert page.recovery.more.text() == "and 3 more were cut off"
    with qtbot.waitSignal(controller.page_wanted) as wanted:
        qtbot.mouseClick(page.recovery.more, Qt.MouseButton.LeftButton)
    assert wanted.args == ["runs"]


def test_that_a_banner_put_away_makes_room_for_the_next(qtbot, cards, controller):
    for _ in range(3):
        write_run(controller.workspace, status="interrupted", step=7)
    page = shown(qtbot, controller)
    page.recovery.banners[0].findChild(object, "put_away").click()
    assert [banner.sentence.text()[:8] for banner in page.recovery.banners] == [
        "Run 0002",
        "Run 0001",
    ]
    assert not page.recovery.more.isVisible()
    page.refresh()
    qtbot.waitUntil(lambda: page.has_read)
    assert len(page.recovery.banners) == 2


def test_that_a_banner_says_what_is_lost():
    def said(step, checkpoint):
        return words(CutOff(RunRecord("x", 3, 0.0, step=step), checkpoint))[1]

    assert "Nothing was trained yet" in said(0, 0)
    assert "no checkpoint yet" in said(40, 0)
    assert "from there" in said(120, 120)


def test_that_a_click_before_torch_is_loaded_waits_and_then_starts(qtbot, page, controller):
    started, opened = [], []
    controller.start = lambda spec, **labels: started.append((spec, labels)) or "run-id"
    controller.opened.connect(opened.append)
    card = page.cards["one"]
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton, pos=card.rect().center())
    assert card.time.text() == "Loading torch…"
    assert started == []
    controller.engine_loaded()
    assert card.time.text() == "6\u2009s"
    ((spec, labels),) = started
    assert spec["model"] == {"kind": "mlp", "hidden": [16]} | {
        name: value for name, value in spec["model"].items() if name not in ("kind", "hidden")
    }
    assert spec["schema_version"] == 1, "the defaults are filled in"
    assert labels == {"title": "Title one", "group": ""}
    assert opened == ["run-id"]
    controller.engine_ready.emit()
    assert len(started) == 1, "it starts once"


def test_that_the_last_of_two_clicks_before_torch_counts(qtbot, page, controller):
    started = []
    controller.start = lambda spec, **labels: started.append(labels["title"]) or "run-id"
    for name in ("one", "two"):
        qtbot.mouseClick(page.cards[name], Qt.MouseButton.LeftButton)
    assert page.cards["one"].time.text() == "6\u2009s"
    controller.engine_loaded()
    assert started == ["A", "B"]


def test_that_the_variants_of_a_preset_are_one_group_and_the_first_is_opened(
    qtbot, page, controller
):
    started, opened = [], []
    controller.start = lambda spec, **labels: (
        started.append((spec, labels)) or f"run {len(started)}"
    )
    controller.opened.connect(opened.append)
    controller.engine_loaded()
    qtbot.keyClick(page.cards["two"], Qt.Key.Key_Return)
    assert [(spec["seed"], labels["title"]) for spec, labels in started] == [(1, "A"), (2, "B")]
    groups = {labels["group"] for _, labels in started}
    assert len(groups) == 1
    assert groups != {""}
    assert opened == ["run 1"]


def test_that_a_preset_that_cannot_run_is_told_and_starts_nothing(qtbot, monkeypatch, controller):
    bad = preset("bad", variants=(("A", {}), ("B", {"training": {"epochs": 0}})))
    monkeypatch.setattr(start_module, "presets", lambda: (bad,))
    page = shown(qtbot, controller)
    controller.engine_loaded()
    with qtbot.waitSignal(controller.problem) as told:
        page.cards["bad"].click()
    assert "training.epochs" in told.args[1]
    assert controller.workspace.records() == []


def test_that_setting_up_opens_a_draft_and_starts_nothing(qtbot, page, controller):
    drafts = []
    controller.draft_opened.connect(drafts.append)
    card = page.cards["two"]
    before = card.sentence.y(), card.heightForWidth(300)
    page.activateWindow()
    card.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(card.set_up.isVisible)
    assert (card.sentence.y(), card.heightForWidth(300)) == before, "nothing jumps"
    qtbot.mouseClick(card.set_up, Qt.MouseButton.LeftButton)
    assert drafts == [{"seed": 1, "title": "A"}]
    assert controller.workspace.records() == []


def test_that_the_device_of_the_settings_is_taken_unless_the_preset_says_one(
    qtbot, monkeypatch, controller
):
    both = (preset("any"), preset("own", spec={"device": "auto"}))
    monkeypatch.setattr(start_module, "presets", lambda: both)
    controller.settings.device = "cpu"
    page = shown(qtbot, controller)
    devices = []
    controller.start = lambda spec, **labels: devices.append(spec["device"]) or "run"
    controller.engine_loaded()
    page.cards["any"].click()
    page.cards["own"].click()
    assert devices == ["cpu", "auto"]


def test_that_the_menu_of_a_card_starts_or_sets_up(qtbot, page, controller):
    card = page.cards["two"]
    place = card.rect().center()
    card.contextMenuEvent(
        QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, place, card.mapToGlobal(place))
    )
    menu = card.findChild(QMenu)
    assert [action.text() for action in menu.actions()] == ["Start", "Set up first"]
    with qtbot.waitSignal(controller.draft_opened):
        menu.actions()[1].trigger()
    menu.close()


def test_that_a_click_on_a_card_trains_a_run_to_its_end(qtbot, page, controller):
    import workbench.training  # noqa: F401 - as the window does before it is ready

    controller.engine_loaded()
    page.cards["one"].click()
    with qtbot.waitSignal(controller.run_ended, timeout=20_000) as ended:
        pass
    assert ended.args[1].reason == "finished", ended.args[1].error
    page.refresh()
    qtbot.waitUntil(lambda: page.has_read and bool(page.recent.rows))
    row = page.recent.rows[0]
    assert row.title.full_text() == "Title one"
    assert row.state.full_text() == "Finished"
    assert row.result.full_text().startswith("test accuracy ")
    assert len(row.spark.values) == 20, "one value for each step, and there are fewer than 60"


def test_that_a_training_run_is_followed_and_not_offered_for_recovery(qtbot, cards, controller):
    from engines.events import Metrics, RunStarted, Scores
    from workbench.runner import RunHandle

    run = write_run(controller.workspace, status="queued", title="Live one")
    handle = RunHandle(controller.workspace.folder(run))
    from workbench.history import History

    controller.bridge.watch(handle, History())
    page = shown(qtbot, controller)
    row = page.recent.rows[0]
    assert row.state.full_text() == "Queued"
    assert not page.recovery.isVisible()
    values = np.linspace(2, 1, 30, dtype=np.float32)[:, None]
    handle.inbox.extend(
        [
            RunStarted(0, 100, 50),
            Metrics(1, ("train/loss",), values, 0.1),
            Scores(30, {"validation/accuracy": 0.881}),
        ]
    )
    qtbot.waitUntil(lambda: row.state.full_text() == "Running, 30 %", timeout=3000)
    assert row.result.full_text() == "val accuracy 88.1 %"
    assert row.spark.values == pytest.approx(values[:, 0])


def test_that_a_click_or_enter_on_a_row_opens_its_run(qtbot, cards, controller):
    first = write_run(controller.workspace, status="finished", title="First")
    second = write_run(
        controller.workspace, status="failed", title="Second", sentence="The loss is NaN."
    )
    page = shown(qtbot, controller)
    assert [row.run for row in page.recent.rows] == [second, first]
    assert page.recent.rows[0].state.full_text() == "Failed: the loss is NaN."
    opened = []
    controller.opened.connect(opened.append)
    qtbot.mouseClick(page.recent.rows[1], Qt.MouseButton.LeftButton)
    qtbot.keyClick(page.recent.rows[0], Qt.Key.Key_Return)
    assert opened == [first, second]


def test_that_many_runs_show_the_newest_and_the_count(qtbot, cards, controller):
    runs = [write_run(controller.workspace, status="finished") for _ in range(MOST + 3)]
    page = shown(qtbot, controller, (1200, 1400))
    visible = [row.run for row in page.recent.rows if row.isVisible()]
    assert visible == runs[::-1][:MOST]
    assert page.recent.all_runs.text() == "All 11 runs"


@pytest.mark.parametrize(
    ("width", "columns"),
    [(1920 - 89, 4), (1600 - 89, 4), (1366 - 57, 4), (1100, 3), (700, 2), (330, 1)],
)
def test_that_the_grid_has_as_many_columns_as_fit(qtbot, page, width, columns):
    assert page.grid.columns(width - 64) == columns


def test_that_on_a_small_screen_cards_are_whole_and_scroll_down_only(qtbot, controller):
    for _ in range(6):
        write_run(controller.workspace, status="finished")
    write_run(controller.workspace, status="interrupted", step=10, checkpoints=(10,))
    page = shown(qtbot, controller, (1366 - 57, 768 - 30))
    assert len(page.cards) >= 5, "the shipped presets"
    qtbot.waitUntil(lambda: page.recovery.isVisible())
    assert page._scroll.horizontalScrollBar().maximum() == 0
    for card in page.cards.values():
        assert card.sentence.geometry().bottom() <= card.height()
        assert card.rect().contains(card.time.geometry())


def test_that_every_shipped_card_has_its_picture_once_torch_is_there(qtbot, controller):
    import workbench.training  # noqa: F401

    page = shown(qtbot, controller)
    early = {name for name, card in page.cards.items() if card.has_drawing()}
    assert "cnn_fashion" in early
    controller.engine_loaded()
    qtbot.waitUntil(lambda: all(card.has_drawing() for card in page.cards.values()), timeout=8000)


def test_that_the_search_field_and_the_buttons_lead_on(qtbot, page, controller, monkeypatch):
    import ui.palette

    asked = []
    monkeypatch.setattr(ui.palette, "open_palette", lambda *arguments: asked.append(arguments))
    qtbot.mouseClick(page.search, Qt.MouseButton.LeftButton)
    assert asked == [(page.window(), controller)]
    with qtbot.waitSignals([controller.page_wanted, controller.draft_opened]):
        page.findChild(QPushButton, "new_experiment").click()
    with qtbot.waitSignal(controller.page_wanted) as wanted:
        page.findChild(QPushButton, "import_pictures").click()
    assert wanted.args == ["data"]


def test_that_the_words_of_a_row_follow_its_run():
    def seen(status, step=0, **scores):
        record = RunRecord("x", 1, 0.0, sentence="NaN at step 3.\nmore")
        summary = {f"{split}/accuracy": score for split, score in scores.items()}
        return Seen(record, status, step, 200, summary)

    assert state_words(seen("running", 50)) == "Running, 25 %"
    assert state_words(seen("finished", 200)) == "Finished"
    assert state_words(seen("failed", 3)) == "Failed: NaN at step 3."
    assert result_words(seen("finished", test=0.5, validation=0.6)) == "test accuracy 50 %"
    assert result_words(seen("running", validation=0.6)) == "val accuracy 60 %"
    assert result_words(seen("queued")) == "–"


def test_that_times_are_said_as_people_do():
    assert [duration(s) for s in (0.4, 40, 150, 5400)] == [
        "1\u2009s",
        "40\u2009s",
        "3\u2009min",
        "1.5\u2009h",
    ]
    noon = time.mktime((2026, 3, 10, 12, 0, 0, 0, 0, -1))
    assert when(noon - 30, noon) == "now"
    assert when(noon + 99, noon) == "now"
    assert when(noon - 240, noon) == "4\u2009min ago"
    assert when(noon - 2 * 3600, noon) == "today 10:00"
    assert when(noon - 13 * 3600, noon) == "yesterday 23:00"
    assert when(noon - 3 * 86400, noon) == "3 days ago"
    assert when(noon - 40 * 86400, noon) == "29 January"
    assert when(noon - 400 * 86400, noon) == "3 February 2025"


def test_that_a_course_is_the_mean_of_equal_stretches():
    values = np.array([1.0, 3.0, np.nan, 5.0, 7.0, 9.0, 11.0])
    assert course(values, 3) == pytest.approx([2, 6, 10])
    assert course(values[:2]) == pytest.approx([1, 3])
    assert len(course(np.arange(10_000.0))) == 60


def test_that_the_loss_curves_cross_where_mathematics_says(qapp):
    from PySide6.QtCore import QRectF, QSize
    from PySide6.QtGui import QColor, QImage

    from ui.pictures import LossCurves, rendered

    image = rendered(LossCurves(), QSize(400, 200), 1.0).toImage()
    inside = QRectF(0, 0, 400, 200).adjusted(20, 22, -20, -22)

    def at(lead, loss):
        point = QPointF(
            inside.left() + (lead + 3) / 6 * inside.width(),
            inside.bottom() - loss / 4 * inside.height(),
        )
        return image.pixelColor(point.toPoint())

    ground = image.pixelColor(300, 40)
    assert isinstance(image, QImage)
    assert at(-2, 3) != ground, "hinge: 1 - d"
    assert at(-1, 1.313) != ground, "cross-entropy: ln(1 + e)"
    assert at(-2, 1.2) == at(2, 2) == QColor(ground)
