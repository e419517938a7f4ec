"""Experiments that ship with the program: read from TOML, without torch, for the Start page."""

import copy
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "resources" / "presets"
NAME = re.compile(r"[a-z][a-z0-9_]*")


class NoSuchPreset(LookupError):
    """No preset has that name; the message lists those there are."""


class BadPreset(ValueError):
    """A preset's file lacks something; the message names the file and the field."""


@dataclass(frozen=True, slots=True)
class Preset:
    """One card of the Start page, and what `train NAME` does.

    Attributes:
        name: the file's name without its ending.
        title: what is done, in the imperative.
        sentence: what one sees, for the card.
        seconds: how long all its runs take together on 2 CPU cores, measured.
        expects: the result that was measured.
        picture: name of the drawing on the card.
        order: place among the cards, from 1.
        spec: the experiment's plain values, as far as they differ from the defaults.
        variants: (title, values laid over `spec`) of runs to compare; empty is one run.
    """

    name: str
    title: str
    sentence: str
    seconds: float
    expects: str
    picture: str
    order: int
    spec: Mapping[str, Any] = field(default_factory=dict)
    variants: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def specs(self) -> list[dict[str, Any]]:
        """The plain values of every run it starts, each with its title; not yet validated."""
        if not self.variants:
            return [copy.deepcopy(dict(self.spec)) | {"title": self.title}]
        return [overlaid(self.spec, values) | {"title": title} for title, values in self.variants]


@lru_cache(maxsize=8)
def presets(folder: Path = FOLDER) -> tuple[Preset, ...]:
    """All presets in the order of their cards.

    Raises:
        BadPreset: a file of ours is damaged.
    """
    found = [_read(path) for path in sorted(folder.glob("*.toml"))]
    return tuple(sorted(found, key=lambda preset: (preset.order, preset.name)))


def preset(name: str, folder: Path = FOLDER) -> Preset:
    """The preset called `name`.

    Raises:
        NoSuchPreset: there is none.
    """
    for known in presets(folder):
        if known.name == name:
            return known
    names = ", ".join(known.name for known in presets(folder))
    raise NoSuchPreset(f"no preset is called {name!r}; there are {names}")


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables with those of `above` laid over them.

    A table of another `kind` takes the place of the one below: a ViT has none of a
    CNN's fields.
    """
    result = copy.deepcopy(dict(below))
    for name, value in above.items():
        under = result.get(name)
        if (
            isinstance(value, Mapping)
            and isinstance(under, Mapping)
            and value.get("kind", under.get("kind")) == under.get("kind")
        ):
            result[name] = overlaid(under, value)
        else:
            result[name] = copy.deepcopy(value)
    return result


def _read(path: Path) -> Preset:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadPreset(f"{path.name} can't be read: {error}") from error
    if not NAME.fullmatch(path.stem):
        raise BadPreset(f"{path.name}: a name is of lower-case letters, digits and underscores")
    table, variants = raw.pop("preset", {}), raw.pop("variants", [])
    try:
        return Preset(
            name=path.stem,
            title=table["title"],
            sentence=table["sentence"],
            seconds=float(table["seconds"]),
            expects=table["expects"],
            picture=table["picture"],
            order=table["order"],
            spec=raw,
            variants=tuple((values.pop("title"), values) for values in variants),
        )
    except KeyError as error:
        raise BadPreset(f"{path.name} lacks {error.args[0]!r} in [preset] or a variant") from error
