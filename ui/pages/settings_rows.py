"""Rows of the Settings page: a label above, a control, and a line that says why."""

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ui.widgets import HairLine, PlainLabel, muted, why_line


class Section(QWidget):
    """A title with rows below it, and a line above that separates it from the one before."""

    def __init__(self, title: str, parent: QWidget | None = None):
        super().__init__(parent)
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(16)
        self.box.addWidget(HairLine())
        self.box.addWidget(PlainLabel(title, "section"))

    def add(self, label: str, *controls: QWidget, why: str = "") -> PlainLabel:
        """Append a row; returns its why-line, hidden while it has nothing to say."""
        row = QHBoxLayout()
        row.setSpacing(8)
        for control in controls:
            row.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch()
        column = QVBoxLayout()
        column.setSpacing(4)
        if label:
            name = muted(label)
            name.setBuddy(controls[0])
            column.addWidget(name)
        column.addLayout(row)
        reason = why_line(why)
        reason.setVisible(bool(why))
        column.addWidget(reason)
        self.box.addLayout(column)
        return reason


def say(line: PlainLabel, words: str) -> None:
    """Change a why-line."""
    line.setText(words)
    line.setVisible(bool(words))


def open_path(path: Path) -> None:
    """Show a folder or file in the desktop's own program."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
