"""Loss and accuracy over steps, in training and on held-out images."""

from PySide6.QtWidgets import QVBoxLayout

from ui.plot import CurvePlot
from ui.plots.measured import Drawn, curves_of, levels_of, moments_of
from ui.views.base import NO_RUN, View
from workbench.history import History

SMOOTHING = 0.97


class CurvesView(View):
    """Loss above, accuracy below, with one cursor and one zoom along the steps."""

    title, order = "Curves", 10

    def __init__(self) -> None:
        super().__init__()
        self.loss = CurvePlot("Loss", smoothing=SMOOTHING)
        self.accuracy = CurvePlot(
            "Accuracy", "%", values=(0, 1), factor=100, log=False, moment_words=False
        )
        self.loss.setObjectName("loss")
        self.accuracy.setObjectName("accuracy")
        self.accuracy.set_smoothing(SMOOTHING)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 8, 8)
        layout.setSpacing(4)
        layout.addWidget(self.loss, 70)
        layout.addWidget(self.accuracy, 30)
        self._drawn = Drawn()
        self.loss.smoothing_changed.connect(self.accuracy.set_smoothing)
        self.accuracy.share_steps(self.loss)
        for plot in (self.loss, self.accuracy):
            plot.step_picked.connect(self.step_picked)

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Draw both plots; see `View.show_history`."""
        if self._drawn.is_new(history):
            self._draw(history)
        self.loss.set_cursor(cursor)
        self.accuracy.set_cursor(cursor)

    def _draw(self, history: History | None) -> None:
        if history is None:
            for plot in (self.loss, self.accuracy):
                plot.set_empty(NO_RUN)
                plot.set_curves([])
            self.accuracy.hide()
            return
        goal = history.total_steps if history.ended is None else 0
        moments = moments_of(history)
        self.loss.set_title("Loss", str(history.context.get("loss_unit", "")))
        self.loss.set_empty("No values yet. The first ones come with the first steps.")
        self.loss.set_curves(curves_of(history, "loss"), levels_of(history, "loss"), moments, goal)
        name = str(history.context.get("accuracy_name", "Accuracy"))
        self.accuracy.set_title(name, "%")
        accuracy = curves_of(history, "accuracy", band=False)
        self.accuracy.setVisible(bool(accuracy))
        self.accuracy.set_curves(accuracy, levels_of(history, "accuracy"), moments, goal)
