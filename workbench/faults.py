"""What is wrong with a spec, in words: every fault names the value, the rule and the remedy."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError


class SpecError(ValueError):
    """A spec that can't run, with all its faults at once.

    Attributes:
        faults: path of the field, such as "model.patch", to what is wrong and what would be right.
    """

    def __init__(self, faults: Mapping[str, str]):
        self.faults = dict(faults)
        super().__init__("\n".join(f"{path}: {words}" for path, words in self.faults.items()))


def faults_of(error: ValidationError, model: type[BaseModel]) -> dict[str, str]:
    """Pydantic's errors about `model`, path to sentence; a choice's tag is left out of the path."""
    faults: dict[str, list[str]] = {}
    for fault in error.errors():
        path = _path(fault["loc"], model)
        if fault["type"].startswith("union_tag_"):
            path += ".kind"
        words = faults.setdefault(path, [])
        words.append(_words(fault, model))
    return {path: _joined(words) for path, words in faults.items()}


def _words(fault: Any, model: type[BaseModel]) -> str:
    """One of pydantic's errors as "must be at least 2, not 0"."""
    context, value = fault.get("ctx", {}), shorten(fault.get("input"))
    match fault["type"]:
        case "extra_forbidden":
            return f"there is no such field{_nearest(fault['loc'], model)}"
        case "union_tag_invalid":
            names = [name.strip().strip("'") for name in context["expected_tags"].split(",")]
            close = difflib.get_close_matches(str(context["tag"]), names, n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            return f"must be one of {', '.join(names)}, not {context['tag']!r}{hint}"
        case "union_tag_not_found":
            return f"must say which one: {', '.join(_tags(model, fault['loc'][0]))}"
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


def _path(location: tuple[Any, ...], model: type[BaseModel]) -> str:
    parts = [str(part) for part in location]
    if len(parts) > 2 and parts[0] in TAGGED and parts[1] in _tags(model, parts[0]):
        del parts[1]
    while len(parts) > 1 and BRANCHES.match(parts[-1]):
        del parts[-1]
    return ".".join(parts) or "spec"


def _tags(model: type[BaseModel], field: str) -> list[str]:
    annotation = model.model_fields[field].annotation
    members: Any = getattr(annotation, "__args__", (annotation,))
    return [member.model_fields["kind"].default for member in members]


def _nearest(location: tuple[Any, ...], model: type[BaseModel]) -> str:
    known = _known_beside(location, model)
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"


def _known_beside(location: tuple[Any, ...], model: type[BaseModel]) -> list[str]:
    """The fields of the table that the last part of `location` stands in."""
    here: Any = model
    for part in location[:-1]:
        fields = getattr(here, "model_fields", {})
        if part in fields:
            here = fields[part].annotation
        members = getattr(here, "__args__", None)
        for member in members or ():
            kind = getattr(member, "model_fields", {}).get("kind")
            if kind is not None and kind.default == part:
                here = member
    return list(getattr(here, "model_fields", {}))
