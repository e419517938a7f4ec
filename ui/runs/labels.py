"""Title, tags and notes of one run, edited in place and stored a moment after the last key."""

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QPlainTextEdit, QWidget

from ui.runs.columns import title_words
from ui.theme import theme
from ui.widgets import ElidedLabel, Panel, PlainLabel, clean, icon_button, muted
from workbench.compare import number
from workbench.workspace import RunRecord

WAIT = 700  # milliseconds after the last key
LONGEST_NOTES = 100_000


class Labels(Panel):
    """What a person writes on a run.

    Signals:
        edited: run, and the labels that changed, such as {"tags": ["baseline"]}.
        rename_wanted: the pencil beside the title.
    """

    edited = Signal(str, object)
    rename_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface", padding=0, spacing=8, parent=parent)
        self.box.setContentsMargins(16, 10, 16, 10)
        self._record: RunRecord | None = None
        self._number = PlainLabel("", "section")
        self._title = ElidedLabel("", "body", "muted")
        self.tags, self.notes = QLineEdit(), QPlainTextEdit()
        self._wait = QTimer(self, interval=WAIT, singleShot=True)
        self._wait.timeout.connect(self.store)
        self._set_up()

    def show_run(self, record: RunRecord | None) -> None:
        """Show a run's labels; what was being typed for another is stored first."""
        same = record is not None and self._record is not None and record.id == self._record.id
        if not same:
            self.store()
        self._record = record if not same or not self._wait.isActive() else self._record
        self.setVisible(record is not None)
        if record is None or self._wait.isActive():
            return
        self._number.setText(number(record))
        self._title.setText(title_words(record))
        tags = ", ".join(record.tags)
        if not self.tags.hasFocus() or self._tags() != list(record.tags):
            self._put(self.tags, self.tags.text(), tags)
        if self.notes.toPlainText() != record.notes:
            self._put(self.notes, self.notes.toPlainText(), record.notes)

    def store(self) -> None:
        """Store now what was typed."""
        self._wait.stop()
        if self._record is None:
            return
        changes: dict[str, object] = {}
        if (tags := self._tags()) != list(self._record.tags):
            changes["tags"] = tags
        if (notes := clean(self.notes.toPlainText())[:LONGEST_NOTES]) != self._record.notes:
            changes["notes"] = notes
        if changes:
            self.edited.emit(self._record.id, changes)

    def hideEvent(self, event: QHideEvent) -> None:
        """Store at once: the window may be about to close."""
        self.store()
        super().hideEvent(event)

    def _tags(self) -> list[str]:
        words = (word.strip() for word in clean(self.tags.text()).split(","))
        return list(dict.fromkeys(word for word in words if word))

    def _put(self, editor: QLineEdit | QPlainTextEdit, now: str, text: str) -> None:
        if now == text:
            return
        with QSignalBlocker(editor):
            editor.setText(text) if isinstance(editor, QLineEdit) else editor.setPlainText(text)

    def _set_up(self) -> None:
        self.tags.setObjectName("tags")
        self.tags.setPlaceholderText("Words with commas between")
        self.tags.setAccessibleName("Tags")
        self.tags.setMaxLength(500)
        self.notes.setObjectName("notes")
        self.notes.setPlaceholderText("What you wanted to know, and what you saw")
        self.notes.setAccessibleName("Notes")
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(theme().px(64))
        self.tags.textEdited.connect(lambda: self._wait.start())
        self.notes.textChanged.connect(self._wait.start)
        self.tags.editingFinished.connect(self.store)
        pencil = icon_button("pencil-simple", "Rename  F2", size=16)
        pencil.setObjectName("rename")
        pencil.clicked.connect(self.rename_wanted)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._number)
        head.addWidget(self._title, 1)
        head.addWidget(pencil)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        for row, (words, editor) in enumerate((("Tags", self.tags), ("Notes", self.notes))):
            label = muted(words)
            label.setBuddy(editor)
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            label.setFixedHeight(theme().px(32))
            grid.addWidget(editor, row, 1)
        self.box.addLayout(head)
        self.box.addLayout(grid)
