import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.theme import theme
from ui.widgets import (
    Banner,
    Chip,
    ElidedLabel,
    EmptyState,
    ErrorPanel,
    FocusRing,
    HairLine,
    IconLabel,
    Panel,
    PlainLabel,
    ProgressLine,
    StatTile,
    busy,
    clean,
    danger,
    ghost,
    icon_button,
    link,
    muted,
    primary,
    secondary,
    set_enabled,
    title,
    tooltip,
    why_line,
)


def progress():
    line = ProgressLine()
    line.show_progress(310, 700, "t-SNE, iteration 310 of 700")
    return line


def stat():
    tile = StatTile("kNN accuracy")
    tile.show_value("86.2 %", "▲ 1.4 since step 1 407", "success")
    return tile


EVERYTHING = {
    "banner": lambda: Banner("Run 0041 was cut off.", "It resumes.", [secondary("Resume", "play")]),
    "chip": lambda: Chip("Fashion-MNIST", removable=True),
    "lock": lambda: Chip("Frozen while running", icon_name="lock"),
    "elided": lambda: ElidedLabel("a long name"),
    "empty": lambda: EmptyState("eye", "No attention map yet.", secondary("Choose a model")),
    "error": lambda: ErrorPanel("It failed.", "Because.", "Kept.", [secondary("Again")], "trace"),
    "line": lambda: HairLine(),
    "icon": lambda: IconLabel("eye", "accent"),
    "panel": lambda: Panel("card"),
    "label": lambda: PlainLabel("words"),
    "progress": progress,
    "stat": stat,
    "primary": lambda: primary("Start", "play"),
    "secondary": lambda: secondary("Step", "skip-forward"),
    "ghost": lambda: ghost("Smooth 0.97", "caret-down"),
    "link": lambda: link("Show evidence"),
    "danger": lambda: danger("Delete", "trash"),
    "icon button": lambda: icon_button("copy", "Copy"),
    "title": lambda: title("Start"),
    "muted": lambda: muted("nats"),
    "why": lambda: why_line("A sentence."),
}


@pytest.mark.parametrize("name", EVERYTHING)
def test_that_each_widget_is_drawn_in_both_themes_without_a_warning(qtbot, qtlog, each_theme, name):
    widget = EVERYTHING[name]()
    qtbot.addWidget(widget)
    widget.resize(300, 200)
    widget.show()
    image = widget.grab().toImage()
    colours = {
        image.pixelColor(x, y).rgba() for x in range(image.width()) for y in range(image.height())
    }
    assert len(colours) > (0 if name == "line" else 1)
    said = [record.message for record in qtlog.records]
    assert [words for words in said if "propagateSizeHints" not in words] == []


def test_that_a_label_never_reads_html(qtbot):
    label = PlainLabel('<img src="/dev/zero"><b>x</b>')
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert label.text() == '<img src="/dev/zero"><b>x</b>'


def test_that_direction_and_control_characters_are_removed():
    assert clean("photo\u202egnp.exe\x07\x00") == "photognp.exe"
    assert clean("one\ntwo") == "one\ntwo"


@pytest.mark.parametrize(("tone", "token"), [("danger", "danger"), ("muted", "muted")])
def test_that_a_tone_is_the_colour_of_its_token(qtbot, each_theme, tone, token):
    label = PlainLabel("█" * 20, tone="accent")
    qtbot.addWidget(label)
    label.set_tone(tone)
    image = label.grab().toImage()
    middle = image.pixelColor(image.width() // 2, image.height() // 2)
    assert middle.name() == getattr(each_theme.tokens, token).lower()


def test_that_an_elided_label_keeps_its_whole_text_in_the_tooltip(qtbot):
    label = ElidedLabel("/home/somebody/pictures/a very long folder name")
    qtbot.addWidget(label)
    label.resize(80, 20)
    label.show()
    assert label.text().endswith("…")
    assert label.toolTip() == label.full_text() == "/home/somebody/pictures/a very long folder name"
    label.resize(600, 20)
    assert label.text() == label.full_text()
    assert label.toolTip() == ""


def test_that_tooltips_have_at_most_60_characters_a_line():
    lines = tooltip("word " * 40).split("\n")
    assert max(map(len, lines)) <= 60
    assert " ".join(lines).split() == ["word"] * 40


def test_that_a_tooltip_shows_tags_as_words():
    assert tooltip('<img src="x">') == "<qt>&lt;img src=&quot;x&quot;&gt;</qt>"


def test_that_a_disabled_button_says_why(qtbot):
    button = primary("Start", "play")
    qtbot.addWidget(button)
    set_enabled(button, "Choose a data set first.")
    assert not button.isEnabled()
    assert button.toolTip() == "Choose a data set first."
    set_enabled(button)
    assert button.isEnabled()
    assert button.toolTip() == ""


def test_that_a_busy_button_keeps_its_width(qtbot):
    button = secondary("Stop and keep everything")
    qtbot.addWidget(button)
    button.show()
    before = button.width()
    busy(button, "…")
    assert button.text() == "…"
    assert button.minimumWidth() >= before


def test_that_an_icon_button_has_a_name_and_a_tooltip(qtbot):
    button = icon_button("copy", "Copy picture", tip="Copy picture  Ctrl+C")
    qtbot.addWidget(button)
    assert button.accessibleName() == "Copy picture"
    assert button.toolTip() == "Copy picture  Ctrl+C"
    button.show()
    assert min(button.width(), button.height()) >= 28


def test_that_a_filter_chip_can_be_taken_away(qtbot):
    chip = Chip("since Monday", removable=True)
    qtbot.addWidget(chip)
    cross = chip.findChild(QToolButton, "remove")
    assert cross.accessibleName() == "Remove since Monday"
    with qtbot.waitSignal(chip.removed):
        qtbot.mouseClick(cross, Qt.MouseButton.LeftButton)


def test_that_a_missing_number_is_a_dash(qtbot):
    tile = StatTile("Silhouette")
    qtbot.addWidget(tile)
    tile.show_value("0.31", "cosine")
    tile.show_value(None)
    assert tile.number.text() == "–"
    assert tile.third.isHidden()


def test_that_progress_says_what_it_does_and_can_be_cancelled_once(qtbot):
    line = progress()
    qtbot.addWidget(line)
    with qtbot.waitSignal(line.cancelled):
        line.cancel.click()
    assert line.cancel.text() == "Cancelling…"
    assert not line.cancel.isEnabled()
    line.show_progress(0, 10, "again")
    assert line.cancel.isEnabled()
    assert line.cancel.text() == "Cancel"


def test_that_progress_of_unknown_length_does_not_divide_by_zero(qtbot):
    line = ProgressLine()
    qtbot.addWidget(line)
    line.show_progress(0, 0, "reading")
    assert line.grab().width() > 0


def test_that_the_traceback_is_hidden_until_asked_for_and_can_be_copied(qtbot):
    panel = ErrorPanel("It failed.", "Because.", details="Traceback\n  line 1")
    qtbot.addWidget(panel)
    panel.show()
    box = panel.findChild(QPlainTextEdit)
    assert not box.isVisible()
    panel.findChild(QPushButton, "details").click()
    assert box.isVisible()
    assert box.isReadOnly()
    panel.findChild(QPushButton, "copy").click()
    assert QGuiApplication.clipboard().text() == "Traceback\n  line 1"


def test_that_an_error_without_traceback_offers_no_details(qtbot):
    panel = ErrorPanel("It failed.")
    qtbot.addWidget(panel)
    panel.show()
    assert not [b for b in panel.findChildren(QPushButton) if b.isVisible()]


@pytest.fixture
def ring(qapp):
    ring = FocusRing(qapp)
    yield ring
    ring.deleteLater()


def two_fields(qtbot):
    window = QWidget()
    column = QVBoxLayout(window)
    first, second = QLineEdit(), QLineEdit()
    column.addWidget(first)
    column.addWidget(second)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    first.setFocus()
    qtbot.waitUntil(first.hasFocus)
    return window, first, second


def test_that_the_ring_follows_the_keyboard(qtbot, ring):
    _, first, second = two_fields(qtbot)
    qtbot.keyClick(first, Qt.Key.Key_Tab)
    qtbot.waitUntil(second.hasFocus)
    assert ring.widget() is second
    assert ring.frame().isVisible()
    around = ring.frame().geometry()
    place = second.mapTo(ring.frame().parentWidget(), QPoint(0, 0))
    assert around.left() <= place.x() - 2
    assert around.width() >= second.width() + 4


def test_that_the_ring_stays_away_from_the_mouse(qtbot, ring):
    _, first, second = two_fields(qtbot)
    qtbot.keyClick(first, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: ring.widget() is second)
    qtbot.mousePress(first, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(first.hasFocus)
    assert ring.widget() is None
    qtbot.mouseRelease(first, Qt.MouseButton.LeftButton)


def test_that_the_ring_outlives_the_window_it_was_in(qtbot, ring):
    window, first, second = two_fields(qtbot)
    qtbot.keyClick(first, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: ring.widget() is second)
    with qtbot.waitSignal(window.destroyed):
        window.deleteLater()
    assert ring.widget() is None
    _, third, fourth = two_fields(qtbot)
    qtbot.keyClick(third, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: ring.widget() is fourth)


def test_that_icons_beside_words_follow_the_theme(qtbot, qapp):
    label = IconLabel("stop-fill", "accent", 32)
    qtbot.addWidget(label)
    for choice in ("dark", "light"):
        theme().apply(qapp, choice)
        middle = label.grab().toImage().pixelColor(16, 16).name()
        assert middle == theme().tokens.accent.lower()
    assert QApplication.instance() is qapp
