"""Render the real window without a screen, for documentation and for eyes."""

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer

from ui.app import make_application
from ui.controller import Controller
from ui.loading import load_engine
from ui.pages.experiment import ExperimentPage
from ui.settings import Settings
from ui.shell import PAGES, Shell
from ui.views.base import View
from workbench.workspace import Workspace

PATIENCE = 60.0  # seconds for torch, data and pictures to arrive
SETTLE = 400  # milliseconds for what follows the last result


class UnknownTarget(ValueError):
    """Neither a page nor a view has that name."""


def take(
    target: str,
    *,
    run: str | None = None,
    size: tuple[int, int] = (1600, 900),
    theme: str = "light",
    workspace: Path,
    out: Path,
) -> None:
    """Write a PNG of the window showing a page, or a view of the Experiment page.

    Args:
        target: a page such as "start", or a view's title such as "Confusion".
        run: a run's number or id to open; needed for views.
        size: width and height in pixels.
        theme: "dark" or "light".

    Raises:
        UnknownTarget: naming what there is.
        NoSuchRun: the run isn't in the workspace.
        OSError: the picture can't be written.
    """
    settings = Settings(workspace=str(workspace), theme=theme)
    app = make_application(settings)
    controller = Controller(Workspace(workspace), settings)
    opened = controller.workspace.folder(run).id if run else None
    shell = Shell(controller)
    try:
        shell.resize(*size)
        shell.show()
        said: list[str] = []
        load_engine(0, said.append).join()
        controller.engine_loaded()
        _show(shell, controller, target, opened)
        wait_until(lambda: not controller.background.busy, PATIENCE)
        wait(SETTLE)
        wait_until(lambda: not any(view.busy for view in shown_views(shell)), PATIENCE)
        wait(SETTLE)
        if not shell.grab().save(str(out), "PNG"):
            raise OSError(f"{out} could not be written as PNG")
    finally:
        controller.close()
        shell.hide()
        shell.deleteLater()
        app.sendPostedEvents(shell)


def _show(shell: Shell, controller: Controller, target: str, run: str | None) -> None:
    wanted = target.lower()
    experiment = shell.page("experiment")
    assert isinstance(experiment, ExperimentPage)
    views = {view.title.lower(): view for view in experiment.all_views()}
    pages = [page.name for page in PAGES]
    if wanted not in pages and wanted not in views:
        names = ", ".join([*pages, *views])
        raise UnknownTarget(f"{target!r} is neither a page nor a view; there are {names}")
    if wanted in views:
        controller.page_wanted.emit("experiment")
    else:
        controller.page_wanted.emit(wanted)
    if run is not None:
        experiment.open_run(run)
    if wanted in views:
        experiment.bring_forward(views[wanted])


def shown_views(shell: Shell) -> list[View]:
    """The views on screen."""
    page = shell.page("experiment")
    assert isinstance(page, ExperimentPage)
    return [view for view in page.all_views() if view.isVisible()]


def wait(milliseconds: int) -> None:
    """Let the event loop run for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Let the event loop run until `condition` holds, at most so long; returns whether it does."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        wait(20)
    return condition()
