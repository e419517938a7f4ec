"""How similar pairs within a class and between classes are, now and over the run."""

import numpy as np
from PySide6.QtWidgets import QWidget

from engines.events import ArtifactReady
from ui.contrastive.histograms import HistogramPlot, Histograms, RidgePlot, span_of
from ui.contrastive.view import Arrays, ArtifactView
from ui.predictions import csv_text
from ui.widgets import ElidedLabel, PlainLabel
from workbench.artifacts import load
from workbench.history import History
from workbench.space import overlap, overlap_sentence
from workbench.wording import thousands

ROWS = 12  # of the ridge plot, spread over the run
WORDS = {"positive": "same class", "negative": "different class"}


class DistancesView(ArtifactView):
    """Histograms of both kinds of pairs above; below, one row for each of some evaluations."""

    title, order, side = "Distances", 32, "right"
    shows = ("distances",)
    kind, export = "distances", "distances"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.now: Histograms | None = None
        self.rows: list[Histograms] = []
        self.sentence = PlainLabel("", "control", wrap=True)
        self.sentence.setObjectName("sentence")
        self.plot = HistogramPlot()
        self.plot.setObjectName("plot")
        self.moved = ElidedLabel("", "why", "muted")
        self.moved.setObjectName("moved")
        self.ridge = RidgePlot()
        self.ridge.setObjectName("ridge")
        self.ridge.step_picked.connect(self.step_picked)
        self.box.addWidget(self.sentence)
        self.box.addWidget(self.plot, 5)
        self.box.addWidget(self.moved)
        self.box.addWidget(self.ridge, 5)

    def key(self, history: History, ready: ArtifactReady) -> object:
        """See `ArtifactView`; the rows are those up to the cursor."""
        return tuple(artifact.path for artifact in self._until(history, ready))

    def draw(self, history: History, ready: ArtifactReady, arrays: Arrays) -> None:
        """Show the step's histograms and the rows up to it."""
        self.now = now = _histograms(ready, arrays)
        until = self._until(history, ready)
        places = np.unique(np.linspace(0, len(until) - 1, min(ROWS, len(until))).round())
        self.rows = [
            _histograms(until[int(place)], load(until[int(place)].path)) for place in places
        ]
        span = span_of(self.rows)
        pairs = int(now.positive_H.sum()) + int(now.negative_H.sum())
        # N images have N(N - 1)/2 pairs; artifacts say N where they know it.
        images = int(ready.meta.get("count", 0)) or round((1 + (1 + 8 * pairs) ** 0.5) / 2)
        self.say_where(images, ready)
        share = overlap(now.positive_H, now.negative_H)
        self.sentence.setText(overlap_sentence(share))
        self.plot.show_histograms(now, WORDS, span)
        self.ridge.show_rows(self.rows, span, ready.step)
        first = self.rows[0]
        before = overlap(first.positive_H, first.negative_H)
        self.moved.setText(
            f"Overlap at step {thousands(first.step)}: {before:.0%}, now {share:.0%}".replace(
                "%", " %"
            )
            if len(self.rows) > 1
            else "The next evaluation shows how they move."
        )

    def nothing(self, history: History) -> str:
        """See `ArtifactView`."""
        return "No distances yet. The first evaluation brings them."

    def table(self) -> str:
        """Counts of each bin at the step on screen as CSV."""
        now = self.now
        assert now is not None
        names = ("from", "to", "same class", "different class")
        borders = zip(now.edges_E[:-1], now.edges_E[1:], strict=True)
        rows = (
            (f"{low:.6g}", f"{high:.6g}", int(positive), int(negative))
            for (low, high), positive, negative in zip(
                borders, now.positive_H, now.negative_H, strict=True
            )
        )
        return csv_text([names, *rows])

    def forget(self) -> None:
        """See `ArtifactView`."""
        self.now, self.rows = None, []

    def _until(self, history: History, ready: ArtifactReady) -> list[ArtifactReady]:
        return [a for a in history.artifacts.get(self.kind, []) if a.step <= ready.step]


def _histograms(ready: ArtifactReady, arrays: Arrays) -> Histograms:
    return Histograms(
        ready.step,
        arrays["edges_E"].astype(np.float64),
        arrays["positive_H"].astype(np.int64),
        arrays["negative_H"].astype(np.int64),
    )
