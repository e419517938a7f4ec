"""What became of the embedding space over the run, beside what no training reaches."""

import math
import sys
from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QPixmap, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from ui.plot import Curve, CurvePlot, Level
from ui.plots.export import table
from ui.predictions import PredictionsHeader, copy_both, drawn
from ui.theme import theme
from ui.views.base import NO_RUN, View
from ui.widgets import EmptyState, PlainLabel, tooltip
from workbench.history import History
from workbench.space import METRICS, Kind, baselines, gain_sentence
from workbench.wording import thousands

ONE_COLUMN = 480  # px of width below which plots stand under each other
HEIGHT = 148  # least, of one plot
NOTHING = "No evaluation yet. The first one measures the space before any training."
LEVELS = {"pixels": "raw pixels", "untrained": "untrained"}

# key: (title, unit, (metric, word at the curve's end, colour), ...)
PLOTS: dict[str, tuple[str, str, tuple[tuple[str, str, str | int], ...]]] = {
    "knn": ("kNN accuracy", "%", (("accuracy", "kNN", "accent"),)),
    "linear": ("Linear probe", "%", (("linear_accuracy", "linear", "accent"),)),
    "alignment": ("Alignment", "0 is best", (("alignment", "", "accent"),)),
    "uniformity": ("Uniformity", "low is even", (("uniformity", "", "accent"),)),
    "similarity": (
        "Mean similarity",
        "cosine",
        (
            ("positive_similarity", "same class", "success"),
            ("negative_similarity", "different", "danger"),
        ),
    ),
    "rank": ("Effective rank", "", (("effective_rank", "", "accent"),)),
    "deviation": ("Deviation", "0: collapse", (("feature_deviation", "", "accent"),)),
    "hardness": (
        "Triplets",
        "%",
        (
            ("easy_share", "easy", "success"),
            ("semi_hard_share", "semi-hard", "warn"),
            ("hard_share", "hard", "danger"),
        ),
    ),
}
SHARES = {"knn", "linear", "hardness"}
CLOSE = 0.18  # of a plot's height, below which the words of two levels would lie on each other
TIPS = {
    "knn": "Vote of the 20 nearest training images, cosine, in the space of features.",
    "linear": "Closed-form linear classifier on frozen features.",
    "alignment": "Mean squared distance between two views of an image; 2 is unrelated.",
    "uniformity": "Log of the mean Gaussian potential of all pairs; 0 is one point.",
    "similarity": "Mean cosine similarity of held-out pairs within and between classes.",
    "rank": "Over how many dimensions the features spread; 1 is collapse.",
    "deviation": "Mean standard deviation of the normalised features.",
    "hardness": "Hard: the negative is nearer than the positive. Semi-hard: within the margin.",
}


class SpaceView(View):
    """A sentence about the gain over the baselines, and small plots of all that is measured."""

    title, order, side = "Space", 20, "left"
    shows = ()
    families = ("contrastive",)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: History | None = None
        self._drawn: object = None
        self.header = PredictionsHeader(self.title)
        self.header.add_export("space", self.picture, self.table)
        self.sentence = PlainLabel("", "control", wrap=True)
        self.sentence.setObjectName("sentence")
        self.linear = PlainLabel("", "why", "muted", wrap=True)
        self.linear.setObjectName("linear")
        self.plots = {key: _plot(key) for key in PLOTS}
        first, *others = self.plots.values()
        for plot in others:
            plot.share_steps(first)
        for plot in self.plots.values():
            plot.step_picked.connect(self.step_picked)
        self.empty = EmptyState("planet", NO_RUN)
        self.body = QWidget()
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.body)
        self._lay_out()

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Draw all plots; see `View.show_history`."""
        self._history = history
        measured = history is not None and len(history.get(METRICS["knn"])) > 0
        self._stack.setCurrentWidget(self.body if measured else self.empty)
        if history is None or not measured:
            self.empty.sentence.setText(NO_RUN if history is None else NOTHING)
            return
        goal = history.total_steps if history.ended is None else 0
        state = _state(history, goal)
        if state != self._drawn:
            self._drawn = state
            for key, plot in self.plots.items():
                self._draw(key, plot, history, goal)
        self._say(history, cursor)
        for plot in self.plots.values():
            plot.set_cursor(cursor)

    def picture(self) -> QPixmap:
        """The sentences and all plots."""
        return drawn(self.body)

    def table(self) -> str:
        """Every measure of every evaluation as CSV."""
        history = self._history
        assert history is not None
        curves = [
            Curve(metric, series.steps, series.values)
            for _, _, parts in PLOTS.values()
            for metric, _, _ in parts
            if len(series := history.get(f"validation/{metric}"))
        ]
        return table(curves)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        copies = event.matches(QKeySequence.StandardKey.Copy)
        if copies and self._stack.currentWidget() is self.body:
            copy_both(self.picture(), self.table())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(1 if self.width() < theme().px(ONE_COLUMN) else 2)

    def _lay_out(self) -> None:
        inner = QWidget()
        self._grid = QGridLayout(inner)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self._columns = 0
        self._arrange(2)
        area = QScrollArea()
        area.setWidget(inner)
        inner.setAutoFillBackground(False)  # setWidget turned it on
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        above = QVBoxLayout()
        above.setContentsMargins(16, 0, 16, 0)
        above.setSpacing(4)
        for widget in (self.header, self.sentence, self.linear):
            above.addWidget(widget)
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(0, 12, 0, 8)
        layout.setSpacing(8)
        layout.addLayout(above)
        layout.addWidget(area, 1)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for place, plot in enumerate(self.plots.values()):
            self._grid.addWidget(plot, *divmod(place, columns))
        for column in (0, 1):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def _draw(self, key: str, plot: CurvePlot, history: History, goal: int) -> None:
        curves = [
            Curve(word, series.steps, series.values, colour, "dots", False)
            for metric, word, colour in PLOTS[key][2]
            if len(series := history.get(f"validation/{metric}"))
        ]
        levels: list[Level] = []
        size = dimension(history)
        if key in METRICS:
            kind: Kind = "knn" if key == "knn" else "linear"
            levels = _levels(baselines(history, kind), curves)
        elif key == "deviation" and size:
            levels = [Level(1 / math.sqrt(size), "even spread")]
        elif key == "rank":
            plot.set_title("Effective rank", f"of {thousands(size)}" if size else "")
        plot.set_curves(curves, levels, goal=goal)

    def _say(self, history: History, cursor: int | None) -> None:
        step = sys.maxsize if cursor is None else cursor
        labels: dict[Kind, PlainLabel] = {"knn": self.sentence, "linear": self.linear}
        for kind, label in labels.items():
            found = history.get(METRICS[kind]).at(step)
            known = baselines(history, kind)
            label.setText(gain_sentence(found[1] if found else None, known, kind))
            label.setVisible(kind == "knn" or found is not None)
        found = history.get(METRICS["knn"]).at(step)
        ready = history.artifact_at("embedding", cursor)
        count = int(ready.meta.get("count", 0)) if ready else 0
        images = f"{thousands(count)} images, " if count else ""
        words = f"validation, {images}step {thousands(found[0])}" if found else ""
        self.header.where.setText(words)


def dimension(history: History) -> int:
    """How many features the space has; 0 where nobody said."""
    ready = history.artifact_at("embedding", None)
    written = history.context.get("dimension") or (ready.meta.get("dimension") if ready else 0)
    return int(written or 0)


def _state(history: History, goal: int) -> object:
    """What the plots depend on: evaluations are rare, other changes come with every step."""
    held = [
        (len(series), int(series.steps[-1]), str(series.last()))
        for _, _, parts in PLOTS.values()
        for metric, _, _ in parts
        if len(series := history.get(f"validation/{metric}"))
    ]
    lines = [baselines(history, "knn"), baselines(history, "linear"), dimension(history)]
    return id(history), goal, held, lines


def _levels(known: Mapping[str, float], curves: Sequence[Curve]) -> list[Level]:
    """Dashed lines of the baselines, highest first; two that lie close share one line of words."""
    words = dict(LEVELS)
    ranked = sorted(known, key=lambda name: -known[name])
    values = [*known.values(), *(v for c in curves for v in c.values.tolist() if v == v)]
    if len(ranked) > 1 and known[ranked[0]] - known[ranked[1]] < CLOSE * (
        max(values) - min(values)
    ):
        both = "untrained · pixels" if ranked[0] == "untrained" else "pixels · untrained"
        words = {ranked[0]: both, ranked[1]: ""}
    return [Level(known[name], words[name]) for name in ranked]


def _plot(key: str) -> CurvePlot:
    words, unit, _ = PLOTS[key]
    share = key in SHARES
    plot = CurvePlot(words, unit, factor=100 if share else 1, log=False, moment_words=False)
    plot.setObjectName(key)
    plot.title.setToolTip(tooltip(TIPS[key]))
    plot.setMinimumHeight(theme().px(HEIGHT))
    return plot
