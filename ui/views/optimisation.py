"""How the weights are moved: learning rate and length of the gradient."""

from PySide6.QtWidgets import QVBoxLayout

from ui.plot import CurvePlot
from ui.plots.measured import Drawn, moments_of, single
from ui.views.base import View
from workbench.history import History


class OptimisationView(View):
    """Learning rate above, gradient norm below, which spans powers of ten and starts as such."""

    title, order = "Optimisation", 40

    def __init__(self) -> None:
        super().__init__()
        self.rate = CurvePlot("Learning rate", "per step")
        self.norm = CurvePlot(
            "Gradient norm", "L2, before clipping", smoothing=0.9, log_values=True
        )
        self.rate.setObjectName("rate")
        self.norm.setObjectName("norm")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 8, 8)
        layout.setSpacing(4)
        for plot in (self.rate, self.norm):
            layout.addWidget(plot, 1)
            plot.step_picked.connect(self.step_picked)
        self.norm.share_steps(self.rate)
        self._drawn = Drawn()

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Draw both plots; see `View.show_history`."""
        if self._drawn.is_new(history):
            goal = history.total_steps if history and history.ended is None else 0
            moments = moments_of(history) if history else []
            rate = single(history, "learning_rate", "lr", band=False) if history else []
            norm = single(history, "train/gradient_norm", "norm") if history else []
            self.rate.set_curves(rate, moments=moments, goal=goal)
            self.norm.set_curves(norm, moments=moments, goal=goal)
        self.rate.set_cursor(cursor)
        self.norm.set_cursor(cursor)
