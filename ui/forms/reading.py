"""What a pydantic model asks for: its fields with title, unit, limits and the editor for each."""

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo as PydanticField

from ui.forms.numbers import number_text

Kind = Literal[
    "bool",
    "int",
    "float",
    "text",
    "word or number",
    "folder",
    "file",
    "choice",
    "ints",
    "floats",
    "texts",
    "model",
    "union",
]


class UnknownFieldType(TypeError):
    """A model has a field that no editor exists for."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a list.

    Attributes:
        value: what the model holds; for a union the tag of the model.
        title: words for it.
        model: the nested model of a union's choice.
    """

    value: Any
    title: str
    model: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of a model, ready to be drawn.

    Attributes:
        least: lower limit, None without; `above` says that it is itself excluded.
        most: upper limit, None without; `below` says that it is itself excluded.
        optional: nothing (None) is allowed.
        tag: name of the field that tells a union's models apart.
        extra: the field's json_schema_extra.
    """

    name: str
    title: str
    kind: Kind
    description: str = ""
    unit: str = ""
    least: float | None = None
    most: float | None = None
    above: bool = False
    below: bool = False
    optional: bool = False
    options: tuple[Option, ...] = ()
    tag: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def advanced(self) -> bool:
        """Folded under "More settings"."""
        return bool(self.extra.get("advanced"))

    @property
    def limits(self) -> str:
        """The allowed range in words, such as "2 to 4096", or "" without limits."""

        def shown(limit: float) -> str:
            whole = float(limit).is_integer() and abs(limit) < 1e6
            return number_text(int(limit) if whole else float(limit))

        least = None if self.least is None else shown(self.least)
        most = None if self.most is None else shown(self.most)
        if least is None and most is None:
            return ""
        if least is not None and most is not None and not self.above and not self.below:
            return f"{least} to {most}"
        low = least and (f"more than {least}" if self.above else f"at least {least}")
        high = most and (f"less than {most}" if self.below else f"at most {most}")
        return " and ".join(filter(None, (low, high)))


def read(model: type[BaseModel]) -> list[FieldInfo]:
    """The fields of `model` in order, without those that leave no choice.

    Raises:
        UnknownFieldType: a field's type has no editor; the message names it.
    """
    found = (_field(model, name, info) for name, info in model.model_fields.items())
    return [one for one in found if one is not None]


def humanised(name: str) -> str:
    """`learning_rate` as "Learning rate"."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def model_extra(model: type[BaseModel]) -> Mapping[str, Any]:
    """A model's json_schema_extra: "title", "formula" and "why" are shown with its choice."""
    extra = model.model_config.get("json_schema_extra")
    return extra if isinstance(extra, Mapping) else {}


def _field(model: type[BaseModel], name: str, info: PydanticField) -> FieldInfo | None:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, Mapping) else {}
    kind_type, optional, tag = _bare(info.annotation)
    tag = tag or (info.discriminator if isinstance(info.discriminator, str) else "") or "kind"
    kind, options = _kind(kind_type, tag, extra)
    if kind is None:
        raise UnknownFieldType(
            f"{model.__name__}.{name}: no editor for {info.annotation}; "
            "add one in ui/forms/editor.py"
        )
    if kind == "choice" and len(options) == 1 and not optional and "choices" not in extra:
        return None
    return FieldInfo(
        name=name,
        title=info.title or humanised(name),
        kind=kind,
        description=" ".join((info.description or "").split()),
        unit=str(extra.get("unit", "")),
        optional=optional,
        options=(Option(None, str(extra.get("none", "None"))), *options)
        if optional and options
        else options,
        tag=tag if kind == "union" else "",
        extra=extra,
        **_limits(info.metadata, info.annotation),
    )


def _bare(annotation: Any) -> tuple[Any, bool, str]:
    """The type without Annotated and None, whether None was there, and a discriminator."""
    tag = ""
    if get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        for item in metadata:
            if isinstance(item, PydanticField) and isinstance(item.discriminator, str):
                tag = item.discriminator
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        optional = len(members) < len(get_args(annotation))
        if len(members) == 1:
            inner, _, inner_tag = _bare(members[0])
            return inner, optional, tag or inner_tag
        return tuple(_bare(member)[0] for member in members), optional, tag
    return annotation, False, tag


def _kind(found: Any, tag: str, extra: Mapping[str, Any]) -> tuple[Kind | None, tuple[Option, ...]]:
    titles = extra.get("titles", {})
    if isinstance(found, tuple):
        if all(one in (int, float) or get_origin(one) is Literal for one in found):
            return "word or number", ()
        return _union(found, tag, titles)
    origin, arguments = get_origin(found), get_args(found)
    if extra.get("widget") == "choice":
        return "choice", _options(extra.get("choices", ()), titles)
    if origin is Literal:
        return "choice", _options(arguments, titles)
    if origin in (tuple, list):
        inner = {_bare(argument)[0] for argument in arguments if argument is not Ellipsis}
        lists: dict[Any, Kind] = {int: "ints", float: "floats", str: "texts"}
        return (lists.get(inner.pop()) if len(inner) == 1 else None), ()
    if isinstance(found, type) and issubclass(found, BaseModel):
        words = model_extra(found).get("title") or humanised(found.__name__)
        return "model", (Option(found.__name__, str(words), found),)
    if found in (str, Path):
        if extra.get("widget") == "file":
            return "file", ()
        folder = found is Path or extra.get("widget") == "folder"
        return ("folder" if folder else "text"), ()
    plain: dict[Any, Kind] = {bool: "bool", int: "int", float: "float"}
    return plain.get(found), ()


def _options(values: Any, titles: Mapping[Any, str]) -> tuple[Option, ...]:
    if isinstance(values, Mapping):
        return tuple(Option(value, str(words)) for value, words in values.items())
    return tuple(
        Option(value, titles.get(value, humanised(value) if isinstance(value, str) else str(value)))
        for value in values
    )


def _union(
    models: tuple[Any, ...], tag: str, titles: Mapping[str, str]
) -> tuple[Kind | None, tuple[Option, ...]]:
    options = []
    for model in models:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None, ()
        if tag not in model.model_fields:
            return None, ()
        value = get_args(model.model_fields[tag].annotation)[0]
        words = titles.get(value) or model_extra(model).get("title") or humanised(value)
        options.append(Option(value, str(words), model))
    return "union", tuple(options)


def _limits(metadata: list[Any], annotation: Any) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for rule in [*metadata, *_element_rules(annotation)]:
        match rule:
            case annotated_types.Ge(limit):
                limits |= {"least": limit, "above": False}
            case annotated_types.Gt(limit):
                limits |= {"least": limit, "above": True}
            case annotated_types.Le(limit):
                limits |= {"most": limit, "below": False}
            case annotated_types.Lt(limit):
                limits |= {"most": limit, "below": True}
    return limits


def _element_rules(annotation: Any) -> list[Any]:
    """Rules on the elements of tuple[Annotated[int, Field(ge=1)], ...]."""
    rules: list[Any] = []
    for argument in get_args(annotation):
        if get_origin(argument) is Annotated:
            for item in get_args(argument)[1:]:
                rules += item.metadata if isinstance(item, PydanticField) else [item]
    return rules
