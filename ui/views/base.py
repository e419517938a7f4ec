"""What a view is: a widget that draws a history and artifacts, and knows nothing else."""

from typing import ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from workbench.history import History

NO_RUN = "Nothing has run yet. Press Start to train this set-up, or open a run on Runs."


class View(QWidget):
    """One tab of the Experiment page. Subclass it in a file of `ui/views`; the page finds it.

    Class attributes:
        title: the tab's words.
        order: tabs are sorted by it.
        side: "left" or "right", the tab group it starts in.
        shows: kinds of artifact it draws; the timeline's ticks jump to it.
        families: families of tasks whose runs it can show; empty is all.

    Signals:
        step_picked: the user pointed at a step in this view; the timeline follows.
    """

    title: ClassVar[str] = ""
    order: ClassVar[int] = 100
    side: ClassVar[str] = "left"
    shows: ClassVar[tuple[str, ...]] = ()
    families: ClassVar[tuple[str, ...]] = ()

    step_picked = Signal(int)

    @property
    def busy(self) -> bool:
        """Whether something is still being computed for what it shows."""
        return False

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Draw `history` as of `cursor`, the timeline's step; None follows the head.

        Called at most some 15 times a second, only while the view is visible, with
        the same object again and again: compare `history.revision` to skip work.
        `history` is None when no run is open: show the empty state then.
        Artifacts are found by `history.artifact_at(kind, cursor)` and read by
        `workbench.artifacts.load(path)`, which caches.
        """
        raise NotImplementedError
