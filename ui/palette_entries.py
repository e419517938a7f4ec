"""What the palette can find: presets, runs, pages and what can be done everywhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ui.controller import Controller
from ui.run_states import state_of
from ui.settings import save
from ui.starting import starter
from ui.theme import theme
from ui.times import duration
from workbench.presets import BadPreset, presets
from workbench.workspace import RunRecord


@dataclass(frozen=True, slots=True)
class Command:
    """Something the palette can do.

    Attributes:
        title: what the user searches for.
        hint: a few quiet words beside it; searched, too.
        icon: Phosphor's name.
        shortcut: the keys that do the same, or how it is told from others.
        act: does it.
    """

    title: str
    hint: str
    icon: str
    shortcut: str
    act: Callable[[], object]


def gathered(controller: Controller, commands: Sequence[Command]) -> dict[str, list[Command]]:
    """Everything by section, in the order shown before anything is typed; runs come later."""
    return {
        "Presets": _presets(controller),
        "Runs": [],
        "Commands": [*commands, *_commands(controller)],
        "Pages": _pages(controller),
    }


def runs_found(controller: Controller, records: Sequence[RunRecord]) -> list[Command]:
    """The runs, newest first; found by number, title, model or state."""
    entries = []
    for record in records:
        live = controller.is_live(record.id)
        status = controller.history(record.id).status if live else record.status
        state = state_of(status)
        parts = f"{record.number:04d}", state.word, record.kind("model")
        hint = " · ".join(filter(None, parts))
        title = record.title or f"Run {record.number}"
        act = partial(controller.open_run, record.id)
        entries.append(Command(title, hint, state.icon, "", act))
    return entries


def _presets(controller: Controller) -> list[Command]:
    try:
        known = presets()
    except BadPreset:  # the Start page has said so
        return []
    start = starter(controller).start
    return [
        Command(entry.title, entry.sentence, "play", duration(entry.seconds), partial(start, entry))
        for entry in known
    ]


def _pages(controller: Controller) -> list[Command]:
    from ui.shell import PAGES

    wanted = controller.page_wanted.emit
    return [
        Command(page.title, "", page.icon, f"Ctrl+{number}", partial(wanted, page.name))
        for number, page in enumerate(PAGES, start=1)
    ]


def _commands(controller: Controller) -> list[Command]:
    draft, pictures = (
        partial(controller.open_draft, {}),
        partial(controller.page_wanted.emit, "data"),
    )
    other = "light" if theme().tokens.dark else "dark"
    change = partial(_use_theme, controller, other)
    return [
        Command("New experiment", "an empty set-up", "plus", "", draft),
        Command("Import pictures", "a folder of your own", "folder-open", "", pictures),
        Command(f"Use the {other} theme", "", "sun" if other == "light" else "moon", "", change),
    ]


def _use_theme(controller: Controller, choice: str) -> None:
    from PySide6.QtWidgets import QApplication

    controller.settings.theme = choice
    save(controller.settings)
    app = QApplication.instance()
    if isinstance(app, QApplication):
        theme().apply(app, choice, controller.settings.text_scale)  # type: ignore[arg-type]
