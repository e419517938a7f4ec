"""Start and end of the window: first paint, then torch; at the end runs first, then the rest."""

import asyncio
import faulthandler
import gc
import logging
import logging.handlers
import signal
import sqlite3
import sys
import threading
from collections import deque
from contextlib import ExitStack
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, qInstallMessageHandler
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from ui import settings as settings_module
from ui.controller import Controller
from ui.failures import Failures
from ui.loading import load_engine
from ui.settings import Settings
from ui.shell import Shell
from ui.theme import theme
from workbench.durable import Locked, lock
from workbench.environment import keep_freed_memory
from workbench.workspace import Workspace

log = logging.getLogger(__name__)


def main(workspace: Path | None = None) -> int:
    """Open the window on `workspace` and return the exit code when it has closed."""
    gc.disable()  # until torch is loaded; see ui.loading
    keep_freed_memory()
    settings = settings_module.load()
    # A folder given here is for this time only; the Settings page keeps one for good.
    root = (workspace or settings.workspace_path).expanduser().absolute()
    app = make_application(settings)
    with asyncio.Runner(loop_factory=lambda: QEventLoop(app)) as runner:
        return runner.run(_window(settings, root))


def make_application(settings: Settings) -> QApplication:
    """The QApplication in the chosen theme."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("CV Experiment Workbench")
    app.setQuitOnLastWindowClosed(False)  # the loop must see the shutdown to its end
    theme().apply(app, settings.theme, settings.text_scale)  # type: ignore[arg-type]
    return app


async def _window(settings: Settings, root: Path) -> int:
    failures = Failures()
    with ExitStack() as held:
        try:
            workspace = Workspace(root)
            held.enter_context(lock(workspace.lock_file, f"The workspace {workspace.root}"))
            keep_log(workspace.root)
        except Locked as error:
            await _refuse(
                f"{error}. Close that window first, or choose another folder with --workspace."
            )
            return 2
        except (OSError, sqlite3.Error) as error:
            await _refuse(f"The workspace {root} can't be used: {error}.")
            return 2
        held.callback(failures.remove)
        failures.install()
        await _run(Controller(workspace, settings), failures)
    return 0


async def _run(controller: Controller, failures: Failures) -> None:
    """Show the window until it is closed, then end runs first and everything else after."""
    shell = Shell(controller)
    failures.told.connect(controller.problem)
    closing = asyncio.Event()
    shell.closing.connect(closing.set)
    signal.signal(signal.SIGTERM, lambda *_: shell.close())
    signal.signal(signal.SIGINT, lambda *_: shell.close())
    shell.show()
    loading = EngineLoading(controller)
    await closing.wait()
    shell.hide()
    settings_module.save(controller.settings)
    await asyncio.get_running_loop().run_in_executor(None, controller.runner.close)
    controller.close()
    loading.join()
    shell.deleteLater()


class EngineLoading(QObject):
    """Loads torch once the window has painted, and tells the controller."""

    def __init__(self, controller: Controller):
        super().__init__(controller)
        self._controller = controller
        self._said: deque[str] = deque()
        self._thread: threading.Thread | None = None
        self._watch = QTimer(self)
        self._watch.timeout.connect(self._look)
        # After the first paint, and a moment more for the cards' pictures.
        QTimer.singleShot(60, self, self._start)

    def join(self) -> None:
        """Wait for the thread; a window closed while loading must not abort it."""
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        self._thread = load_engine(self._controller.settings.threads, self._said.append)
        self._watch.start(20)

    def _look(self) -> None:
        if not self._said:
            return
        self._watch.stop()
        error = self._said.popleft()
        if error:
            self._controller.problem.emit(
                "The engine could not be loaded, so nothing can train; see Details.", error
            )
        else:
            self._controller.engine_loaded()


async def _refuse(sentence: str) -> None:
    """Say in a window of its own why this one doesn't open, until it is closed or we are ended."""
    from PySide6.QtWidgets import QMessageBox

    box = QMessageBox(QMessageBox.Icon.Warning, "CV Experiment Workbench", "")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(sentence)
    done = asyncio.get_running_loop().create_future()
    box.finished.connect(done.set_result)
    signal.signal(signal.SIGTERM, lambda *_: box.close())
    signal.signal(signal.SIGINT, lambda *_: box.close())
    waking = QTimer(box)  # Python looks at signals only while Python runs
    waking.timeout.connect(lambda: None)
    waking.start(100)
    box.open()
    if sys.stderr is not None:  # there is none under pythonw
        sys.stderr.write(sentence + "\n")
        sys.stderr.flush()
    await done
    box.deleteLater()


def keep_log(root: Path) -> None:
    """Write the log, Qt's messages and crashes into the workspace."""
    folder = root / "logs"
    folder.mkdir(exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        folder / "workbench.log", maxBytes=1 << 20, backupCount=3, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    qInstallMessageHandler(lambda kind, context, text: log.warning("Qt: %s", text))
    crashes = (folder / "crash.log").open("a", encoding="utf-8")
    faulthandler.enable(crashes)
