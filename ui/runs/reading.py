"""Histories of stored runs, read off the GUI's thread and kept while they are true."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from ui.controller import Controller
from workbench.history import History
from workbench.workspace import RunRecord

KEPT = 32
State = tuple[str, int]


class Histories(QObject):
    """What runs have said: at once for those of this session, a moment later for stored ones.

    Signals:
        read: something that was asked for has arrived.
    """

    read = Signal()

    def __init__(self, controller: Controller, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._kept: dict[str, tuple[State, History]] = {}
        self._asked: set[str] = set()

    def known(self, records: Sequence[RunRecord]) -> dict[str, History]:
        """The histories that are here, by the run's id."""
        found = {record.id: self._known(record) for record in records}
        return {run: history for run, history in found.items() if history is not None}

    def ask(self, records: Sequence[RunRecord]) -> bool:
        """Read what is missing; returns whether anything is."""
        missing = [record for record in records if self._known(record) is None]
        for record in missing:
            if record.id not in self._asked:
                self._asked.add(record.id)
                self._read(record)
        return bool(missing)

    def _known(self, record: RunRecord) -> History | None:
        live = self._controller.bridge.histories.get(record.id)
        if live is not None:
            return live
        state, history = self._kept.get(record.id, (None, None))
        return history if state == _state(record) else None

    def _read(self, record: RunRecord) -> None:
        run, workspace = record.id, self._controller.workspace

        def work() -> History:
            """Runs on a worker thread: reads files, touches no widget."""
            return workspace.folder(run).history()

        def failed(error: Exception) -> None:
            self._keep(record, History())
            self._controller.problem.emit(f"Run {record.number} can't be read: {error}", "")

        self._controller.in_background(
            f"Reading run {record.number}",
            work,
            lambda history: self._keep(record, history),
            failed,
        )

    def _keep(self, record: RunRecord, history: History) -> None:
        self._asked.discard(record.id)
        self._kept.pop(record.id, None)
        while len(self._kept) >= KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[record.id] = (_state(record), history)
        self.read.emit()


def _state(record: RunRecord) -> State:
    return record.status, record.step
