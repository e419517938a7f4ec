"""The palette: type a few letters, press Enter; finds presets, runs, pages and commands."""

from collections.abc import Sequence

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    Qt,
)
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from ui.controller import Controller
from ui.fuzzy import fit
from ui.palette_entries import Command, gathered, runs_found
from ui.palette_list import Line, LineDelegate, LineModel, height_of
from ui.theme import theme
from ui.widgets import HairLine, IconLabel, Panel, PlainLabel

__all__ = ["Command", "Palette", "open_palette"]

WIDTH, TOP = 620, 96
EACH, EACH_AT_FIRST = 8, 4  # entries of a section while searching, and before


def open_palette(
    window: QWidget, controller: Controller, commands: Sequence[Command] = ()
) -> "Palette":
    """Show the palette over `window`, or hide it if it is there; one for each window."""
    palette = window.findChild(Palette) or Palette(window, controller)
    if commands:
        palette.set_commands(commands)
    if palette.isVisible():
        palette.close()
    else:
        palette.open()
    return palette


class Palette(QWidget):
    """Covers its window; a click beside the panel or Esc closes it.

    Args:
        window: what it covers.
    """

    def __init__(self, window: QWidget, controller: Controller):
        super().__init__(window)
        self._controller = controller
        self._sections: dict[str, list[Command]] = {}
        self._commands: list[Command] = []
        self._focus_before: QWidget | None = None
        self.hide()
        self.field = QLineEdit()
        self.field.setObjectName("palette_field")
        self.field.setPlaceholderText("Find a preset, run, page or command")
        self.field.setAccessibleName("Find a preset, run, page or command")
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.lines = LineModel(self)
        self.list = QListView()
        self.list.setModel(self.lines)
        self.list.setItemDelegate(LineDelegate(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.entered.connect(self._hover)
        self.list.clicked.connect(self._act)
        self.nothing = PlainLabel("Nothing has these letters in this order.", "body", "muted")
        self._lay_out()
        window.installEventFilter(self)

    def set_commands(self, commands: Sequence[Command]) -> None:
        """What can be done besides opening and starting things."""
        self._commands = list(commands)

    def open(self) -> None:
        """Show everything that can be found, with an empty field."""
        self._focus_before = self.window().focusWidget()
        self._sections = gathered(self._controller, self._commands)
        self.field.clear()
        self.setGeometry(self.window().rect())
        self.raise_()
        self.show()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)
        self._search("")
        workspace = self._controller.workspace
        self._controller.in_background("Reading the runs", workspace.records, self._take_runs)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._focus_before is not None and self.field.hasFocus():
            self._focus_before.setFocus(Qt.FocusReason.PopupFocusReason)
        self._focus_before = None

    def chosen(self) -> Command | None:
        """The entry that Enter would choose."""
        return self.lines.command(self.list.currentIndex())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.parent() and event.type() == QEvent.Type.Resize:
            self.setGeometry(self.window().rect())
            self._fit()
        if watched is self.field and isinstance(event, QKeyEvent):
            return event.type() == QEvent.Type.KeyPress and self._steer(event.key())
        return super().eventFilter(watched, event)

    def focusNextPrevChild(self, following: bool) -> bool:
        return True  # Tab stays here: what lies below is covered

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.panel.geometry().contains(event.position().toPoint()):
            self.close()

    def _steer(self, key: int) -> bool:
        match key:
            case Qt.Key.Key_Down | Qt.Key.Key_Tab:
                self._move(1)
            case Qt.Key.Key_Up | Qt.Key.Key_Backtab:
                self._move(-1)
            case Qt.Key.Key_PageDown:
                self._move(8)
            case Qt.Key.Key_PageUp:
                self._move(-8)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._act(self.list.currentIndex())
            case Qt.Key.Key_Escape:
                self.close()
            case _:
                return False
        return True

    def _move(self, by: int) -> None:
        """Go on by entries, headings not counted; a single step goes round at the ends."""
        rows = self.lines.entry_rows()
        if not rows:
            return
        current = self.list.currentIndex().row()
        place = rows.index(current) + by if current in rows else 0
        place = place % len(rows) if abs(by) == 1 else max(0, min(len(rows) - 1, place))
        self._select(rows[place])

    def _select(self, row: int) -> None:
        self.list.setCurrentIndex(self.lines.index(row))
        first = row == self.lines.entry_rows()[0]
        self.list.scrollTo(self.lines.index(0 if first else row))

    def _hover(self, index: QModelIndex) -> None:
        if self.lines.command(index) is not None:
            self.list.setCurrentIndex(index)

    def _act(self, index: QModelIndex) -> None:
        command = self.lines.command(index)
        if command is not None:
            self.close()
            command.act()

    def _take_runs(self, records: list) -> None:
        if self.isVisible():
            self._sections["Runs"] = runs_found(self._controller, records)
            self._search(self.field.text())

    def _search(self, words: str) -> None:
        found: list[tuple[float, str, list[Command]]] = []
        for section, commands in self._sections.items():
            fits = [(fit(words, known.title, known.hint), known) for known in commands]
            kept = [(score, command) for score, command in fits if score is not None]
            kept.sort(key=lambda pair: -pair[0])
            if kept:
                most = EACH if words.strip() else EACH_AT_FIRST
                found.append((kept[0][0], section, [command for _, command in kept[:most]]))
        found.sort(key=lambda entry: -entry[0])
        lines = []
        for _, section, commands in found:
            lines += [Line(section), *(Line(command.title, command) for command in commands)]
        self.lines.set_lines(lines)
        self.nothing.setVisible(not lines)
        self.list.setVisible(bool(lines))
        if lines:
            self._select(1)
        self._fit()

    def _fit(self) -> None:
        """A panel as high as its lines, within its window."""
        width = min(theme().px(WIDTH), self.width() - 32)
        top = min(theme().px(TOP), self.height() // 8)
        rows = sum(height_of(line) for line in self.lines.lines)
        self.list.setFixedHeight(min(rows + 12, max(120, self.height() - top - theme().px(120))))
        # Counted, for layouts learn of a widget's hiding only later.
        below = self.nothing.sizeHint() if self.list.isHidden() else self.list.minimumSize()
        height = self.field.sizeHint().height() + below.height() + 2 * 6 + 2 * 6 + 3
        self.panel.setGeometry((self.width() - width) // 2, top, width, height)

    def _lay_out(self) -> None:
        self.panel = Panel("popup", padding=0, spacing=0, parent=self)
        self.field.setProperty("role", "palette")
        search = QHBoxLayout()
        search.setContentsMargins(14, 6, 8, 6)
        search.setSpacing(4)
        search.addWidget(IconLabel("magnifying-glass", "muted"))
        search.addWidget(self.field, 1)
        body = QVBoxLayout()
        body.setContentsMargins(6, 6, 6, 6)
        self.nothing.setMargin(12)
        body.addWidget(self.nothing)
        body.addWidget(self.list)
        self.panel.box.setContentsMargins(1, 1, 1, 1)
        self.panel.box.addLayout(search)
        self.panel.box.addWidget(HairLine())
        self.panel.box.addLayout(body)
