"""The menu on a row: all that the buttons do, and filters by the cell's value."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from ui.icons import icon
from ui.runs.actions import ActionBar
from ui.runs.columns import COLUMNS, cell_values
from ui.widgets import clean
from workbench.workspace import RunRecord

ENTRIES = (
    ("open", "Open", "arrow-square-out"),
    ("rename", "Rename", "pencil-simple"),
    ("resume", "Resume", "play"),
    ("duplicate", "Duplicate and edit", "copy"),
    ("restore", "Restore", "arrow-counter-clockwise"),
    ("delete", "Delete", "trash"),
)
LONGEST = 40


class RunMenu(QMenu):
    """Signals:
    wanted: an entry by its name.
    filter_wanted: show only runs with this value: column, value.
    """

    wanted = Signal(str)
    filter_wanted = Signal(str, str)


def run_menu(parent: QWidget, actions: ActionBar, record: RunRecord, column: int) -> RunMenu:
    """The menu of a cell; what the buttons don't allow is left out."""
    menu = RunMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for name, words, glyph in ENTRIES:
        button = actions.buttons.get(name)
        if button is None or (button.isEnabled() and not button.isHidden()):
            action = menu.addAction(icon(glyph, "muted"), words)
            action.triggered.connect(lambda _=False, name=name: menu.wanted.emit(name))
    menu.addSeparator()
    for value in cell_values(COLUMNS[column], record):
        shown = clean(value if len(value) <= LONGEST else value[: LONGEST - 1] + "…")
        title = f"Only {COLUMNS[column].title}: {shown}".replace("&", "&&")
        action = menu.addAction(icon("funnel", "muted"), title)
        action.triggered.connect(
            lambda _=False, value=value: menu.filter_wanted.emit(COLUMNS[column].name, value)
        )
    return menu
