"""Mined triplets in the margin diagram, and the pictures of one of them."""

from PySide6.QtWidgets import QWidget

from engines.events import ArtifactReady
from ui.contrastive.margin import MarginDiagram
from ui.contrastive.triple_picture import TriplePicture
from ui.contrastive.triples import REGIONS, Triples, triples_of
from ui.contrastive.view import Arrays, ArtifactView
from ui.predictions import csv_text
from ui.widgets import ElidedLabel
from workbench.history import History
from workbench.wording import thousands


class TripletsView(ArtifactView):
    """Each dot is a triplet; hovering or choosing one shows anchor, positive and negative."""

    title, order, side = "Triplets", 14, "left"
    shows = ("triplets",)
    kind, of, export = "triplets", "training batch", "triplets"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.triples: Triples | None = None
        self.diagram = MarginDiagram()
        self.diagram.setObjectName("diagram")
        self.picture_row = TriplePicture()
        self.picture_row.setObjectName("triple")
        self.mining = ElidedLabel("", "why", "muted")
        self.mining.setObjectName("mining")
        self.sentence = ElidedLabel("", "control")
        self.sentence.setObjectName("sentence")
        self.diagram.pointed.connect(lambda _: self._show_triple())
        self.diagram.picked.connect(lambda _: self._show_triple())
        self.box.addWidget(self.mining)
        self.box.addWidget(self.diagram, 1)
        self.box.addWidget(self.picture_row)
        self.box.addWidget(self.sentence)

    def draw(self, history: History, ready: ArtifactReady, arrays: Arrays) -> None:
        """Show the triplets, with that of the largest loss chosen."""
        self.triples = triples = triples_of(ready, arrays)
        self.say_where(len(triples.images), ready)
        self.mining.setText(
            f"{thousands(len(triples))} triplets, mined: {triples.mining or 'unknown'}"
            if len(triples)
            else f"Mining ({triples.mining or 'unknown'}) found no triplet in this batch."
        )
        self.diagram.show_triples(triples)
        if len(triples):
            lead_T = triples.negative_T - triples.positive_T
            self.diagram.choose(int(lead_T.argmin()))
        else:
            self._show_triple()

    def nothing(self, history: History) -> str:
        """See `ArtifactView`."""
        if history.context.get("loss_kind", "triplet") != "triplet":
            return "No triplets here: only the triplet loss mines them."
        return "No triplets yet. The first evaluation keeps those of one batch."

    def table(self) -> str:
        """The triplets as CSV: rows of the batch, squared distances, region and loss."""
        triples = self.triples
        assert triples is not None
        names = ("anchor", "positive", "negative", "d_ap^2", "d_an^2", "region", "loss")
        rows = (
            (
                *triples.rows_T3[place].tolist(),
                f"{triples.positive_T[place]:.6g}",
                f"{triples.negative_T[place]:.6g}",
                REGIONS[int(triples.region_T[place])],
                f"{triples.loss(place):.6g}",
            )
            for place in range(len(triples))
        )
        return csv_text([names, *rows])

    def forget(self) -> None:
        """See `ArtifactView`."""
        self.triples = None

    def _show_triple(self) -> None:
        hovered, chosen = self.diagram.hovered, self.diagram.chosen
        place = hovered if hovered >= 0 else chosen
        self.picture_row.show_triple(self.triples, place)
        there = self.triples is not None and place >= 0
        self.sentence.setText(self.triples.sentence(place) if self.triples and there else "")
