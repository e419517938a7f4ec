"""A spec as text: TOML files, and settings typed as "a.b=value". Plain values; loads no torch."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel

from workbench.faults import SpecError

LARGEST_SPEC = 1 << 20  # bytes; a spec is a page of text


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


def to_toml(spec: BaseModel | Mapping[str, Any]) -> str:
    """A spec, or a run's plain values, as TOML that `read` takes back; None is left out."""
    plain = spec.model_dump(mode="json") if isinstance(spec, BaseModel) else spec
    return tomli_w.dumps(_without_none(plain))


def _without_none(table: Mapping[str, Any]) -> dict[str, Any]:
    """TOML has no null; a field that is absent takes its default, which None is."""
    return {
        name: _without_none(value) if isinstance(value, Mapping) else value
        for name, value in table.items()
        if value is not None
    }


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
