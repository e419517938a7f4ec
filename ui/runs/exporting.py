"""Saving a run's numbers, weights or set-up to a file of the user's choice."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from ui.controller import Controller
from workbench.compare import number
from workbench.workspace import RunRecord

Say = Callable[[str, Callable[[], None] | None], None]
# What the engine calls it, to the file's ending and words for it.
KINDS = {
    "csv": ("csv", "metrics"),
    "weights": ("safetensors", "weights"),
    "spec": ("toml", "set-up"),
}


class Exports:
    """Asks where, and writes there off the GUI's thread.

    Args:
        say: shows a sentence when the file is written.
    """

    def __init__(self, controller: Controller, parent: QWidget, say: Say) -> None:
        self._controller, self._parent, self._say = controller, parent, say

    def ask(self, record: RunRecord, what: str) -> None:
        """Ask for a file for one of KINDS; the dialog asks again before replacing one."""
        ending, words = KINDS[what]
        dialog = QFileDialog(self._parent, f"Save {words} of run {number(record)}")
        dialog.setObjectName("export_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"{ending.upper()} (*.{ending})")
        dialog.setDefaultSuffix(ending)
        dialog.selectFile(f"run-{number(record)}-{words}.{ending}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.write(record, what, Path(path)))
        dialog.open()

    def write(self, record: RunRecord, what: str, path: Path) -> None:
        """Write the file, replacing what is there, and say so."""
        workspace, run, words = self._controller.workspace, record.id, KINDS[what][1]

        def work() -> int:
            """Runs on a worker thread: reads the run, writes the file."""
            from workbench.export import export

            return export(workspace.folder(run), what, path, force=True)

        self._controller.in_background(
            f"Saving {words} of run {number(record)}",
            work,
            lambda _: self._say(f"The {words} of run {number(record)} went into {path}.", None),
        )
