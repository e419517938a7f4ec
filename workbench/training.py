"""One run from its folder to its end: assemble, restore, train, record."""

import gc
import io
import logging
import sqlite3
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import torch
from safetensors.torch import load as load_weights
from torch import nn

from engines import registry
from engines.control import Control
from engines.events import Event, Mark, Problem, RunEnded, RunStarted, StatusChanged
from engines.loop import Cadence, Diverged, run
from workbench.assembly import assemble, build_model, load_data
from workbench.durable import atomic_write
from workbench.environment import differences, fingerprint
from workbench.metrics_database import forget_after
from workbench.recorder import Recorder
from workbench.run_folder import DamagedFile, RunFolder
from workbench.spec import ExperimentSpec, SpecError, parse
from workbench.workspace import NoSuchRun, Workspace

log = logging.getLogger(__name__)

FAILED_SAVES = 2  # so many in a row pause the run
MEMORY_WORDS = (  # of plain RuntimeErrors: CPU allocators of three systems, CUDA, cuBLAS
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "out of memory",
    "alloc_failed",
)


def train(
    folder: RunFolder,
    workspace: Workspace,
    control: Control,
    tell: Callable[[Event], None],
) -> RunEnded:
    """Train the run in `folder`, from its last checkpoint if it has one.

    The caller holds the run's lock. Every failure becomes the last event.
    """
    try:
        recorder = Recorder(folder, tell)
    except (OSError, sqlite3.Error) as error:
        sentence = f"The folder {folder.path} can't be written, or is damaged: {error}"
        ended = RunEnded(0, "failed", sentence, traceback.format_exc())
        tell(ended)
        return ended
    threads = torch.get_num_threads()
    try:
        ended = _outcome(folder, workspace, control, recorder)
        recorder.put(ended)
    finally:
        told = recorder.close()
        torch.set_num_threads(threads)  # the next run has its own
    release_memory()
    return told or ended


def _outcome(
    folder: RunFolder, workspace: Workspace, control: Control, recorder: Recorder
) -> RunEnded:
    try:
        return _train(folder, workspace, control, recorder)
    except Diverged as error:
        ended = RunEnded(error.step, "failed", str(error), traceback.format_exc())
    except (SpecError, DamagedFile, NoSuchRun) as error:
        ended = RunEnded(recorder.step, "failed", str(error), traceback.format_exc())
    except Exception as error:  # noqa: BLE001 - every failure reaches the user as an event
        ended = _failure(folder, recorder.step, error)
    log.error("run %s failed: %s\n%s", folder.id, ended.sentence, ended.error)
    return ended


def _train(
    folder: RunFolder, workspace: Workspace, control: Control, recorder: Recorder
) -> RunEnded:
    spec = parse(folder.spec)
    before = folder.read_json("state.json").get("facts", {})
    if threads := before.get("threads"):
        torch.set_num_threads(threads)
    needs_teacher = registry.loss[spec.loss.kind].extra.get("needs_teacher")
    teacher = None
    if needs_teacher and spec.teacher:
        teacher = load_teacher(folder, workspace, spec.teacher)
    assembled = assemble(spec, decided=before, teacher=teacher)
    start = restore(folder, assembled.task, recorder)
    facts = assembled.facts | {"environment": fingerprint(assembled.facts["device"])}
    _compare(before, facts, start, recorder)
    task = assembled.task
    watching = spec.watching
    cadence = Cadence(
        watching.evaluate_every or task.steps_per_epoch,
        watching.checkpoint_steps,
        watching.checkpoint_seconds,
    )
    paused_at = 0
    for event in run(task, control, cadence, start=start, facts=facts):
        if isinstance(event, RunEnded):
            return event
        recorder.put(event)
        if isinstance(event, RunStarted) and start:
            recorder.put(Mark(start, "resumed", "resumed"))
        failures = recorder.failures
        if isinstance(event, StatusChanged) and event.status == "running":
            paused_at = failures
        paused_at = min(paused_at, failures)
        if failures - paused_at >= FAILED_SAVES:  # and not at once again when told to go on
            paused_at = failures
            control.pause()
    raise RuntimeError("the loop ended without saying so")


def restore(folder: RunFolder, task: Any, recorder: Recorder) -> int:
    """Load the newest sound checkpoint into `task`; returns its step, 0 when there is none.

    A damaged one is passed over with a `Problem` that says so.

    Raises:
        DamagedFile: none is sound. Training from 0 would delete curves and kept weights.
    """
    weights = dict(folder.files("weights"))
    damaged: dict[int, str] = {}
    for step, path in reversed(folder.files("resume")):
        try:
            state_bytes = folder.verified(path).read_bytes()
            weight_bytes = folder.verified(weights[step]).read_bytes()
        except (OSError, KeyError) as error:
            damaged[step] = f"step {step}: {error}"
            continue
        task.model.load_state_dict(load_weights(weight_bytes))
        task.load_state_dict(torch.load(io.BytesIO(state_bytes), weights_only=True))
        if damaged:
            sentence = (
                f"The checkpoint of {_steps(damaged)} is damaged; that of step {step} is used."
            )
            recorder.put(Problem(step, sentence, "\n".join(damaged.values())))
        _go_on_from(folder, task, step)
        return step
    if damaged:
        raise DamagedFile(
            f"The checkpoint of {_steps(damaged)} is damaged and there is no other: the run "
            "can't go on. Its curves and kept weights stay; train a duplicate to start again."
        )
    if recorder.step:
        recorder.put(Problem(0, "No checkpoint was saved yet: the run starts again from step 0."))
    _go_on_from(folder, task, 0)
    return 0


def _steps(damaged: Mapping[int, str]) -> str:
    return " and ".join(f"step {step}" for step in damaged)


def load_model(folder: RunFolder, step: int | None = None) -> tuple[nn.Module, ExperimentSpec]:
    """A run's model with its weights of `step` (None: the last), on the CPU, in eval mode.

    Raises:
        DamagedFile: no such weights, or not what was written.
    """
    spec = parse(folder.spec)
    kept = dict(folder.files("weights"))
    if not kept or (step is not None and step not in kept):
        raise DamagedFile(f"run {folder.id} has no weights of step {step}; it has {sorted(kept)}")
    path = folder.verified(kept[max(kept) if step is None else step])
    model = build_model(spec, load_data(spec))
    model.load_state_dict(load_weights(path.read_bytes()))
    return model.eval(), spec


def load_teacher(folder: RunFolder, workspace: Workspace, run_name: str) -> nn.Module:
    """The teacher's model; copied into the run at its start, so that the teacher may be deleted.

    Raises:
        NoSuchRun, DamagedFile: the teacher isn't there, or has no weights.
    """
    copied = folder.path / "teacher.safetensors"
    if not copied.exists():
        source = workspace.folder(run_name)
        kept = source.files("weights")
        if not kept:
            raise DamagedFile(f"run {run_name} has no weights: a teacher must have trained")
        folder.write_json("teacher.json", source.spec)
        atomic_write(copied, source.verified(kept[-1][1]).read_bytes())
    spec = parse(folder.read_json("teacher.json"))
    known, wanted = load_data(spec), load_data(parse(folder.spec))
    if (known.shape, known.classes) != (wanted.shape, wanted.classes):
        words = f"run {run_name} learned {known.title}, another kind of images or other classes"
        raise SpecError({"teacher": f"{words}; choose a run on {wanted.title}"})
    model = build_model(spec, known)
    model.load_state_dict(load_weights(copied.read_bytes()))
    return model


def _go_on_from(folder: RunFolder, task: Any, step: int) -> None:
    """Forget later measurements; changes that the user made later happen again at their steps."""
    forget_after(folder, step)
    for mark in folder.history().marks:
        if mark.kind == "learning_rate" and mark.value is not None and mark.step >= step:
            task.learning_rates[mark.step] = mark.value


def _compare(
    before: Mapping[str, Any], facts: Mapping[str, Any], start: int, recorder: Recorder
) -> None:
    """Say so when the resumed run can't be bit-identical, or its data changed."""
    changed = differences(before.get("environment", {}), facts["environment"]) if start else []
    if start and before.get("data_digest") not in (None, facts["data_digest"]):
        changed.append("the data set's content changed")
    if changed:
        words = "; ".join(changed)
        recorder.put(Problem(start, f"The resumed run will not be bit-identical: {words}."))


def _failure(folder: RunFolder, step: int, error: Exception) -> RunEnded:
    details = traceback.format_exc()
    traceback.clear_frames(error.__traceback__)
    sentence = f"{type(error).__name__}: {error}"
    if out_of_memory(error):
        batch = folder.spec.get("training", {}).get("batch_size", 128)
        remedy = f"Try {batch // 2}." if batch >= 4 else "Try a smaller model."
        sentence = f"Out of memory with batch size {batch}. {remedy}"
    return RunEnded(step, "failed", sentence, details)


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that there is no memory left, on whatever device."""
    words = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        said in words for said in MEMORY_WORDS
    )


def release_memory() -> None:
    """Give back what a run held on a GPU, once nothing refers to it.

    Not on a CPU: a full collection holds the GIL for 100 to 200 ms, which the window shows.
    """
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
