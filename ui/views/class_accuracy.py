"""How well each class is recognised, how sure that number is, and how it moved over the run."""

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from ui.predictions import Predictions, PredictionsHeader, copy_both, csv_text, drawn, read
from ui.views.base import NO_RUN, View
from ui.widgets import ElidedLabel, EmptyState
from ui.widgets.accuracy_bars import AccuracyBars
from ui.widgets.segments import Segments
from workbench.confusion import class_accuracy, confusion_matrix, overall_accuracy, wilson
from workbench.history import History
from workbench.wording import percent

WORDS = "over the run"
TRAIL = 60  # evaluations in the small curves: more than pixels would show nothing more


class ClassAccuracyView(View):
    """Bars with Wilson 95 % intervals, by class or by accuracy."""

    title, order, side = "Classes", 50, "right"
    shows = ("predictions", "test")
    families = ("classification",)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: History | None = None
        self._cursor: int | None = None
        self._shown: str | None = None
        self._predictions: Predictions | None = None
        self._counts_KK = np.zeros((0, 0), np.int64)
        self._shares: dict[str, np.ndarray] = {}  # by the artifact's path
        self._wanted: list[int] = []
        self.header = PredictionsHeader("Class accuracy")
        self.header.changed.connect(self._draw)
        self.sort = Segments(("Class order", "Accuracy"), "Sort by")
        self.sort.setObjectName("sort")
        self.sort.picked.connect(self._show_bars)
        self.header.controls.addWidget(self.sort)
        self.header.add_export("class-accuracy", self.picture, self.table)
        self.bars = AccuracyBars()
        self.bars.setObjectName("bars")
        self.bars.pointed.connect(self._show_read_out)
        self.read_out = ElidedLabel("", "why", "muted")
        self.read_out.setObjectName("read-out")
        self.empty = EmptyState("rows", "")
        self._later = QTimer(self)
        self._later.setInterval(0)
        self._later.timeout.connect(self._read_one)
        body = QWidget()
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(body)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.bars)
        self.bars.setAutoFillBackground(False)  # setWidget turned it on, in the window's colour
        layout = QVBoxLayout(body)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.header)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.read_out)
        self._draw()

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Draw the newest predictions at or before `cursor`, and the way there."""
        self._history, self._cursor = history, cursor
        self._draw()

    def picture(self) -> QPixmap:
        """The bars as a picture."""
        return drawn(self.bars)

    def table(self) -> str:
        """The numbers as CSV, in the order on screen."""
        accuracy, names = self.bars.accuracy, self.bars.classes
        rows: list[tuple[object, ...]] = [("class", "correct", "count", "accuracy", "low", "high")]
        if accuracy is not None:
            shares = (accuracy.share_K, accuracy.low_K, accuracy.high_K)
            rows += [
                (
                    names[k],
                    accuracy.correct_K[k],
                    accuracy.count_K[k],
                    *tuple(f"{share_K[k]:.4f}" for share_K in shares),
                )
                for k in self.bars.order
            ]
        return csv_text(rows)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy) and self._predictions:
            copy_both(self.picture(), self.table())
        else:
            super().keyPressEvent(event)

    def _draw(self) -> None:
        try:
            predictions = self.header.read(self._history, self._cursor)
        except OSError as error:
            self._show_empty("warning", f"These predictions can't be read: {error}")
            return
        if predictions is None:
            words = "No predictions yet. The first evaluation brings them."
            self._show_empty("rows", words if self._history is not None else NO_RUN)
            return
        self._stack.setCurrentIndex(1)
        if predictions.path == self._shown:
            return
        self._shown, self._predictions = predictions.path, predictions
        self._counts_KK = confusion_matrix(
            predictions.label_N, predictions.predicted_N, len(predictions.classes)
        )
        self._show_bars()
        self._show_read_out(-1)
        self._plan_trail()

    def _show_empty(self, icon: str, sentence: str) -> None:
        self._shown = self._predictions = None
        self._later.stop()
        self.empty.icon.set_icon(icon, "muted")
        self.empty.sentence.setText(sentence)
        self._stack.setCurrentIndex(0)

    def _show_bars(self) -> None:
        if self._predictions is None:
            return
        accuracy = class_accuracy(self._counts_KK)
        order = np.arange(len(self._predictions.classes))
        if self.sort.chosen:  # best first, classes without a picture last
            order = np.argsort(-np.nan_to_num(accuracy.share_K, nan=-1.0), kind="stable")
        self.bars.show_accuracy(accuracy, self._predictions.classes, [int(k) for k in order])

    def _show_read_out(self, k: int) -> None:
        if k >= 0:
            self.read_out.setText(self.bars.sentence(k))
            return
        right, total = int(np.trace(self._counts_KK)), int(self._counts_KK.sum())
        low, high = wilson(np.array(right), np.array(total))
        interval = f"95 % interval {100 * float(low):.1f} to {percent(float(high))}"
        self.read_out.setText(
            f"All classes: {percent(overall_accuracy(self._counts_KK))}, {interval}"
        )

    def _plan_trail(self) -> None:
        """Note which validation artifacts the small curves still lack; they are read one by one."""
        artifacts = self._trail_artifacts()
        self._wanted = [
            place for place, ready in enumerate(artifacts) if ready.path not in self._shares
        ]
        self._show_trail()
        if self._wanted:
            self._later.start()

    def _trail_artifacts(self) -> list:
        history, predictions = self._history, self._predictions
        if history is None or predictions is None:
            return []
        held = [
            ready
            for ready in history.artifacts.get("predictions", [])
            if ready.step <= predictions.step
        ]
        if len(held) <= TRAIL:
            return held
        return [held[round(place)] for place in np.linspace(0, len(held) - 1, TRAIL)]

    def _read_one(self) -> None:
        """Read the newest artifact still missing: one a tick, so that no frame waits for all."""
        artifacts = self._trail_artifacts()
        while self._wanted and self._wanted[-1] >= len(artifacts):
            self._wanted.pop()
        if not self._wanted or self._history is None:
            self._later.stop()
            return
        ready = artifacts[self._wanted.pop()]
        try:
            earlier = read(self._history, "predictions", ready.step)
        except OSError:
            earlier = None  # one damaged artifact leaves a gap in a small curve, no more
        if earlier is not None:
            counts_KK = confusion_matrix(earlier.label_N, earlier.predicted_N, len(earlier.classes))
            self._shares[ready.path] = class_accuracy(counts_KK).share_K
        else:
            self._shares[ready.path] = np.zeros(0)
        self._show_trail()

    def _show_trail(self) -> None:
        self.bars.show_trail(
            [
                (ready.step, self._shares[ready.path])
                for ready in self._trail_artifacts()
                if len(self._shares.get(ready.path, ()))
            ],
            "validation" if self._predictions and self._predictions.split == "test" else WORDS,
        )
