"""One plain sentence on a comparison of runs, which says how many seeds it rests on."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.compare import (
    LIVE,
    number,
    rate_of,
    recipe,
    score,
    short_name,
    value_words,
)
from workbench.wording import percent
from workbench.workspace import RunRecord

ACCURACY = "validation/accuracy"
# Student's t, two-sided 95 %, for 1 to 10 degrees of freedom and for infinitely many.
_DEGREES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, math.inf)
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 1.960)


@dataclass(frozen=True, slots=True)
class Contender:
    """Runs of one recipe, which differ in their seeds only.

    Attributes:
        name: what tells it from the others.
        values: validation accuracy for each seed; a seed that ran twice counts once.
    """

    name: str
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds (n - 1); 0 for a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else 0.0

    @property
    def words(self) -> str:
        """ "88.1 %" or "88.1 ± 0.3 %"."""
        if len(self.values) == 1:
            return percent(self.mean)
        return f"{100 * self.mean:.1f} ± {100 * self.spread:.1f} %"


def verdict(records: Sequence[RunRecord]) -> str:
    """What the validation accuracies of these runs say, and whether to believe it.

    Validation, because choosing by the test images would use them up. Failed runs
    don't count: their last score is that of a network on its way out.
    """
    if not records:
        return ""
    if len({_data(record) for record in records}) > 1:
        return "These runs were validated on different images: their scores don't compare."
    if len({record.kind("task") == "classification" for record in records}) > 1:
        return "A classifier's accuracy and the kNN accuracy of features don't compare."
    found = contenders(records)
    if len(found) > 1:
        words = _two(*found[:2])
    elif found:
        words = _one(found[0])
    else:
        words = "No validation accuracy yet." if any(map(_unfinished, records)) else ""
    return " ".join(filter(None, (words, *_remarks(records))))


def contenders(records: Sequence[RunRecord]) -> list[Contender]:
    """The recipes among these runs that have a score, best first."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        if score(record, ACCURACY) is not None and record.status != "failed":
            groups.setdefault(recipe(record.spec), []).append(record)
    names = _names(list(groups.values()))
    found = [
        Contender(name, tuple(_by_seed(group).values()))
        for name, group in zip(names, groups.values(), strict=True)
    ]
    return sorted(found, key=lambda contender: -contender.mean)


def clear(better: Contender, worse: Contender) -> bool | None:
    """Whether the lead is larger than seeds explain: Welch's test at 95 %; None below 2 seeds.

    Reference: Welch 1947, "The generalization of Student's problem", Biometrika 34.
    """
    if min(len(better.values), len(worse.values)) < 2:
        return None
    squares = [c.spread**2 / len(c.values) for c in (better, worse)]
    if sum(squares) == 0:
        return better.mean > worse.mean
    counts = [len(c.values) for c in (better, worse)]
    freedom = sum(squares) ** 2 / sum(s**2 / (n - 1) for s, n in zip(squares, counts, strict=True))
    limit = student_t(freedom)
    return better.mean - worse.mean > limit * math.sqrt(sum(squares))


def student_t(freedom: float) -> float:
    """Student's t, two-sided 95 %, for 1 or more degrees of freedom, within 4 %.

    Between the table's entries its logarithm is nearly straight over 1 / freedom.
    """
    inverse = [1 / degrees for degrees in reversed(_DEGREES)]
    return float(np.exp(np.interp(1 / freedom, inverse, np.log(_T95[::-1]))))


def _one(only: Contender) -> str:
    if len(only.values) == 1:
        return f"{only.words} validation accuracy. One seed: run more seeds before you believe it."
    seeds = f"{len(only.values)} seeds"
    return f"{only.words} validation accuracy, mean ± standard deviation over {seeds}."


def _two(better: Contender, worse: Contender) -> str:
    points = 100 * (better.mean - worse.mean)
    if round(points, 1) == 0:
        lead = f"{better.name} and {worse.name} are level at {better.words} validation accuracy."
    else:
        unit = "point" if f"{points:.1f}" == "1.0" else "points"
        lead = (
            f"{better.name} is {points:.1f} {unit} ahead of {worse.name} in validation accuracy "
            f"({better.words} against {worse.words})."
        )
    return f"{lead} {_belief(better, worse)}"


def _belief(better: Contender, worse: Contender) -> str:
    counts = len(better.values), len(worse.values)
    if counts == (1, 1):
        return "One seed each: run more seeds before you believe it."
    if min(counts) == 1:
        single = (better, worse)[counts.index(1)]
        return f"{single.name} has one seed only: run more seeds before you believe it."
    equal = counts[0] == counts[1]
    seeds = f"{counts[0]} seeds each" if equal else f"{counts[0]} and {counts[1]} seeds"
    if clear(better, worse):
        return f"{seeds}: more than seeds explain."
    return f"{seeds}: no more than chance between seeds can make."


def _remarks(records: Sequence[RunRecord]) -> list[str]:
    """Runs that don't count, or not yet in full."""
    failed = [record for record in records if record.status == "failed"]
    unfinished = [number(record) for record in records if _unfinished(record)]
    remarks = []
    if unfinished:
        remarks.append(
            f"{_listed(unfinished)} {'is' if len(unfinished) == 1 else 'are'} not finished."
        )
    if len(failed) == 1:
        words = failed[0].sentence.partition(". ")[0].rstrip(".")
        remarks.append(f"{number(failed[0])} failed{': ' if words else ''}{words}.")
    elif failed:
        remarks.append(f"{_listed([number(record) for record in failed])} failed.")
    return remarks


def _unfinished(record: RunRecord) -> bool:
    return record.status in (*LIVE, "stopped", "interrupted")


def _listed(words: Sequence[str]) -> str:
    shown = list(words[:3]) + ([f"{len(words) - 3} more"] if len(words) > 3 else [])
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _names(groups: Sequence[Sequence[RunRecord]]) -> list[str]:
    """Words that tell recipes apart: model, then loss or rate, then the numbers of the runs."""
    firsts = [group[0] for group in groups]
    for name in (
        lambda r: short_name(r.kind("model")),
        lambda r: short_name(r.kind("loss")),
        lambda r: f"Learning rate {value_words(rate_of(r))}",
        lambda r: r.title,
        number,
    ):
        names = [name(record) for record in firsts]
        if len(set(names)) == len(names) and all(names):
            return names
    return [number(record) for record in firsts]


def _by_seed(group: Sequence[RunRecord]) -> dict[int, float]:
    values = {record.spec.get("seed", 0): score(record, ACCURACY) for record in group}
    return {seed: value for seed, value in values.items() if value is not None}


def _data(record: RunRecord) -> str:
    """What decides the validation images; how many train doesn't."""
    data = {k: v for k, v in record.spec.get("data", {}).items() if k != "train_images"}
    return repr(sorted(data.items()))
