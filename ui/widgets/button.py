"""Buttons: one primary per page, secondary with an outline, ghost, link, and icons with a name."""

import html
import textwrap
from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from ui.icons import icon
from ui.theme import theme

Kind = Literal["primary", "secondary", "ghost", "link", "danger"]

_ICON_COLOR = {
    "primary": "on_fill",
    "secondary": "text",
    "ghost": "muted",
    "link": "accent",
    "danger": "danger",
}


def primary(text: str, icon_name: str = "", parent: QWidget | None = None) -> QPushButton:
    """The one filled button of a page."""
    return _button("primary", text, icon_name, parent)


def secondary(text: str, icon_name: str = "", parent: QWidget | None = None) -> QPushButton:
    """An outlined button."""
    return _button("secondary", text, icon_name, parent)


def ghost(text: str, icon_name: str = "", parent: QWidget | None = None) -> QPushButton:
    """A button without outline, for actions like a drop-down."""
    return _button("ghost", text, icon_name, parent)


def link(text: str, icon_name: str = "", parent: QWidget | None = None) -> QPushButton:
    """Words in the accent colour, such as "Show evidence"."""
    return _button("link", text, icon_name, parent)


def danger(text: str, icon_name: str = "", parent: QWidget | None = None) -> QPushButton:
    """Only for deleting."""
    return _button("danger", text, icon_name, parent)


def icon_button(
    icon_name: str,
    name: str,
    *,
    tip: str = "",
    checkable: bool = False,
    size: int = 18,
    parent: QWidget | None = None,
) -> QToolButton:
    """An icon of 28 px to press; `name` is its accessible name and, without `tip`, its tooltip."""
    button = QToolButton(parent)
    button.setProperty("kind", "icon")
    button.setIcon(icon(icon_name, "muted", checked="accent"))
    button.setIconSize(QSize(size, size))
    button.setCheckable(checkable)
    button.setAccessibleName(name)
    button.setToolTip(tooltip(tip or name))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def busy(button: QPushButton, words: str, icon_name: str = "") -> None:
    """Change a button's words, such as to "Stopping…", and keep its place: it never shrinks."""
    button.setMinimumWidth(max(button.width(), button.sizeHint().width()))
    button.setText(words)
    if icon_name:
        button.setIcon(icon(icon_name, _ICON_COLOR[button.property("kind")]))


def set_enabled(widget: QWidget, reason_against: str = "", tip: str = "") -> None:
    """Enable `widget`, or disable it with the reason in its tooltip."""
    widget.setEnabled(not reason_against)
    widget.setToolTip(tooltip(reason_against or tip))


def tooltip(text: str) -> str:
    """Plain words for `setToolTip`: 60 characters a line, and never read as HTML."""
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, 60) or [""]]
    if "<" not in text:
        return "\n".join(lines)
    return "<qt>" + "<br>".join(html.escape(line) for line in lines) + "</qt>"


def _button(kind: Kind, text: str, icon_name: str, parent: QWidget | None) -> QPushButton:
    button = QPushButton(text, parent)
    button.setProperty("kind", kind)
    button.setAutoDefault(False)
    # Focus by mouse would leave the ring behind on a button nobody reached by keyboard.
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if kind in ("ghost", "link"):
        button.setCursor(Qt.CursorShape.PointingHandCursor)
    if icon_name:
        button.setIcon(icon(icon_name, _ICON_COLOR[kind]))
        button.setIconSize(QSize(theme().px(16), theme().px(16)))
    return button
