"""The Data page: choosing, importing, looking, and going on to an experiment."""

import threading

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QPlainTextEdit, QPushButton, QToolTip

from engines.opencv import cv2
from engines.registry import dataset
from ui.controller import Controller
from ui.data.grid import PictureGrid
from ui.data.loading import Cancelled, Loading
from ui.pages.data import DataPage
from ui.settings import Settings
from workbench.workspace import Workspace


@pytest.fixture
def controller(qapp, tmp_path):
    made = Controller(Workspace(tmp_path / "workspace"), Settings(workspace=str(tmp_path)))
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def page(qtbot, controller):
    controller.engine_loaded()
    made = DataPage(controller)
    qtbot.addWidget(made)
    made.resize(1309, 739)
    made.show()
    shown(qtbot, made, "digits")
    return made


@pytest.fixture
def folder(tmp_path):
    """Two classes of eight pictures, one file empty and one nonsense."""
    root = tmp_path / "mine"
    for place, name in enumerate(("cats", "dogs")):
        (root / name).mkdir(parents=True)
        for number in range(8):
            picture = np.full((20, 20, 3), 100 * place + 10 * number, np.uint8)
            assert cv2.imwrite(str(root / name / f"{number}.png"), picture)
    (root / "cats" / "empty.png").write_bytes(b"")
    (root / "dogs" / "nonsense.jpg").write_bytes(b"\xff\xd8\xffnonsense")
    return root


def shown(qtbot, page, name):
    def is_shown():
        summary = page.content.summary
        return summary is not None and summary.name == name and page.content.isVisible()

    qtbot.waitUntil(is_shown, timeout=20_000)


def button(page, name):
    return page.findChild(QPushButton, name)


def test_that_before_torch_the_page_says_so_and_fills_when_it_is_there(qtbot, controller):
    page = DataPage(controller)
    qtbot.addWidget(page)
    page.show()
    assert page.message.sentence.text() == "Loading torch…"
    assert not page.import_button.isEnabled()
    controller.engine_loaded()
    assert page.catalogue.count() == len(list(dataset))
    assert page.import_button.isEnabled()
    shown(qtbot, page, "digits")
    assert page.content.facts.full_text().startswith("8 × 8 grey · 1\u2009294 train")


def test_that_a_folder_dropped_before_torch_is_read_afterwards(qtbot, controller, folder):
    (folder / "cats" / "empty.png").unlink()
    (folder / "dogs" / "nonsense.jpg").unlink()
    page = DataPage(controller)
    qtbot.addWidget(page)
    page.show()
    page.import_folder(str(folder))
    controller.engine_loaded()
    shown(qtbot, page, "image_folder")


def test_that_the_page_fits_the_small_screen(page):
    assert page.minimumSizeHint().width() <= 1309
    assert page.minimumSizeHint().height() <= 739


def test_that_the_split_switch_and_a_class_filter_the_pictures(page):
    browse = page.content.browse
    train, test = (page.content.summary.counts[split] for split in ("train", "test"))
    assert browse.grid.count == train.sum()
    browse.counts.setCurrentRow(1 + 3)
    assert browse.grid.count == train[3]
    browse.split._group.button(2).click()
    assert browse.grid.count == test[3]
    assert browse.balance.full_text().startswith(("Balanced", "Nearly balanced", "Imbalanced"))


def test_that_a_picture_is_chosen_by_click_and_keys_and_closed_by_escape(qtbot, page):
    browse, summary = page.content.browse, page.content.summary
    grid: PictureGrid = browse.grid
    where = grid.box(2).center()
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert grid.place == 2
    assert browse.detail.isVisible()
    assert browse.detail.title.full_text() == summary.classes[summary.splits["train"].label_N[2]]
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    assert grid.place == 3
    qtbot.keyClick(grid, Qt.Key.Key_Down)
    assert grid.place == 3 + grid.columns()
    qtbot.keyClick(grid, Qt.Key.Key_End)
    assert grid.place == grid.count - 1
    assert grid.viewport().rect().contains(grid.box(grid.place))
    qtbot.keyClick(grid, Qt.Key.Key_Escape)
    assert not browse.detail.isVisible()
    assert grid.place == -1


def test_that_only_pictures_in_sight_are_asked_for(qtbot):
    grid = PictureGrid()
    qtbot.addWidget(grid)
    grid.resize(500, 400)
    asked = set()

    def picture(place):
        asked.add(place)
        return np.full((28, 28, 1), place % 256, np.uint8)

    grid.show_pictures(60_000, picture, str, lambda place: place % 10, 10)
    with qtbot.waitExposed(grid):
        grid.show()
    grid.viewport().repaint()
    assert 1 < len(asked) < 200
    asked.clear()
    bar = grid.verticalScrollBar()
    bar.setValue(bar.maximum())
    grid.viewport().repaint()
    assert max(asked) == 59_999
    assert len(asked) < 200
    assert grid.place_at(grid.box(59_999).center()) == 59_999
    assert grid.place_at(QPoint(2, 2)) == -1


def test_that_hovering_tells_label_and_index(page):
    grid = page.content.browse.grid
    words = grid._words(5)
    label = page.content.summary.splits["train"].label_N[5]
    assert words == f"Class: {label}\nSplit: train\nIndex: 5"
    QToolTip.hideText()


def test_that_unreadable_files_are_listed_and_skipped_only_on_consent(qtbot, page, folder):
    page.import_folder(str(folder))
    qtbot.waitUntil(lambda: page.trouble is not None and page.trouble.isVisible(), timeout=20_000)
    listed = page.trouble.findChild(QPlainTextEdit, "unreadable_files").toPlainText()
    assert "cats/empty.png" in listed
    assert "dogs/nonsense.jpg" in listed
    skip = button(page.trouble, "skip")
    assert skip.text() == "Skip these 2 files"
    skip.click()
    shown(qtbot, page, "image_folder")
    assert page.settings.values()["skip_unreadable"] is True
    assert page.content.summary.classes == ("cats", "dogs")
    assert "2 files were skipped" in page.content.notes.accessibleName()
    page.import_folder(str(folder / "cats"))
    assert page.settings.values()["skip_unreadable"] is False


def test_that_a_folder_that_cannot_be_read_leaves_the_rest_alone(qtbot, page, tmp_path):
    page.import_folder(str(tmp_path / "nowhere"))
    qtbot.waitUntil(lambda: page.trouble is not None and page.trouble.isVisible(), timeout=20_000)
    assert "is no folder; choose one that exists" in page.trouble.sentence.text()
    assert button(page.trouble, "skip") is None
    assert "is no folder" in page.settings._forms[0].errors()["folder"]
    page.select("digits")
    shown(qtbot, page, "digits")


def test_that_data_sets_in_files_ask_for_their_folder(qtbot, page):
    page.select("cifar10")
    assert "the files of CIFAR-10" in page.message.sentence.text()
    page.message.button.click()
    dialog = page.findChild(QFileDialog, "folder_dialog")
    assert dialog is not None
    assert dialog.fileMode() == QFileDialog.FileMode.Directory
    dialog.reject()


def test_that_a_path_being_typed_is_not_read_before_return(qtbot, page, folder):
    page.select("image_folder")
    line = page.settings.folder_line()
    qtbot.keyClicks(line, str(folder.parent))
    with qtbot.assertNotEmitted(page.settings.changed, wait=250):
        pass
    assert not page.loading.busy
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert page.loading.busy
    qtbot.waitUntil(lambda: not page.loading.busy, timeout=20_000)


def test_that_settings_stay_with_their_data_set(qtbot, page):
    page.select("shapes")
    page.settings.set_values({"images": 90})
    page.load()
    shown(qtbot, page, "shapes")
    page.select("digits")
    shown(qtbot, page, "digits")
    page.select("shapes")
    assert page.settings.values()["images"] == 90
    shown(qtbot, page, "shapes")
    assert sum(map(len, page.content.summary.splits.values())) == 90


def test_that_an_invalid_setting_is_marked_and_nothing_is_read(page):
    page.settings.set_values({"validation_share": 3})
    page.load()
    assert not page.loading.busy
    assert "0.01 to 0.5" in page.settings._forms[-1].errors()["validation_share"]
    assert page.content.isVisible()


def test_that_use_opens_a_draft_with_data_and_augmentation(qtbot, controller, page):
    with qtbot.waitSignal(controller.draft_opened) as heard:
        page.content.use.click()
    assert heard.args[0]["data"]["kind"] == "digits"
    assert "augmentation" not in heard.args[0]
    page.content.augmentation.form.set_value({"shift": 1})
    with qtbot.waitSignal(controller.draft_opened) as heard:
        page.content.use.click()
    from workbench.spec import parse

    spec = parse(heard.args[0])
    assert spec.augmentation.shift == 1
    assert spec.data.kind == "digits"


def test_that_the_preview_follows_the_augmentation_and_its_faults(qtbot, page):
    panel = page.content.augmentation
    page.content.tabs.setCurrentWidget(panel)
    versions = panel.versions
    qtbot.waitUntil(lambda: versions.versions is not None, timeout=10_000)
    assert (versions.versions == versions.picture).all()
    assert "Nothing is switched on" in panel.words.full_text()
    panel.form.set_value({"shift": 2, "flip": True})
    panel._update()
    qtbot.waitUntil(lambda: (versions.versions != versions.picture).any(), timeout=10_000)
    before = versions.picture
    panel.another.click()
    qtbot.waitUntil(lambda: versions.picture is not before, timeout=10_000)
    panel.form.set_value({"shift": 8})
    panel._update()
    qtbot.waitUntil(lambda: "shift" in panel.form.errors(), timeout=10_000)
    assert "too large for images of 8×8" in panel.form.errors()["shift"]


def test_that_duplicates_are_shown_in_pairs(qtbot, page, folder):
    copied = (folder / "cats" / "1.png").read_bytes()
    (folder / "dogs" / "copy.png").write_bytes(copied)
    page.import_folder(str(folder))
    qtbot.waitUntil(lambda: page.trouble is not None and page.trouble.isVisible(), timeout=20_000)
    page._skip()
    shown(qtbot, page, "image_folder")
    panel = page.content.duplicates
    wrong = [pair for pair in page.content.summary.pairs if not pair.same_label]
    assert wrong
    panel.which._group.button(2).click()
    assert panel.model.rowCount() == len(wrong)
    assert "labelled cats and dogs" in panel.model.data(panel.model.index(0))
    page.content.tabs.setCurrentWidget(panel)
    assert not panel.grab().isNull()


def test_that_a_dropped_folder_is_imported(qtbot, page, folder):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    drop = QDropEvent(
        QPointF(600, 300),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    page.dropEvent(drop)
    assert page.settings.name == "image_folder"
    assert page.settings.values()["folder"] == str(folder)
    qtbot.waitUntil(lambda: not page.loading.busy, timeout=20_000)


def test_that_tab_goes_from_the_list_through_the_settings_to_the_content(page):
    widget, order = page.import_button, []
    for _ in range(200):
        order.append(widget)
        widget = widget.nextInFocusChain()
    controls = [page.catalogue, *page.settings.controls()]
    places = [order.index(control) for control in controls]
    assert places == sorted(places)
    assert order.index(page.content.use) > places[-1]


def test_that_cancelling_ends_the_work_and_says_so(qtbot, controller):
    loading = Loading(controller)
    begun, ended = threading.Event(), threading.Event()

    def work(progress):
        try:
            while True:
                progress(1, 3, "turning")
                begun.set()
        except Cancelled:
            ended.set()
            raise

    with qtbot.waitSignal(loading.progressed, timeout=5000) as heard:
        loading.load("Turning", work)
        assert begun.wait(5)
    assert heard.args == [1, 3, "turning"]
    with qtbot.waitSignal(loading.cancelled, timeout=5000):
        loading.cancel()
    assert ended.is_set()
    assert not loading.busy


def test_that_a_newer_load_replaces_the_older_one(qtbot, controller):
    loading = Loading(controller)
    got = []
    loading.loaded.connect(got.append)
    begun = threading.Event()

    def endless(progress):
        while True:
            progress(0, 1, "")
            begun.set()

    loading.load("First", endless)
    assert begun.wait(5)
    loading.load("Second", lambda progress: "second")
    qtbot.waitUntil(lambda: bool(got), timeout=5000)
    assert got == ["second"]


def test_that_closing_the_window_ends_a_reading(qtbot, controller):
    loading = Loading(controller)
    begun = threading.Event()

    def endless(progress):
        while True:
            progress(0, 1, "")
            begun.set()

    loading.load("Reading", endless)
    assert begun.wait(5)
    controller.close()  # waits for the thread; the test would hang
    assert not [t for t in threading.enumerate() if t.name.startswith("background")]


def test_that_both_themes_paint_every_tab(qtbot, page, each_theme):
    for place in range(page.content.tabs.count()):
        page.content.tabs.setCurrentIndex(place)
        page.content.browse.grid.choose(place)
        assert not page.grab().isNull()
