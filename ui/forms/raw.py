"""Models as raw, JSON-like dicts, and the values that a form begins with."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from ui.forms.reading import read


def raw(value: Any) -> Any:
    """`value` with models as dicts and tuples as lists."""
    if isinstance(value, BaseModel):
        return {name: raw(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {name: raw(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [raw(item) for item in value]
    return value


def constants(model: type[BaseModel]) -> dict[str, Any]:
    """Fields that leave no choice, such as the tag of a union's model."""
    asked = {field.name for field in read(model)}
    return {
        name: get_args(info.annotation)[0]
        for name, info in model.model_fields.items()
        if name not in asked
    }


def defaults(model: type[BaseModel]) -> dict[str, Any]:
    """Raw defaults; a required choice begins with its first option, other required fields empty."""
    found = {}
    for field in read(model):
        default = model.model_fields[field.name].get_default(call_default_factory=True)
        if default is not PydanticUndefined:
            found[field.name] = raw(default)
        elif field.kind == "union" and field.options[0].model is not None:
            found[field.name] = _whole(field.options[0].model)
        elif field.kind == "model" and field.options[-1].model is not None:
            found[field.name] = _whole(field.options[-1].model)
        elif field.kind == "choice" and field.options:
            found[field.name] = field.options[0].value
        else:
            found[field.name] = None
    return found


def _whole(model: type[BaseModel]) -> dict[str, Any]:
    return constants(model) | defaults(model)
