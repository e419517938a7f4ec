"""What every test of the window gets: no screen, settings of its own, and a search for leaks."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import threading

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, QTimer
from PySide6.QtWidgets import QApplication

import ui  # noqa: F401  chooses the Qt binding before anything imports one
from ui.theme import theme

# Pools that live as long as the process, by the start of their threads' names.
LASTING_THREADS = ("formula", "asyncio", "pytest", "Dummy", "ThreadPoolExecutor", "QThread")


@pytest.fixture(scope="session")
def qapp(qapp):
    theme().apply(qapp, "light")
    return qapp


@pytest.fixture(params=["dark", "light"])
def each_theme(request, qapp):
    """Runs the test in both themes; gives the theme."""
    theme().apply(qapp, request.param)
    yield theme()
    theme().apply(qapp, "light")


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch):
    """Settings and data folders of this test alone."""
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings")
    )


@pytest.fixture(autouse=True)
def nothing_left_behind(qapp):
    """Fail a test that leaves a window, a running timer or a thread behind."""
    before = set(threading.enumerate())
    windows_before = set(QApplication.topLevelWidgets())
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    windows = [widget for widget in QApplication.topLevelWidgets() if widget not in windows_before]
    described = [f"{type(widget).__name__} {widget.objectName()!r}" for widget in windows]
    for widget in windows:
        widget.close()
        widget.deleteLater()
    timers = [timer for timer in qapp.findChildren(QTimer) if timer.isActive()]
    threads = [
        thread.name
        for thread in threading.enumerate()
        if thread not in before and not thread.name.startswith(LASTING_THREADS)
    ]
    assert not described, f"windows left behind: {described}; use qtbot.addWidget"
    assert not timers, f"timers of the application still run: {timers}"
    assert not threads, f"threads left behind: {threads}"
