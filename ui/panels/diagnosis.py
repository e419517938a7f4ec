"""The line that says in words what a run is doing, and the numbers behind it."""

import time
from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ui.theme import theme
from ui.widgets import ElidedLabel, IconLabel, Panel, PlainLabel, link
from workbench.diagnosis import Diagnosis
from workbench.wording import thousands

SECONDS = 2.0  # a sentence that changes faster can't be read
TONES = {"neutral": "muted", "good": "success", "warn": "warn", "bad": "danger"}


class DiagnosisPanel(QWidget):
    """Icon, sentence, evidence and "Show evidence", 40 px high; the numbers open below.

    A new sentence waits until the old one has stood for two seconds; numbers of the
    same sentence change at the same pace. What ends a run is said at once.

    Args:
        clock: seconds, monotonic; for tests.
    """

    def __init__(
        self, parent: QWidget | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._shown: Diagnosis | None = None
        self._waiting: Diagnosis | None = None
        self._since = -SECONDS
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._show_waiting)
        self._icon = IconLabel("hourglass", "muted", 16)
        self.sentence = ElidedLabel("", "strong")
        self.sentence.setObjectName("sentence")
        self.evidence = ElidedLabel("", "why", "muted")
        self.evidence.setObjectName("evidence")
        # The sentence gets its width first, the evidence what is left.
        self.evidence.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.more = link("Show evidence")
        self.more.setObjectName("more")
        self.more.setCheckable(True)
        self.more.toggled.connect(self._open)
        self.numbers = Panel("surface", padding=16, spacing=8)
        self.numbers.setObjectName("numbers")
        self.numbers.hide()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(6)
        self.span = PlainLabel("", "why", "muted")
        self.numbers.box.addWidget(self.span)
        self.numbers.box.addLayout(self._grid)
        self._lay_out()
        self.show_diagnosis(None)

    def show_diagnosis(self, diagnosis: Diagnosis | None) -> None:
        """Say `diagnosis`, now or as soon as the sentence on screen has stood two seconds.

        Args:
            diagnosis: what `workbench.diagnosis.diagnose` returned; None when no run is open.
        """
        self._waiting = diagnosis
        stood = self._clock() - self._since
        if diagnosis is None or self._shown is None or stood >= SECONDS or _is_end(diagnosis):
            self._show_waiting()
        elif not self._later.isActive():
            self._later.start(round(1000 * (SECONDS - stood)))

    def _lay_out(self) -> None:
        line = QWidget()
        line.setFixedHeight(theme().px(40))
        row = QHBoxLayout(line)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self.sentence)
        row.addWidget(self.evidence, 1)
        row.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(line)
        layout.addWidget(self.numbers)

    def _show_waiting(self) -> None:
        self._later.stop()
        diagnosis, self._shown = self._waiting, self._waiting
        self.setVisible(diagnosis is not None)
        if diagnosis is None:
            self._since = self._clock() - SECONDS
            self.more.setChecked(False)
            return
        if (diagnosis.sentence, diagnosis.evidence) != (
            self.sentence.full_text(),
            self.evidence.full_text(),
        ):
            self._since = self._clock()
        self._icon.set_icon(diagnosis.icon, TONES[diagnosis.tone])
        self.sentence.setText(diagnosis.sentence)
        self.evidence.setText(diagnosis.evidence)
        self.more.setVisible(bool(diagnosis.numbers))
        self.setAccessibleName(f"Diagnosis: {diagnosis.sentence} {diagnosis.evidence}")
        if self.more.isChecked():
            self._fill()

    def _open(self, opened: bool) -> None:
        self.more.setText("Hide evidence" if opened else "Show evidence")
        self.numbers.setVisible(opened)
        if opened:
            self._fill()

    def _fill(self) -> None:
        """Two columns of name and value, filled downwards."""
        diagnosis = self._shown
        if diagnosis is None:
            return
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        first, last = diagnosis.step_span
        self.span.setText(f"From steps {thousands(first)} to {thousands(last)}")
        rows = -(-len(diagnosis.numbers) // 2)
        for place, (name, value) in enumerate(diagnosis.numbers):
            column, row = divmod(place, rows)
            self._grid.addWidget(PlainLabel(name, "why", "muted"), row, 2 * column)
            self._grid.addWidget(PlainLabel(value, "label"), row, 2 * column + 1)
        self._grid.setColumnStretch(3, 1)


def _is_end(diagnosis: Diagnosis) -> bool:
    return diagnosis.kind in ("failed", "finished", "stopped", "paused", "interrupted")
