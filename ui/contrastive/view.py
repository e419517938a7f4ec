"""What views of a contrastive run's artifacts share: header, empty states, copying and saving."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from PySide6.QtGui import QKeyEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from engines.events import ArtifactReady
from ui.predictions import PredictionsHeader, copy_both, drawn
from ui.views.base import NO_RUN, View
from ui.widgets import EmptyState, clean
from workbench.artifacts import load
from workbench.history import History
from workbench.wording import thousands

Arrays = Mapping[str, np.ndarray]


class ArtifactView(View):
    """Draws the newest artifact of one kind at or before the cursor. Subclass it.

    Subclasses build their widgets into `self.box` and say what `draw`, `nothing` and `table`
    do. `draw` is called once for each artifact that comes on screen.

    Attributes:
        kind: the artifact's kind.
        of: whose images these are: "validation" or "training batch".
        export: the start of a saved file's name.
        history, ready: what is on screen; None where nothing is.
    """

    families: ClassVar[tuple[str, ...]] = ("contrastive",)
    kind: ClassVar[str] = ""
    of: ClassVar[str] = "validation"
    export: ClassVar[str] = ""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.history: History | None = None
        self.cursor_step: int | None = None
        self.ready: ArtifactReady | None = None
        self._shown: object = None
        self.header = PredictionsHeader(self.title)
        self.header.add_export(self.export, self.picture, self.table)
        self.empty = EmptyState("image-square", NO_RUN)
        self.body = QWidget()
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.body)
        self.box = QVBoxLayout(self.body)
        self.box.setContentsMargins(16, 12, 16, 12)
        self.box.setSpacing(8)
        self.box.addWidget(self.header)

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Draw the newest artifact at or before `cursor`; nothing when it is on screen."""
        if history is not self.history and self.ready is not None:
            self.forget()
            self._shown = None
        self.history, self.cursor_step = history, cursor
        ready = history.artifact_at(self.kind, cursor) if history is not None else None
        if history is None or ready is None:
            self.show_empty(NO_RUN if history is None else self.nothing(history))
            return
        key = self.key(history, ready)
        if key == self._shown:
            return
        try:
            arrays = load(ready.path)
            self.ready, self._shown = ready, key
            self.draw(history, ready, arrays)
        except (OSError, ValueError) as error:
            self.show_failure(str(error))
            return
        except KeyError as error:
            self.show_failure(f"{ready.path} has no array {error}")
            return
        self._stack.setCurrentWidget(self.body)

    def key(self, history: History, ready: ArtifactReady) -> object:
        """What decides whether the picture must be drawn anew."""
        return ready.path

    def draw(self, history: History, ready: ArtifactReady, arrays: Arrays) -> None:
        """Show the artifact. It may raise KeyError, OSError or ValueError, which are shown."""
        raise NotImplementedError

    def nothing(self, history: History) -> str:
        """The sentence shown while the run has no such artifact."""
        raise NotImplementedError

    def table(self) -> str:
        """The numbers on show as CSV."""
        raise NotImplementedError

    def picture(self) -> QPixmap:
        """The view as it is on screen."""
        return drawn(self.body)

    def forget(self) -> None:
        """Nothing is on screen any more; subclasses drop what they hold or have asked for."""

    def show_empty(self, sentence: str, icon: str = "") -> None:
        """Show a sentence instead of the picture."""
        if self.ready is not None:
            self.forget()
        self.ready = self._shown = None
        self.empty.icon.set_icon(icon or "image-square", "muted")
        self.empty.sentence.setText(sentence)
        self._stack.setCurrentWidget(self.empty)

    def show_failure(self, words: str) -> None:
        """Say why this artifact can't be shown, and don't try it again."""
        key = self._shown
        self.show_empty(f"These {self.export} can't be shown: {words}", "warning")
        self._shown = key

    def say_where(self, images: int, ready: ArtifactReady) -> None:
        """ "training batch, 64 images, step 1 638" under the title."""
        self.header.where.setText(
            f"{self.of}, {thousands(images)} images, step {thousands(ready.step)}"
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy) and self.ready is not None:
            copy_both(self.picture(), self.table())
        else:
            super().keyPressEvent(event)


def class_names(history: History, labels: np.ndarray) -> tuple[str, ...]:
    """The run's class names, with "class 7" for labels that have none."""
    names = tuple(clean(str(name)) for name in history.context.get("classes") or ())
    highest = int(labels.max()) if len(labels) else -1
    return names + tuple(f"class {index}" for index in range(len(names), highest + 1))
