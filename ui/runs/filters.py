"""The head of the Runs page: title and count, the filter field, its chips, and the trash."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QScrollArea, QWidget

from ui.icons import icon
from ui.runs.columns import COLUMNS, PLACE
from ui.theme import theme
from ui.widgets import Chip, Panel, muted, secondary, title, tooltip

CHIP_MOST = 32  # letters; the whole value is the chip's tooltip


class FilterBar(Panel):
    """What is typed and every chip must hold for a run to be shown.

    Signals:
        changed: other runs are wanted.
        trash_toggled: the runs in the trash are wanted instead, or no longer.
    """

    changed = Signal()
    trash_toggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface", padding=0, spacing=0, parent=parent)
        self._chips: dict[tuple[str, str], Chip] = {}
        self._title, self._count = title("Runs"), muted("", "section")
        self.field = QLineEdit()
        self.trash = secondary("Trash", "trash")
        self._row = QHBoxLayout()
        self._strip = _strip(self._row)
        self._set_up()
        head = QHBoxLayout()
        head.setContentsMargins(16, 0, 16, 0)
        head.setSpacing(10)
        head.addWidget(self._title)
        head.addWidget(self._count)
        head.addSpacing(4)
        head.addWidget(self.field, 1)
        head.addStretch(1)
        head.addWidget(self.trash)
        box = QWidget()
        box.setLayout(head)
        box.setFixedHeight(theme().px(64))
        self.box.addWidget(box)
        self.box.addWidget(self._strip)

    @property
    def words(self) -> str:
        """What is typed."""
        return self.field.text()

    @property
    def filters(self) -> list[tuple[str, str]]:
        """(column, value) of every chip."""
        return list(self._chips)

    def add(self, column: str, value: str) -> None:
        """Show only runs with this value; it takes the place of another value of the column."""
        if (column, value) in self._chips:
            return
        for known in list(self._chips):
            if known[0] == column and column != "tags":
                self._drop(known)
        words = f"{COLUMNS[PLACE[column]].title}: {value}"
        short = words if len(words) <= CHIP_MOST else words[: CHIP_MOST - 1] + "…"
        chip = Chip(short, removable=True)
        chip.setToolTip(tooltip(words))
        chip.removed.connect(lambda: self._remove((column, value)))
        self._chips[column, value] = chip
        self._row.insertWidget(self._row.count() - 1, chip)
        self._strip.show()
        self.changed.emit()

    def clear(self) -> None:
        """Show every run again."""
        for known in list(self._chips):
            self._drop(known)
        self.field.clear()
        self.changed.emit()

    def show_count(self, shown: int, total: int) -> None:
        """How many runs are shown of how many."""
        self._count.setText(str(total) if shown == total else f"{shown} of {total}")

    def show_trash(self, opened: bool) -> None:
        """Say what the table shows."""
        self._title.setText("Trash" if opened else "Runs")
        self.trash.setText("Back to runs" if opened else "Trash")

    def _remove(self, known: tuple[str, str]) -> None:
        self._drop(known)
        self.changed.emit()

    def _drop(self, known: tuple[str, str]) -> None:
        chip = self._chips.pop(known)
        self._row.removeWidget(chip)
        chip.hide()
        chip.deleteLater()
        self._strip.setVisible(bool(self._chips))

    def _set_up(self) -> None:
        self.field.setObjectName("filter")
        self.field.setPlaceholderText("Filter by name, tag, note")
        self.field.setAccessibleName("Filter runs by name, tag, note, model or state")
        self.field.setClearButtonEnabled(True)
        self.field.setMinimumWidth(theme().px(140))
        self.field.setMaximumWidth(theme().px(280))
        self.field.addAction(
            icon("magnifying-glass", "muted"), QLineEdit.ActionPosition.LeadingPosition
        )
        self.field.setToolTip(
            tooltip("Every word must be found.  Ctrl+F\nAlt+click on a cell filters by its value.")
        )
        self.field.textChanged.connect(self.changed)
        self.trash.setObjectName("trash")
        self.trash.setCheckable(True)
        self.trash.setToolTip(tooltip("Deleted runs: look at them and restore them."))
        self.trash.toggled.connect(self.show_trash)
        self.trash.toggled.connect(self.trash_toggled)


def _strip(row: QHBoxLayout) -> QScrollArea:
    """A row of chips that scrolls sideways where they are too many."""
    inner = QWidget()
    inner.setLayout(row)
    row.setContentsMargins(16, 0, 16, 0)
    row.setSpacing(8)
    row.addStretch()
    area = QScrollArea()
    area.setWidget(inner)
    # A scroll area turns it on, but the strip has its panel's ground.
    inner.setAutoFillBackground(False)
    area.setWidgetResizable(True)
    area.setFixedHeight(theme().px(40))
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.hide()
    return area
