"""The axis along the steps: one for plots that stand above each other and move together."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from ui.plots.axis import Span, step_span

if TYPE_CHECKING:
    from ui.plots.canvas import Canvas


class Steps(QObject):
    """What part of the run its canvases show, and whether as a logarithm.

    Signals:
        changed: the zoom or the kind of axis changed; canvases draw afresh.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.zoom: Span | None = None
        self.log = False
        self._canvases: list[Canvas] = []
        self._span: Span | None = None

    def join(self, canvas: "Canvas") -> None:
        """Take `canvas` along from now on."""
        self._canvases.append(canvas)
        self.changed.connect(canvas.redraw)

    def leave(self, canvas: "Canvas") -> None:
        """Let `canvas` go its own way."""
        self._canvases.remove(canvas)
        self.changed.disconnect(canvas.redraw)

    def set_zoom(self, steps: Span | None) -> None:
        """Show only these steps; None shows all."""
        if steps != self.zoom:
            self.zoom = steps
            self.changed.emit()

    def set_log(self, log: bool) -> None:
        """Make the axis logarithmic or linear, and fit it."""
        self.log, self.zoom, self._span = log, None, None
        self.changed.emit()

    def span(self, width: float) -> Span:
        """The steps to show on `width` pixels: the zoom, or all with room for the end's words."""
        if self.zoom is not None:
            return self.zoom
        last = max((canvas.last_step() for canvas in self._canvases), default=1)
        goal = max((canvas.goal for canvas in self._canvases), default=0)
        words = max((canvas.words_width() for canvas in self._canvases), default=0.0)
        share = min((words + 10) / max(width, 1), 0.5)
        span = step_span(self._span, last, goal, share, self.log)
        if span != self._span:
            self._span = span
            # Whoever drew before this canvas drew with the old range.
            self.changed.emit()
        return span
