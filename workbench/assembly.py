"""From a spec to a task that can train: data, model, loss and device put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from engines import registry
from engines.data import DataError, ImageDataset, Progress, load
from engines.data.augmentation import augment
from engines.keyed import key
from engines.layers import initialise
from engines.precision import faster_precision
from engines.registry import Entry
from engines.summary import LayerRow, layer_table
from engines.tasks.indexed import Setting
from workbench.spec import ExperimentSpec, SpecError


@dataclass(frozen=True, slots=True)
class Assembled:
    """A task ready to train, and what was decided for it.

    Attributes:
        task: an instance of the spec's task.
        facts: device, precision, threads, parameters, and "context" for the views.
    """

    task: Any
    facts: dict[str, Any]


def assemble(
    spec: ExperimentSpec,
    *,
    progress: Progress | None = None,
    decided: Mapping[str, Any] | None = None,
    teacher: nn.Module | None = None,
) -> Assembled:
    """Load the data, build the model and the task.

    Args:
        decided: facts of an earlier start of the same run; its precision is used again.
        teacher: the model to learn from, where the loss needs one.

    Raises:
        SpecError: parts of the spec don't go together; names the fields.
    """
    dataset = load_data(spec, progress)
    check(spec, dataset)
    device = torch.device(resolve_device(spec.device))
    model = build_model(spec, dataset)
    precision = (decided or {}).get("precision") or spec.precision
    if precision == "auto":
        precision = faster_precision(model, dataset.shape, spec.training.batch_size, device)
    if teacher is not None:
        teacher = teacher.to(device).eval()
    loss = registry.loss[spec.loss.kind]
    setting = Setting(
        dataset=dataset,
        model=model,
        loss=loss,
        loss_knobs=spec.loss,
        augmentation=spec.augmentation,
        optimizer=spec.optimizer,
        schedule=spec.schedule,
        batch_size=spec.training.batch_size,
        epochs=spec.training.epochs,
        max_steps=spec.training.max_steps,
        clip_norm=spec.training.clip_norm,
        seed=spec.seed,
        device=device,
        bf16=precision == "bf16",
        teacher=teacher,
    )
    task = registry.task[spec.task.kind].make(setting, knobs=spec.task)
    facts = {
        "device": device.type,
        "precision": precision,
        "threads": torch.get_num_threads(),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "data_digest": dataset.digest,
        "context": context_of(spec, dataset, loss, task),
    }
    return Assembled(task, facts)


def load_data(spec: ExperimentSpec, progress: Progress | None = None) -> ImageDataset:
    """The spec's data set; the last few stay in memory.

    Raises:
        SpecError: naming "data".
    """
    try:
        return load(spec.data.kind, spec.data, progress)
    except DataError as error:
        raise SpecError({"data": str(error)}) from error


def check(spec: ExperimentSpec, dataset: ImageDataset) -> None:
    """Refuse parts that don't go together, all faults at once.

    Raises:
        SpecError: with the nearest possible value where there is one.
    """
    faults: dict[str, str] = {}
    images = len(dataset.train)
    if spec.training.batch_size > images:
        nearest = 1 << (images.bit_length() - 1)
        faults["training.batch_size"] = (
            f"{spec.training.batch_size} exceeds the {images} training images; try {nearest}"
        )
    task = registry.task[spec.task.kind]
    if reason := loss_refusal(registry.loss[spec.loss.kind], len(dataset.classes), task):
        faults["loss.kind"] = reason
    elif refuse := task.extra.get("refuse"):
        loss = registry.loss[spec.loss.kind]
        faults |= refuse(spec.training.batch_size, spec.task, loss, len(dataset.classes))
    _, height, width = dataset.shape
    if task.extra.get("square") and height != width:
        faults["data"] = f"images of {width} × {height} can't be turned; this task needs squares"
    needs_teacher = registry.loss[spec.loss.kind].extra.get("needs_teacher")
    if needs_teacher and not spec.teacher:
        faults["teacher"] = "this loss learns from a finished run: give its number"
    if spec.teacher and not needs_teacher:
        faults["teacher"] = "only distillation listens to a teacher: leave it empty"
    try:
        trial_1CHW = torch.zeros(1, *dataset.shape, dtype=torch.uint8)
        augment(trial_1CHW, spec.augmentation, torch.Generator())
    except ValueError as error:
        faults["augmentation"] = str(error)
    try:
        layer_table(lambda: _make_model(spec, dataset), dataset.shape)
    except ValueError as error:
        faults[model_path(str(error), registry.model[spec.model.kind])] = str(error)
    if spec.device == "cuda" and not torch.cuda.is_available():
        faults["device"] = "this machine has no CUDA device that torch can use; try auto"
    if faults:
        raise SpecError(faults)


def model_path(words: str, model: Entry) -> str:
    """The field that a model's refusal is about: the knob that it names first, or "model"."""
    named = [(words.find(knob), knob) for knob in registry.own_knobs(model) if knob in words]
    return f"model.{min(named)[1]}" if named else "model"


def layers(spec: ExperimentSpec, dataset: ImageDataset) -> list[LayerRow]:
    """The model's layer table on the data set's images.

    Raises:
        ValueError: the model can't be built for these images.
    """
    return layer_table(lambda: _make_model(spec, dataset), dataset.shape)


def loss_refusal(loss: Entry, classes: int, task: Entry) -> str:
    """Why a loss can't be used with so many classes, or for a task, or empty."""
    if loss.extra.get("family") != task.extra["losses"]:
        return f"{task.title} takes {task.extra['losses']} losses"
    if loss.name not in task.extra.get("only", (loss.name,)):
        return f"{task.title} takes {', '.join(task.extra['only'])} only"
    return loss.extra.get("compatible", lambda classes: "")(classes)


def build_model(spec: ExperimentSpec, dataset: ImageDataset) -> nn.Module:
    """The spec's model with the initial weights of its seed."""
    return initialise(lambda: _make_model(spec, dataset), key(spec.seed, "weights"))


def _make_model(spec: ExperimentSpec, dataset: ImageDataset) -> nn.Module:
    classes = len(dataset.classes)
    loss = registry.loss[spec.loss.kind]
    task = registry.task[spec.task.kind]
    wanted = task.extra.get("outputs") or loss.extra.get("outputs", lambda classes: classes)
    model = registry.model[spec.model.kind].make(dataset.shape, wanted(classes), knobs=spec.model)
    adapt = task.extra.get("adapt")
    return adapt(model, spec.task) if adapt else model


def resolve_device(wanted: str) -> str:
    """ "cpu" or "cuda" for what the spec says."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def context_of(
    spec: ExperimentSpec, dataset: ImageDataset, loss: Entry, task: Any
) -> dict[str, Any]:
    """What views must know of a run besides numbers; plain values."""
    classes = len(dataset.classes)
    declared = registry.task[spec.task.kind].extra
    counted = declared["counted"](classes, spec.training.batch_size)
    knobs = {name: getattr(spec.loss, name) for name in registry.own_knobs(loss)}
    lines = loss.extra.get("references", lambda count, **knobs: ())(counted, **knobs)
    chance = registry.Reference("accuracy", 1 / classes, f"chance  {100 / classes:.3g} %")
    lines = (*lines, chance, *getattr(task, "references", ()))
    return {
        "title": spec.title,
        "family": declared["family"],
        "task": spec.task.kind,
        "classes": list(dataset.classes),
        "data": dataset.title,
        "loss": loss.title,
        "loss_unit": loss.extra.get("unit", ""),
        "batch_size": spec.training.batch_size,
        "shape": list(dataset.shape),
        "references": [
            {"metric": line.metric, "value": line.value, "label": line.label} for line in lines
        ],
    } | getattr(task, "context", {})
