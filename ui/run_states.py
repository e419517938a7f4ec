"""How a run's state looks everywhere: an icon, a colour and a word."""

from typing import NamedTuple

from ui.widgets.label import Tone


class RunState(NamedTuple):
    """What stands for one status: Phosphor's icon, the colour's token and the word."""

    icon: str
    tone: Tone
    word: str


# Only a running one has the filled variant.
STATES = {
    "queued": RunState("clock", "muted", "Queued"),
    "running": RunState("record-fill", "success", "Running"),
    "paused": RunState("pause", "warn", "Paused"),
    "finished": RunState("check", "muted", "Finished"),
    "stopped": RunState("stop", "muted", "Stopped"),
    "interrupted": RunState("warning", "warn", "Interrupted"),
    "failed": RunState("x-circle", "danger", "Failed"),
}


def state_of(status: str) -> RunState:
    """How a status looks; one that another version wrote looks interrupted, under its own name."""
    known = STATES.get(status)
    return known or STATES["interrupted"]._replace(word=status.capitalize() or "Unknown")
