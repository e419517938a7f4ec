"""The numbers below the map, without which it is never shown."""

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ui.embedding.space import Space
from ui.widgets import IconLabel, PlainLabel, StatTile, tooltip
from workbench.maps import K, Map
from workbench.wording import percent


class MapNumbers(QWidget):
    """How far to trust a map, what neighbours know, and a warning when the map lies."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.trust = StatTile("Trustworthiness")
        self.on_map = StatTile("kNN in 2-D")
        self.in_space = StatTile("kNN in feature space")
        self.rank = StatTile("Effective rank")
        self._show(None, None, None, None, "")
        self.warning = PlainLabel("", "why", "warn", wrap=True)
        self.warning.setObjectName("warning")
        self._sign = IconLabel("warning", "warn", 16)
        self._line = QWidget()
        line = QHBoxLayout(self._line)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(self._sign)
        line.addWidget(self.warning, 1)
        tiles = QHBoxLayout()
        tiles.setSpacing(16)
        for tile in (self.trust, self.on_map, self.in_space, self.rank):
            tiles.addWidget(tile, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._line)
        layout.addLayout(tiles)
        self._line.hide()

    def show_numbers(self, space: Space, map_: Map) -> None:
        """Those of one map. Both accuracies ask the same images, so that they compare."""
        meta = space.ready.meta
        rank, dimension = meta.get("effective_rank"), space.feature_ND.shape[1]
        self._show(
            f"{map_.trustworthiness:.3f}",
            percent(map_.knn_accuracy_2d),
            percent(map_.knn_accuracy),
            None if rank is None else f"{rank:.1f}",
            f"of {dimension}",
        )
        score = meta.get("knn")
        self.in_space.setToolTip(
            tooltip(
                "Leave-one-out among the images on the map, so that both kNN numbers compare."
                + ("" if score is None else f" By the training images it is {percent(score)}.")
            )
        )
        self.warning.setText(map_.warning)
        self._line.setVisible(bool(map_.warning))

    def _show(
        self,
        trust: str | None,
        on_map: str | None,
        in_space: str | None,
        rank: str | None,
        dimension: str,
    ) -> None:
        self.trust.show_value(trust, f"k = {K}, 1 is best")
        self.on_map.show_value(on_map, f"k = {K}, among these")
        self.in_space.show_value(in_space, f"k = {K}, cosine")
        self.rank.show_value(rank, dimension or "of the features")
