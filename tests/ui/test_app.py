"""The whole application in processes of its own: it opens, loads torch, refuses, and ends."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from workbench.durable import is_locked, lock
from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
SOON = 60  # seconds to wait for a word; a busy machine needs a few

# The real application; the subclasses only say on stdout what happens.
TALKING = """
import json, sys
from pathlib import Path
import ui.app

def say(word):
    print(word, flush=True)

class TalkingShell(ui.app.Shell):
    def paintEvent(self, event):
        super().paintEvent(event)
        say("painted")

class TalkingController(ui.app.Controller):
    def engine_loaded(self):
        super().engine_loaded()
        say("torch " + sys.modules["torch"].__version__)
        if len(sys.argv) > 2:
            self.run_grew.connect(lambda run: say(f"step {self.history(run).step}"))
            say("run " + self.start(json.loads(sys.argv[2]), title="long"))

ui.app.Shell, ui.app.Controller = TalkingShell, TalkingController
sys.exit(ui.app.main(Path(sys.argv[1])))
"""


class Window:
    """An application in a child process.

    Attributes:
        heard: its words on stdout so far.
    """

    def __init__(self, *command: str, folder: Path = ROOT):
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": path}
        self.child = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.heard: list[str] = []
        self.errors: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read_words),
            threading.Thread(target=self._read_errors),
        ]
        for reader in self._readers:
            reader.start()

    def wait_for(self, beginning: str) -> str:
        """The rest of the next line that begins with `beginning`."""
        end = time.monotonic() + SOON
        while time.monotonic() < end:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                break
            assert line is not None, f"it ended: {self.heard} {self.errors}"
            self.heard.append(line)
            if line.startswith(beginning):
                return line.removeprefix(beginning).strip()
        raise AssertionError(f"no {beginning!r} in {SOON} s: {self.heard} {self.errors}")

    def wait_for_error(self, words: str) -> None:
        """Wait until stderr has `words`."""
        end = time.monotonic() + SOON
        while words not in "".join(self.errors):
            assert self.child.poll() is None, f"it ended: {self.errors}"
            assert time.monotonic() < end, f"no {words!r} in {SOON} s: {self.errors}"
            time.sleep(0.02)

    def end(self, within: float, how: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.child.send_signal(how)
        return self.child.wait(within)

    def close(self) -> None:
        """Kill what a failed test left."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        for reader in self._readers:
            reader.join()
        self.child.stdout.close()
        self.child.stderr.close()

    def _read_words(self) -> None:
        for line in self.child.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_errors(self) -> None:
        self.errors.extend(self.child.stderr)


@contextmanager
def application(*command: str, folder: Path = ROOT):
    window = Window(*command, folder=folder)
    try:
        yield window
    finally:
        window.close()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "workspace"


def test_that_the_window_paints_before_torch_is_loaded_and_ends_on_sigterm(root):
    with application("-c", TALKING, str(root)) as window:
        window.wait_for("painted")
        assert not any(word.startswith("torch") for word in window.heard)
        assert window.wait_for("torch ")[0].isdigit()
        assert is_locked(root / "window.lock")
        assert window.end(within=10) == 0
    assert not is_locked(root / "window.lock")
    assert window.errors == []


def test_that_closing_while_torch_loads_aborts_nothing_and_keeps_the_settings(root, tmp_path):
    with application("-c", TALKING, root.name, folder=tmp_path) as window:
        window.wait_for("painted")
        time.sleep(0.3)  # into the import, which the end must wait for
        assert window.end(within=20) == 0
    assert window.errors == []
    stored = tmp_path / "xdg_config_home" / "cv-experiment-workbench" / "settings.json"
    # A folder given on the command line is for that time only.
    assert json.loads(stored.read_text())["workspace"] == ""
    assert (root / "index.db").exists()


def test_that_sigterm_interrupts_a_training_run_which_then_resumes(root, no_thread_left):
    from workbench.runner import Runner
    from workbench.spec import parse

    spec = {
        "data": {"kind": "digits"},
        "model": {"kind": "mlp", "hidden": [16]},
        "training": {"epochs": 2000, "batch_size": 64},
        "device": "cpu",
    }
    plain = parse(spec).model_dump(mode="json")
    with application("-c", TALKING, str(root), json.dumps(plain)) as window:
        run = window.wait_for("run ")
        while int(window.wait_for("step ")) < 20:
            pass
        assert window.end(within=10) == 0
    assert window.errors == []
    workspace = Workspace(root)
    left = workspace.record(run)
    assert left.status == "interrupted"
    assert left.step >= 20
    runner = Runner(workspace)
    try:
        handle = runner.resume(run)
        history = workspace.folder(run).history()
        assert history.step == left.step
        end = time.monotonic() + SOON
        while history.step < left.step + 5 and time.monotonic() < end:
            for event in handle.drain():
                history.add(event)
            time.sleep(0.02)
        assert history.step >= left.step + 5
    finally:
        runner.close()


def test_that_a_second_window_says_who_has_the_workspace_and_exits_with_2(root):
    workspace = Workspace(root)
    with (
        lock(workspace.lock_file, "it"),
        application("main.py", "--workspace", str(root)) as window,
    ):
        window.wait_for_error("choose another folder with --workspace")
        assert window.end(within=10) == 2
    said = [line for line in window.errors if "workspace" in line]
    assert said == [
        f"The workspace {root} is in use by process {os.getpid()}. "
        "Close that window first, or choose another folder with --workspace.\n"
    ]


def test_that_the_box_of_a_refused_window_ends_it_when_it_is_closed(root):
    clicking = (
        "from PySide6.QtCore import QTimer\n"
        "from PySide6.QtWidgets import QMessageBox\n"
        "opened = QMessageBox.open\n"
        "def open_and_click(box):\n"
        "    opened(box)\n"
        "    print('box ' + box.text(), flush=True)\n"
        "    QTimer.singleShot(0, box.accept)\n"
        "QMessageBox.open = open_and_click\n"
    )
    root.write_text("I am a file")
    with application("-c", clicking + TALKING, str(root)) as window:
        sentence = window.wait_for("box ")
        assert sentence.startswith(f"The workspace {root} can't be used: ")
        assert window.child.wait(10) == 2


@pytest.mark.parametrize("spoiled", ["runs", "index.db", "window.lock", "logs"])
def test_that_a_workspace_that_cannot_be_written_says_so(root, spoiled):
    root.mkdir()
    # The wrong kind of file stands in the way; permissions would not stop root.
    if spoiled in ("runs", "logs"):
        (root / spoiled).write_text("")
    else:
        (root / spoiled).mkdir()
    with application("main.py", "--workspace", str(root)) as window:
        window.wait_for_error(f"The workspace {root} can't be used: ")
        assert window.end(within=10) == 2
    assert not any("Traceback" in line for line in window.errors)
