import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton

import ui.pages.settings as settings_module
import ui.pages.settings_about as about_module
from tests.ui.runs_on_disk import write_run
from ui.controller import Controller
from ui.pages.settings import SettingsPage
from ui.pages.settings_reading import content_of, licences, size_words, versions
from ui.settings import Settings, load
from ui.theme import theme


@pytest.fixture
def controller(qapp, workspace):
    controller = Controller(workspace, Settings(workspace=str(workspace.root)))
    yield controller
    controller.close()
    theme().apply(qapp, "light")


@pytest.fixture
def page(qtbot, controller):
    page = SettingsPage(controller)
    qtbot.addWidget(page)
    page.resize(1200, 740)
    page.show()
    page.entered()
    qtbot.waitUntil(lambda: not controller.background.busy)
    return page


def again(qtbot, controller, page):
    page.entered()
    qtbot.waitUntil(lambda: not controller.background.busy)


def test_that_the_theme_applies_at_once_and_is_kept(qtbot, page):
    page.theme._group.button(1).click()
    assert theme().tokens.dark
    assert load().theme == "dark"
    page.theme._group.button(2).click()
    assert not theme().tokens.dark
    assert load().theme == "light"


def test_that_a_theme_chosen_elsewhere_is_shown(qtbot, controller, page):
    controller.settings.theme = "dark"
    again(qtbot, controller, page)
    assert page.theme.chosen == 1


def test_that_the_text_size_is_kept_within_80_to_150_percent(qtbot, page):
    page.scale.setValue(page.scale.maximum())
    assert page.scale_words.text() == "150 %"
    qtbot.waitUntil(lambda: theme().scale == 1.5)
    assert load().text_scale == 1.5
    page.scale.setValue(page.scale.minimum())
    assert load().text_scale == pytest.approx(0.8)


def test_that_device_threads_and_motion_are_kept(page):
    page.device.setCurrentIndex(page.device.findData("cpu"))
    page.device.activated.emit(0)
    page.threads.setCurrentIndex(page.threads.findData(1))
    page.threads.activated.emit(0)
    page.motion.click()
    assert (load().device, load().threads, load().reduce_motion) == ("cpu", 1, True)


def test_that_the_page_says_what_torch_found_once_it_is_there(page, controller):
    import torch

    assert "when torch is loaded" in page.device_found.text()
    controller.engine_loaded()
    there = torch.cuda.is_available()
    assert ("None is found" in page.device_found.text()) == (not there)
    item = page.device.model().item(page.device.findData("cuda"))
    assert item.isEnabled() == there


def test_that_another_workspace_waits_for_the_next_start(page, controller, tmp_path):
    assert "next start" in page.content.text()
    other = tmp_path / "other"
    other.mkdir()
    page.take_workspace(str(other))
    assert load().workspace == str(other)
    assert page.content.text().endswith(f"From the next start on: {other}")
    assert controller.workspace.root != other


def test_that_a_folder_that_cannot_be_written_is_refused(qtbot, page, controller, tmp_path):
    with qtbot.waitSignal(controller.problem) as told:
        page.take_workspace(str(tmp_path / "missing"))
    assert "can't be written" in told.args[0]
    assert controller.settings.workspace == str(controller.workspace.root)


def test_that_emptying_the_trash_asks_and_deletes_what_is_in_it(qtbot, page, controller):
    kept, doomed = (write_run(controller.workspace, status="finished") for _ in range(2))
    controller.workspace.trash([doomed])
    again(qtbot, controller, page)
    assert page.trash_words.text().startswith("1 run in the trash")
    assert page.content.text().startswith("1 run · ")
    qtbot.mouseClick(page.empty_trash, Qt.MouseButton.LeftButton)
    box = page.findChild(QMessageBox)
    assert box.text() == "Delete 1 run for good?"
    assert len(controller.workspace.records(trashed=None)) == 2, "asked, not done"
    delete = next(button for button in box.buttons() if button.text() == "Delete for good")
    qtbot.mouseClick(delete, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.trash_words.text() == "No runs in the trash")
    assert [record.id for record in controller.workspace.records(trashed=None)] == [kept]
    assert not (controller.workspace.runs_folder / doomed).exists()
    assert not page.empty_trash.isEnabled()


def test_that_cancelling_keeps_the_trash(qtbot, page, controller):
    controller.workspace.trash([write_run(controller.workspace, status="finished")])
    again(qtbot, controller, page)
    page.empty_trash.click()
    box = page.findChild(QMessageBox)
    qtbot.mouseClick(box.button(QMessageBox.StandardButton.Cancel), Qt.MouseButton.LeftButton)
    assert len(controller.workspace.records(trashed=True)) == 1


def test_that_buttons_open_the_folders_and_licences(qtbot, page, controller, monkeypatch):
    opened = []
    for module in (settings_module, about_module):
        monkeypatch.setattr(module, "open_path", opened.append)
    for button in page.findChildren(QPushButton):
        if "Open" in button.text() or button.accessibleName().startswith("Licence"):
            button.click()
    assert controller.workspace.root in opened
    assert {path.name for path in opened} >= {"logs", "LICENCE.txt", "Inter-LICENCE.txt"}


def test_that_content_counts_every_file_and_the_trash_apart(workspace):
    first, second = (write_run(workspace, status="finished") for _ in range(2))
    workspace.trash([second])
    (workspace.runs_folder / first / "artifacts").mkdir()
    (workspace.runs_folder / first / "artifacts" / "big").write_bytes(b"x" * 500_000)
    content = content_of(workspace)
    files = [Path(folder) / name for folder, _, names in os.walk(workspace.root) for name in names]
    assert content.size == sum(file.stat().st_size for file in files)
    assert content.size > 500_000 > content.trash_size > 0
    assert (content.runs, content.trashed) == (1, 1)


def test_that_sizes_have_two_or_three_digits():
    sizes = {0: "0 B", 999: "999 B", 1000: "1.0 kB", 9_960: "10 kB", 340_200_000: "340 MB"}
    sizes |= {999_600: "1.0 MB", 5_000_000_000_000_000: "5000 TB"}
    assert {size: size_words(size).replace("\u2009", " ") for size in sizes} == sizes


def test_that_versions_and_licences_of_what_ships_are_told():
    import PySide6

    told = dict(versions())
    assert told["PySide6-Essentials"] == PySide6.__version__
    assert told["CV Experiment Workbench"].count(".") == 2
    named = [name for name, _ in licences()]
    assert {"digits", "fashion-mnist", "Inter", "JetBrainsMono"} <= set(named)
    assert all(path.read_text(encoding="utf-8").strip() for _, path in licences())
