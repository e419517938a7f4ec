import ast
import gc
import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QFontMetrics, QIcon, QPalette
from PySide6.QtWidgets import QLabel, QPushButton

import ui
from ui import icons
from ui.stylesheet import ARROWS, stylesheet
from ui.theme import DARK, LIGHT, heatmap, load_fonts, palette, theme
from ui.tokens import contrast

UI = Path(ui.__file__).parent
BOTH = pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])


def wcag(first, second):
    """The formula of WCAG 2, written out from Qt's colours."""

    def luminance(name):
        parts = QColor(name).getRgbF()[:3]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    a, b = luminance(first), luminance(second)
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


@BOTH
@pytest.mark.parametrize("ground", ["window", "surface", "raised", "soft"])
@pytest.mark.parametrize("ink", ["text", "muted", "accent", "success", "warn", "danger"])
def test_that_words_are_legible_on_every_ground(tokens, ground, ink):
    assert wcag(getattr(tokens, ink), getattr(tokens, ground)) >= 4.6


@BOTH
def test_that_words_of_a_banner_are_legible(tokens):
    assert wcag(tokens.text, tokens.warnsoft) >= 4.6
    assert wcag(tokens.muted, tokens.warnsoft) >= 4.6
    assert wcag(tokens.warn, tokens.warnsoft) >= 4.6


@BOTH
@pytest.mark.parametrize("ground", ["window", "surface"])
def test_that_outlines_of_controls_can_be_seen(tokens, ground):
    assert wcag(tokens.strong, getattr(tokens, ground)) >= 3.1


def test_that_the_validation_curve_and_the_primary_button_have_the_stated_contrast():
    assert wcag(LIGHT.second, LIGHT.surface) == pytest.approx(4.7, abs=0.1)
    assert wcag(DARK.second, DARK.surface) == pytest.approx(7.8, abs=0.1)
    assert wcag(DARK.on_fill, DARK.fill) == pytest.approx(4.75, abs=0.03)
    assert wcag(LIGHT.on_fill, LIGHT.fill) == pytest.approx(5.65, abs=0.03)


def test_that_our_contrast_is_that_of_wcag():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast(DARK.accent, DARK.soft) == pytest.approx(wcag(DARK.accent, DARK.soft), rel=1e-3)


@BOTH
def test_that_ten_class_colours_differ(tokens):
    assert len(set(tokens.classes)) == 10


def test_that_dots_are_outlined_in_the_surface_in_dark_and_darker_in_light():
    assert DARK.class_outline(4) == DARK.surface
    r, g, b, _ = QColor(LIGHT.classes[3]).getRgb()
    outline = QColor(LIGHT.class_outline(3)).getRgb()[:3]
    assert outline == (round(r / 1.35), round(g / 1.35), round(b / 1.35))


@BOTH
def test_that_the_palette_sets_every_role_of_every_group(tokens):
    ours = palette(tokens)
    for role in QPalette.ColorRole:
        if role in (QPalette.ColorRole.NColorRoles, QPalette.ColorRole.NoRole):
            continue
        for group in ("Active", "Inactive", "Disabled"):
            assert ours.isBrushSet(QPalette.ColorGroup[group], role), (group, role)
    assert ours.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text).name() == (
        tokens.strong.lower()
    )


@BOTH
def test_that_the_sheet_is_filled_and_its_pictures_exist(tokens):
    sheet = stylesheet(tokens, 1.0)
    assert "$" not in sheet
    assert not re.search(r"\dsp\b", sheet)
    pictures = re.findall(r"url\(([^)]+)\)", sheet)
    assert len(pictures) >= 3
    assert all(Path(picture).is_file() for picture in pictures)


@pytest.mark.parametrize(("name", "tokens"), [("dark", DARK), ("light", LIGHT)])
def test_that_arrows_are_drawn_in_the_muted_colour_of_their_theme(name, tokens):
    assert f'stroke="{tokens.muted}"' in (ARROWS / name / "caret-down.svg").read_text()


def test_that_text_scale_multiplies_letters_but_not_lines():
    assert 'QLabel[role="page"] { font-size: 33px;' in stylesheet(DARK, 1.5)
    assert "border: 1px solid" in stylesheet(DARK, 1.5)


def test_that_text_scale_is_held_between_80_and_150_percent(qapp):
    theme().apply(qapp, "light", 9.0)
    assert theme().scale == 1.5
    theme().apply(qapp, "light", 0.1)
    assert theme().scale == 0.8
    theme().apply(qapp, "light")


def test_that_switching_tells_listeners_once(qapp, qtbot):
    with qtbot.waitSignal(theme().changed):
        theme().apply(qapp, "dark")
    assert theme().tokens is DARK
    assert qapp.palette().color(QPalette.ColorRole.Base).name() == DARK.surface.lower()
    theme().apply(qapp, "light")


def test_that_a_desktop_without_colour_scheme_is_light(qapp):
    theme().apply(qapp, "dark")
    theme().apply(qapp, "system")  # the offscreen platform reports no scheme
    assert theme().tokens is LIGHT


def test_that_the_shipped_fonts_load():
    assert {"Inter", "JetBrains Mono"} <= set(load_fonts())


@pytest.mark.parametrize("role", ["body", "caption", "key"])
def test_that_all_figures_have_one_width_also_in_styled_labels(qtbot, role):
    label = QLabel("0")
    label.setProperty("role", role)
    qtbot.addWidget(label)
    label.ensurePolished()
    widths = {QFontMetrics(label.font()).horizontalAdvance(str(digit) * 20) for digit in range(10)}
    assert len(widths) == 1


def test_that_styled_labels_keep_inter(qtbot):
    button = QPushButton("Start")
    button.setProperty("kind", "primary")
    qtbot.addWidget(button)
    button.ensurePolished()
    assert button.fontInfo().family() == "Inter"
    assert button.fontInfo().pixelSize() == 13


def test_that_heat_maps_have_their_published_ends():
    # magma: matplotlib's table; cividis: the table of Nuñez et al. 2018.
    assert heatmap("magma").shape == (256, 3)
    assert heatmap("magma").dtype == np.uint8
    np.testing.assert_allclose(heatmap("magma")[[0, -1]], [[0, 0, 4], [252, 253, 191]], atol=1)
    np.testing.assert_allclose(heatmap("cividis")[[0, -1]], [[0, 32, 77], [255, 234, 70]])


@pytest.mark.parametrize("name", ["magma", "cividis"])
def test_that_maps_of_magnitude_grow_lighter_all_the_way(name):
    light = heatmap(name).astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > -1).all()  # whole numbers jitter by less than one level
    assert light[-1] > light[128] > light[0]


def test_that_the_signed_map_is_palest_in_the_middle():
    light = heatmap("CET-D1A").astype(float) @ [0.2126, 0.7152, 0.0722]
    assert 126 <= light.argmax() <= 129
    assert heatmap("CET-D1A")[0, 2] > heatmap("CET-D1A")[0, 0]  # blue for the lowest
    assert heatmap("CET-D1A")[-1, 0] > heatmap("CET-D1A")[-1, 2]  # red for the highest


def test_that_jet_is_refused():
    with pytest.raises(ValueError, match="magma, cividis"):
        heatmap("jet")


def test_that_every_icon_named_in_the_code_exists():
    place = {"icon": 0, "pixmap": 0, "IconLabel": 0, "EmptyState": 0, "icon_button": 0}
    place |= dict.fromkeys(["primary", "secondary", "ghost", "link", "danger"], 1)
    used = {"warning"}
    for path in UI.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            words = [k.value for k in node.keywords if k.arg == "icon_name"]
            if called in place and len(node.args) > place[called]:
                words.append(node.args[place[called]])
            used |= {
                part.value
                for word in words
                for part in ast.walk(word)
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value
            }
    assert len(used) > 5
    assert used - icons.names() == set()


def test_that_an_unknown_icon_is_refused_with_near_names():
    with pytest.raises(KeyError, match="image"):
        icons.icon("image-s")


def test_that_an_icon_takes_the_colour_of_the_theme_when_painted(qapp):
    stop = icons.icon("stop-fill", "accent")
    for choice, tokens in (("dark", DARK), ("light", LIGHT)):
        theme().apply(qapp, choice)
        assert stop.pixmap(32, 32).toImage().pixelColor(16, 16).name() == tokens.accent.lower()


def test_that_a_disabled_icon_is_strong_and_a_checked_one_takes_its_own_colour(qapp):
    stop = icons.icon("stop-fill", "muted", checked="accent")
    drawn = stop.pixmap(32, 32, QIcon.Mode.Disabled).toImage()
    assert drawn.pixelColor(16, 16).name() == LIGHT.strong.lower()
    drawn = stop.pixmap(32, 32, QIcon.Mode.Normal, QIcon.State.On).toImage()
    assert drawn.pixelColor(16, 16).name() == LIGHT.accent.lower()


def test_that_icons_survive_a_thousand_copies(qtbot):
    copies = [icons.icon("play") for _ in range(1000)]
    button = QPushButton()
    qtbot.addWidget(button)
    for one in copies:
        button.setIcon(one)
        one.addFile("nothing.png")  # makes Qt copy the engine
    copies.clear()
    gc.collect()
    assert not button.icon().pixmap(16, 16).isNull()
