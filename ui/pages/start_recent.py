"""The newest runs at the foot of the Start page, each with its curve and how it stands."""

import time

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ui.controller import Controller
from ui.pages.start_reading import SCORES, Found, Seen, seen_live
from ui.run_states import state_of
from ui.theme import mixed, theme
from ui.times import when
from ui.widgets import ElidedLabel, EmptyState, HairLine, IconLabel, PlainLabel, link
from ui.widgets.spark import Sparkline
from workbench.wording import percent, thousands

LEAST, MOST = 4, 8
GROWTH = 1000  # milliseconds between two looks at training runs


class RunRow(QAbstractButton):
    """One run: number, title, curve, state, main result, time."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.run = ""
        self.number = PlainLabel("", "body", "muted")
        self.title = ElidedLabel("", "control")
        self.spark = Sparkline()
        self.state_icon = IconLabel("clock", "muted", 14)
        self.state = ElidedLabel("", "control", "muted")
        self.result = ElidedLabel("", "body")
        self.time = PlainLabel("", "body", "muted")
        self._lay_out()

    def show_run(self, seen: Seen, now: float) -> None:
        """Show a run as it is known at `now`, in seconds since 1970."""
        record, failed = seen.record, seen.status == "failed"
        state = state_of(seen.status)
        self.run = record.id
        self.number.setText(f"{record.number:04d}")
        self.title.setText(record.title or record.kind("model") or "Run without a title")
        self.spark.show_values(seen.course_P, "danger" if failed else "accent")
        self.state_icon.set_icon(state.icon, state.tone)
        self.state.setText(state_words(seen))
        self.state.set_tone(state.tone)
        self.result.setText(result_words(seen))
        self.time.setText("now" if seen.status == "running" else when(record.created, now))
        words = (
            f"Run {record.number}",
            self.title.full_text(),
            state.word,
            self.result.full_text(),
        )
        self.setAccessibleName(", ".join(filter(None, words)))

    def sizeHint(self) -> QSize:
        return QSize(theme().px(600), theme().px(36))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, theme().px(36))

    def paintEvent(self, event: QPaintEvent) -> None:
        if not (self.underMouse() or self.isDown()):
            return
        tokens = theme().tokens
        share = 0.12 if self.isDown() else 0.06
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(mixed(tokens.window, tokens.text, share)))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        self.number.setMinimumWidth(theme().px(44))
        self.time.setMinimumWidth(theme().px(120))
        self.time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.number)
        shares: tuple[tuple[QLabel, int], ...] = (
            (self.title, 6),
            (self.state, 7),
            (self.result, 5),
        )
        for label, share in shares:
            # Without a hint of their own the columns of all rows share width alike.
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            if label is self.state:
                row.addWidget(self.spark)
                row.addSpacing(8)
                row.addWidget(self.state_icon)
                row.addSpacing(-6)
            row.addWidget(label, share)
        row.addWidget(self.time)


class RecentRuns(QWidget):
    """The newest runs, or a sentence where there are none; training ones stay current."""

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__(parent)
        self._controller = controller
        self._seen: dict[str, Seen] = {}
        self._order: list[str] = []
        self._room = LEAST
        self.rows: list[RunRow] = []
        self.all_runs = link("All runs")
        self.all_runs.setObjectName("all_runs")
        self.all_runs.clicked.connect(lambda: controller.page_wanted.emit("runs"))
        self.all_runs.hide()
        self.empty = EmptyState("flask", "No runs yet. Pick a preset above: it trains at once.")
        self.empty.hide()
        self._lines: list[HairLine] = []
        self._grown = QTimer(self)
        self._grown.setSingleShot(True)
        self._grown.setInterval(GROWTH)
        self._grown.timeout.connect(self._look_at_live)
        controller.run_grew.connect(self._note_growth)
        self._lay_out()

    @property
    def known(self) -> dict[str, Seen]:
        """What is shown, by run."""
        return dict(self._seen)

    @property
    def shown(self) -> int:
        """How many rows there are on screen."""
        return min(self._room, len(self._order))

    def show_found(self, found: Found) -> None:
        """Show what was read of the workspace."""
        self._seen = {seen.record.id: seen for seen in found.newest}
        self._order = list(self._seen)
        self.empty.setVisible(found.count == 0)
        self.all_runs.setVisible(found.count > 0)
        self.all_runs.setText(
            "All runs" if found.count == 1 else f"All {thousands(found.count)} runs"
        )
        self._look_at_live()

    def set_room(self, count: int) -> None:
        """Show at most `count` runs, within LEAST and MOST."""
        count = max(LEAST, min(MOST, count))
        if count != self._room:
            self._room = count
            self._show()

    def _note_growth(self, run: str) -> None:
        if run in self._seen and not self._grown.isActive():
            self._grown.start()

    def _look_at_live(self) -> None:
        if not self.isVisible() and self.rows:
            return  # the page looks again when it comes to the front
        for run in self._order:
            if self._controller.is_live(run):
                history = self._controller.history(run)
                self._seen[run] = seen_live(self._seen[run].record, history)
        self._show()

    def _show(self) -> None:
        now = time.time()
        shown = self._order[: self._room]
        while len(self.rows) < len(shown):
            self._add_row()
        for place, row in enumerate(self.rows):
            row.setVisible(place < len(shown))
            self._lines[place].setVisible(place + 1 < len(shown))
            if place < len(shown):
                row.show_run(self._seen[shown[place]], now)

    def _add_row(self) -> None:
        row, line = RunRow(), HairLine()
        row.clicked.connect(lambda: self._controller.open_run(row.run))
        self._box.insertWidget(self._box.count() - 1, row)
        self._box.insertWidget(self._box.count() - 1, line)
        self.rows.append(row)
        self._lines.append(line)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(PlainLabel("Recent runs", "section"))
        head.addStretch()
        head.addWidget(self.all_runs)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(0)
        self._box.addLayout(head)
        self._box.addSpacing(4)
        self._box.addWidget(self.empty)


def state_words(seen: Seen) -> str:
    """The state, with how far a running one is and why a failed one failed."""
    word = state_of(seen.status).word
    if seen.status == "failed" and seen.record.sentence:
        sentence = seen.record.sentence.strip().splitlines()[0]
        begins_a_sentence = sentence.split(" ")[0].istitle()  # "The", not "RuntimeError:" or "NaN"
        return f"{word}: {sentence[0].lower() + sentence[1:] if begins_a_sentence else sentence}"
    if seen.status in ("running", "paused", "interrupted") and seen.total_steps and seen.step:
        return f"{word}, {percent(round(seen.step / seen.total_steps, 2))}"
    return word


def result_words(seen: Seen) -> str:
    """The score that matters most, such as "val accuracy 88.1 %"."""
    if seen.status == "failed":
        return "open to see why"
    for name, split in SCORES:
        if name in seen.summary:
            return f"{split} accuracy {percent(seen.summary[name])}"
    return "–"
