"""How fast the run trains."""

from PySide6.QtWidgets import QVBoxLayout

from ui.plot import CurvePlot
from ui.plots.measured import Drawn, moments_of, single
from ui.views.base import View
from workbench.history import History


class SpeedView(View):
    """Samples per second over steps, evaluations left out."""

    title, order = "Speed", 50

    def __init__(self) -> None:
        super().__init__()
        self.speed = CurvePlot("Speed", "samples per second", smoothing=0.6, from_zero=True)
        self.speed.setObjectName("speed")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 8, 8)
        layout.addWidget(self.speed)
        self.speed.step_picked.connect(self.step_picked)
        self._drawn = Drawn()

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Draw the plot; see `View.show_history`."""
        if self._drawn.is_new(history):
            goal = history.total_steps if history and history.ended is None else 0
            curves = single(history, "samples_per_second", "speed") if history else []
            self.speed.set_curves(curves, moments=moments_of(history) if history else [], goal=goal)
        self.speed.set_cursor(cursor)
