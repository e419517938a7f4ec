import logging

import pytest
from PySide6.QtGui import QColor

from ui.formula import FormulaLabel, typeset_svg
from ui.theme import theme


def shown(qtbot, latex, plain="", width=400):
    label = FormulaLabel(latex, plain)
    qtbot.addWidget(label)
    label.resize(width, 100)
    label.show()
    return label


def inks(label):
    """The most opaque colour that differs from the ground."""
    image = label.grab().toImage()
    ground = image.pixelColor(image.width() - 1, image.height() - 1)
    pixels = (image.pixelColor(x, y) for y in range(image.height()) for x in range(image.width()))
    return {pixel.name() for pixel in pixels if pixel != ground}


def test_that_a_formula_is_drawn_in_the_text_colour_of_each_theme(qtbot, each_theme):
    label = shown(qtbot, r"\frac{a}{b}")
    qtbot.waitUntil(lambda: label.drawn)
    assert each_theme.tokens.text.lower() in inks(label)


def test_that_a_formula_changes_colour_with_the_theme(qtbot, qapp):
    label = shown(qtbot, r"\frac{a}{c}")
    qtbot.waitUntil(lambda: label.drawn)
    theme().apply(qapp, "dark")
    assert theme().tokens.text.lower() in inks(label)
    theme().apply(qapp, "light")
    assert theme().tokens.text.lower() in inks(label)


def test_that_a_formula_seen_before_is_drawn_at_once(qtbot):
    first = shown(qtbot, r"x^2 + 1")
    qtbot.waitUntil(lambda: first.drawn)
    assert shown(qtbot, r"x^2 + 1").drawn


def test_that_letters_are_as_high_as_asked(qtbot):
    small, large = FormulaLabel(r"x + y", size=15), FormulaLabel(r"x + y", size=30)
    qtbot.addWidget(small)
    qtbot.addWidget(large)
    qtbot.waitUntil(lambda: small.drawn and large.drawn)
    assert large.sizeHint().width() == pytest.approx(2 * small.sizeHint().width(), abs=2)


def test_that_a_wide_formula_shrinks_to_the_width_and_keeps_its_shape(qtbot):
    label = shown(qtbot, r"\sum_i a_i + \sum_i b_i + \sum_i c_i + \sum_i d_i + \sum_i e_i")
    qtbot.waitUntil(lambda: label.drawn)
    natural = label.sizeHint()
    half = natural.width() // 2
    assert label.heightForWidth(half) == pytest.approx(natural.height() / 2, abs=2)
    assert label.heightForWidth(10 * natural.width()) == pytest.approx(natural.height(), abs=1)


@pytest.mark.parametrize("latex", [r"\frac{a}{", r"\nosuchcommand{x}", r"\left( x"])
def test_that_what_cannot_be_typeset_is_shown_as_words(qtbot, caplog, latex):
    with caplog.at_level(logging.WARNING):
        label = shown(qtbot, latex, "a over b")
        qtbot.waitUntil(lambda: latex in caplog.text)
    assert not label.drawn
    assert label.accessibleName() == "a over b"
    assert QColor(theme().tokens.muted).name() in inks(label)


def test_that_the_star_of_operatorname_is_not_printed():
    assert typeset_svg(r"\operatorname*{argmax}_c x") == typeset_svg(r"\operatorname{argmax}_c x")


def test_that_an_empty_formula_takes_no_room(qtbot):
    label = FormulaLabel()
    qtbot.addWidget(label)
    assert label.isHidden()
    assert label.sizeHint().height() <= 1


def test_that_a_late_formula_does_not_replace_a_newer_one(qtbot):
    label = shown(qtbot, r"a_1 + a_2 + a_3")
    label.set_formula(r"b_9", "b nine")
    qtbot.waitUntil(lambda: label.drawn)
    other = shown(qtbot, r"b_9")
    qtbot.waitUntil(lambda: other.drawn)
    assert label.sizeHint() == other.sizeHint()
    assert label.accessibleName() == "b nine"


def test_that_svg_stays_within_what_qt_can_draw():
    assert "<symbol" not in typeset_svg(r"\sqrt{x}")
    assert "<use" not in typeset_svg(r"\sqrt{x}")
