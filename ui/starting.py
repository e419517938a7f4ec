"""From a preset to training runs: waits for torch, checks every spec, queues, opens the first."""

import logging
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from ui.controller import Controller

if TYPE_CHECKING:
    from workbench.presets import Preset

log = logging.getLogger(__name__)


def starter(controller: Controller) -> "Starter":
    """The one that starts presets for this window: cards and palette share it."""
    return controller.findChild(Starter) or Starter(controller)


class Starter(QObject):
    """Starts presets, one click each; lives as long as its controller.

    Signals:
        waiting: name of the preset that waits for torch, "" when none does any more.
    """

    waiting = Signal(str)

    def __init__(self, controller: Controller):
        super().__init__(controller)
        self._controller = controller
        self._pending: Preset | None = None
        controller.engine_ready.connect(self._go_on)

    def start(self, preset: "Preset") -> None:
        """Queue all runs of a preset and open the first; later, if torch isn't loaded yet.

        A second preset asked for in the meantime takes the place of the first.
        """
        if not self._controller.is_engine_ready:
            self._pending = preset
            self.waiting.emit(preset.name)
            return
        specs = self._checked(preset)
        if specs is None:
            return
        group = f"{preset.name}-{token_hex(3)}" if len(specs) > 1 else ""
        try:
            runs = [
                self._controller.start(spec, title=spec.get("title") or preset.title, group=group)
                for spec in specs
            ]
        except (OSError, RuntimeError) as error:
            self._controller.problem.emit(f"{preset.title} could not start: {error}", "")
            return
        self._controller.open_run(runs[0])

    def set_up(self, preset: "Preset") -> None:
        """Open the first spec of a preset to be changed; nothing starts."""
        self._controller.open_draft(self._specs(preset)[0])

    def _go_on(self) -> None:
        preset, self._pending = self._pending, None
        if preset is not None:
            self.waiting.emit("")
            self.start(preset)

    def _checked(self, preset: "Preset") -> list[dict[str, Any]] | None:
        """Every spec with its defaults filled in, or None after telling what is wrong."""
        from workbench.spec import SpecError, parse

        try:
            return [parse(raw).model_dump(mode="json") for raw in self._specs(preset)]
        except SpecError as error:
            log.error("Preset %s can't run: %s", preset.name, error)
            self._controller.problem.emit(f"The preset {preset.title} can't run.", str(error))
            return None

    def _specs(self, preset: "Preset") -> list[dict[str, Any]]:
        """A preset's specs, on the device of the settings unless they name one."""
        device = self._controller.settings.device
        chosen = {} if device == "auto" else {"device": device}
        return [chosen | raw for raw in preset.specs()]
