"""Makes the maps up to the step on show, off the GUI's thread, one after another."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QCoreApplication, QElapsedTimer, QObject, QTimer, Signal

from engines.events import ArtifactReady
from ui.contrastive.latest import Latest
from ui.embedding.space import Space, read
from workbench.history import History
from workbench.map_store import MapStore, Recipe
from workbench.maps import Map

BLINK = 300  # milliseconds of work that need no words
LOOK = 100


class Cancelled(Exception):
    """Nobody wants the map any more."""


@dataclass(frozen=True)
class Arrival:
    """A map and the space it is of; `final` when it is the one that was asked for."""

    space: Space
    map: Map
    final: bool


@dataclass
class _Job:
    history: History
    ready: ArtifactReady
    recipe: Recipe

    @property
    def chain(self) -> tuple[ArtifactReady, ...]:
        held = self.history.artifacts.get(self.ready.kind, [])
        return tuple(artifact for artifact in held if artifact.step <= self.ready.step)


class Follower(QObject):
    """Asked for the map of an artifact, gives those before it first, where they were missing.

    Signals:
        arrived: an `Arrival`; further ones follow until one is final.
        moved: done, total and words, about ten times a second once work takes noticeably long.
        failed: the error, an OSError or NoMap.
    """

    arrived = Signal(object)
    moved = Signal(int, int, str)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = MapStore()
        self._latest = Latest(self)
        self._wanted: _Job | None = None
        self._running: _Job | None = None
        self._stop = [threading.Event()]
        self._said: tuple[int, int, str] | None = None
        self._since = QElapsedTimer()
        self._look = QTimer(self, interval=LOOK)
        self._look.timeout.connect(self._tell)
        stop = self._stop  # not self, which is gone by then
        self.destroyed.connect(lambda: stop[0].set())
        if app := QCoreApplication.instance():
            app.aboutToQuit.connect(self.drop)

    @property
    def busy(self) -> bool:
        """Whether a map is still to come."""
        return self._wanted is not None

    def ask(self, history: History, ready: ArtifactReady, recipe: Recipe) -> None:
        """Make the map of `ready`; maps before it come first, and work on them is kept."""
        running, self._wanted = self._running, _Job(history, ready, recipe)
        useful = (
            running is not None
            and running.history is history
            and running.recipe == recipe
            and running.ready.step <= ready.step
        )
        if not useful:
            self._begin()

    def drop(self) -> None:
        """Nobody wants a map any more."""
        self._stop[0].set()
        self._latest.drop()
        self._look.stop()
        self._wanted = self._running = None

    def _begin(self) -> None:
        job = self._wanted
        assert job is not None
        self._stop[0].set()
        stop = self._stop[0] = threading.Event()
        self._said, self._running = None, job

        def progress(done: int, total: int, words: str) -> None:
            if stop.is_set():
                raise Cancelled
            self._said = done, total, words

        pictures = job.history.artifact_at("pictures", job.ready.step)
        work = _working(self.store, job, pictures, dict(job.history.context), progress)
        if not self._look.isActive():
            self._since.start()
            self._look.start()
        self._latest.ask("Laying out a map", work, self._take, self._fail)

    def _take(self, made: tuple[Space, Map]) -> None:
        space, map_ = made
        wanted = self._wanted
        if wanted is None:
            return
        self._running = None
        final = space.ready.step == wanted.ready.step and space.ready.path == wanted.ready.path
        if final:
            self.drop()
        self.arrived.emit(Arrival(space, map_, final))
        if self._wanted is wanted:  # nobody asked for another one meanwhile
            self._begin()

    def _fail(self, error: Exception) -> None:
        self.drop()
        if not isinstance(error, Cancelled):
            self.failed.emit(error)

    def _tell(self) -> None:
        if self._said is not None and self._since.elapsed() >= BLINK:
            self.moved.emit(*self._said)


def _working(
    store: MapStore,
    job: _Job,
    pictures: ArtifactReady | None,
    context: dict[str, Any],
    progress: Callable[[int, int, str], None],
) -> Callable[[], tuple[Space, Map]]:
    """Work for a thread, which reads, computes and touches no widget."""
    chain, recipe = job.chain, job.recipe

    def work() -> tuple[Space, Map]:
        place, map_ = store.advance(chain, recipe, progress)
        return read(chain[place], pictures, context), map_

    return work
