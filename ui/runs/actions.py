"""What can be done with the selected runs: a row of buttons, and a notice with Undo above it."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from ui.icons import icon
from ui.runs.columns import RESUMABLE
from ui.theme import theme
from ui.widgets import (
    ElidedLabel,
    IconLabel,
    Panel,
    PlainLabel,
    ghost,
    icon_button,
    link,
    secondary,
    set_enabled,
)
from workbench.workspace import RunRecord

SEEDS = (1, 2, 4, 9)
NARROW = 780  # width below which buttons are icons
TIPS = {
    "open": "Enter",
    "duplicate": "Its set-up as a new one, to edit and start",
    "seeds": "The same set-up again with other random choices",
    "delete": "Into the trash.  Delete",
}
EXPORTS = (
    ("csv", "Metrics as CSV…", "table"),
    ("weights", "Weights as safetensors…", "file-arrow-down"),
    ("spec", "Set-up as TOML…", "file-text"),
)


class ActionBar(Panel):
    """Buttons under the table; each says why it can't be pressed.

    Signals:
        wanted: a button by its name: "clear", "open", "resume", "duplicate", "delete", "restore".
        seeds_wanted: run the selected set-ups with so many more seeds.
        export_wanted: one of EXPORTS by name.
    """

    wanted = Signal(str)
    seeds_wanted = Signal(int)
    export_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface", horizontal=True, padding=0, spacing=8, parent=parent)
        self.box.setContentsMargins(16, 10, 16, 10)
        self.count = PlainLabel("", "strong")
        self.buttons: dict[str, QPushButton] = {}
        self._words: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._narrow = False
        self._add("clear", ghost("Clear"))
        self.box.insertWidget(0, self.count)
        self.box.addStretch(1)
        self._add("open", secondary("Open", "arrow-square-out"))
        self._add("resume", secondary("Resume", "play"))
        self._add("duplicate", secondary("Duplicate", "copy"))
        self._add("seeds", secondary("More seeds", "plus"))
        self._add("export", secondary("Export", "export"))
        self._add("restore", secondary("Restore", "arrow-counter-clockwise"))
        self._add("delete", secondary("Delete", "trash"))
        self._make_menus()

    def show_runs(
        self, records: Sequence[RunRecord], *, live: set[str], trash: bool, ready: bool
    ) -> None:
        """Offer what these runs allow.

        Args:
            live: those that train or wait in this window.
            trash: the table shows the trash.
            ready: torch is loaded.
        """
        self.count.setText(f"{len(records)} selected" if records else "Nothing selected")
        none = "" if records else "Select a run first."
        several = "" if len(records) < 2 else "Select one run only."
        resumable = any(r.status in RESUMABLE and r.id not in live for r in records)
        training = "" if not any(r.id in live for r in records) else "Stop the run first."
        self._reasons = {
            "clear": none,
            "open": none or several,
            "resume": none or ("" if resumable else "Only what was cut off can go on."),
            "duplicate": none or several,
            "seeds": none or ("" if ready else "torch is still loading."),
            "export": none or several,
            "restore": none,
            "delete": none or training,
        }
        for name, button in self.buttons.items():
            shown = name in ("clear", "open", "restore", "export") if trash else name != "restore"
            button.setVisible(shown and (name != "clear" or bool(records)))
        self._explain()

    def _explain(self) -> None:
        for name, button in self.buttons.items():
            words, reason = self._words[name], self._reasons.get(name, "")
            tip = f"{words}\n{TIPS.get(name, '')}".strip() if self._narrow else TIPS.get(name, "")
            set_enabled(button, f"{words}: {reason}" if reason else "", tip)

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().px(400), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Icons with their words in the tooltip, where there is little room."""
        super().resizeEvent(event)
        narrow = self.width() < theme().px(NARROW)
        if narrow == self._narrow:
            return
        self._narrow = narrow
        self._explain()
        for name, button in self.buttons.items():
            if name != "clear":
                button.setText("" if narrow else self._words[name])
                button.setMaximumWidth(theme().px(40) if narrow else 16777215)

    def _add(self, name: str, button: QPushButton) -> None:
        button.setObjectName(name)
        button.setAccessibleName(button.text())
        button.clicked.connect(lambda: self.wanted.emit(name))
        self.buttons[name], self._words[name] = button, button.text()
        self.box.addWidget(button)

    def _make_menus(self) -> None:
        seeds = QMenu(self.buttons["seeds"])
        for count in SEEDS:
            words = f"{count} more seed" + ("s" if count > 1 else "")
            action = seeds.addAction(words)
            action.triggered.connect(lambda _=False, count=count: self.seeds_wanted.emit(count))
        self.buttons["seeds"].setMenu(seeds)
        exports = QMenu(self.buttons["export"])
        for name, words, glyph in EXPORTS:
            action = exports.addAction(icon(glyph, "muted"), words)
            action.triggered.connect(lambda _=False, name=name: self.export_wanted.emit(name))
        self.buttons["export"].setMenu(exports)


class Notice(Panel):
    """What was just done, with Undo where it can be; stays until dismissed or replaced."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("raised", horizontal=True, padding=0, spacing=10, parent=parent)
        self.box.setContentsMargins(16, 4, 8, 4)
        self.words = ElidedLabel("", "body")
        self.undo = link("Undo")
        self.undo.setObjectName("undo")
        self._act: Callable[[], None] | None = None
        close = icon_button("x", "Dismiss", size=14)
        close.clicked.connect(self.hide)
        self.undo.clicked.connect(self._undo)
        self.box.addWidget(IconLabel("info", "muted"))
        self.box.addWidget(self.words, 1)
        self.box.addWidget(self.undo)
        self.box.addWidget(close)
        self.hide()

    def say(self, words: str, undo: Callable[[], None] | None = None) -> None:
        """Show a sentence, and Undo if there is a way back."""
        self._act = undo
        self.words.setText(words)
        self.undo.setVisible(undo is not None)
        self.show()

    def _undo(self) -> None:
        act, self._act = self._act, None
        self.hide()
        if act is not None:
            act()
