"""What of a contrastive run a diagnosis looks at besides its loss: kNN accuracy and the space."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engines.registry import Reference
from workbench.evidence import Seen, change_words, count_of, loss_words
from workbench.trend import curve, noise_of
from workbench.wording import digits, joined, percent, thousands

KNN_STEP = 0.005  # a change of kNN accuracy that means something even on curves without jitter
NO_GAIN = 0.01  # above the baselines, on top of one standard error of the accuracy
RISE_ERRORS = 3.0  # standard errors: the jitter of few evaluations is itself poorly known
EVALUATIONS = 3  # are averaged where single ones jitter
AGREEING = 2  # evaluations in a row before a fault is called one

BASELINES = {"pixels": "raw pixels", "untrained": "untrained encoder"}


@dataclass(frozen=True, slots=True)
class Knn:
    """kNN accuracy at the evaluations, and what needs no training reaches on the same images.

    Attributes:
        values_n: fractions in [0, 1].
        baselines: "raw pixels" and "untrained encoder" to accuracy, those that are known.
        count: held-out images, 0 if unknown.
    """

    steps_n: np.ndarray
    values_n: np.ndarray
    baselines: Mapping[str, float]
    count: int

    def __len__(self) -> int:
        return len(self.values_n)

    @property
    def now(self) -> float:
        """Mean of the newest evaluations."""
        return float(self.values_n[-EVALUATIONS:].mean())

    @property
    def best_baseline(self) -> tuple[str, float] | None:
        """The one that is harder to beat."""
        return max(self.baselines.items(), key=lambda item: item[1], default=None)

    def gained(self, value: float) -> bool:
        """Whether `value` lies above every baseline by more than chance explains."""
        best = self.best_baseline
        if best is None:
            return True
        error = math.sqrt(max(0.0, value * (1 - value)) / self.count) if self.count else 0.0
        return value - best[1] > NO_GAIN + error

    def rises(self) -> bool:
        """Newest evaluations above those before them, beyond their jitter, and above the start."""
        some = min(EVALUATIONS, len(self) // 2)
        if not some:
            return False
        error = RISE_ERRORS * noise_of(self.values_n) * math.sqrt(2 / some)
        newest = float(self.values_n[-some:].mean())
        rise = newest - float(self.values_n[-2 * some : -some].mean())
        start = self.baselines.get(BASELINES["untrained"], float(self.values_n[0]))
        return rise > max(error, KNN_STEP) and newest - start > KNN_STEP


def knn_of(seen: Seen) -> Knn:
    """kNN accuracy of the run; empty where it can't be other than 0 (see `incomparable`)."""
    values = seen.validation_accuracy
    count = count_of(seen, "embedding")
    if incomparable(seen):
        return Knn(values.steps_n[:0], values.values_n[:0], {}, count)
    return Knn(values.steps_n, values.values_n, baselines(seen, "knn"), count)


def incomparable(seen: Seen) -> bool:
    """No held-out class occurs in training, as in videos: then every accuracy is exactly 0."""
    found = (*baselines(seen, "knn").values(), *seen.validation_accuracy.values_n)
    return len(found) > 0 and not any(found)


def baselines(seen: Seen, readout: Literal["knn", "linear"]) -> dict[str, float]:
    """Accuracies of what needs no training, by the words for it; those that are known."""
    given = seen.history.context.get("baselines")
    found = {}
    for name, words in BASELINES.items():
        row = given.get(name) if isinstance(given, Mapping) else None
        value = number(row.get(readout)) if isinstance(row, Mapping) else None
        if value is not None:
            found[words] = value
    return found


def number(value: Any) -> float | None:
    """A finite number as float; None for anything else that a context may hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None  # so NaN and infinity are none


def measured(seen: Seen, name: str, fault: Literal["low", "high"]) -> float | None:
    """Of the newest `AGREEING` evaluations of `name` the one that speaks least for a fault.

    So one bad evaluation is no fault. Evaluations from before anything may be said don't
    count: an untrained encoder gives nearly equal features.

    Args:
        name: what follows "validation/".
        fault: which values are the bad ones.
    """
    values = curve(seen.history.get(f"validation/{name}"), seen.step)
    newest = values.values_n[values.steps_n >= seen.needed][-AGREEING:]
    if not len(newest):
        return None
    return float(newest.max() if fault == "low" else newest.min())


def dimension_of(seen: Seen) -> int:
    """Features of the encoder, 0 if unknown."""
    artifact = seen.history.artifact_at("embedding", seen.step)
    for value in (
        seen.history.context.get("dimension"),
        artifact and artifact.meta.get("dimension"),
    ):
        if (found := number(value)) is not None and found >= 1:
            return int(found)
    return 0


def loss_lines(seen: Seen) -> list[Reference]:
    """The lines of the loss that mean chance or collapse."""
    return [
        line
        for line in seen.history.context.get("references") or ()
        if line.metric == "loss"
        and (number(line.value) or 0) > 0
        and ("chance" in line.label.lower() or "collapse" in line.label.lower())
    ]


def attainable(line: float, temperature: float) -> float:
    """How far NT-Xent can fall below chance ln M: positives equal, negatives at right angles.

    With M - 1 negatives: ln M - (ln(e^{1/τ} + M - 1) - 1/τ). About ln M for small τ, but
    only 1.0 for τ = 1.
    """
    if line < 1e-3:  # no negatives to speak of
        return 0.0
    pull = 1 / temperature
    negatives = line + math.log1p(-math.exp(-line))
    return line + pull - float(np.logaddexp(pull, negatives))


def small_percent(share: float) -> str:
    """ "0.4 %", "0.03 %" or "0 %": two digits, however small."""
    return f"{100 * share:.2g} %" if share >= 1e-6 else "0 %"


def similarity_words(positive: float | None, negative: float | None) -> str:
    """Mean similarity of pairs of the same class and of different ones."""
    if positive is None or negative is None:
        return f"similarity of negatives {digits(negative)}" if negative is not None else ""
    return f"similarity of positives {digits(positive)}, of negatives {digits(negative)}"


def knn_words(knn: Knn) -> str:
    """kNN accuracy now beside its baselines."""
    if not len(knn):
        return ""
    return joined(f"kNN {percent(float(knn.values_n[-1]))}", baseline_words(knn))


def baseline_words(knn: Knn) -> str:
    """What needs no training reaches."""
    return ", ".join(f"{words} {percent(value)}" for words, value in knn.baselines.items())


def best_words(knn: Knn) -> str:
    """The best evaluation and its step."""
    if not len(knn):
        return ""
    best = int(knn.values_n.argmax())
    where = thousands(int(knn.steps_n[best]))
    return f"best kNN {percent(float(knn.values_n[best]))} at step {where}"


def shape_words(seen: Seen) -> str:
    """The effective rank at the newest evaluation."""
    rank = curve(seen.history.get("validation/effective_rank"), seen.step)
    if not len(rank):
        return ""
    dimension = dimension_of(seen)
    return f"rank {digits(rank.values_n[-1])}" + (f" of {dimension}" if dimension else "")


def moved_words(seen: Seen) -> str:
    """How far the training loss moved within the window."""
    halves = seen.halves()
    return change_words(seen, halves) if halves else loss_words(seen)


def all_words(seen: Seen, knn: Knn) -> str:
    """Loss, kNN accuracy, baselines and rank in one line."""
    return joined(moved_words(seen), best_words(knn), baseline_words(knn), shape_words(seen))


def temperature_words(seen: Seen) -> str:
    """The temperature, where there is one."""
    value = number(seen.history.context.get("temperature"))
    return "" if value is None else f"temperature {digits(value)}"


def span(seen: Seen) -> tuple[int, int]:
    """The window."""
    return seen.step - seen.window, seen.step


def rows(seen: Seen) -> tuple[tuple[str, str], ...]:
    """Rows for "Show evidence": everything an evaluation measured, newest values."""
    found = []
    for name, words, show in (
        ("accuracy", "kNN accuracy", percent),
        ("linear_accuracy", "Linear probe", percent),
        ("effective_rank", "Effective rank", digits),
        ("feature_deviation", "Feature deviation", digits),
        ("positive_similarity", "Similarity within classes", digits),
        ("negative_similarity", "Similarity between classes", digits),
        ("alignment", "Alignment", digits),
        ("uniformity", "Uniformity", digits),
        ("violated_share", "Violated triplets", small_percent),
        ("carrying_share", "Pairs with 90 % of the gradient", small_percent),
    ):
        values = curve(seen.history.get(f"validation/{name}"), seen.step).values_n
        if len(values):
            found.append((words, show(float(values[-1]))))
    for readout, words in (("knn", "kNN accuracy"), ("linear", "Linear probe")):
        for baseline, value in baselines(seen, readout).items():  # type: ignore[arg-type]
            found.append((f"{words}, {baseline}", percent(value)))
    return tuple(found)
