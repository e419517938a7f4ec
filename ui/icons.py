"""Phosphor icons in the colour of the words beside them.

The font is qtawesome's, read from its package without importing it: the import
alone would take half of the time to the first paint. Names are Phosphor 1.3's,
so `images`, `plugs`, `function` and `scatter` don't exist.
"""

import importlib.util
import json
from functools import cache, lru_cache
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QIcon,
    QIconEngine,
    QPainter,
    QPixmap,
)

from ui.theme import theme


def icon(name: str, color: str = "text", *, checked: str = "") -> QIcon:
    """An icon that takes the theme's colour each time it is painted, at any size.

    Args:
        name: Phosphor's name, such as "play" or "check-circle-fill".
        color: token of the words beside it; disabled icons are always `strong`.
        checked: token while the button is checked; `color` if empty.

    Raises:
        KeyError: no icon has that name.
    """
    return QIcon(_Glyph(name, color, checked or color))


def pixmap(name: str, color: str = "text", size: int = 16, ratio: float = 1.0) -> QPixmap:
    """An icon of `size` logical pixels for a screen of `ratio` device pixels per logical pixel."""
    return _drawn(_character(name), theme().color(color).name(), round(size * ratio), ratio)


@cache
def names() -> frozenset[str]:
    """Every name that `icon` accepts."""
    return frozenset(_charmap())


_clones: list[QIconEngine] = []


class _Glyph(QIconEngine):
    """Draws one character of the icon font in the colour that the theme has now."""

    def __init__(self, name: str, color: str, checked: str) -> None:
        super().__init__()
        self._made_of = name, color, checked
        self._character = _character(name)
        self._color, self._checked = color, checked

    def clone(self) -> QIconEngine:
        # Qt owns the copy, but PySide would delete it with its last Python reference.
        copy = _Glyph(*self._made_of)
        _clones.append(copy)
        return copy

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        device = painter.device()
        ratio = device.devicePixelRatioF() if device else 1.0
        size = min(rect.width(), rect.height())
        drawn = self._in_state(round(size * ratio), mode, state, ratio)
        corner = rect.center() - QPoint(size // 2, size // 2) + QPoint(1 - size % 2, 1 - size % 2)
        painter.drawPixmap(corner, drawn)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self._in_state(min(size.width(), size.height()), mode, state, 1.0)

    def scaledPixmap(
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        return self._in_state(min(size.width(), size.height()), mode, state, scale)

    def _in_state(self, pixels: int, mode: QIcon.Mode, state: QIcon.State, ratio: float) -> QPixmap:
        token = self._checked if state == QIcon.State.On else self._color
        if mode == QIcon.Mode.Disabled:
            token = "strong"
        return _drawn(self._character, theme().color(token).name(), pixels, ratio)


@lru_cache(512)
def _drawn(character: str, color: str, pixels: int, ratio: float) -> QPixmap:
    """`character` in the icon font on a square of `pixels` device pixels."""
    result = QPixmap(pixels, pixels)
    result.fill(Qt.GlobalColor.transparent)
    font = QFont(_family())
    font.setPixelSize(pixels)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(color))
    painter.setFont(font)
    painter.drawText(QRectF(0, 0, pixels, pixels), Qt.AlignmentFlag.AlignCenter, character)
    painter.end()
    result.setDevicePixelRatio(ratio)
    return result


def _character(name: str) -> str:
    charmap = _charmap()
    if name not in charmap:
        near = [known for known in charmap if name.split("-")[0] in known][:5]
        raise KeyError(f"Phosphor 1.3 has no icon {name!r}; near are {', '.join(near) or 'none'}")
    return chr(int(charmap[name], 16))


@cache
def _charmap() -> dict[str, str]:
    return dict(json.loads(_font_file("phosphor-charmap-*.json").read_text()))


@cache
def _family() -> str:
    number = QFontDatabase.addApplicationFont(str(_font_file("phosphor-*.ttf")))
    return QFontDatabase.applicationFontFamilies(number)[0]


def _font_file(pattern: str) -> Path:
    package = importlib.util.find_spec("qtawesome")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("qtawesome is missing: install the requirements again")
    return next(Path(package.origin).parent.joinpath("fonts").glob(pattern))
