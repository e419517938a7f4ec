"""pydantic's errors as sentences with value, rule and remedy."""

from typing import Any

from ui.forms.reading import FieldInfo

_EXAMPLES = {"int": "a whole number, such as 32", "float": "a number, such as 3e-4"}


def sentence(field: FieldInfo, error: Any) -> str:
    """What is wrong with `field`, in one sentence; `error` is one of ValidationError.errors()."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return _ended(str(context.get("error", error["msg"])))
    if kind == "missing" or (error.get("input") is None and not field.optional):
        return f"{field.title} is needed."
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        return f"{field.title} must be {field.limits or error['msg']}."
    if kind.startswith(("int_", "float_", "finite_")):
        what = _EXAMPLES.get(field.kind) or "numbers with commas between, such as 32, 64"
        return f"{field.title} must be {what}."
    if kind in ("too_short", "too_long", "missing_argument"):
        return f"{field.title}: {_count(kind, context)}."
    if kind in ("literal_error", "enum", "union_tag_invalid", "union_tag_not_found"):
        return f"{field.title} must be one of {', '.join(o.title for o in field.options)}."
    return _ended(f"{field.title}: {error['msg'][:1].lower()}{error['msg'][1:]}")


def _count(kind: str, context: dict[str, Any]) -> str:
    if kind == "too_short":
        return f"at least {context['min_length']} values are needed"
    return f"at most {context['max_length']} values are allowed"


def _ended(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else words + "."


def whole(error: Any) -> str:
    """A sentence for an error that belongs to no field on screen."""
    place = ".".join(map(str, error["loc"]))
    if error["type"] in ("value_error", "assertion_error"):
        return _ended(str(error.get("ctx", {}).get("error", error["msg"])))
    if error["type"] == "extra_forbidden":
        return f"There is no setting called {place}."
    return _ended(f"{place}: {error['msg']}" if place else error["msg"])
