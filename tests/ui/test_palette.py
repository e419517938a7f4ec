import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from tests.ui.runs_on_disk import write_run
from ui.controller import Controller
from ui.fuzzy import fit
from ui.palette import Command, open_palette
from ui.settings import Settings, load
from ui.starting import starter
from ui.theme import theme


@pytest.fixture
def controller(qapp, workspace):
    controller = Controller(workspace, Settings(theme="light"))
    yield controller
    controller.close()
    theme().apply(qapp, "light")


@pytest.fixture
def window(qtbot):
    window = QWidget()
    box = QVBoxLayout(window)
    window.button = QPushButton("below")
    box.addWidget(window.button)
    window.resize(1200, 740)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    window.button.setFocus()
    return window


@pytest.fixture
def palette(qtbot, window, controller):
    palette = open_palette(window, controller)
    qtbot.waitUntil(lambda: not controller.background.busy)
    return palette


def titles(palette):
    return [line.command.title for line in palette.lines.lines if line.command]


def headings(palette):
    return [line.text for line in palette.lines.lines if not line.command]


def test_that_an_empty_palette_shows_presets_commands_and_pages(palette):
    assert headings(palette) == ["Presets", "Commands", "Pages"]
    assert palette.chosen().title == "Tell garments apart"
    assert {"New experiment", "Start", "Experiment"} <= set(titles(palette))


def test_that_letters_in_order_find_a_run_by_title_and_by_number(qtbot, window, controller):
    write_run(controller.workspace, status="finished", title="Vision transformer, small")
    run = write_run(controller.workspace, status="failed", title="SimCLR, temperature 0.2")
    palette = open_palette(window, controller)
    qtbot.waitUntil(lambda: "Runs" in headings(palette))
    qtbot.keyClicks(palette.field, "sclr temp")
    assert palette.field.text() == "sclr temp"
    assert headings(palette) == ["Runs"], titles(palette)
    assert titles(palette) == ["SimCLR, temperature 0.2"]
    palette.field.setText("0002")
    assert titles(palette)[0] == "SimCLR, temperature 0.2"
    with qtbot.waitSignal(controller.opened) as opened:
        qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert opened.args == [run]
    assert not palette.isVisible()


def test_that_a_page_is_found_and_opened(qtbot, palette, controller):
    palette.field.setText("sett")
    assert palette.chosen().title == "Settings"
    assert palette.chosen().shortcut.startswith("Ctrl+")
    with qtbot.waitSignal(controller.page_wanted) as wanted:
        qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert wanted.args == ["settings"]


def test_that_a_preset_waits_for_torch_like_its_card(qtbot, palette, controller):
    palette.field.setText("tell garments apart")
    with qtbot.waitSignal(starter(controller).waiting) as waiting:
        qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert waiting.args == ["cnn_fashion"]


def test_that_up_and_down_skip_headings_and_go_round(qtbot, palette):
    order = titles(palette)
    for expected in order[1:] + order[:1]:
        qtbot.keyClick(palette.field, Qt.Key.Key_Down)
        assert palette.chosen().title == expected
    qtbot.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.chosen().title == order[-1]
    qtbot.keyClick(palette.field, Qt.Key.Key_PageUp)
    qtbot.keyClick(palette.field, Qt.Key.Key_PageUp)
    assert palette.chosen().title == order[0]
    qtbot.keyClick(palette.field, Qt.Key.Key_Tab)
    assert palette.chosen().title == order[1], "Tab goes on in the list, not to what is covered"


def test_that_escape_closes_and_gives_the_focus_back(qtbot, palette, window):
    qtbot.waitUntil(palette.field.hasFocus)
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert window.focusWidget() is window.button


def test_that_a_click_beside_closes_and_one_on_an_entry_acts(qtbot, palette, controller, window):
    qtbot.mouseClick(palette, Qt.MouseButton.LeftButton, pos=palette.rect().bottomLeft())
    assert not palette.isVisible()
    assert open_palette(window, controller) is palette, "one for each window"
    assert palette.isVisible()
    row = next(r for r, line in enumerate(palette.lines.lines) if line.text == "New experiment")
    palette.list.scrollTo(palette.lines.index(row))
    place = palette.list.visualRect(palette.lines.index(row)).center()
    with qtbot.waitSignal(controller.draft_opened):
        qtbot.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_that_opening_it_again_closes_it_and_later_starts_afresh(palette, window, controller):
    palette.field.setText("xyz")
    open_palette(window, controller)
    assert not palette.isVisible()
    open_palette(window, controller)
    assert palette.field.text() == ""


def test_that_letters_that_nothing_has_are_said(qtbot, palette):
    palette.field.setText("zzqx")
    assert palette.nothing.isVisible()
    assert not palette.list.isVisible()
    assert palette.chosen() is None
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.isVisible()


def test_that_commands_of_the_window_come_first_and_act(qtbot, window, controller):
    done = []
    commands = [Command("Pause", "this run", "pause", "Space", lambda: done.append("paused"))]
    palette = open_palette(window, controller, commands)
    palette.field.setText("pause")
    assert palette.chosen().shortcut == "Space"
    qtbot.keyClick(palette.field, Qt.Key.Key_Enter)
    assert done == ["paused"]


def test_that_the_other_theme_is_a_command(qtbot, palette):
    palette.field.setText("dark theme")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert theme().tokens.dark
    assert load().theme == "dark"


def test_that_the_panel_fits_its_window_and_grows_with_it(qtbot, palette, window):
    for size in ((600, 400), (1600, 900)):
        window.resize(*size)
        qtbot.waitUntil(lambda size=size: palette.width() == size[0])
        assert palette.rect().contains(palette.panel.geometry())


def test_that_a_fit_prefers_words_begun_and_letters_together():
    assert fit("cnn", "CNN") > fit("cnn", "CNN against ViT")
    assert fit("gc", "Grad-CAM") > fit("gc", "Magcic") > 0
    assert fit("loss", "Loss of the run") > fit("loss", "Large or small sizes")
    assert fit("vit sh", "CNN against ViT on shapes") is not None


def test_that_a_fit_adds_up_by_its_rule():
    # G begins a word (1 + 8), a follows it (1 + 9); 8 letters cost 0.08.
    assert fit("ga", "Garments") == pytest.approx(9 + 10 - 0.08)
    # In the hint each letter counts 1.
    assert fit("0041", "Title", "0041 · Finished") == pytest.approx(4 - 0.05)


def test_that_what_is_missing_or_out_of_order_does_not_fit():
    assert fit("ba", "ab") is None
    assert fit("cnn zz", "CNN") is None
    assert fit("hgt", "Tell him that again") is None, "strewn letters mean nothing"
    assert fit("fnshd", "Title", "Finished") is None, "hints are not searched letter by letter"
    assert fit("", "anything") == 0
    assert fit("  ", "anything") == 0
