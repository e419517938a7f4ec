"""A thin bar with words for work that takes longer than a blink."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from ui.widgets.button import link, set_enabled
from ui.widgets.label import ElidedLabel


class ProgressLine(QWidget):
    """4-px bar, words with units ("t-SNE, iteration 310 of 700") and Cancel."""

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._words = ElidedLabel("", "why", "muted")
        self.cancel = link("Cancel")
        self.cancel.setObjectName("cancel")
        self.cancel.clicked.connect(self._ask_to_cancel)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._words, 1)
        row.addWidget(self.cancel)
        layout.addWidget(self._bar)
        layout.addLayout(row)

    def show_progress(self, done: int, total: int, words: str) -> None:
        """Show `done` of `total` and what is going on; call it as often as you like."""
        if not self.cancel.isEnabled() and done == 0:
            self.cancel.setText("Cancel")
            set_enabled(self.cancel)
        self._bar.setMaximum(max(total, 1))
        self._bar.setValue(min(done, total))
        self._words.setText(words)
        self._bar.setAccessibleName(words)

    def _ask_to_cancel(self) -> None:
        self.cancel.setText("Cancelling…")
        set_enabled(self.cancel, "It ends after the step it is at.")
        self.cancelled.emit()
