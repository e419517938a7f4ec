"""One experiment as typed, frozen, serialisable data. TOML in and out."""

import json
import operator
import re
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, create_model
from pydantic.config import JsonDict

from engines import registry
from engines.data.augmentation import Augmentation
from engines.optimisation import AdamW, Cosine, Optimizer, Schedule
from engines.registry import Entry, Knobs, Registry
from workbench.faults import TAGGED, SpecError, faults_of, shorten
from workbench.spec_text import assign, read, to_toml

__all__ = ["ExperimentSpec", "SpecError", "assign", "make", "parse", "read", "section", "to_toml"]

LARGEST_INTEGER = 1 << 63
DEEPEST = 16


def choice(entries: Registry) -> Any:
    """A union over all entries of a registry, told apart by `kind`."""
    members = [_tagged(entry) for entry in entries]
    for member, entry in zip(members, entries, strict=True):
        shown: JsonDict = {"title": entry.title, "formula": entry.formula, "why": entry.summary}
        member.model_config["json_schema_extra"] = shown
    if len(members) == 1:
        return members[0]
    return Annotated[reduce(operator.or_, members), Field(discriminator="kind")]


def _tagged(entry: Entry) -> type[Knobs]:
    """The entry's knobs behind a field `kind` that holds its name."""
    name = entry.name
    kind = create_model(f"{name}_kind", __base__=Knobs, kind=(Literal[name], name))  # type: ignore[call-overload, arg-type]
    # As the last base, since pydantic takes the fields of the last base first.
    return create_model(name, __base__=(entry.knobs, kind), __doc__=entry.doc)  # type: ignore[no-any-return, call-overload]


if TYPE_CHECKING:
    Task = Any
    Data = Any
    Model = Any
    Loss = Any
else:
    Task = choice(registry.task)
    Data = choice(registry.dataset)
    Model = choice(registry.model)
    Loss = choice(registry.loss)


class Training(Knobs):
    """How long, how much at once, and how carefully."""

    epochs: Annotated[
        int, Field(ge=1, le=10_000, description="Passes over the training images.")
    ] = 5
    batch_size: Annotated[
        int,
        Field(
            ge=2,
            le=65_536,
            description="Images per step. More is smoother and slower.",
            json_schema_extra={"beside": True},
        ),
    ] = 128
    max_steps: Annotated[
        int,
        Field(
            ge=0,
            description="End after this many steps, whatever the epochs; 0 sets no limit.",
            json_schema_extra={"advanced": True},
        ),
    ] = 0
    clip_norm: Annotated[
        float,
        Field(
            ge=0,
            le=1e6,
            description="Shorten gradients longer than this; 0 leaves them alone.",
            json_schema_extra={"advanced": True},
        ),
    ] = 0.0


class Watching(Knobs):
    """What is looked at and kept along the way."""

    evaluate_every: Annotated[
        int,
        Field(ge=0, description="Steps between looks at the validation images; 0: every epoch."),
    ] = 0
    checkpoint_seconds: Annotated[
        float,
        Field(ge=0, le=86_400, description="Seconds between checkpoints; 0: by steps only."),
    ] = 30.0
    checkpoint_steps: Annotated[
        int, Field(ge=0, description="Steps between checkpoints; 0: by seconds only.")
    ] = 0


UNTITLED: JsonDict = {"untitled": True}  # the form's section says what it is


class ExperimentSpec(Knobs):
    """Everything that decides a run. Two runs of one spec and device give the same numbers."""

    schema_version: Literal[1] = 1
    title: Annotated[
        str,
        Field(
            max_length=120,
            title="Name",
            description="Name of the run, as you like.",
            json_schema_extra={"placeholder": "as model and data"},
        ),
    ] = ""
    task: Task = Field(
        default_factory=lambda: make(registry.task, "classification"), json_schema_extra=UNTITLED
    )
    data: Data = Field(
        default_factory=lambda: make(registry.dataset, "fashion_mnist"), json_schema_extra=UNTITLED
    )
    model: Model = Field(
        default_factory=lambda: make(registry.model, "cnn"), json_schema_extra=UNTITLED
    )
    loss: Loss = Field(
        default_factory=lambda: make(registry.loss, "cross_entropy"), json_schema_extra=UNTITLED
    )
    augmentation: Augmentation = Field(default=Augmentation(), json_schema_extra=UNTITLED)
    optimizer: Optimizer = AdamW()
    schedule: Schedule = Cosine()
    training: Training = Field(default=Training(), json_schema_extra=UNTITLED)
    watching: Watching = Field(default=Watching(), json_schema_extra=UNTITLED)
    teacher: Annotated[
        str,
        Field(
            description="For distillation: the finished run whose model is the teacher.",
            json_schema_extra={"widget": "choice", "choices": {"": "Choose a finished run"}},
        ),
    ] = ""
    seed: Annotated[
        int, Field(ge=0, le=2**31 - 1, description="Decides every random choice of the run.")
    ] = 0
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        Field(
            description="Where to train; auto takes a GPU.",
            json_schema_extra={"titles": {"cpu": "CPU", "cuda": "CUDA"}},
        ),
    ] = "auto"
    precision: Annotated[
        Literal["fp32", "bf16", "auto"],
        Field(
            description="bf16 halves the numbers' width; auto times both and keeps the faster.",
            json_schema_extra={"beside": True, "titles": {"fp32": "fp32", "bf16": "bf16"}},
        ),
    ] = "fp32"


def section(model: type[BaseModel], names: tuple[str, ...]) -> type[BaseModel]:
    """Some fields of a model as a model of their own, for a form that shows only them."""
    fields = {
        name: (model.model_fields[name].annotation, model.model_fields[name]) for name in names
    }
    return create_model("section", __base__=Knobs, **fields)  # type: ignore[call-overload, no-any-return]


def make(entries: Registry, name: str) -> Any:
    """The default choice called `name`, with its `kind`."""
    entry = entries[name]
    return _member(entries, entry.name)()


def with_kinds(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values where a choice that doesn't say its `kind` is of the default one.

    So "optimizer.learning_rate=1e-2" on the command line means the default optimiser.
    """
    default = ExperimentSpec()
    return {
        name: {"kind": getattr(default, name).kind} | value
        if name in TAGGED and isinstance(value, dict)
        else value
        for name, value in raw.items()
    }


def _member(entries: Registry, name: str) -> Any:
    union = {"task": Task, "data set": Data, "model": Model, "loss": Loss}[entries.kind]
    members = getattr(getattr(union, "__origin__", union), "__args__", (union,))
    return next(member for member in members if member.__name__ == name)


def parse(raw: Mapping[str, Any]) -> ExperimentSpec:
    """A spec from plain values.

    Raises:
        SpecError: every fault at once; unknown fields come with the nearest known name.
    """
    faults: dict[str, str] = {}
    plain = _plain(raw, "", faults)
    if faults:
        raise SpecError({path or "spec": words for path, words in faults.items()})
    try:
        # By way of JSON, strict: `true` is no number and "3" is none, but a list is a tuple.
        return ExperimentSpec.model_validate_json(json.dumps(plain), strict=True)
    except ValidationError as error:
        raise SpecError(faults_of(error, ExperimentSpec)) from error


def _plain(value: Any, path: str, faults: dict[str, str]) -> Any:
    """`value` as what JSON can hold; what it can't becomes a fault at its path."""
    if path.count(".") >= DEEPEST:
        faults[path] = "is nested too deeply; a spec is a page of plain tables"
    elif isinstance(value, Mapping):
        table = {}
        for name, part in value.items():
            below = f"{path}.{name}" if path else f"{name}" or "spec"
            if not isinstance(name, str):
                faults[below] = "the name of a field must be text"
            table[name] = _plain(part, below, faults)
        return table
    elif isinstance(value, list | tuple):
        return [_plain(part, f"{path or 'spec'}.{i}", faults) for i, part in enumerate(value)]
    elif isinstance(value, str | Path):
        text = str(value)
        if text.isascii() or not re.search("[\ud800-\udfff]", text):
            return text
        faults[path] = f"holds half a character, {shorten(text)}; write it as UTF-8"
    elif isinstance(value, int) and abs(value) >= LARGEST_INTEGER:
        faults[path] = "is too large a number"
    elif value is None or type(value) in (bool, int, float):
        return value
    else:
        faults[path] = f"must be text, a number, true, false or a list: {shorten(value)}"
    return None
