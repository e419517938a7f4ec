"""One experiment as typed, frozen, serialisable data. TOML in and out."""

import difflib
import json
import operator
import tomllib
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tomli_w
from pydantic import Field, ValidationError, create_model

from engines import registry
from engines.data.augmentation import Augmentation
from engines.optimisation import AdamW, Cosine, Optimizer, Schedule
from engines.registry import Knobs, Registry

LARGEST_SPEC = 1 << 20  # bytes; a spec is a page of text


class SpecError(ValueError):
    """A spec that can't run, with all its faults at once.

    Attributes:
        faults: path of the field, such as "model.patch", to what is wrong and what would be right.
    """

    def __init__(self, faults: Mapping[str, str]):
        self.faults = dict(faults)
        super().__init__("\n".join(f"{path}: {words}" for path, words in self.faults.items()))


def choice(entries: Registry) -> Any:
    """A union over all entries of a registry, told apart by `kind`."""
    members = [
        create_model(entry.name, __base__=entry.knobs, kind=(Literal[entry.name], entry.name))  # type: ignore[call-overload]
        for entry in entries
    ]
    if len(members) == 1:
        return members[0]
    return Annotated[reduce(operator.or_, members), Field(discriminator="kind")]


if TYPE_CHECKING:
    Task = Data = Model = Loss = Any
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
        int, Field(ge=2, le=65_536, description="Images per step. More is smoother and slower.")
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


class ExperimentSpec(Knobs):
    """Everything that decides a run. Two runs of one spec and device give the same numbers."""

    schema_version: Literal[1] = 1
    title: Annotated[str, Field(max_length=120, description="Name of the run, as you like.")] = ""
    task: Task = Field(default_factory=lambda: make(registry.task, "classification"))
    data: Data = Field(default_factory=lambda: make(registry.dataset, "fashion_mnist"))
    model: Model = Field(default_factory=lambda: make(registry.model, "cnn"))
    loss: Loss = Field(default_factory=lambda: make(registry.loss, "cross_entropy"))
    augmentation: Augmentation = Augmentation()
    optimizer: Optimizer = AdamW()
    schedule: Schedule = Cosine()
    training: Training = Training()
    watching: Watching = Watching()
    teacher: Annotated[
        str, Field(description="For distillation: the finished run whose model is the teacher.")
    ] = ""
    seed: Annotated[
        int, Field(ge=0, le=2**31 - 1, description="Decides every random choice of the run.")
    ] = 0
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(description="Where to train; auto takes a GPU.")
    ] = "auto"
    precision: Annotated[
        Literal["fp32", "bf16", "auto"],
        Field(description="bf16 halves the numbers' width; auto times both and keeps the faster."),
    ] = "fp32"


def make(entries: Registry, name: str) -> Any:
    """The default choice called `name`, with its `kind`."""
    entry = entries[name]
    return _member(entries, entry.name)()


def _member(entries: Registry, name: str) -> Any:
    union = {"task": Task, "data set": Data, "model": Model, "loss": Loss}[entries.kind]
    members = getattr(getattr(union, "__origin__", union), "__args__", (union,))
    return next(member for member in members if member.__name__ == name)


def parse(raw: Mapping[str, Any]) -> ExperimentSpec:
    """A spec from plain values.

    Raises:
        SpecError: every fault at once; unknown fields come with the nearest known name.
    """
    try:
        # By way of JSON, strict: `true` is no number and "3" is none, but a list is a tuple.
        return ExperimentSpec.model_validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        raise SpecError(faults_of(error)) from error


def read(path: Path) -> dict[str, Any]:
    """The plain values of a TOML file, not yet validated.

    Raises:
        SpecError: the file is missing, too large, not UTF-8 or not TOML.
    """
    try:
        if path.stat().st_size > LARGEST_SPEC:
            raise SpecError({str(path): "is larger than 1 MiB; a spec is a page of TOML"})
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError({str(path): f"can't be read: {error.strerror}"}) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SpecError({str(path): f"is not TOML: {error}"}) from error


def to_toml(spec: ExperimentSpec) -> str:
    """The spec as TOML that `read` and `parse` take back unchanged."""
    return tomli_w.dumps(spec.model_dump(mode="json", exclude_none=True))


def assign(raw: dict[str, Any], setting: str) -> None:
    """Carry out one "a.b=value" on plain values; the value is TOML, or else plain text.

    Raises:
        SpecError: there is no "=", or a part of the path is not a table.
    """
    path, equals, text = setting.partition("=")
    if not equals or not path.strip():
        raise SpecError({setting: "is not of the form a.b=value, such as training.epochs=3"})
    *parents, last = path.strip().split(".")
    table = raw
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise SpecError({path: f"{parent} is a value, not a table"})
    try:
        table[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = text.strip()


def faults_of(error: ValidationError) -> dict[str, str]:
    """Pydantic's errors as path to sentence; a choice's tag is left out of the path."""
    faults: dict[str, str] = {}
    for fault in error.errors():
        path = _path(fault["loc"])
        words = fault["msg"]
        if fault["type"] == "extra_forbidden":
            words = f"there is no such field{_nearest(fault['loc'])}"
        elif fault["type"] in ("union_tag_invalid", "union_tag_not_found"):
            context = fault.get("ctx", {})
            tag, tags = context.get("tag"), context.get("expected_tags", "")
            path += ".kind"
            words = f"{tag!r} is not one of {tags}" if tag else f"say which one: {tags}"
        else:
            words = f"{words}, not {shorten(fault.get('input'))}"
        faults[path] = words[0].lower() + words[1:]
    return faults


def shorten(value: Any) -> str:
    """`repr` of a value from outside, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


TAGGED = {"task", "data", "model", "loss", "optimizer", "schedule"}


def _path(location: tuple[Any, ...]) -> str:
    parts = [str(part) for part in location]
    if len(parts) > 1 and parts[0] in TAGGED and parts[1] in _tags(parts[0]):
        del parts[1]
    return ".".join(parts) or "spec"


def _tags(field: str) -> set[str]:
    if field in ("optimizer", "schedule"):
        return {"sgd", "adamw", "constant", "warm_up", "cosine", "one_cycle"}
    entries = {
        "task": registry.task,
        "data": registry.dataset,
        "model": registry.model,
        "loss": registry.loss,
    }
    return {entry.name for entry in entries[field]}


def _nearest(location: tuple[Any, ...]) -> str:
    known: list[str] = list(ExperimentSpec.model_fields)
    if len(location) > 1:
        known = _known_beside(location)
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"


def _known_beside(location: tuple[Any, ...]) -> list[str]:
    model: Any = ExperimentSpec
    for part in location[:-1]:
        fields = getattr(model, "model_fields", {})
        if part in fields:
            model = fields[part].annotation
        members = getattr(model, "__args__", None)
        for member in members or ():
            kind = getattr(member, "model_fields", {}).get("kind")
            if kind is not None and kind.default == part:
                model = member
    return list(getattr(model, "model_fields", {}))
