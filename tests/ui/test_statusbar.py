"""The bottom line: what it says of the machine, before and after torch is there."""

import shutil

import psutil
import pytest

from ui.controller import Controller
from ui.settings import Settings
from ui.statusbar import StatusBar, device_words, memory_words
from workbench.workspace import Workspace

GIB = 1 << 30


@pytest.fixture
def controller(qapp, tmp_path):
    made = Controller(Workspace(tmp_path / "here"), Settings(threads=1))
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def facts(qtbot, controller):
    """A function giving the bar's facts one by one."""
    bar = StatusBar(controller)
    qtbot.addWidget(bar)
    bar.show()
    qtbot.waitUntil(lambda: bool(bar._right.text()), timeout=2000)
    return lambda: bar._right.text().split("  ·  ")


def test_that_the_device_is_named_once_torch_is_loaded(facts, controller):
    assert facts()[0] == "loading torch…"
    controller.engine_loaded()
    assert facts()[0] == device_words(1)
    assert "loading" not in facts()[0]


def test_that_free_disk_is_that_of_the_workspace(facts, controller, monkeypatch):
    asked = []

    def usage(path):
        asked.append(path)
        return type("Usage", (), {"free": 41.6 * GIB})

    monkeypatch.setattr("ui.statusbar.shutil.disk_usage", usage)
    controller.engine_loaded()
    assert facts()[2] == "disk 42 GB free"
    assert asked == [controller.workspace.root]


def test_that_a_workspace_that_went_away_is_said_and_not_raised(facts, controller):
    shutil.rmtree(controller.workspace.root)
    controller.engine_loaded()
    assert facts()[2] == "disk unknown"
    controller.workspace.runs_folder.mkdir(parents=True)


def test_that_the_facts_are_read_again_by_themselves(qtbot, facts, monkeypatch):
    assert "memory new words" not in facts()
    monkeypatch.setattr("ui.statusbar.memory_words", lambda: "new words")
    qtbot.waitUntil(lambda: "memory new words" in facts(), timeout=5000)


@pytest.mark.parametrize(
    ("chosen", "cores", "words"),
    [(1, 8, "1 CPU thread"), (3, 8, "3 CPU threads"), (0, 8, "7 CPU threads")],
)
def test_that_threads_are_counted_as_training_will_use_them(monkeypatch, chosen, cores, words):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert device_words(chosen) == words


def test_that_a_graphics_card_is_called_by_its_name(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "A Card 9000")
    assert device_words(4) == "A Card 9000"


def test_that_memory_is_this_process_of_the_whole(monkeypatch):
    class Process:
        def __init__(self, _pid):
            pass

        def memory_info(self):
            return type("Info", (), {"rss": 1.25 * GIB})

    monkeypatch.setattr(psutil, "Process", Process)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("All", (), {"total": 16 * GIB}))
    assert memory_words() == "1.2 of 16 GB"
