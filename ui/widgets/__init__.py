"""Small widgets of one look, themed by the one stylesheet through properties."""

from ui.widgets.banner import Banner
from ui.widgets.button import (
    busy,
    danger,
    ghost,
    icon_button,
    link,
    primary,
    secondary,
    set_enabled,
    tooltip,
)
from ui.widgets.chip import Chip
from ui.widgets.focus import FocusRing
from ui.widgets.label import ElidedLabel, IconLabel, PlainLabel, clean, muted, title, why_line
from ui.widgets.panel import HairLine, Panel
from ui.widgets.progress import ProgressLine
from ui.widgets.stat import StatTile
from ui.widgets.state import EmptyState, ErrorPanel

__all__ = [
    "Banner",
    "Chip",
    "ElidedLabel",
    "EmptyState",
    "ErrorPanel",
    "FocusRing",
    "HairLine",
    "IconLabel",
    "Panel",
    "PlainLabel",
    "ProgressLine",
    "StatTile",
    "busy",
    "clean",
    "danger",
    "ghost",
    "icon_button",
    "link",
    "muted",
    "primary",
    "secondary",
    "set_enabled",
    "title",
    "tooltip",
    "why_line",
]
