"""Grounds and the lines between them."""

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

Ground = Literal["window", "surface", "raised", "card", "popup", "banner", "chip", "pill"]


class Panel(QWidget):
    """A widget with a ground of its own, one of the three depths, and a ready layout."""

    def __init__(
        self,
        ground: Ground = "surface",
        *,
        horizontal: bool = False,
        padding: int = 16,
        spacing: int = 8,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", ground)
        self.box: QBoxLayout = QHBoxLayout(self) if horizontal else QVBoxLayout(self)
        self.box.setContentsMargins(padding, padding, padding, padding)
        self.box.setSpacing(spacing)


class HairLine(QWidget):
    """A 1-px line between neighbours."""

    def __init__(self, *, vertical: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("ground", "line")
        fixed, along = QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding
        if vertical:
            self.setFixedWidth(1)
            self.setSizePolicy(fixed, along)
        else:
            self.setFixedHeight(1)
            self.setSizePolicy(along, fixed)
