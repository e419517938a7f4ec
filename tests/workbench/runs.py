"""What tests of runs share: train here or in a child, and compare two runs bit by bit."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engines.control import Control
from engines.events import Event, Metrics, RunEnded
from workbench.run_folder import RunFolder
from workbench.runner import perform
from workbench.spec import parse
from workbench.workspace import Workspace

ROOT = Path(__file__).parents[2]

# Batch norm, dropout, all four augmentations, AdamW, cosine, channels_last.
CNN = {
    "data": {"kind": "digits", "train_images": 400},
    "model": {"kind": "cnn", "channels": [8, 12], "hidden": 24, "dropout": 0.3},
    "augmentation": {"shift": 1, "flip": True, "crop": 0.7, "cutout": 2},
    "optimizer": {"kind": "adamw", "learning_rate": 3e-3},
    "schedule": {"kind": "cosine"},
    "training": {"epochs": 5, "batch_size": 50, "clip_norm": 1.0},
    "watching": {"evaluate_every": 16, "checkpoint_seconds": 0.0, "checkpoint_steps": 7},
    "device": "cpu",
    "seed": 3,
}
VIT = {
    "data": {"kind": "digits", "train_images": 400},
    "model": {"kind": "vit", "patch": 4, "dimension": 16, "depth": 1, "heads": 2, "dropout": 0.1},
    "augmentation": {"shift": 1},
    "optimizer": {"kind": "sgd", "learning_rate": 0.05, "nesterov": True},
    "schedule": {"kind": "one_cycle"},
    "training": {"epochs": 4, "batch_size": 50},
    "watching": {"evaluate_every": 16, "checkpoint_seconds": 0.0, "checkpoint_steps": 7},
    "device": "cpu",
    "seed": 4,
}


class Scripted(Control):
    """A control that acts at given steps, exactly: the loop asks `quiet` once per step.

    Args:
        actions: step to what is done with this control before the update after it.
        start: the step that the run begins with.
        pause: seconds to sleep at every step.
    """

    def __init__(
        self,
        actions: Mapping[int, Callable[[Control], None]],
        start: int = 0,
        pause: float = 0.0,
    ):
        super().__init__()
        self._actions, self._step, self._pause = dict(actions), start, pause

    @property
    def quiet(self) -> bool:
        act = self._actions.pop(self._step, None)
        self._step += 1
        time.sleep(self._pause)
        if act is not None:
            act(self)
        return super().quiet


def stopping_at(step: int, start: int = 0) -> Scripted:
    """A control that stops the run at `step`."""
    return Scripted({step: lambda control: control.stop()}, start)


def create(workspace: Workspace, raw: Mapping[str, Any], **changes: Any) -> RunFolder:
    """A queued run of plain values; `changes` replace whole parts."""
    return workspace.create(parse({**raw, **changes}).model_dump(mode="json"))


def train(
    folder: RunFolder,
    workspace: Workspace,
    control: Control | None = None,
    listen: Callable[[Event], None] = lambda event: None,
) -> list[Event]:
    """Train to the end on this thread; returns every event."""
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        listen(event)

    assert perform(folder, workspace, control or Control(), tell) is events[-1]
    return events


def trained(workspace: Workspace, raw: Mapping[str, Any], **changes: Any) -> RunFolder:
    """A run trained to its end without interruption."""
    folder = create(workspace, raw, **changes)
    ended = train(folder, workspace)[-1]
    assert isinstance(ended, RunEnded)
    assert ended.reason == "finished", ended.error
    return folder


def assert_same_end(one: RunFolder, other: RunFolder) -> None:
    """Weights, optimiser state and stored metrics of two finished runs are equal, bit by bit."""
    for kind in ("weights", "resume"):
        (step, path), (other_step, other_path) = one.files(kind)[-1], other.files(kind)[-1]
        assert step == other_step
        if kind == "weights":
            assert path.read_bytes() == other_path.read_bytes(), "weights differ"
        else:
            first, second = (torch.load(p, weights_only=True) for p in (path, other_path))
            assert_same(first["optimizer"], second["optimizer"])
    first, second = measured(one), measured(other)
    assert first.keys() == second.keys()
    for name in first:
        for values, others in zip(first[name], second[name], strict=True):
            np.testing.assert_array_equal(values, others, err_msg=name)


def measured(folder: RunFolder) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Steps and values of every stored series that does not depend on the clock."""
    history = folder.history()
    return {
        name: (series.steps.copy(), series.values.copy())
        for name, series in history.series.items()
        if name != "samples_per_second"
    }


def assert_same(one: Any, other: Any) -> None:
    """Nested plain values and tensors are equal, bit by bit."""
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, list | tuple):
        for part, other_part in zip(one, other, strict=True):
            assert_same(part, other_part)
    else:
        assert one == other


SCRIPT = """
import sys, torch
torch.set_num_threads(1)
from pathlib import Path
from engines.control import Control
from workbench.runner import perform
from workbench.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
ended = perform(workspace.folder(sys.argv[2]), workspace, Control(), lambda event: None)
print(ended.reason, ended.error)
"""


def train_in_new_process(folder: RunFolder, workspace: Workspace) -> str:
    """Train to the end in a fresh interpreter; returns the reason it ended."""
    command = [sys.executable, "-c", SCRIPT, str(workspace.root), folder.id]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[0]


def forked(
    folder: RunFolder, workspace: Workspace, *, rate_at: int = -1, pause: float = 0.0
) -> Any:
    """A child process that trains the run, forked from a server that has torch in memory.

    Each block of metrics told there is a line "step time" in the run's progress.txt.
    `rate_at` is a step at which the learning rate becomes 1e-4, `pause` seconds per step.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.workbench.warm"])
    arguments = (str(workspace.root), folder.id, rate_at, pause)
    child = context.Process(target=_train_and_tell, args=arguments)
    child.start()
    return child


def _train_and_tell(root: str, run: str, rate_at: int, pause: float) -> None:
    torch.set_num_threads(1)
    workspace = Workspace(Path(root))
    folder = workspace.folder(run)
    control = Scripted({rate_at: lambda control: control.set_learning_rate(1e-4)}, pause=pause)
    progress = os.open(folder.path / "progress.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(event: Event) -> None:
        if isinstance(event, Metrics):
            os.write(progress, f"{event.last_step} {time.time()}\n".encode())

    perform(folder, workspace, control, tell)


def told(folder: RunFolder) -> list[tuple[int, float]]:
    """(step, time) of the blocks that a forked child told."""
    try:
        lines = (folder.path / "progress.txt").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [(int(step), float(moment)) for step, moment in map(str.split, lines)]
