"""One experiment as typed, frozen, serialisable data. TOML in and out."""

import difflib
import json
import operator
import re
import tomllib
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, Field, ValidationError, create_model

from engines import registry
from engines.data.augmentation import Augmentation
from engines.optimisation import AdamW, Cosine, Optimizer, Schedule
from engines.registry import Entry, Knobs, Registry

LARGEST_SPEC = 1 << 20  # bytes; a spec is a page of text
LARGEST_INTEGER = 1 << 63
DEEPEST = 16


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
    members = [_tagged(entry) for entry in entries]
    for member, entry in zip(members, entries, strict=True):
        shown = {"title": entry.title, "formula": entry.formula, "why": entry.summary}
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


UNTITLED = {"untitled": True}  # the form's section says what it is


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
        raise SpecError(faults_of(error)) from error


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
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, an endless number
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
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        read = {}
    table[last] = read["value"] if list(read) == ["value"] else text.strip()


def faults_of(error: ValidationError) -> dict[str, str]:
    """Pydantic's errors as path to sentence; a choice's tag is left out of the path."""
    faults: dict[str, list[str]] = {}
    for fault in error.errors():
        path = _path(fault["loc"])
        if fault["type"].startswith("union_tag_"):
            path += ".kind"
        words = faults.setdefault(path, [])
        words.append(_words(fault))
    return {path: _joined(words) for path, words in faults.items()}


def _words(fault: Any) -> str:
    """One of pydantic's errors as "must be at least 2, not 0"."""
    context, value = fault.get("ctx", {}), shorten(fault.get("input"))
    match fault["type"]:
        case "extra_forbidden":
            return f"there is no such field{_nearest(fault['loc'])}"
        case "union_tag_invalid":
            names = [name.strip().strip("'") for name in context["expected_tags"].split(",")]
            close = difflib.get_close_matches(str(context["tag"]), names, n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            return f"must be one of {', '.join(names)}, not {context['tag']!r}{hint}"
        case "union_tag_not_found":
            return f"must say which one: {', '.join(_tags(fault['loc'][0]))}"
        case "value_error":
            return f"{context['error']}"
        case "json_invalid":
            return f"can't be read: {context['error']}"
        case "too_short":
            needed = _entries(context["min_length"])
            return f"must have at least {needed}, not {context['actual_length']}"
        case "too_long":
            return f"must have at most {_entries(context['max_length'])}, not {value}"
        case "string_too_long":
            length = len(fault["input"])
            return f"must be at most {context['max_length']} characters long, not {length}"
        case kind if kind in RULES:
            return f"must be {RULES[kind].format(**context)}, not {value}"
    words = fault["msg"]
    return f"{words[0].lower()}{words[1:]}, not {value}"


RULES = {
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": 'text in quotes, such as "text"',
    "literal_error": "{expected}",
    "tuple_type": "a list in square brackets, such as [1, 2]",
    "list_type": "a list in square brackets, such as [1, 2]",
    "model_type": "a table of fields",
    "model_attributes_type": "a table of fields",
    "dict_type": "a table of fields",
}


def _entries(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"


def _joined(words: list[str]) -> str:
    """Faults of one field; the branches of "a number or 'same'" become one sentence."""
    first, *others = words
    if not others:
        return first
    rules = [w.removeprefix("must be ").rpartition(", not ")[0] or w for w in words]
    return f"must be {' or '.join(dict.fromkeys(rules))}, not {first.rpartition(', not ')[2]}"


def shorten(value: Any) -> str:
    """`repr` of a value from outside, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


TAGGED = {"task", "data", "model", "loss", "optimizer", "schedule"}
# What pydantic adds to a path for the branches of a union such as `int | Literal["same"]`.
BRANCHES = re.compile(r"(constrained-)?(int|float|str|bool)$|literal\[|tuple\[|function-|none$")


def _path(location: tuple[Any, ...]) -> str:
    parts = [str(part) for part in location]
    if len(parts) > 2 and parts[0] in TAGGED and parts[1] in _tags(parts[0]):
        del parts[1]
    while len(parts) > 1 and BRANCHES.match(parts[-1]):
        del parts[-1]
    return ".".join(parts) or "spec"


def _tags(field: str) -> list[str]:
    annotation = ExperimentSpec.model_fields[field].annotation
    members: Any = getattr(annotation, "__args__", (annotation,))
    return [member.model_fields["kind"].default for member in members]


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
