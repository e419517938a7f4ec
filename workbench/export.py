"""A run's results as files that other programs read: CSV, JSON, safetensors, TOML."""

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from workbench.durable import atomic_write
from workbench.history import History
from workbench.run_folder import DamagedFile, RunFolder
from workbench.spec_text import to_toml


class WouldOverwrite(OSError):
    """The target exists and nobody said that it may be replaced."""


def export(
    folder: RunFolder, what: str, out: Path, *, step: int | None = None, force: bool = False
) -> int:
    """Write a run's results to `out`, whole or not at all; returns the bytes written.

    Args:
        what: "csv", "json", "weights" or "spec".
        step: whose weights; None takes the last.
        force: whether an existing file may be replaced.

    Raises:
        WouldOverwrite: `out` exists, or is a folder.
        DamagedFile: the weights aren't there, or not what was written.
        OSError: `out` can't be written.
    """
    if out.is_dir():
        raise WouldOverwrite(f"{out} is a folder; give the name of a file in it")
    if out.exists() and not force:
        raise WouldOverwrite(f"{out} exists; --force overwrites it")
    if what == "weights":
        content = weights_of(folder, step)
    else:
        make = {"csv": metrics_csv, "json": everything_json, "spec": spec_toml}[what]
        content = make(folder).encode()
    try:
        atomic_write(out, content)
    except FileNotFoundError as error:
        raise OSError(f"{out.parent} is not a folder that exists") from error
    return len(content)


def metrics_csv(folder: RunFolder) -> str:
    """One row for each step at which anything was measured, one column for each metric.

    Empty where a metric was not measured; "nan" where it was and is not finite. Nine
    digits: a float32 comes back as it was.
    """
    history = folder.history()
    names = sorted(history.series)
    every = [history.series[name].steps for name in names]
    steps = np.unique(np.concatenate(every)) if every else np.empty(0, np.int64)
    columns = []
    for name in names:
        column = [""] * len(steps)
        series = history.series[name]
        for row, value in zip(np.searchsorted(steps, series.steps), series.values, strict=True):
            column[row] = f"{value:.9g}"
        columns.append(column)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *names])
    writer.writerows(zip(steps.tolist(), *columns, strict=True))
    return text.getvalue()


def everything_json(folder: RunFolder) -> str:
    """All that is known of a run but its tensors, with null for what is not finite."""
    return json.dumps(described(folder) | {"metrics": series_of(folder.history())}, indent=1)


def described(folder: RunFolder) -> dict[str, Any]:
    """A run's spec, labels, state, marks, checkpoints and artifacts as plain values."""
    run, history = folder.read_json("run.json"), folder.history()
    state = folder.read_json("state.json")
    return {
        "run": folder.id,
        "number": run.get("number"),
        "created": run.get("created"),
        "group": run.get("group", ""),
        "status": history.status,
        "step": history.step,
        "total_steps": history.total_steps,
        "seconds": state.get("seconds", 0.0),
        "sentence": state.get("sentence", ""),
        "scores": {name: finite(value) for name, value in state.get("summary", {}).items()},
        "labels": folder.read_json("labels.json"),
        "spec": run.get("spec", {}),
        "facts": state.get("facts", {}),
        "checkpoints": history.checkpoints,
        "artifacts": {
            kind: [{"step": artifact.step, "path": artifact.path} for artifact in held]
            for kind, held in history.artifacts.items()
        },
        "marks": [
            {"step": mark.step, "kind": mark.kind, "text": mark.text, "value": mark.value}
            for mark in history.marks
        ],
        "problems": [
            {"step": problem.step, "sentence": problem.sentence} for problem in history.problems
        ],
    }


def series_of(history: History) -> dict[str, dict[str, list[float | int | None]]]:
    """Every metric's steps and values."""
    return {
        name: {
            "steps": series.steps.tolist(),
            "values": [finite(value) for value in series.values.tolist()],
        }
        for name, series in sorted(history.series.items())
    }


def spec_toml(folder: RunFolder) -> str:
    """The run's spec as TOML, which `train` takes back."""
    return to_toml(folder.spec)


def weights_of(folder: RunFolder, step: int | None = None) -> bytes:
    """A safetensors file of the weights at `step`, its digest verified.

    Raises:
        DamagedFile: there are none, or they aren't what was written.
    """
    kept = dict(folder.files("weights"))
    if not kept:
        raise DamagedFile(f"run {folder.id} has no weights yet")
    wanted = max(kept) if step is None else step
    if wanted not in kept:
        steps = ", ".join(str(known) for known in kept)
        raise DamagedFile(f"run {folder.id} has no weights of step {step}; it has {steps}")
    return folder.verified(kept[wanted]).read_bytes()


def finite(value: float | None) -> float | None:
    """None for NaN and infinities, which JSON doesn't have."""
    return value if value is not None and math.isfinite(value) else None
