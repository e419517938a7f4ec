"""A map of the held-out images as the encoder sees them, moving as the run goes on."""

from functools import partial
from typing import Any, ClassVar

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QKeySequence, QPalette, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from ui.contrastive.latest import Latest
from ui.embedding.card import CardContent, content_of
from ui.embedding.colouring import Colouring, choices, colouring
from ui.embedding.controls import MapControls
from ui.embedding.follower import Arrival, Follower
from ui.embedding.neighbours import nearest_images
from ui.embedding.numbers import MapNumbers
from ui.embedding.player import Player
from ui.embedding.scatter import Scatter
from ui.embedding.space import Space
from ui.embedding.strip import SelectionStrip
from ui.embedding.table import map_table
from ui.predictions import PredictionsHeader, copy_both
from ui.settings import load as settings
from ui.theme import theme
from ui.views.base import NO_RUN, View
from ui.widgets import ElidedLabel, EmptyState, HairLine, ProgressLine, icon_button, link, secondary
from workbench.history import History
from workbench.map_store import Recipe
from workbench.maps import Map
from workbench.wording import joined, thousands

ICON = "circles-three"
NOTHING = "No embedding yet. The first evaluation brings one."
CANCELLED = "Cancelled: no map of step {step} was made."


class EmbeddingView(View):
    """Dots of one step's embeddings, with numbers that say how far to trust the picture.

    Attributes:
        space, map: what is on screen; None where nothing is.
    """

    title, order, side = "Embedding", 10, "right"
    shows = ("embedding",)
    families: ClassVar[tuple[str, ...]] = ("contrastive",)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: History | None = None
        self._cursor: int | None = None
        self._asked: tuple[Any, ...] | None = None
        self._colours: Colouring | None = None
        self.space: Space | None = None
        self.map: Map | None = None
        self.follower, self._near = Follower(self), Latest(self)
        self.header, self.controls = PredictionsHeader(self.title), MapControls()
        self.progress, self.scatter = ProgressLine(), Scatter()
        self.strip, self.numbers = SelectionStrip(), MapNumbers()
        self.again = secondary("Make the map")
        self.empty = EmptyState(ICON, NO_RUN, self.again)
        self._make_buttons()
        self._make_cancelled_line()
        self._connect()
        self._lay_out()
        self._show_empty(NO_RUN)

    @property
    def busy(self) -> bool:
        """Whether a map is still to come."""
        return self.follower.busy

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Show the map of the newest embedding at or before `cursor`, when it is made."""
        if history is not self._history:
            self._forget()
        self._history, self._cursor = history, cursor
        ready = history.artifact_at("embedding", cursor) if history is not None else None
        if history is None or ready is None:
            self._forget()
            self._show_empty(NO_RUN if history is None else NOTHING)
            return
        steps = [artifact.step for artifact in history.artifacts["embedding"]]
        self.player.set_steps(steps, ready.step)
        recipe = Recipe(self.controls.method)
        wanted = (ready.path, ready.step, recipe)
        if wanted != self._asked:
            self._asked = wanted
            self.follower.ask(history, ready, recipe)
            if self.map is None:
                self._show_empty("")

    def picture(self) -> QPixmap:
        """The map as it is on screen, without what the pointer adds."""
        return self.scatter.picture()

    def table(self) -> str:
        """Every image as CSV: place on the map, class, prediction, agreement of neighbours."""
        return map_table(self.space, self.map) if self.space and self.map else ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy) and self.map is not None:
            copy_both(self.picture(), self.table())
        elif event.key() == Qt.Key.Key_Escape and len(self.scatter.chosen):
            self._pick(-1)
        else:
            super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.player.stop()

    # The map

    def _arrive(self, arrival: Arrival) -> None:
        """Show a map: the one asked for, or one on the way to it."""
        before, self.space, self.map = self.map, arrival.space, arrival.map
        continues = before is not None and len(before.xy_N2) == len(arrival.map.xy_N2)
        chosen = self.scatter.chosen
        self.scatter.glides = not settings().reduce_motion
        self.scatter.show_map(arrival.map.xy_N2, continues=continues)
        self.controls.offer_colours(choices(arrival.space))
        self._colour()
        self._search(self.controls.search.text())
        self.numbers.show_numbers(arrival.space, arrival.map)
        if not continues:
            self.strip.hide()
        elif len(chosen) == 1 and arrival.final:
            self._pick(int(chosen[0]))  # its neighbours are others now
        if arrival.final:
            self._settle()
        self._say_where()
        self._stack.setCurrentIndex(1)

    def _say_where(self) -> None:
        if self.space is None or self.map is None:
            return
        step = f"step {thousands(self.space.ready.step)}"
        count = f"{thousands(len(self.space))} held-out images"
        self.header.where.setText(joined(count, self.map.words, step))

    def _settle(self) -> None:
        self.progress.hide()
        self.cancelled_line.hide()
        self.scatter.set_dimmed(False)

    def _show_progress(self, done: int, total: int, words: str) -> None:
        self.cancelled_line.hide()
        self.progress.show_progress(done, total, words)
        self.progress.show()
        if self.map is not None:
            self.scatter.set_dimmed(True)
        elif self._stack.currentIndex() == 0:
            self._stack.setCurrentIndex(1)  # the bar is there

    def _cancel(self) -> None:
        self.follower.drop()
        self.player.stop()
        self._settle()
        step = self._asked[1] if self._asked else 0
        words = CANCELLED.format(step=thousands(step))
        if self.map is None:
            self._show_empty(words, again=True)
        else:
            self.cancelled_words.setText(words)
            self.cancelled_line.show()

    def _fail(self, error: Exception) -> None:
        self.player.stop()
        self._settle()
        self.space = self.map = None
        sentence = str(error)
        if isinstance(error, OSError):
            sentence = f"These embeddings can't be read: {sentence}"
        self._show_empty(sentence, "warning")

    def _ask_again(self) -> None:
        self._asked = None
        self.show_history(self._history, self._cursor)

    def _forget(self) -> None:
        self.player.stop()
        self.follower.drop()
        self._near.drop()
        self._settle()
        self._asked = self.space = self.map = None
        self.strip.hide()
        self.scatter.choose(np.empty(0, np.int64))

    def _show_empty(self, sentence: str, icon_name: str = "", *, again: bool = False) -> None:
        self.empty.icon.set_icon(icon_name or ICON, "muted")
        self.empty.icon.setVisible(bool(sentence))
        self.empty.sentence.setText(sentence)
        self.again.setVisible(again)
        self.header.where.setText("")
        self._stack.setCurrentIndex(0)

    # Colours, search, choice

    def _colour(self) -> None:
        if self.space is not None and self.map is not None:
            self._colours = colouring(self.space, self.map, self.controls.colour_by)
            self.scatter.show_colours(self._colours)

    def _search(self, words: str) -> None:
        """Show the images whose class has these words in its name."""
        if self.space is None:
            return
        words = words.strip().casefold()
        if not words:
            self.scatter.show_only(None)
            self.controls.show_found("")
            return
        fits_K = np.array([words in name.casefold() for name in self.space.classes])
        wanted_N = fits_K[self.space.label_N]
        self.scatter.show_only(wanted_N)
        self.controls.show_found(f"{thousands(int(wanted_N.sum()))} of {thousands(len(wanted_N))}")

    def _card(self, index: int) -> CardContent:
        space = self.space
        assert space is not None
        return content_of(space, index, self.controls.colour_by, self._colours)

    def _pick(self, index: int) -> None:
        """Show an image with its neighbours by the features; -1 lets the choice go."""
        space = self.space
        self._near.drop()
        if space is None or index < 0:
            self.scatter.choose(np.empty(0, np.int64))
            self.strip.hide()
            return
        self.scatter.choose(np.array([index]))
        self.strip.show_image(space, index, [])
        self._near.ask(
            "Finding neighbours",
            partial(nearest_images, space.feature_ND, index),
            lambda near: self.strip.show_image(space, index, near),
        )

    def _circle(self, index_M: np.ndarray) -> None:
        self._near.drop()
        if self.space is None or not len(index_M):
            self._pick(-1)
            return
        self.strip.show_many(self.space, index_M)

    # Building

    def _make_buttons(self) -> None:
        self.play = icon_button("play", "Play the run's maps one after another", checkable=True)
        self.play.setObjectName("play")
        self.player = Player(self.play, lambda: self.follower.busy, self)
        self.lasso = icon_button(
            "selection-plus",
            "Lasso",
            tip="Circle images with the mouse  Shift and drag",
            checkable=True,
        )
        self.lasso.setObjectName("lasso")
        fit = icon_button("corners-out", "Show the whole map", tip="Show the whole map  0")
        fit.setObjectName("fit")
        fit.clicked.connect(self.scatter.fit)
        for button in (self.play, self.lasso, fit):
            self.header.controls.addWidget(button)
        self.header.add_export("embedding", self.picture, self.table)

    def _make_cancelled_line(self) -> None:
        """What stands in place of the progress bar after Cancel, while the old map is shown."""
        self.cancelled_line = QWidget()
        self.cancelled_words = ElidedLabel("", "why", "muted")
        self.retry = link("Make it")
        self.retry.setObjectName("retry")
        row = QHBoxLayout(self.cancelled_line)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.cancelled_words, 1)
        row.addWidget(self.retry)
        self.cancelled_line.hide()

    def _connect(self) -> None:
        self.follower.arrived.connect(self._arrive)
        self.follower.moved.connect(self._show_progress)
        self.follower.failed.connect(self._fail)
        self.controls.method_changed.connect(self._ask_again)
        self.controls.colour_changed.connect(self._colour)
        self.controls.searched.connect(self._search)
        self.scatter.card_of = self._card
        self.scatter.picked.connect(self._pick)
        self.scatter.circled.connect(self._circle)
        self.strip.picked.connect(self._pick)
        self.strip.closed.connect(lambda: self._pick(-1))
        self.progress.cancelled.connect(self._cancel)
        for button in (self.again, self.retry):
            button.clicked.connect(self._ask_again)
        self.lasso.toggled.connect(lambda on: setattr(self.scatter, "lasso", on))
        self.player.step_wanted.connect(self.step_picked)
        theme().changed.connect(self._colour)

    def _lay_out(self) -> None:
        body = QWidget()
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(body)
        self.progress.hide()
        # Over the map's upper edge: between header and map they would push it up and down.
        above = QVBoxLayout(self.scatter)
        above.setContentsMargins(0, 0, 0, 0)
        for line in (self.progress, self.cancelled_line):
            line.setAutoFillBackground(True)
            line.setBackgroundRole(QPalette.ColorRole.Base)
            above.addWidget(line)
        above.addStretch()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.header)
        layout.addWidget(self.controls)
        layout.addWidget(self.scatter, 1)
        layout.addWidget(self.strip)
        layout.addWidget(HairLine())
        layout.addWidget(self.numbers)
