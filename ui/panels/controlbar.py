"""The bar on top of the Experiment page: name, Start / Pause / Step / Stop, progress, device."""

from dataclasses import dataclass

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from ui.run_states import state_of
from ui.statusbar import card_memory_words, memory_words
from ui.theme import theme
from ui.widgets import (
    ElidedLabel,
    IconLabel,
    Panel,
    PlainLabel,
    busy,
    icon_button,
    muted,
    primary,
    secondary,
    set_enabled,
)
from workbench.history import History
from workbench.wording import thousands

NARROW, WIDE = 1100, 1400  # widths of the bar: icons only below, memory shown from


@dataclass(frozen=True, slots=True)
class Shown:
    """What the bar shows of a run.

    Attributes:
        live: the run trains or waits in this window.
        stopping: it was asked to end and has not yet.
    """

    name: str
    number: int
    history: History
    live: bool
    stopping: bool = False


class ControlBar(Panel):
    """Steers the run on screen.

    Signals:
        main_wanted: the one primary button: start, pause or resume, as it says.
    """

    main_wanted = Signal()
    step_wanted = Signal()
    stop_wanted = Signal()
    probe_wanted = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__("surface", horizontal=True, padding=0, spacing=8, parent=parent)
        self.setObjectName("controlbar")
        self.setFixedHeight(theme().px(64))
        self.box.setContentsMargins(20, 0, 16, 0)
        self._words, self._narrow = "", False
        self._lay_out()
        self.show_run(None)

    def show_run(self, shown: Shown | None) -> None:
        """Show a run, or None while a new experiment is being set up."""
        if shown is None:
            self._show_draft()
            return
        history = shown.history
        self._name.setText(shown.name)
        state = state_of(history.status)
        self._state_icon.set_icon(state.icon, state.tone)
        self._state.setText(f"{state.word} · run {shown.number:04d}")
        self._show_buttons(history.status, shown)
        self._show_progress(history)
        facts = history.facts
        device = str(facts.get("device", "–")).upper()
        threads = facts.get("threads")
        on_cpu = device == "CPU" and threads
        self._device.setText(f"CPU · {threads} threads" if on_cpu else device)
        self._device.setToolTip(f"Precision {facts.get('precision', '–')}")
        if shown.live:
            self._memory.setText(card_memory_words() if device == "CUDA" else memory_words())

    def set_room(self, width: int) -> None:
        """Fit into `width`: drop what the status bar shows too, then words that have an icon."""
        narrow = width < theme().px(NARROW)
        self._memory_box.setVisible(width >= theme().px(WIDE))
        for widget in (self._speed_box, self._device_box):
            widget.setVisible(not narrow)
        if narrow != self._narrow:
            self._narrow = narrow
            self.step.setText("" if narrow else "Step")
            self.stop.setText("" if narrow else "Stop")

    def _show_draft(self) -> None:
        self._name.setText("New experiment")
        self._state_icon.set_icon("pencil-simple", "muted")
        self._state.setText("Not started")
        self._main_says("Start", "play")
        self._enable(self.main)
        for button in (self.step, self.stop, self.probe):
            self._enable(button, "Nothing is training yet")
        self.stop.setText("" if self._narrow else "Stop")
        self._progress.setValue(0)
        for words in (self._where, self._epoch, self._left):
            words.setText("")
        for label in (self._speed, self._device, self._memory):
            label.setText("–")

    def _show_buttons(self, status: str, shown: Shown) -> None:
        words = {"running": "Pause", "queued": "Pause", "finished": "Duplicate"}.get(
            status, "Resume"
        )
        icons = {"Pause": "pause", "Resume": "play", "Duplicate": "copy"}
        self._main_says(words, icons[words])
        stopping = "It is stopping" if shown.stopping else ""
        self._enable(self.main, stopping)
        idle = "" if shown.live else "This run is not training"
        waiting = "It waits for another run to end" if status == "queued" else ""
        self._enable(self.step, stopping or idle or waiting)
        self._enable(self.stop, stopping or idle)
        self._enable(self.probe, stopping or idle or waiting)
        if shown.stopping and shown.live:
            busy(self.stop, "Stopping…")
        else:
            self.stop.setText("" if self._narrow else "Stop")

    def _enable(self, button: QAbstractButton, reason_against: str = "") -> None:
        set_enabled(button, reason_against, self._tips[button])

    def _main_says(self, words: str, icon_name: str) -> None:
        if words != self._words:
            from ui.icons import icon

            self._words = words
            self.main.setText(words)
            self.main.setIcon(icon(icon_name, "on_fill"))
            self.main.setAccessibleName(words)

    def _show_progress(self, history: History) -> None:
        total = history.total_steps
        self._progress.setMaximum(max(1, total))
        self._progress.setValue(history.step)
        if not total:
            words = {"running": "Preparing data and model…", "queued": "Waits for its turn"}
            self._where.setText(words.get(history.status, ""))
            self._epoch.setText("")
            self._left.setText("")
            return
        epochs = history.steps_per_epoch
        self._where.setText(f"Step {thousands(history.step)} of {thousands(total)}")
        if epochs:
            last = -(-total // epochs)
            now = min(last, history.step // epochs + 1)
            self._epoch.setText(f"epoch {now} of {last}")
        speed = history.get("samples_per_second").last()
        batch = history.context.get("batch_size")
        self._speed.setText(f"{speed / batch:.3g} steps/s" if speed and batch else "–")
        running = history.status == "running"
        left = (total - history.step) * batch / speed if speed and batch and running else 0
        self._left.setText(f"{duration(left)} left" if left else "")

    def _lay_out(self) -> None:
        self._name = ElidedLabel("", "run")
        self._name.setObjectName("run_name")
        self._name.setMinimumWidth(theme().px(150))
        self._state_icon = IconLabel("circle", "muted", 14)
        self._state = muted("")
        self._state.setObjectName("run_state")
        state = QHBoxLayout()
        state.setSpacing(6)
        state.addWidget(self._state_icon)
        state.addWidget(self._state, 1)
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addStretch(1)
        names.addWidget(self._name)
        names.addLayout(state)
        names.addStretch(1)
        self.box.addLayout(names, 3)
        self.main = primary("Start", "play")
        self.main.setFixedWidth(theme().px(116))
        self.step = secondary("Step", "skip-forward")
        self.stop = secondary("Stop", "stop")
        for worded in (self.step, self.stop):
            worded.setAccessibleName(worded.text())  # a narrow bar leaves the icon only
        self.probe = icon_button("magnifying-glass", "Probe now")
        tips: tuple[tuple[QAbstractButton, str, str, SignalInstance], ...] = (
            (self.main, "main", "Start, pause or resume  Space", self.main_wanted),
            (self.step, "step", "One batch, then pause  .", self.step_wanted),
            (self.stop, "stop", "End the run; everything is kept", self.stop_wanted),
            (self.probe, "probe", "Evaluate and keep what is seen, now", self.probe_wanted),
        )
        self._tips = {button: tip for button, _, tip, _ in tips}
        for button, name, tip, signal in tips:
            button.setObjectName(f"control_{name}")
            button.setToolTip(tip)
            button.clicked.connect(signal)
            self.box.addWidget(button)
        self.box.addSpacing(12)
        self.box.addLayout(self._progress_column(), 4)
        self.box.addSpacing(12)
        self._speed, self._device, self._memory = (PlainLabel("–", "strong") for _ in range(3))
        self._speed_box = captioned("Speed", self._speed)
        self.box.addWidget(self._speed_box)
        self._device_box = captioned("Device", self._device)
        self._memory_box = captioned("Memory", self._memory)
        self.box.addWidget(self._device_box)
        self.box.addWidget(self._memory_box)

    def _progress_column(self) -> QVBoxLayout:
        self._where = PlainLabel("", "strong")
        self._where.setObjectName("progress_words")
        self._epoch, self._left = ElidedLabel("", "why", "muted"), PlainLabel("", "strong")
        words = QHBoxLayout()
        words.setSpacing(8)
        words.addWidget(self._where)
        words.addWidget(self._epoch, 1)
        words.addWidget(self._left)
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(4)
        self._progress.setAccessibleName("Progress")
        column = QVBoxLayout()
        column.setSpacing(6)
        column.addStretch(1)
        column.addLayout(words)
        column.addWidget(self._progress)
        column.addStretch(1)
        return column


def captioned(caption: str, value: PlainLabel) -> QWidget:
    """A value under its caption."""
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(8, 0, 8, 0)
    column.setSpacing(2)
    column.addStretch(1)
    column.addWidget(PlainLabel(caption, "caption", "muted"))
    column.addWidget(value)
    column.addStretch(1)
    return box


def duration(seconds: float) -> str:
    """Seconds in words: "40 s", "3 min 12 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
