"""The curves of the selected runs in one plot, each in the colour of its swatch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QGraphicsOpacityEffect, QHBoxLayout, QStackedWidget, QWidget

from ui.plot import Curve, CurvePlot, Level
from ui.widgets import ElidedLabel, Panel
from ui.widgets.segments import Segments
from workbench.compare import number
from workbench.history import History
from workbench.workspace import RunRecord

MOST = 10  # class colours there are; they never repeat
SLOW = 300  # milliseconds from which waiting shows
DIMMED = 0.6
NOWHERE = -1  # a step left of every plot: runs side by side have no step in common


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing to overlay."""

    word: str
    title: str
    name: str
    style: str
    smoothing: float | None = None
    accuracy: bool = False

    def plot(self) -> CurvePlot:
        """An empty plot for it."""
        return CurvePlot(
            self.title,
            "%" if self.accuracy else "",
            empty="No values yet for the selected runs.",
            factor=100 if self.accuracy else 1,
            smoothing=self.smoothing,
            log=not self.accuracy,
            log_values=not self.accuracy,
        )


METRICS = (
    Metric("Val. loss", "Validation loss", "validation/loss", "dots"),
    Metric("Train loss", "Training loss", "train/loss", "line", smoothing=0.9),
    Metric("Accuracy", "Validation accuracy", "validation/accuracy", "dots", accuracy=True),
)


class Overlay(Panel):
    """A switch between three metrics, and the plot of the chosen one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("surface", padding=0, spacing=0, parent=parent)
        self.switch = Segments([metric.word for metric in METRICS], "Curves of")
        self.plots = [metric.plot() for metric in METRICS]
        self.note = ElidedLabel("", "why", "muted")
        self._stack = QStackedWidget()
        for plot, metric in zip(self.plots, METRICS, strict=True):
            plot.setObjectName(metric.name)
            plot.set_cursor(NOWHERE)
            self._stack.addWidget(plot)
        row = QHBoxLayout()
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(12)
        row.addWidget(self.switch)
        row.addWidget(self.note, 1)
        self.box.setContentsMargins(0, 12, 8, 8)
        self.box.setSpacing(4)
        self.box.addLayout(row)
        self.box.addWidget(self._stack, 1)
        self._records: Sequence[RunRecord] = ()
        self._histories: Mapping[str, History] = {}
        self._slow = QTimer(self, interval=SLOW, singleShot=True)
        self._slow.timeout.connect(lambda: self._dim(True))
        self.switch.picked.connect(self._turn)

    @property
    def plot(self) -> CurvePlot:
        """The plot on screen."""
        return self.plots[self._stack.currentIndex()]

    def show_runs(self, records: Sequence[RunRecord], histories: Mapping[str, History]) -> None:
        """Draw these runs, the first ten of them, as far as their histories are read."""
        self._records, self._histories = records, histories
        self._slow.stop()
        self._dim(False)
        self._draw()

    def wait(self) -> None:
        """Histories are being read: the old picture stays, dimmed if that takes long."""
        if not self._slow.isActive():
            self._slow.start()

    def _turn(self, place: int) -> None:
        self._stack.setCurrentIndex(place)
        self._draw()

    def _draw(self) -> None:
        metric = METRICS[self._stack.currentIndex()]
        drawn = [r for r in self._records[:MOST] if r.id in self._histories]
        held = [self._histories[record.id] for record in drawn]
        curves = [
            Curve(number(record), series.steps, series.values, place, metric.style)  # type: ignore[arg-type]
            for place, (record, history) in enumerate(zip(drawn, held, strict=True))
            if len(series := history.get(metric.name))
        ]
        if not metric.accuracy:
            units = {str(history.context.get("loss_unit", "")) for history in held}
            self.plot.set_title(metric.title, units.pop() if len(units) == 1 else "")
        self.plot.set_empty(
            f"No {metric.title.lower()} yet for the selected runs."
            if self._records
            else "Select runs to see their curves. Ctrl adds one, Shift a stretch."
        )
        self.plot.set_curves(curves, common_levels(held, metric.name.partition("/")[2]))
        self.note.setText(self._note(metric))

    def _note(self, metric: Metric) -> str:
        losses = {str(record.spec.get("loss")) for record in self._records}
        if not metric.accuracy and len(losses) > 1:
            return "different losses: heights don't compare"
        if len(self._records) > MOST:
            return f"the first {MOST} of {len(self._records)}"
        alone = self._histories.get(self._records[0].id) if len(self._records) == 1 else None
        return alone.problems[-1].sentence if alone is not None and alone.problems else ""

    def _dim(self, dimmed: bool) -> None:
        if not dimmed:
            self._stack.setGraphicsEffect(None)  # type: ignore[arg-type]
            return
        effect = QGraphicsOpacityEffect(self._stack)
        effect.setOpacity(DIMMED)
        self._stack.setGraphicsEffect(effect)


def common_levels(histories: Sequence[History], what: str) -> list[Level]:
    """The lines that theory draws for all of these runs alike, such as chance."""
    levels = [
        {
            Level(line.value, line.label)
            for line in history.context.get("references", ())
            if line.metric == what
        }
        for history in histories
    ]
    shared = set.intersection(*levels) if levels else set()
    return sorted(shared, key=lambda level: level.value)
