"""How a training run is told on the command line: lines for people, or JSON lines for programs."""

import json
import math
import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from engines.events import (
    ArtifactReady,
    CheckpointReady,
    Event,
    Mark,
    Metrics,
    Problem,
    RunEnded,
    RunStarted,
    Scores,
)
from workbench.cli.entry import say
from workbench.wording import digits, joined, percent

REDRAW_SECONDS = 0.2


class Report:
    """Takes a run's events, on the recorder's thread.

    Args:
        number: the run's number.
        as_json: whether events are written as JSON lines on stdout.

    Attributes:
        steps, training_seconds: done in this process, evaluations left out.
    """

    def __init__(self, number: int, as_json: bool):
        self.steps, self.training_seconds = 0, 0.0
        self._number, self._json = number, as_json
        self._line = ProgressLine() if sys.stderr.isatty() and not as_json else None
        self._values: dict[str, float] = {}
        self._step = self._total = 0

    def take(self, event: Event) -> None:
        """Tell one event."""
        if isinstance(event, Metrics):
            self.steps += len(event.values_SM)
            self.training_seconds += event.seconds
        if self._json:
            if told := plain(event):
                write_json(told | {"number": self._number})
            return
        self._tell_people(event)

    def _tell_people(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._step, self._total = event.step, event.total_steps
                facts = event.facts
                where = joined(
                    facts.get("device", ""), facts.get("precision", ""), f"{self._total} steps"
                )
                verb = "goes on" if event.step else "starts"
                self._say(f"run {self._number} {verb}: {where}")
            case Metrics():
                self._step = event.last_step
                means = event.values_SM.mean(0)
                self._values |= dict(zip(event.names, means.tolist(), strict=True))
                if self._line:
                    self._line.show(self._words())
            case Scores():
                self._values |= event.values
                self._step = event.step
                self._say(self._words())
            case Mark():
                self._say(f"step {event.step}: {event.text}")
            case Problem():
                self._say(event.sentence)
            case RunEnded():
                if self._line:
                    self._line.clear()

    def _say(self, words: str) -> None:
        if self._line:
            self._line.clear()
        say(words)

    def _words(self) -> str:
        values = self._values
        speed = self.steps / self.training_seconds if self.training_seconds else 0
        left = (self._total - self._step) / speed if speed else 0
        parts = [f"step {self._step}/{self._total}"]
        for split in ("train", "validation", "test"):
            if f"{split}/loss" in values:
                loss, accuracy = values[f"{split}/loss"], values.get(f"{split}/accuracy", math.nan)
                parts.append(f"{split} {digits(loss)} {percent(accuracy)}")
        parts += [f"{speed:.1f} steps/s", f"{left:.0f} s left"] if speed and left else []
        return joined(*parts)


class ProgressLine:
    """One line of a terminal that is written over."""

    def __init__(self) -> None:
        self._shown, self._when = False, 0.0

    def show(self, words: str) -> None:
        """Replace the line, a few times a second at most."""
        if time.monotonic() - self._when > REDRAW_SECONDS:
            self._when, self._shown = time.monotonic(), True
            # A line that wraps could not be written over.
            fitting = words[: shutil.get_terminal_size().columns - 1]
            sys.stderr.write(f"\r\x1b[K{fitting}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away, so that another can be written."""
        if self._shown:
            self._shown = False
            sys.stderr.write("\r\x1b[K")


def plain(event: Event) -> dict[str, Any]:
    """An event as plain values, or nothing where it says no more than others.

    Of a block of metrics, the means; `export --what csv` has every step.
    """
    match event:
        case RunStarted():
            kept = {name: value for name, value in event.facts.items() if name != "context"}
            told = {"event": "started", "step": event.step, "total_steps": event.total_steps}
            return told | {"facts": kept}
        case Metrics():
            means = dict(zip(event.names, event.values_SM.mean(0).tolist(), strict=True))
            told = {"event": "metrics", "step": event.last_step, "steps": len(event.values_SM)}
            return told | {"values": means}
        case Scores():
            return {"event": "scores", "step": event.step, "values": dict(event.values)}
        case ArtifactReady():
            return {"event": "artifact", "step": event.step, "kind": event.kind, "path": event.path}
        case CheckpointReady():
            return {"event": "checkpoint", "step": event.step}
        case Mark():
            return {"event": "mark", "step": event.step, "kind": event.kind, "text": event.text}
        case Problem():
            return {"event": "problem", "step": event.step, "sentence": event.sentence}
        case RunEnded():
            told = {"event": "ended", "step": event.step, "status": event.reason}
            return told | {"sentence": event.sentence}
    return {}


def write_json(values: Mapping[str, Any]) -> None:
    """One line of JSON on stdout; what is not finite becomes null, as JSON has no NaN."""
    sys.stdout.write(json.dumps(finite(values), default=str) + "\n")
    sys.stdout.flush()


def finite(value: Any) -> Any:
    """Nested plain values with None for NaN and infinities."""
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return value
