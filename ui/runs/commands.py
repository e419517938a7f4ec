"""What the buttons of the Runs page do."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from ui.controller import Controller
from ui.runs.columns import RESUMABLE, title_words
from workbench.compare import fresh_seeds, number, recipe
from workbench.workspace import RunRecord

Say = Callable[[str, Callable[[], None] | None], None]


class Commands:
    """Acts on runs through the controller and says what was done.

    Args:
        parent: over which questions are asked.
        say: shows a sentence and, perhaps, the way back.
    """

    def __init__(self, controller: Controller, parent: QWidget, say: Say) -> None:
        self._controller, self._parent, self._say = controller, parent, say

    def resume(self, records: Sequence[RunRecord]) -> None:
        """Go on with those that were cut off."""
        for record in records:
            if record.status in RESUMABLE and not self._controller.is_live(record.id):
                self._controller.resume(record.id)

    def duplicate(self, record: RunRecord) -> None:
        """Show a run's set-up as a new one."""
        try:
            self._controller.duplicate(record.id)
        except (LookupError, OSError) as error:
            self._controller.problem.emit(f"That run can't be read: {error}", "")

    def delete(self, records: Sequence[RunRecord]) -> None:
        """Ask by name, then put them into the trash, with a way back."""
        live = [record for record in records if self._controller.is_live(record.id)]
        if live:
            self._say(f"{named(live)} trains or waits: stop it before deleting it.", None)
        elif records:
            self._ask(records)

    def restore(self, records: Sequence[RunRecord]) -> None:
        """Take them out of the trash."""
        runs = [record.id for record in records]
        if runs:
            self._controller.trash(runs, restore=True)
            self._say(f"{named(records)} {_be(records)} back among the runs.", None)

    def more_seeds(
        self, records: Sequence[RunRecord], everyone: Sequence[RunRecord], count: int
    ) -> None:
        """Queue every recipe among `records` with `count` seeds that none of `everyone` has."""
        recipes = {recipe(record.spec): record for record in reversed(records)}
        queued = 0
        for record in reversed(recipes.values()):
            for seed in fresh_seeds(record.spec, everyone, count):
                raw = self._checked(record, seed)
                if raw is None:
                    break
                group = record.group or f"seeds-{record.id}"
                self._controller.start(raw, title=record.title, group=group)
                queued += 1
        if queued:
            noun, pronoun = ("run", "it trains") if queued == 1 else ("runs", "they train")
            self._say(f"{queued} {noun} queued; {pronoun} one after another.", None)

    def _checked(self, record: RunRecord, seed: int) -> dict[str, Any] | None:
        # Inside: the spec knows every model, so this imports torch.
        from workbench.spec import SpecError, parse

        try:
            return parse({**record.spec, "seed": seed}).model_dump(mode="json")
        except SpecError as error:
            self._controller.problem.emit(
                f"Run {number(record)} can't be repeated: its set-up is not valid any more.",
                str(error),
            )
            return None

    def _ask(self, records: Sequence[RunRecord]) -> None:
        box = QMessageBox(self._parent)
        box.setObjectName("ask_delete")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Delete")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"Put {named(records)} into the trash?")
        box.setInformativeText("Curves, weights and notes stay there and can be restored.")
        delete = box.addButton("Delete", QMessageBox.ButtonRole.DestructiveRole)
        delete.setProperty("kind", "danger")
        delete.setObjectName("confirm_delete")
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        delete.clicked.connect(lambda: self._trash(list(records)))
        box.open()

    def _trash(self, records: list[RunRecord]) -> None:
        runs = [record.id for record in records]
        self._controller.trash(runs)
        self._say(
            f"{named(records)} {_be(records)} in the trash.",
            lambda: self._controller.trash(runs, restore=True),
        )


def named(records: Sequence[RunRecord]) -> str:
    """ "0042 CNN on digits", or how many runs and the numbers of the first."""
    if len(records) == 1:
        return f"{number(records[0])} {title_words(records[0])}"
    numbers = ", ".join(number(record) for record in records[:5])
    return f"{len(records)} runs ({numbers}{', …' if len(records) > 5 else ''})"


def _be(records: Sequence[RunRecord]) -> str:
    return "is" if len(records) == 1 else "are"
