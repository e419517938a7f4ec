"""The batch just trained on: pairs of views, their similarities, and one anchor's softmax row."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QWidget

from engines.events import ArtifactReady
from ui.contrastive.batch import Batch, Push, batch_of, push
from ui.contrastive.latest import Latest
from ui.contrastive.pair_grid import PairGrid
from ui.contrastive.similarity import SimilarityMatrix
from ui.contrastive.softmax_row import SoftmaxRow
from ui.contrastive.temperature import TemperatureSlider
from ui.contrastive.view import Arrays, ArtifactView
from ui.predictions import csv_text
from ui.theme import theme
from ui.widgets import ElidedLabel, PlainLabel
from workbench.history import History
from workbench.wording import percent, thousands

ROOMY = 520  # px of width from which two pairs stand beside each other


class PairsView(ArtifactView):
    """Pairs and similarity matrix above; below, the row of the chosen anchor at any temperature."""

    title, order, side = "Pairs", 12, "left"
    shows = ("pairs",)
    kind, of, export = "pairs", "training batch", "pairs"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.batch: Batch | None = None
        self.push: Push | None = None
        self.anchor = 0
        self._own: float | None = None  # the run's temperature
        self.work = Latest(self)
        self.grid = PairGrid()
        self.grid.setObjectName("grid")
        self.matrix = SimilarityMatrix()
        self.matrix.setObjectName("matrix")
        self.row = SoftmaxRow()
        self.row.setObjectName("row")
        self.temperature = TemperatureSlider()
        self.read_out = ElidedLabel("", "why", "muted")
        self.read_out.setObjectName("read-out")
        self.sentence = PlainLabel("", "control", wrap=True)
        self.sentence.setObjectName("sentence")
        self.whole = PlainLabel("", "why", "muted", wrap=True)
        self.whole.setObjectName("whole")
        for widget in (self.grid, self.matrix, self.row):
            widget.picked.connect(self.choose)
        self.matrix.pointed.connect(self._read_out)
        self.temperature.moved.connect(lambda _: self._compute())
        self._lay_out()

    @property
    def busy(self) -> bool:
        """Whether what it shows is still being computed."""
        return self.work.busy

    def choose(self, anchor: int) -> None:
        """Make a row of the batch the anchor."""
        self.anchor = anchor
        self.grid.show_anchor(anchor)
        self.matrix.show_anchor(anchor)
        middle = self.grid.box(anchor).center()
        self._scroll.ensureVisible(middle.x(), middle.y(), 40, 40)
        self._show_row()

    def draw(self, history: History, ready: ArtifactReady, arrays: Arrays) -> None:
        """Show the batch; the anchor stays where it was."""
        self.push = None
        self.batch = batch = batch_of(history, ready, arrays)
        self.say_where(batch.count // 2, ready)
        self.grid.show_batch(batch)
        self.matrix.show_batch(batch)
        own = ready.meta.get("temperature", history.context.get("temperature"))
        self._own = float(own) if own else None
        self.temperature.start_at(self._own)
        self.choose(min(self.anchor, batch.count - 1))
        self._read_out(-1, -1)
        self._compute()

    def nothing(self, history: History) -> str:
        """See `ArtifactView`."""
        if history.context.get("loss_kind") == "rotation":
            return "No pairs here: this task looks at one image at a time."
        return "No batch yet. The first evaluation keeps the one just trained on."

    def table(self) -> str:
        """Every other view of the batch as seen from the anchor, most probable first."""
        batch, push = self.batch, self.push
        assert batch is not None
        names = ("row", "what", "positive", "cosine", "softmax", "gradient share")
        if push is None:
            return csv_text([names])
        others = [row for row in range(batch.count) if row != self.anchor]
        others.sort(key=lambda row: -push.probability_NN[self.anchor, row])
        rows = (
            (
                row,
                batch.name(row),
                int(batch.positive_NN[self.anchor, row]),
                f"{batch.similarity_NN[self.anchor, row]:.4f}",
                f"{push.probability_NN[self.anchor, row]:.4g}",
                f"{push.share_NN[self.anchor, row]:.4g}",
            )
            for row in others
        )
        return csv_text([names, *rows])

    def forget(self) -> None:
        """See `ArtifactView`."""
        self.work.drop()
        self.batch = self.push = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        pair = self.grid.sizeHint().width() // 2
        roomy = self.width() >= theme().px(ROOMY)
        self._scroll.setMinimumWidth((2 * pair if roomy else pair) + 16)  # and the scroll bar

    def _lay_out(self) -> None:
        self._scroll = QScrollArea()
        self._scroll.setObjectName("pairs-area")
        self._scroll.setWidget(self.grid)
        self.grid.setAutoFillBackground(False)  # setWidget turned it on
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the grid scrolls by its own keys
        self._scroll.setMinimumHeight(100)
        above = QHBoxLayout()
        above.setSpacing(12)
        above.addWidget(self._scroll, 4)
        above.addWidget(self.matrix, 7)
        self.box.addLayout(above, 1)
        for widget in (self.read_out, self.temperature, self.row, self.sentence, self.whole):
            self.box.addWidget(widget)

    def _compute(self) -> None:
        batch, temperature = self.batch, self.temperature.temperature
        if batch is not None:
            self.work.ask(
                "The softmax row",
                lambda: push(batch, temperature),
                self._take,
                lambda error: self.show_failure(str(error)),
            )

    def _take(self, result: Push) -> None:
        self.push = result
        self._show_row()

    def _show_row(self) -> None:
        batch, push = self.batch, self.push
        if batch is None or push is None:
            return
        self.row.show_row(batch, push, self.anchor)
        negatives = batch.count - 1 - int(batch.positive_NN[self.anchor].sum())
        self.sentence.setText(f"{batch.name(self.anchor)}: {push.sentence(self.anchor, negatives)}")
        self.whole.setText(self._whole(push))

    def _whole(self, push: Push) -> str:
        share = percent(push.pairs / push.of) if push.of else "–"
        pairs = f"{thousands(push.pairs)} of {thousands(push.of)} pairs ({share})"
        words = f"In the whole batch 90 % comes from {pairs}"
        if self._own is None:
            words += "; this run's loss has no temperature, so this is what NT-Xent would do"
        return words

    def _read_out(self, row: int, column: int) -> None:
        if self.batch is None:
            return
        kind = "class" if self.batch.by_class else "image"
        self.read_out.setText(
            self.batch.pair(row, column)
            if row >= 0
            else f"Cosine similarity of all views; outlined: positives, of the same {kind}"
        )
