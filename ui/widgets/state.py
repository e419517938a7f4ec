"""What a view shows instead of its picture: nothing yet, or an error with a way on."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ui.icons import icon
from ui.theme import theme
from ui.widgets.button import ghost, secondary
from ui.widgets.label import IconLabel, PlainLabel, clean


class EmptyState(QWidget):
    """One icon, one sentence and at most one button, in the middle of the view."""

    def __init__(
        self,
        icon_name: str,
        sentence: str,
        button: QPushButton | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        centre = Qt.AlignmentFlag.AlignHCenter
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        self.icon = IconLabel(icon_name, "muted", 32)
        self.sentence = PlainLabel(sentence, "body", "muted", wrap=True)
        self.sentence.setAlignment(centre)
        self.button = button
        layout.addStretch()
        layout.addWidget(self.icon, 0, centre)
        layout.addWidget(self.sentence)
        if button is not None:
            layout.addWidget(button, 0, centre)
        layout.addStretch()


class ErrorPanel(QWidget):
    """A sentence, its cause, the next step as buttons, and the traceback under Details.

    Args:
        sentence: what failed, such as "The loss became NaN at step 212."
        cause: the likely cause with its evidence.
        kept: what was kept or lost, named exactly.
        actions: buttons of the next step, most useful first.
        details: a traceback, shown and copied on demand.
    """

    def __init__(
        self,
        sentence: str,
        cause: str = "",
        kept: str = "",
        actions: Sequence[QPushButton] = (),
        details: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(12)
        layout.addWidget(IconLabel("x-circle", "danger", 20), 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(8)
        layout.addLayout(column, 1)
        column.addWidget(PlainLabel(sentence, "section", wrap=True))
        for words in filter(None, (cause, kept)):
            column.addWidget(PlainLabel(words, "body", "muted", wrap=True))
        self._details = _Details(details)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for action in actions:
            buttons.addWidget(action)
        if details:
            buttons.addWidget(self._details.toggle)
        buttons.addStretch()
        column.addLayout(buttons)
        column.addWidget(self._details)
        column.addStretch()
        self.setAccessibleName(f"{sentence} {cause} {kept}".strip())


class _Details(QWidget):
    """A traceback that opens below its button and can be copied whole."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._text = clean(text)
        self.toggle = ghost("Details", "caret-right")
        self.toggle.setObjectName("details")
        self.toggle.setCheckable(True)
        self.toggle.toggled.connect(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        box = QPlainTextEdit(self._text)
        box.setProperty("role", "mono")
        box.setReadOnly(True)
        box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        box.setMinimumHeight(theme().px(160))
        box.setAccessibleName("Details")
        copy = secondary("Copy", "copy")
        copy.setObjectName("copy")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._text))
        layout.addWidget(box, 1)
        layout.addWidget(copy, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def _open(self, opened: bool) -> None:
        self.setVisible(opened)
        self.toggle.setIcon(icon("caret-down" if opened else "caret-right", "muted"))
