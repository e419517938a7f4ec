"""The look of the whole application: which tokens apply, and palette, fonts and sheet from them."""

from functools import cache
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from ui.stylesheet import stylesheet
from ui.tokens import DARK, HEATMAPS, LIGHT, Tokens, contrast, heatmap, mixed

__all__ = [
    "DARK",
    "HEATMAPS",
    "LIGHT",
    "Choice",
    "Theme",
    "Tokens",
    "contrast",
    "heatmap",
    "load_fonts",
    "mixed",
    "theme",
]

Choice = Literal["system", "dark", "light"]
FONTS = Path(__file__).resolve().parent.parent / "resources" / "fonts"
FAMILIES = ["Inter", "Noto Sans", "DejaVu Sans"]
MONO = ["JetBrains Mono", "Noto Sans Mono", "DejaVu Sans Mono"]
SCALES = 0.8, 1.5


class Theme(QObject):
    """The tokens in force; `changed` tells plots and painted widgets to read them again."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.tokens: Tokens = LIGHT
        self.scale = 1.0
        self._choice: Choice = "system"
        self._app: QApplication | None = None

    def apply(self, app: QApplication, choice: Choice = "system", text_scale: float = 1.0) -> None:
        """Give `app` the chosen theme at `text_scale` (held within 0.8 to 1.5).

        "system" follows the desktop's colour scheme, and is light where there is none.
        """
        if self._app is not app:
            self._app = app
            load_fonts()
            app.setStyle("Fusion")
            app.styleHints().colorSchemeChanged.connect(self._follow_system)
        self._choice = choice
        self.scale = min(max(text_scale, SCALES[0]), SCALES[1])
        self.tokens = DARK if choice == "dark" or (choice == "system" and _is_dark()) else LIGHT
        app.setPalette(palette(self.tokens))
        app.setFont(self.font())
        app.setStyleSheet(stylesheet(self.tokens, self.scale))
        self.changed.emit()

    def px(self, length: float) -> int:
        """A length that grows with the text, in whole pixels."""
        return round(length * self.scale)

    def color(self, token: str) -> QColor:
        """The colour of a token by name, such as "accent"."""
        return QColor(getattr(self.tokens, token))

    def font(self, size: float = 13, weight: int = 400) -> QFont:
        """Inter at `size` pixels before scaling, with figures of one width."""
        return _font(FAMILIES, self.px(size), weight)

    def mono(self, size: float = 13, weight: int = 400) -> QFont:
        """JetBrains Mono, for arithmetic with the numbers put in."""
        return _font(MONO, self.px(size), weight)

    def _follow_system(self) -> None:
        if self._choice == "system" and self._app is not None:
            self.apply(self._app, "system", self.scale)


@cache
def theme() -> Theme:
    """The application's theme; light until `apply` is called."""
    return Theme()


@cache
def load_fonts() -> tuple[str, ...]:
    """Load the shipped fonts once; returns their families."""
    families: set[str] = set()
    for path in sorted(FONTS.glob("*.[ot]tf")):
        families.update(
            QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(path)))
        )
    return tuple(sorted(families))


def _font(families: list[str], pixels: int, weight: int) -> QFont:
    font = QFont(families)
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight(weight))
    # Hinting moves glyphs to whole pixels and makes Inter's spacing uneven.
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def _is_dark() -> bool:
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def palette(tokens: Tokens) -> QPalette:
    """Every role of a palette in its active, inactive and disabled group."""
    role = QPalette.ColorRole
    colours = {
        role.Window: tokens.window,
        role.WindowText: tokens.text,
        role.Base: tokens.surface,
        role.AlternateBase: tokens.raised,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.text,
        role.PlaceholderText: tokens.muted,
        role.Text: tokens.text,
        role.Button: tokens.surface,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.danger,
        role.Light: tokens.raised,
        role.Midlight: tokens.raised,
        role.Mid: tokens.border,
        role.Dark: tokens.strong,
        role.Shadow: mixed(tokens.window, "#000000", 0.5),
        role.Highlight: tokens.fill,
        role.HighlightedText: tokens.on_fill,
        role.Accent: tokens.accent,
        role.Link: tokens.accent,
        role.LinkVisited: tokens.accent,
    }
    result = QPalette()
    for name, colour in colours.items():
        result.setColor(QPalette.ColorGroup.All, name, QColor(colour))
    quiet = {
        role.WindowText: tokens.strong,
        role.Text: tokens.strong,
        role.ButtonText: tokens.strong,
        role.PlaceholderText: tokens.strong,
        role.Highlight: tokens.border,
        role.HighlightedText: tokens.text,
        role.Link: tokens.strong,
        role.Accent: tokens.strong,
    }
    for name, colour in quiet.items():
        result.setColor(QPalette.ColorGroup.Disabled, name, QColor(colour))
    return result
