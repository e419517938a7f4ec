"""A number with its name above it and what it means below."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.widgets.label import PlainLabel, Tone


class StatTile(QWidget):
    """Caption, key number, and a third line that a small screen hides.

    A missing number is shown as "–".
    """

    def __init__(self, caption: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self.caption = PlainLabel(caption, "caption", "muted")
        self.number = PlainLabel("–", "key")
        self.third = PlainLabel("", "caption", "muted")
        self.third.hide()
        for label in (self.caption, self.number, self.third):
            layout.addWidget(label)
        layout.addStretch()

    def show_value(self, number: str | None, third: str = "", tone: Tone = "muted") -> None:
        """Show a formatted number, or "–" for None, with what it means below."""
        self.number.setText(number or "–")
        self.third.setText(third)
        self.third.set_tone(tone)
        self.third.setVisible(bool(third))
        self.setAccessibleName(f"{self.caption.text()}: {number or 'no value yet'}. {third}")
