"""The row of choices above the map."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from ui.widgets import PlainLabel
from ui.widgets.segments import Segments
from workbench.maps import Method

METHODS: tuple[Method, ...] = ("t-SNE", "PCA")
PAUSE = 150  # milliseconds after the last letter typed


class MapControls(QWidget):
    """How the map is made, what colours mean, and which labels to look for.

    Signals:
        method_changed: another way of making the map was chosen.
        colour_changed: colours should mean something else.
        searched: the words to look for in labels; empty for all.
    """

    method_changed = Signal()
    colour_changed = Signal()
    searched = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._switch = Segments(
            METHODS,
            "Map",
            (
                "Keeps neighbours together; distances between groups mean little",
                "The plane of largest variance; distances on it are true, the rest is lost",
            ),
        )
        self._switch.setObjectName("method")
        self._switch.picked.connect(self.method_changed)
        self._colour = QComboBox()
        self._colour.setObjectName("colour")
        self._colour.setAccessibleName("Colour by")
        self._colour.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.offer_colours(["Class"])
        self._colour.currentIndexChanged.connect(lambda _place: self.colour_changed.emit())
        self.search = QLineEdit()
        self.search.setObjectName("search")
        self.search.setPlaceholderText("Find a label")
        self.search.setAccessibleName("Find a label")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(90)
        self.found = PlainLabel("", "why", "muted")
        self.found.setObjectName("found")
        self.found.hide()
        self._typed = QTimer(self, interval=PAUSE, singleShot=True)
        self._typed.timeout.connect(lambda: self.searched.emit(self.search.text()))
        self.search.textChanged.connect(lambda _text: self._typed.start())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._switch)
        row.addWidget(self._colour)
        row.addWidget(self.search, 1)
        row.addWidget(self.found)

    @property
    def method(self) -> Method:
        """How the map is to be made."""
        return METHODS[self._switch.chosen]

    @property
    def colour_by(self) -> str:
        """What colours are to mean, one of the offered words."""
        return str(self._colour.currentData() or "")

    def offer_colours(self, choices: Sequence[str]) -> None:
        """Offer these meanings and keep the chosen one, without telling."""
        if [self._colour.itemData(i) for i in range(self._colour.count())] == list(choices):
            return
        chosen = self._colour.currentData()
        with QSignalBlocker(self._colour):
            self._colour.clear()
            for choice in choices:
                self._colour.addItem(f"Colour: {choice[:1].lower()}{choice[1:]}", choice)
            self._colour.setCurrentIndex(max(0, self._colour.findData(chosen)))

    def show_found(self, words: str) -> None:
        """Say how many were found; nothing while nobody searches."""
        self.found.setText(words)
        self.found.setVisible(bool(words))
