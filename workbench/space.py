"""What a contrastive run gained over no training at all, in one plain sentence."""

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np

from workbench.history import History
from workbench.wording import percent

Kind = Literal["knn", "linear"]

# 2 000 held-out images leave a standard error of about 0.8 points at 85 %.
HARDLY, CLEARLY = 0.01, 0.03
WORDS: dict[Kind, str] = {"knn": "kNN", "linear": "Linear probe"}
METRICS: dict[Kind, str] = {"knn": "validation/accuracy", "linear": "validation/linear_accuracy"}
BASELINES = {"pixels": "raw pixels", "untrained": "the untrained encoder"}


def baselines(history: History, kind: Kind) -> dict[str, float]:
    """What raw pixels ("pixels") and the encoder before training ("untrained") reach.

    From the run's context; the untrained encoder's also from an evaluation at step 0.
    Either is missing where nobody measured it.
    """
    written = history.context.get("baselines") or {}
    found = {
        name: float(value)
        for name in BASELINES
        if (value := (written.get(name) or {}).get(kind)) is not None and math.isfinite(value)
    }
    start = history.get(METRICS[kind]).at(0)
    if "untrained" not in found and start is not None and math.isfinite(start[1]):
        found["untrained"] = start[1]
    return found


def gain_sentence(accuracy: float | None, known: Mapping[str, float], kind: Kind = "knn") -> str:
    """ "kNN 84.1 %: 0.6 points above raw pixels, 2.0 above the untrained encoder: hardly a gain."

    The verdict goes by the better baseline: within 1 point above it "hardly a gain", up to
    3 "a small gain", then "a gain"; below it "no gain", from 1 point "worse than ...".

    Args:
        accuracy: fraction in [0, 1]; None before the first evaluation.
        known: what `baselines` found.
    """
    if accuracy is None or not math.isfinite(accuracy):
        return "Too early to say: no evaluation yet."
    start = f"{WORDS[kind]} {percent(accuracy)}"
    gains = {name: accuracy - known[name] for name in BASELINES if name in known}
    if not gains:
        return f"{start}, with nothing to compare it with: no baseline was measured."
    parts = [
        _points(BASELINES[name], gain, first=place == 0)
        for place, (name, gain) in enumerate(gains.items())
    ]
    return f"{start}: {', '.join(parts)}: {_verdict(gains)}."


def overlap(positive_H: np.ndarray, negative_H: np.ndarray) -> float:
    """The share of two histograms that lies on each other: Σ min(p, q), each summing to 1.

    0 where no bin has both, 1 where they are equal; NaN if either is empty. Half of it is
    the least error of a rule that knows the bin alone, with both kinds equally likely; finer
    bins can only lower it.
    """
    if not positive_H.sum() or not negative_H.sum():
        return math.nan
    return float(np.minimum(positive_H / positive_H.sum(), negative_H / negative_H.sum()).sum())


def overlap_sentence(share: float) -> str:
    """ "58 % of the two overlap: by similarity alone, some 29 % of pairs are mistaken."."""
    if not math.isfinite(share):
        return "Pairs of one kind are missing, so there is nothing to compare."
    if share < 0.0005:
        return "The two don't overlap: similarity alone tells them apart."
    return (
        f"{percent(share)} of the two overlap: "
        f"by similarity alone, some {percent(share / 2)} of pairs are mistaken."
    )


def _points(words: str, gain: float, *, first: bool) -> str:
    """ "0.6 points above raw pixels"; the unit stands once."""
    size = f"{abs(100 * gain):.1f}"
    if size == "0.0":
        return f"the same as {words}"
    unit = (" point" if size == "1.0" else " points") if first else ""
    return f"{size}{unit} {'above' if gain > 0 else 'below'} {words}"


def _verdict(gains: Mapping[str, float]) -> str:
    name, least = min(gains.items(), key=lambda pair: pair[1])
    if least <= -HARDLY:
        return f"worse than {BASELINES[name]}"
    if least < 0.0005:  # 0.0 as printed
        return "no gain"
    if least < HARDLY:
        return "hardly a gain"
    return "a small gain" if least < CLEARLY else "a gain"
