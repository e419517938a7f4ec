"""Labels: plain text always, in one of the few sizes and tones of the look."""

import unicodedata
from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from ui.icons import pixmap
from ui.theme import theme

Role = Literal[
    "page", "key", "run", "section", "strong", "control", "body", "why", "label", "caption", "mono"
]
Tone = Literal["text", "muted", "accent", "success", "warn", "danger"]

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str) -> str:
    """`text` without control and direction characters, which can disguise a file's name."""
    return "".join(
        letter
        for letter in text
        if letter in "\n\t" or (letter not in _BIDI and unicodedata.category(letter) != "Cc")
    )


class PlainLabel(QLabel):
    """A label that never reads its text as HTML: `<img src=…>` in a name stays words.

    Args:
        role: size and weight, see the stylesheet.
        tone: colour by meaning.
        wrap: break lines at words.
    """

    def __init__(
        self,
        text: str = "",
        role: Role = "body",
        tone: Tone = "text",
        *,
        wrap: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setProperty("tone", tone)
        self.setWordWrap(wrap)
        if wrap:
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(clean(text))

    def set_tone(self, tone: Tone) -> None:
        """Colour by meaning; also says it through an icon or a word beside the label."""
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            self.style().polish(self)


class ElidedLabel(PlainLabel):
    """One line that ends in "…" where space ends; the whole text is then its tooltip."""

    def __init__(
        self,
        text: str = "",
        role: Role = "body",
        tone: Tone = "text",
        *,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        self._full, self._mode = clean(text), mode
        super().__init__(text, role, tone, parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        self._full = clean(text).replace("\n", " ")
        self.setAccessibleName(self._full)
        self.updateGeometry()
        self._elide()

    def full_text(self) -> str:
        """The text before it was shortened."""
        return self._full

    def sizeHint(self) -> QSize:
        self.ensurePolished()
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self._full) + 1, metrics.height())

    def minimumSizeHint(self) -> QSize:
        self.ensurePolished()
        metrics = QFontMetrics(self.font())
        least = min(metrics.horizontalAdvance("mmm…"), metrics.horizontalAdvance(self._full) + 1)
        return QSize(least, metrics.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        self.ensurePolished()
        shown = QFontMetrics(self.font()).elidedText(self._full, self._mode, self.width())
        QLabel.setText(self, shown)
        self.setToolTip("" if shown == self._full else self._full)


class IconLabel(QWidget):
    """An icon that stands beside words; it follows the theme."""

    def __init__(
        self, name: str, color: str = "text", size: int = 16, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._name, self._color, self._size = name, color, size
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme().changed.connect(self._fit)
        self._fit()

    def set_icon(self, name: str, color: str) -> None:
        """Show another icon, in the colour of the token `color`."""
        self._name, self._color = name, color
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawPixmap(
            0, 0, pixmap(self._name, self._color, self.width(), self.devicePixelRatioF())
        )

    def _fit(self) -> None:
        side = theme().px(self._size)
        self.setFixedSize(side, side)
        self.update()


def title(text: str, parent: QWidget | None = None) -> PlainLabel:
    """The title of a page."""
    return PlainLabel(text, "page", parent=parent)


def muted(text: str, role: Role = "why", parent: QWidget | None = None) -> PlainLabel:
    """A quiet label: a unit, a caption, a state."""
    return PlainLabel(text, role, "muted", parent=parent)


def why_line(text: str, parent: QWidget | None = None) -> PlainLabel:
    """A wrapped line below a field that says why it is there."""
    return PlainLabel(text, "why", "muted", wrap=True, parent=parent)
