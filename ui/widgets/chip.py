"""Chips: short words on a pill, such as a filter that can be taken away."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QWidget

from ui.theme import theme
from ui.widgets.button import icon_button
from ui.widgets.label import IconLabel, PlainLabel
from ui.widgets.panel import Panel


class Chip(Panel):
    """A pill with words; a removable one has a cross before them and is accent on soft.

    Args:
        icon_name: icon before the words of a chip that stays.
    """

    removed = Signal()

    def __init__(
        self,
        text: str,
        *,
        removable: bool = False,
        icon_name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(
            "pill" if removable else "chip", horizontal=True, padding=0, spacing=6, parent=parent
        )
        self.setFixedHeight(theme().px(28 if removable else 24))
        self.box.setContentsMargins(4 if removable else 10, 0, 10, 0)
        tone = "accent" if removable else "muted"
        if removable:
            cross = icon_button("x", f"Remove {text}", size=12)
            cross.setIconSize(QSize(12, 12))
            cross.setObjectName("remove")
            cross.clicked.connect(self.removed)
            self.box.addWidget(cross)
            self.box.setSpacing(0)
        elif icon_name:
            self.box.addWidget(IconLabel(icon_name, tone, 14))
        self.label = PlainLabel(text, "label", tone)  # type: ignore[arg-type]
        self.box.addWidget(self.label)
