"""What a loaded data set holds: its header, and a tab for each way to look at it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from ui.controller import Controller
from ui.data.augmentation import AugmentationPanel
from ui.data.browse import BrowsePanel
from ui.data.duplicates import DuplicatesPanel
from ui.widgets import ElidedLabel, IconLabel, PlainLabel, muted, secondary
from workbench.wording import thousands

if TYPE_CHECKING:
    from workbench.data_summary import DataSummary


class DataContent(QWidget):
    """Title and facts on top, then pictures, duplicates, augmentation and notes.

    Signals:
        use_wanted: begin a new experiment with this data set.
    """

    use_wanted = Signal()

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__(parent)
        self.summary: DataSummary | None = None
        self.title = ElidedLabel("", "run")
        self.title.setObjectName("data_title")
        self.facts = ElidedLabel("", "why", "muted")
        self.facts.setObjectName("data_facts")
        self.use = secondary("Use in a new experiment", "flask")
        self.use.setObjectName("use")
        self.use.clicked.connect(self.use_wanted)
        self.browse = BrowsePanel()
        self.duplicates = DuplicatesPanel()
        self.augmentation = AugmentationPanel(controller)
        self.notes = NotesPanel()
        self.tabs = QTabWidget()
        self.tabs.setObjectName("data_tabs")
        self.tabs.setDocumentMode(True)
        for widget, words in (
            (self.browse, "Classes and pictures"),
            (self.duplicates, "Duplicates"),
            (self.augmentation, "Augmentation"),
            (self.notes, "Notes"),
        ):
            self.tabs.addTab(widget, words)
        self.browse.augment_wanted.connect(self._augment)
        self._lay_out()

    def show_summary(self, summary: "DataSummary") -> None:
        """Show another data set; the tab stays."""
        self.summary = summary
        self.title.setText(summary.title)
        self.facts.setText(summary.facts_line)
        self.facts.setAccessibleDescription(f"SHA-256 of images and labels: {summary.digest}")
        for panel in (self.browse, self.duplicates, self.augmentation, self.notes):
            panel.show_summary(summary)
        self._count(self.duplicates, "Duplicates", len(summary.pairs))
        self._count(self.notes, "Notes", len(summary.notes))

    def _count(self, panel: QWidget, words: str, many: int) -> None:
        shown = f"{words}  {thousands(many)}" if many else words
        self.tabs.setTabText(self.tabs.indexOf(panel), shown)

    def _augment(self, split: str, index: int) -> None:
        self.augmentation.show_image(split, index)
        self.tabs.setCurrentWidget(self.augmentation)

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.facts)
        head = QHBoxLayout()
        head.setContentsMargins(16, 12, 16, 8)
        head.setSpacing(16)
        head.addLayout(words, 1)
        head.addWidget(self.use)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.tabs, 1)


class NotesPanel(QScrollArea):
    """What reading the files had to say, such as which were skipped."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setObjectName("notes")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_summary(self, summary: "DataSummary") -> None:
        """Show the notes of a data set."""
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        if not summary.notes:
            column.addWidget(muted("Nothing to note: every file was read.", "body"))
        for note in summary.notes:
            first, *rest = note.split("\n")
            row = QHBoxLayout()
            row.setSpacing(8)
            row.addWidget(IconLabel("info", "muted"), 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(PlainLabel(f"{first.rstrip('.:')}.", "body", wrap=True), 1)
            column.addLayout(row)
            if rest:
                files = PlainLabel("\n".join(rest), "why", "muted", wrap=True)
                files.setContentsMargins(24, 0, 0, 0)
                column.addWidget(files)
        column.addStretch()
        self.setWidget(body)
        body.setAutoFillBackground(False)  # setWidget turned it on
        self.setAccessibleName(" ".join(summary.notes) or "No notes")
