"""A plot of curves over steps, with its title, switches and ways to save it."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QGuiApplication,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.icons import icon
from ui.plots.axis import Span
from ui.plots.canvas import Canvas
from ui.plots.curve import Curve, Level, Moment
from ui.plots.export import image, save
from ui.widgets import ElidedLabel, EmptyState, PlainLabel, ghost, icon_button, muted, tooltip

__all__ = ["Curve", "CurvePlot", "Level", "Moment"]

SMOOTHINGS = (0.0, 0.6, 0.9, 0.97, 0.99)
NOTE_FROM_WIDTH = 620


class CurvePlot(QWidget):
    """Title, unit and switches above a canvas of curves; a sentence while there are none.

    Args:
        empty: the sentence shown before the first value.
        values: the range of values if it is fixed, such as (0, 1).
        from_zero: always show 0, so that heights compare.
        factor: what values are multiplied with for people, such as 100 for percent.
        smoothing: factor at the start; None leaves the switch out.
        log: whether the switches of the axes are there.
        log_values: whether the axis of values is logarithmic at the start.
        moment_words: whether marks carry their words.

    Signals:
        step_picked: the user pointed at a step.
        smoothing_changed: the user chose another smoothing.
    """

    step_picked = Signal(int)
    smoothing_changed = Signal(float)

    def __init__(
        self,
        title: str,
        unit: str = "",
        *,
        empty: str = "No values yet. The first ones come with the first steps.",
        values: Span | None = None,
        from_zero: bool = False,
        factor: float = 1.0,
        smoothing: float | None = None,
        log: bool = True,
        log_values: bool = False,
        moment_words: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.canvas = Canvas(
            values=values, from_zero=from_zero, factor=factor, moment_words=moment_words
        )
        self.title, self.unit = PlainLabel(title, "strong"), muted(unit)
        self.note = ElidedLabel("", "why", "muted")
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.empty = EmptyState("chart-line", empty)
        self._body = QStackedWidget()
        self._body.addWidget(self.empty)
        self._body.addWidget(self.canvas)
        self._header = QHBoxLayout()
        self._header.setContentsMargins(16, 0, 8, 0)
        self._header.setSpacing(8)
        for widget in (self.title, self.unit):
            self._header.addWidget(widget)
        self._header.addWidget(self.note, 1)
        if smoothing is not None:
            self._header.addWidget(self._smoothing_button(smoothing))
        if log:
            self._add_log_switches(log_values)
        self._add_saving()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._header)
        layout.addWidget(self._body, 1)
        self.canvas.steps.changed.connect(self._show_note)
        self.canvas.step_picked.connect(self.step_picked)
        self.canvas.set_log(log_values)

    def set_curves(
        self,
        curves: Sequence[Curve],
        levels: Sequence[Level] = (),
        moments: Sequence[Moment] = (),
        goal: int = 0,
    ) -> None:
        """Show these curves, first on top, with dashed levels and dotted moments.

        Args:
            goal: the last step there will be, if the curves still grow towards it.
        """
        held = [curve for curve in curves if len(curve.steps)]
        self._body.setCurrentWidget(self.canvas if held else self.empty)
        self.canvas.set_curves(held, levels, moments, goal)
        self._show_note()

    def set_cursor(self, step: int | None) -> None:
        """Put the shared cursor at `step`; None keeps it at the newest step."""
        self.canvas.set_cursor(step)

    def share_steps(self, other: "CurvePlot") -> None:
        """Show the same steps as `other` from now on, zoomed or not."""
        self.canvas.steps.changed.disconnect(self._show_note)
        self.canvas.share(other.canvas.steps)
        self.canvas.steps.changed.connect(self._show_note)

    def set_title(self, title: str, unit: str = "") -> None:
        """Change the words in the header."""
        self.title.setText(title)
        self.unit.setText(unit)

    def set_empty(self, sentence: str) -> None:
        """Change the sentence that stands there while nothing is drawn."""
        self.empty.sentence.setText(sentence)

    def set_smoothing(self, factor: float) -> None:
        """Smooth with `factor` in [0, 1), as a plot beside this one was told to."""
        self.canvas.set_smoothing(factor)

    def copy(self) -> None:
        """Put the picture on the clipboard."""
        QGuiApplication.clipboard().setImage(
            image(self.canvas.picture(), self.canvas.size(), self._full_title())
        )

    def save_to(self, path: str) -> None:
        """Write picture or numbers, by the ending of `path`; says so in the header if it fails."""
        try:
            save(self.canvas.picture(), self.canvas.size(), self._full_title(), Path(path))
        except (OSError, ValueError) as error:
            self.note.setText(f"Not saved: {error}")
            self.note.set_tone("danger")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_note()

    def _full_title(self) -> str:
        return f"{self.title.text()}, {self.unit.text()}".removesuffix(", ")

    def _show_note(self) -> None:
        banded = [s for s in self.canvas.shown if s.curve.style == "line" and s.curve.band]
        roomy = self.width() >= NOTE_FROM_WIDTH
        cell = self.canvas.picture().cell(banded[0]) if banded and roomy else 0
        self.note.set_tone("muted")
        self.note.setText(f"band: min–max of every {cell} steps" if cell else "")

    def _smoothing_button(self, factor: float) -> QPushButton:
        button = ghost("", "caret-down")
        button.setObjectName("smoothing")
        button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        button.setToolTip(
            tooltip("Exponential average over all values. The band shows what it leaves out.")
        )
        menu, group = QMenu(button), QActionGroup(button)
        for choice in SMOOTHINGS:
            action = menu.addAction(f"Smooth {choice:g}" if choice else "No smoothing")
            action.setCheckable(True)
            action.setChecked(choice == factor)
            action.setData(choice)
            group.addAction(action)
        group.triggered.connect(lambda action: self._smooth(button, action))
        button.setMenu(menu)
        button.setText(f"Smooth {factor:g}" if factor else "No smoothing")
        self.canvas.set_smoothing(factor)
        return button

    def _smooth(self, button: QPushButton, action: QAction) -> None:
        button.setText(action.text())
        self.canvas.set_smoothing(action.data())
        self.smoothing_changed.emit(action.data())

    def _add_log_switches(self, log_values: bool) -> None:
        for axis, name, change in (
            ("values", "Log y", self.canvas.set_log),
            ("steps", "Log x", lambda on: self.canvas.steps.set_log(on)),
        ):
            switch = QToolButton()
            switch.setText(name)
            switch.setObjectName(f"log_{axis}")
            switch.setCheckable(True)
            switch.setChecked(axis == "values" and log_values)
            switch.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            switch.setMinimumSize(switch.sizeHint().width() + 16, 28)
            switch.setToolTip(tooltip(f"Equal distances along the {axis} are equal factors."))
            switch.toggled.connect(change)
            self._header.addWidget(switch)

    def _add_saving(self) -> None:
        copy = icon_button("copy", "Copy the picture", size=16)
        copy.setObjectName("copy")
        copy.clicked.connect(self.copy)
        save_as = icon_button("download-simple", "Save picture or numbers", size=16)
        save_as.setObjectName("save")
        save_as.setPopupMode(save_as.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(save_as)
        for words, ending, name in (
            ("Picture as PNG…", "png", "image"),
            ("Drawing as SVG…", "svg", "path"),
            ("Numbers as CSV…", "csv", "table"),
        ):
            action = menu.addAction(icon(name, "muted"), words)
            action.triggered.connect(lambda _=False, ending=ending: self._ask_where(ending))
        save_as.setMenu(menu)
        self._header.addWidget(copy)
        self._header.addWidget(save_as)
        shortcut = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self.copy)

    def _ask_where(self, ending: str) -> None:
        dialog = QFileDialog(self, f"Save {self.title.text().lower()}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"{ending.upper()} (*.{ending})")
        dialog.setDefaultSuffix(ending)
        dialog.selectFile(f"{self.title.text().lower().replace(' ', '-')}.{ending}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.save_to)
        dialog.open()
