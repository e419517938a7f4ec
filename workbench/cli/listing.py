"""`list`: everything that can be chosen, with its settings, types, ranges and defaults."""

import inspect
import json
import re
import sys
import textwrap
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from workbench.cli.arguments import LISTS
from workbench.cli.entry import DONE, Screen
from workbench.presets import Preset, presets

LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def list_command(arguments: Namespace, _screen: Screen) -> int:
    """Print entries, as text or as one JSON object a line."""
    wanted = (arguments.what,) if arguments.what else LISTS
    for what in wanted:
        if not arguments.json:
            sys.stdout.write(f"{what.upper()}\n\n")
        for entry in entries(what):
            if arguments.json:
                from workbench.cli.report import write_json

                write_json(entry)
            else:
                sys.stdout.write(as_text(entry) + "\n")
    return DONE


def entries(what: str) -> Iterator[dict[str, Any]]:
    """Plain values of all entries of a list: kind, name, title, summary, doc, formula, knobs."""
    if what == "presets":
        yield from map(of_preset, presets())
        return
    # torch comes with these imports; `list presets` does without.
    from engines import registry
    from engines.data.augmentation import Augmentation
    from engines.optimisation import SGD, AdamW, Constant, Cosine, OneCycle, WarmUp
    from workbench.spec import ExperimentSpec, Training, Watching

    registries = {
        "tasks": registry.task,
        "models": registry.model,
        "losses": registry.loss,
        "datasets": registry.dataset,
        "probes": registry.probe,
    }
    models = {"optimizers": (SGD, AdamW), "schedules": (Constant, WarmUp, Cosine, OneCycle)}
    for entry in registries.get(what, ()):
        about = described(what, entry.name, entry.doc, entry.knobs.model_json_schema())
        yield about | {"title": entry.title, "formula": entry.formula}
    for model in models.get(what, ()):
        schema = model.model_json_schema()
        name = schema["properties"]["kind"]["default"]
        yield described(what, name, inspect.getdoc(model) or "", schema)
    if what == "settings":
        for part in (Augmentation, Training, Watching):
            name, doc = part.__name__.lower(), inspect.getdoc(part) or ""
            yield described(what, name, doc, part.model_json_schema())
        whole = ExperimentSpec.model_json_schema()
        names = ("title", "teacher", "seed", "device", "precision")
        whole["properties"] = {name: whole["properties"][name] for name in names}
        yield described(what, "experiment", inspect.getdoc(ExperimentSpec) or "", whole)


def described(what: str, name: str, doc: str, schema: dict[str, Any]) -> dict[str, Any]:
    """An entry's plain values from its docstring and the JSON schema of its knobs."""
    return {
        "list": what,
        "name": name,
        "title": name,
        "summary": doc.split("\n\n")[0].replace("\n", " "),
        "formula_text": formula_text(doc),
        "formula": "",
        "doc": doc,
        "knobs": [
            knob(field, about, schema.get("$defs", {}))
            for field, about in schema.get("properties", {}).items()
            if field not in ("kind", "schema_version")
        ],
    }


def of_preset(preset: Preset) -> dict[str, Any]:
    """A preset's plain values, with the specs it starts."""
    return {
        "list": "presets",
        "name": preset.name,
        "title": preset.title,
        "summary": preset.sentence,
        "seconds": preset.seconds,
        "expects": preset.expects,
        "specs": preset.specs(),
        "knobs": [],
    }


def formula_text(doc: str) -> str:
    """The indented formula of a docstring, in Unicode, or empty."""
    before_sections = re.split(r"^(?:Args|Returns|Raises|Attributes):$", doc, flags=re.MULTILINE)[0]
    lines = [line.strip() for line in before_sections.splitlines() if line.startswith("    ")]
    return "\n".join(lines)


def knob(name: str, about: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """One setting: name, type, default, limits, choices, description."""
    kind = about.get("$ref") or next((part.get("$ref") for part in about.get("allOf", ())), None)
    if kind:
        about = definitions.get(kind.rpartition("/")[2], {}) | about
    result = {"name": name, "type": type_of(about), "default": about.get("default")}
    result |= {limit: about[limit] for limit in LIMITS if limit in about}
    if choices := choices_of(about):
        result["choices"] = choices
    return result | {"description": about.get("description", "").replace("\n", " ")}


def type_of(about: dict[str, Any]) -> str:
    """A JSON schema's type in a word or two: "integer", "list of integer", "integer or choice"."""
    if "anyOf" in about:
        return " or ".join(type_of(part) for part in about["anyOf"])
    if "enum" in about or "const" in about:
        return "choice"
    if about.get("type") == "array":
        return f"list of {type_of(about.get('items', {}))}"
    return str(about.get("type", "value"))


def choices_of(about: dict[str, Any]) -> list[Any]:
    """All words that may be given, also where a number may be given as well."""
    parts = [about, *about.get("anyOf", ())]
    return [
        word
        for part in parts
        for word in part.get("enum", [part["const"]] if "const" in part else [])
    ]


def as_text(entry: dict[str, Any]) -> str:
    """An entry for people."""
    lines = [
        f"{entry['name']}  ({entry['title']})" if entry["title"] != entry["name"] else entry["name"]
    ]
    lines.append(f"  {entry['summary']}")
    lines += [f"      {line}" for line in entry.get("formula_text", "").splitlines()]
    if "expects" in entry:
        lines.append(f"  about {entry['seconds']:.0f} s on 2 CPU cores; {entry['expects']}")
    for setting in entry["knobs"]:
        lines += knob_lines(setting)
    return "\n".join(lines) + "\n"


def knob_lines(setting: dict[str, Any]) -> list[str]:
    """A setting for people: its facts in a line, what it does below."""
    facts = [setting["type"]]
    facts += [f"{sign} {setting[limit]}" for limit, sign in LIMITS.items() if limit in setting]
    if "choices" in setting:
        facts.append("one of " + ", ".join(map(str, setting["choices"])))
    facts.append(f"default {json.dumps(setting['default'], ensure_ascii=False)}")
    below = textwrap.wrap(setting["description"], 76)
    return [f"    {setting['name']:18} {', '.join(facts)}", *(" " * 23 + line for line in below)]
