"""What stands in the place of a data set that can't be read, with a way on."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from ui.theme import theme
from ui.widgets import IconLabel, PlainLabel, clean, muted, secondary

if TYPE_CHECKING:
    from workbench.data_summary import Refusal


class Trouble(QWidget):
    """The sentence, the files by name, and buttons: skip them, choose again, try again.

    Args:
        skip: leaves the unreadable files out, with the user's consent.
        choose: opens the folder dialog; None for a data set that has no folder.
        again: reads once more.
    """

    def __init__(
        self,
        title: str,
        why: "Refusal",
        skip: Callable[[], None],
        choose: Callable[[], None] | None,
        again: Callable[[], None],
    ):
        super().__init__()
        self.setObjectName("trouble")
        self.setAccessibleName(f"{title} can't be loaded. {why.sentence}")
        self.sentence = PlainLabel(why.sentence, "body", wrap=True)
        self.sentence.setObjectName("why")
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addWidget(PlainLabel(f"{title} can't be loaded.", "section", wrap=True))
        column.addWidget(self.sentence)
        if why.files:
            column.addWidget(self._files(why.files))
        if why.unreadable:
            consent = "They are left out of this data set; the files themselves stay as they are."
            column.addWidget(muted(consent))
        column.addLayout(self._buttons(why, skip, choose, again))
        column.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 24, 24, 24)
        row.setSpacing(12)
        row.addWidget(IconLabel("x-circle", "danger", 20), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)

    @staticmethod
    def _files(lines: tuple[str, ...]) -> QPlainTextEdit:
        box = QPlainTextEdit(clean("\n".join(lines)))
        box.setObjectName("unreadable_files")
        box.setProperty("role", "mono")
        box.setReadOnly(True)
        box.setTabChangesFocus(True)
        box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        box.setAccessibleName("Files that can't be read")
        shown = min(max(len(lines), 3), 12)
        box.setFixedHeight(shown * box.fontMetrics().lineSpacing() + theme().px(36))
        return box

    @staticmethod
    def _buttons(
        why: "Refusal",
        skip: Callable[[], None],
        choose: Callable[[], None] | None,
        again: Callable[[], None],
    ) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        offered: list[tuple[str, str, str, Callable[[], None]]] = []
        if why.unreadable:
            files = "this file" if why.unreadable == 1 else f"these {why.unreadable} files"
            offered.append(("skip", f"Skip {files}", "check", skip))
        if choose is not None:
            offered.append(("choose_another", "Choose another folder", "folder-open", choose))
        offered.append(("again", "Try again", "arrow-clockwise", again))
        for name, words, icon, act in offered:
            button = secondary(words, icon)
            button.setObjectName(name)
            # After the click: acting replaces this panel, and the button with it.
            button.clicked.connect(act, Qt.ConnectionType.QueuedConnection)
            row.addWidget(button)
        row.addStretch()
        return row
