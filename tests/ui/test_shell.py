"""The frame: pages made when first shown, keys that work everywhere, problems, and closing."""

import pytest
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton

from ui.controller import Controller
from ui.palette import Palette
from ui.settings import Settings
from ui.shell import NARROW, PAGES, Shell
from ui.theme import theme
from ui.widgets import ErrorPanel
from workbench.workspace import Workspace

NAMES = ["start", "experiment", "runs", "data", "settings"]


@pytest.fixture
def controller(qapp, tmp_path):
    made = Controller(Workspace(tmp_path), Settings(workspace=str(tmp_path)))
    made.engine_loaded()
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def unshown(qtbot, controller):
    made = Shell(controller)
    qtbot.addWidget(made)
    made.resize(1600, 900)
    return made


@pytest.fixture
def shell(qtbot, unshown):
    unshown.show()
    unshown.activateWindow()
    qtbot.waitUntil(unshown.isActiveWindow, timeout=5000)
    qtbot.waitUntil(lambda: "start" in unshown.pages, timeout=5000)
    return unshown


def rail(shell, name):
    return shell.findChild(QToolButton, f"rail_{name}")


def selected(shell):
    """Pages whose words on the rail look chosen."""
    return [name for name in NAMES if rail(shell, name).isChecked()]


def problems(shell):
    """The sentences on screen, oldest first."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    panels = [panel for panel in shell.findChildren(ErrorPanel) if panel.isVisible()]
    return [panel.accessibleName() for panel in sorted(panels, key=lambda panel: panel.y())]


def test_that_no_page_is_made_before_the_frame_is_painted_and_then_only_the_first(qtbot, unshown):
    assert unshown.pages == {}
    assert unshown.stack.count() == 0
    unshown.show()
    qtbot.waitUntil(lambda: bool(unshown.pages), timeout=5000)
    assert list(unshown.pages) == ["start"]
    assert unshown.stack.currentWidget() is unshown.pages["start"]


def test_that_a_page_asked_for_before_the_paint_is_not_covered_by_the_first(qtbot, unshown):
    unshown.show_page("data")
    unshown.show()
    qtbot.waitUntil(lambda: unshown._painted, timeout=5000)
    # Zero timers fire in the order they were set: the first page's is over when this one is.
    after = []
    QTimer.singleShot(0, unshown, lambda: after.append(1))
    qtbot.waitUntil(lambda: bool(after), timeout=5000)
    assert list(unshown.pages) == ["data"]


def test_that_a_page_is_made_once_and_told_each_time_it_is_entered(qtbot, shell, monkeypatch):
    shell.show_page("data")
    first = shell.pages["data"]
    entered = []
    monkeypatch.setattr(first, "entered", lambda: entered.append(1))
    shell.show_page("start")
    shell.show_page("data")
    assert shell.pages["data"] is first
    assert shell.stack.count() == 2
    assert entered == [1]


def test_that_a_page_nobody_knows_is_refused(shell):
    with pytest.raises(KeyError, match="nowhere"):
        shell.page("nowhere")


@pytest.mark.parametrize(("number", "name"), list(enumerate(NAMES, start=1)))
def test_that_ctrl_and_a_digit_brings_each_page(qtbot, shell, number, name):
    assert [page.name for page in PAGES] == NAMES
    shell.show_page("data" if name == "start" else "start")
    qtbot.keyClick(shell, getattr(Qt.Key, f"Key_{number}"), Qt.KeyboardModifier.ControlModifier)
    assert shell.stack.currentWidget() is shell.pages[name]
    assert shell.stack.currentWidget().objectName() == f"page_{name}"
    assert selected(shell) == [name]
    assert f"Ctrl+{number}" in rail(shell, name).toolTip()


def test_that_a_click_on_the_rail_selects_and_a_second_one_keeps_it(qtbot, shell):
    assert selected(shell) == ["start"]
    for _ in range(2):
        qtbot.mouseClick(rail(shell, "data"), Qt.MouseButton.LeftButton)
        assert selected(shell) == ["data"]
        assert shell.stack.currentWidget() is shell.pages["data"]


def test_that_the_controller_brings_pages_and_problems(qtbot, shell, controller):
    controller.page_wanted.emit("settings")
    assert selected(shell) == ["settings"]
    controller.problem.emit("The disk is full.", "Traceback")
    qtbot.waitUntil(lambda: problems(shell) == ["The disk is full."], timeout=2000)


def test_that_the_rail_shows_icons_only_below_1500(qtbot, shell):
    assert NARROW == 1500
    style = Qt.ToolButtonStyle
    for width, wanted, rail_width in (
        (1500, style.ToolButtonTextUnderIcon, 88),
        (1499, style.ToolButtonIconOnly, 56),
        (1600, style.ToolButtonTextUnderIcon, 88),
    ):
        shell.resize(width, 900)
        qtbot.waitUntil(lambda w=rail_width: shell.rail.width() == theme().px(w), timeout=2000)
        assert {rail(shell, name).toolButtonStyle() for name in NAMES} == {wanted}
        for name in NAMES:
            assert rail(shell, name).toolTip().startswith(rail(shell, name).accessibleName())


def test_that_at_most_the_three_newest_problems_stand_below_the_page(qtbot, shell):
    for number in range(1, 6):
        shell.show_problem(f"Problem {number}.", "")
    qtbot.waitUntil(lambda: len(problems(shell)) == 3, timeout=2000)
    assert problems(shell) == ["Problem 3.", "Problem 4.", "Problem 5."]


def test_that_a_dismissed_problem_goes_and_makes_room(qtbot, shell):
    for number in (1, 2, 3):
        shell.show_problem(f"Problem {number}.", "")
    qtbot.waitUntil(lambda: len(problems(shell)) == 3, timeout=2000)
    second = next(p for p in shell.findChildren(ErrorPanel) if "2" in p.accessibleName())
    buttons = {button.text(): button for button in second.findChildren(QPushButton)}
    qtbot.mouseClick(buttons["Dismiss"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: problems(shell) == ["Problem 1.", "Problem 3."], timeout=2000)
    shell.show_problem("Problem 4.", "")
    qtbot.waitUntil(lambda: len(problems(shell)) == 3, timeout=2000)
    assert problems(shell) == ["Problem 1.", "Problem 3.", "Problem 4."]


def test_that_closing_is_told_and_left_to_the_application(qtbot, shell, controller):
    assert controller.settings.geometry == ""
    with qtbot.waitSignal(shell.closing, timeout=1000):
        closed = shell.close()
    assert not closed
    assert shell.isVisible()
    assert controller.settings.geometry


def test_that_ctrl_q_closes(qtbot, shell):
    with qtbot.waitSignal(shell.closing, timeout=1000):
        qtbot.keyClick(shell, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)


def test_that_a_window_opens_where_the_last_one_was_closed(qtbot, shell, controller):
    # As wide as fits the screen without a screen; another height than a new window has.
    shell.setGeometry(0, 41, 960, 617)
    shell.close()
    again = Shell(controller)
    qtbot.addWidget(again)
    assert again.size().toTuple() == (960, 617)


@pytest.mark.parametrize("geometry", ["bm9uc2Vuc2U=", "not base 64"])
def test_that_a_damaged_geometry_gives_the_size_for_the_screen(qtbot, controller, geometry):
    controller.settings.geometry = geometry
    made = Shell(controller)
    qtbot.addWidget(made)
    screen = made.screen().availableGeometry().size()
    wanted = (max(960, min(1600, screen.width())), max(600, min(900, screen.height())))
    assert made.size().toTuple() == wanted


def test_that_ctrl_k_opens_the_palette_over_the_window_and_closes_it(qtbot, shell):
    keys = (Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert shell.findChild(Palette) is None
    qtbot.keyClick(shell, *keys)
    palette = shell.findChild(Palette)
    assert palette.isVisible()
    assert palette.geometry() == shell.rect()
    assert palette.field.hasFocus()
    qtbot.keyClick(palette.field, *keys)
    assert not palette.isVisible()
    assert len(shell.findChildren(Palette)) == 1
