"""Several runs side by side: which settings differ, what came out, and how sure that is."""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from workbench.history import History
from workbench.wording import digits, percent, thousands
from workbench.workspace import RunRecord

MISSING = "–"
LIVE = ("queued", "running", "paused")
SCORES = ("validation/accuracy", "validation/loss", "test/accuracy", "test/loss")

_SHORT = {
    "cnn": "CNN",
    "mlp": "MLP",
    "vit": "ViT",
    "resnet": "ResNet",
    "rvfl": "RVFL",
    "sgd": "SGD",
    "adamw": "AdamW",
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "stl10": "STL-10",
    "svhn": "SVHN",
    "cross_entropy": "Cross-entropy",
    "kl_divergence": "KL divergence",
}
_IDENTIFIER = re.compile("[a-z]+(_[a-z]+)+")
_SECTIONS = {"optimizer": "Optimiser"}
# Sections whose fields say by themselves what they are about.
_OPEN = ("training", "optimizer", "watching")
_UNSEEN = ("title", "schema_version", "seed")


@dataclass(frozen=True, slots=True)
class Line:
    """One setting or result of every run compared.

    Attributes:
        title: words for it.
        values: one for each run, "–" where a run has none.
        differs: whether the runs that have it don't agree.
    """

    title: str
    values: tuple[str, ...]
    differs: bool

    def stands_out(self, place: int) -> bool:
        """Whether the run at `place` has another value than most; all do if no value is common."""
        value, times = Counter(self.values).most_common(1)[0]
        return self.differs and (times == 1 or self.values[place] != value)


def short_name(kind: str) -> str:
    """A registry name as people write it: "cnn" is "CNN", "squared_error" is "Squared error"."""
    return _SHORT.get(kind) or kind.replace("_", " ").capitalize()


def value_words(value: Any) -> str:
    """A setting's value: "1e-3", "yes", "32, 64"; "–" where there is none."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float() if value and not 0.01 <= abs(value) < 1e5 and math.isfinite(value):
            mantissa, exponent = f"{Decimal(repr(value)).normalize():E}".split("E")
            return f"{mantissa}e{int(exponent)}"
        case float():
            return repr(value).removesuffix(".0")
        case list() | tuple():
            return ", ".join(map(value_words, value)) or MISSING
        case str() if _IDENTIFIER.fullmatch(value):
            return value.replace("_", " ")
    return MISSING if value is None or value == "" else str(value)


def settings(specs: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Every setting of these specs, in the order of the spec.

    A field that only some kinds of model have differs only if those that have it
    disagree: that the kinds differ is said once, by the kind itself.
    """
    flats = [_flat(spec) for spec in specs]
    paths = dict.fromkeys(path for flat in flats for path in flat)
    return [_setting(path, flats) for path in paths]


def results(records: Sequence[RunRecord], histories: Mapping[str, History]) -> list[Line]:
    """What came out of these runs; runs without a history tell only what their records say."""
    lines = [
        Line(title, values, len(set(values)) > 1)
        for title, values in (
            ("Weights", tuple(_weights(histories.get(r.id)) for r in records)),
            ("Rate changed", tuple(_changes(histories.get(r.id)) for r in records)),
            ("Steps", tuple(thousands(r.step) for r in records)),
            ("Time", tuple(clock(r.seconds) for r in records)),
        )
    ]
    lines += [_score_line(name, records) for name in SCORES]
    return [line for line in lines if set(line.values) != {MISSING}]


def clock(seconds: float) -> str:
    """ "0:07", "12:40" or "1:02:03"; "–" for nothing."""
    whole = round(seconds)
    if whole <= 0:
        return "0:01" if seconds > 0 else MISSING
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def number(record: RunRecord) -> str:
    """A run's number as it is written everywhere: "0042"."""
    return f"{record.number:04d}"


def rate_of(record: RunRecord) -> float | None:
    """The learning rate of the set-up, None where there is none."""
    rate = record.spec.get("optimizer", {}).get("learning_rate")
    return float(rate) if isinstance(rate, int | float) else None


def score(record: RunRecord, name: str) -> float | None:
    """The last finite value of a score such as "validation/accuracy", or None."""
    value = record.summary.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def live_record(record: RunRecord, history: History) -> RunRecord:
    """The row of a run that trains now: what its history says goes before what is stored."""
    newest = {name: last for name in SCORES if (last := history.get(name).last()) is not None}
    return replace(
        record,
        status=history.status,
        step=max(record.step, history.step),
        total_steps=history.total_steps or record.total_steps,
        seconds=max(record.seconds, seconds_of(history)),
        summary={**record.summary, **newest},
    )


def seconds_of(history: History) -> float:
    """Time spent training, from the speeds measured: Σ images / (images per second)."""
    speeds, batch = history.get("samples_per_second"), history.context.get("batch_size")
    if not len(speeds) or not batch:
        return 0.0
    return float(np.sum(np.diff(speeds.steps, prepend=0) * batch / speeds.values))


def recipe(spec: Mapping[str, Any]) -> str:
    """What makes two runs the same experiment but for their seed."""
    kept = {key: value for key, value in spec.items() if key not in _UNSEEN}
    return json.dumps(kept, sort_keys=True, default=str)


def fresh_seeds(spec: Mapping[str, Any], records: Sequence[RunRecord], count: int) -> list[int]:
    """The `count` smallest seeds that no run of this recipe has."""
    wanted = recipe(spec)
    taken = {r.spec.get("seed", 0) for r in records if recipe(r.spec) == wanted}
    taken.add(spec.get("seed", 0))
    free = (seed for seed in range(len(taken) + count) if seed not in taken)
    return [next(free) for _ in range(count)]


def _flat(spec: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in sorted(spec.items(), key=lambda pair: pair[0] != "kind"):
        path = f"{above}{key}"
        if isinstance(value, Mapping):
            found |= _flat(value, f"{path}.")
        elif path not in ("title", "schema_version"):
            found[path] = value
    return found


def _setting(path: str, flats: Sequence[Mapping[str, Any]]) -> Line:
    words = short_name if path.endswith(".kind") else value_words
    values = tuple(words(flat[path]) if path in flat else MISSING for flat in flats)
    held = {value for value, flat in zip(values, flats, strict=True) if path in flat}
    return Line(_title(path), values, len(held) > 1)


def _title(path: str) -> str:
    section, _, field = path.partition(".")
    words = _SECTIONS.get(section) or section.replace("_", " ").capitalize()
    if not field or field == "kind":
        return words
    inner = field.replace("_", " ").replace(".", " ")
    return inner.capitalize() if section in _OPEN else f"{words}: {inner}"


def _weights(history: History | None) -> str:
    count = history.facts.get("parameters") if history is not None else None
    if not count:
        return MISSING
    return f"{count / 1e6:.2f} M" if count >= 1e5 else thousands(int(count))


def _changes(history: History | None) -> str:
    marks = history.marks if history is not None else ()
    rates = [mark.value for mark in marks if mark.kind == "learning_rate" and mark.value]
    return "to " + ", ".join(map(value_words, rates)) if rates else MISSING


def _score_line(name: str, records: Sequence[RunRecord]) -> Line:
    split, _, what = name.partition("/")
    words = percent if what == "accuracy" else digits
    title = f"{'Val.' if split == 'validation' else 'Test'} {what}"
    values = tuple(
        MISSING
        if (value := score(record, name)) is None
        else words(value) + (" so far" if record.status in LIVE else "")
        for record in records
    )
    return Line(title, values, len(set(values)) > 1)
