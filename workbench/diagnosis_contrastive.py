"""What a contrastive run is doing: whether it collapsed, learns, and gained anything over pixels.

The loss alone says little here: it depends on the batch size, and falls while features get
worse. So the rules look at the kNN accuracy of held-out images and at the shape of the
space. As in `workbench.diagnosis`, the first that fits speaks.
"""

import math
from dataclasses import replace

import numpy as np

from workbench.diagnosis import APART, Diagnosis, Rule, diverging, not_finite, rising, too_early
from workbench.diagnosis import plateau as loss_plateau
from workbench.evidence import ERRORS, Seen, count_of, facts, fell, percent_with_interval, recent
from workbench.evidence_contrastive import (
    EVALUATIONS,
    KNN_STEP,
    Knn,
    all_words,
    attainable,
    baseline_words,
    baselines,
    best_words,
    dimension_of,
    incomparable,
    knn_of,
    knn_words,
    loss_lines,
    measured,
    number,
    rows,
    similarity_words,
    small_percent,
    span,
    temperature_words,
)
from workbench.trend import noise_of, smooth_3
from workbench.wording import digits, joined, percent, thousands

COLLAPSED_RANK = 2.0  # the rank is not centred: one point has 1, two clusters already have 2
COLLAPSED_SIMILARITY = 0.98  # of unlike images; healthy features behind a ReLU reach 0.9
COLLAPSED_DEVIATION = 0.15  # times 1/√D, that of an even spread; a cosine of 0.98 gives 0.14
CHANCE_SHARE = 0.03  # within 3 % of the line is on it,
CHANCE_RANGE = 0.05  # unless that is more than 5 % of what can be gained: high temperatures
STILL = 0.01  # of the collapse line: a loss that only passes through it moves faster
FEW_PAIRS = 0.01  # of the negatives carry 90 % of the gradient: about one per anchor of 64 images
LOW_TEMPERATURE = 0.05  # papers take 0.05 to 0.5; from there on, few pairs are a sign of success
VIOLATED_SHARE = 0.01  # of the held-out triplets: fewer, and hardly any gives a gradient
SETTLED_LOSS = 0.5  # of the margin: above it, the mined triplets do teach, whatever the others
KNN_FALL = 0.02  # a loss of kNN accuracy to warn of, if it is beyond its jitter


def collapsed(seen: Seen) -> Diagnosis | None:
    """Rank near 1 and unlike images alike: all that is known of these must agree."""
    dimension = dimension_of(seen)
    rank = measured(seen, "effective_rank", "low")
    deviation = measured(seen, "feature_deviation", "low")
    negative = measured(seen, "negative_similarity", "high")
    spread = 1 / math.sqrt(dimension) if dimension else math.nan
    agree = [] if rank is None else [rank < COLLAPSED_RANK]
    agree += [] if negative is None else [negative > COLLAPSED_SIMILARITY]
    if deviation is not None and dimension:
        agree.append(deviation < COLLAPSED_DEVIATION * spread)
    if len(agree) < 2 or not all(agree):
        return None
    of_all = f" of {dimension}" if dimension else ""
    what = "all features are alike" if rank is None else f"effective rank {rank:.1f}{of_all}"
    near = f", {digits(spread)} when spread" if dimension else ""
    words = joined(
        "" if deviation is None else f"feature deviation {digits(deviation)}{near}",
        similarity_words(measured(seen, "positive_similarity", "high"), negative),
        temperature_words(seen),
        knn_words(knn_of(seen)),
    )
    return Diagnosis("collapsed", f"Collapsed: {what}.", words, "arrows-in", span(seen), "bad")


def low_temperature(seen: Seen) -> Diagnosis | None:
    """A few pairs carry the gradient; the others might as well not be there."""
    temperature = number(seen.history.context.get("temperature"))
    share = measured(seen, "carrying_share", "low")
    if share is None or share >= FEW_PAIRS or (temperature or 0.0) >= LOW_TEMPERATURE:
        return None
    words = joined(
        temperature_words(seen),
        f"90 % of the gradient on {small_percent(share)} of the negatives",
        knn_words(knn_of(seen)),
    )
    sentence = f"Temperature too low: gradient comes from {small_percent(share)} of the pairs."
    return Diagnosis("temperature", sentence, words, "thermometer-cold", span(seen), "warn")


def at_chance(seen: Seen) -> Diagnosis | None:
    """Loss on the line of a blind guess, or at rest on that of a single point."""
    after = seen.step - seen.window
    loss, halves = seen.train.level(after, seen.step), seen.halves()
    if loss is None or halves is None:
        return None
    for line in loss_lines(seen):
        blind = "chance" in line.label.lower()
        near = CHANCE_SHARE * abs(line.value)
        temperature = number(seen.history.context.get("temperature"))
        if blind and line.value > 0 and temperature is not None and temperature > 0:
            near = min(near, CHANCE_RANGE * attainable(line.value, temperature))
        if not abs(loss.mean - line.value) <= near:
            continue
        formula = line.label.partition("  ")[2].strip() or digits(line.value)
        sentence = f"At chance: the loss is {formula}, a blind guess."
        if not blind:
            if abs(halves[1].mean - halves[0].mean) > STILL * abs(line.value):
                continue
            sentence = f"The loss rests at {formula}, as if all embeddings were one point."
        window = f"last {thousands(seen.window)} steps"
        words = joined(f"loss {digits(loss.mean)}", window, knn_words(knn_of(seen)))
        return Diagnosis("at chance", sentence, words, "dice-five", (after, seen.step), "warn")
    return None


def knn_falling(seen: Seen) -> Diagnosis | None:
    """The loss falls and kNN accuracy with it: features get better at something else."""
    knn = knn_of(seen)
    if len(knn) < EVALUATIONS + 2:
        return None
    smooth = smooth_3(knn.values_n)
    highest = float(smooth.max())
    # The last that was as good: a curve that stood still before has many.
    best = int(np.flatnonzero(smooth >= highest - KNN_STEP)[-1])
    if len(smooth) - 1 - best < EVALUATIONS:
        return None
    # Twice the errors, since the best was chosen as the highest of many.
    error = 2 * ERRORS * noise_of(knn.values_n) * math.sqrt(2 / EVALUATIONS)
    if highest - knn.now <= max(error, KNN_FALL):
        return None
    since = int(knn.steps_n[best])
    reach = max(1, min(seen.window, since)) // 2
    before = seen.train.level(since - reach - 1, since + reach)
    after = seen.train.level(seen.step - seen.window // 2, seen.step)
    if not before or not after or not fell(before, after):
        return None
    sentence = f"kNN accuracy falling since step {thousands(since)} while training loss falls."
    words = joined(
        f"kNN {percent(highest)} → {percent(knn.now)}",
        f"training {digits(before.mean)} → {digits(after.mean)}",
        baseline_words(knn),
    )
    return Diagnosis("falling", sentence, words, APART, (since, seen.step), "warn")


def learning(seen: Seen) -> Diagnosis | None:
    """kNN accuracy above its start and rising; a baseline not yet passed is named."""
    knn = knn_of(seen)
    if not knn.rises():
        return None
    now, first = float(knn.values_n[-1]), float(knn.values_n[0])
    sentence = f"Learning. kNN accuracy {percent(now)}, {percent(first)} at the start"
    if (best := knn.best_baseline) and not knn.gained(now):
        sentence += f"; not yet clearly above {best[0]}, {percent(best[1])}"
    return Diagnosis(
        "learning", f"{sentence}.", all_words(seen, knn), "trend-up", span(seen), "good"
    )


def nothing_violated(seen: Seen) -> Diagnosis | None:
    """Triplets: hardly any breaks the margin, so hardly any gives a gradient."""
    share = measured(seen, "violated_share", "low")
    if seen.history.context.get("loss_kind") != "triplet" or share is None:
        return None
    margin, loss = number(seen.history.context.get("margin")), recent(seen.train).mean
    if share >= VIOLATED_SHARE or (margin is not None and not loss <= SETTLED_LOSS * margin):
        return None
    words = joined(
        f"training loss {digits(loss)}",
        "" if margin is None else f"margin {digits(margin)}",
        knn_words(knn_of(seen)),
    )
    sentence = (
        f"Nothing left to learn from: {small_percent(share)} of the held-out triplets "
        "violate the margin."
    )
    return Diagnosis("margin", sentence, words, "check", span(seen))


def no_gain(seen: Seen) -> Diagnosis | None:
    """kNN accuracy where raw pixels or an untrained encoder already are."""
    knn = knn_of(seen)
    best = knn.best_baseline
    if not len(knn) or best is None or knn.gained(knn.now):
        return None
    sentence = f"kNN {percent(knn.now)}, {best[0]} {percent(best[1])}: nothing gained yet."
    return Diagnosis("no gain", sentence, all_words(seen, knn), "equals", span(seen), "warn")


def level(seen: Seen) -> Diagnosis | None:
    """kNN accuracy stands still above the baselines, or was not measured often enough."""
    knn, halves = knn_of(seen), seen.halves()
    falls, words = halves is not None and fell(*halves), all_words(seen, knn)
    if len(knn) < EVALUATIONS:
        if not falls:
            return None
        sentence = "Training loss falls; not enough evaluations to tell what the features gain."
        return Diagnosis("learning", sentence, words, "trend-down", span(seen))
    stays = f"kNN accuracy stays at {percent(knn.now)}"
    if falls:
        sentence = f"Training loss falls, {stays}."
        return Diagnosis("train only", sentence, words, APART, span(seen))
    if loss_plateau(seen):
        sentence = f"Plateau. Training loss stands still, {stays}."
        return Diagnosis("plateau", sentence, words, "minus", span(seen))
    sentence = f"Training loss shows no trend beyond its noise, {stays}."
    return Diagnosis("unclear", sentence, words, "question", span(seen))


def unclear(seen: Seen) -> Diagnosis:
    """No rule fits."""
    sentence = "Training loss shows no trend beyond its noise."
    return Diagnosis("unclear", sentence, all_words(seen, knn_of(seen)), "question", span(seen))


def finished(seen: Seen) -> Diagnosis:
    """Test accuracies beside those of raw pixels and of an untrained encoder, and any fault."""
    knn = knn_of(seen)
    fault = None if too_early(seen) else collapsed(seen) or low_temperature(seen)
    found, value, interval = readouts(seen, knn)
    beside = ", ".join(f"{name} {percent(share)}" for name, share in knn.baselines.items())
    beside = beside.replace("untrained encoder", "untrained")
    gain = value is None or knn.gained(value)
    sentences = (
        "Finished.",
        fault.sentence if fault else "",
        f"{'; '.join(filter(None, (found, beside)))}." if found else "",
        "" if gain else "Nothing gained in kNN.",
    )
    falling = knn_falling(seen)
    linear = [f"{name} {percent(share)}" for name, share in baselines(seen, "linear").items()]
    words = joined(
        fault.evidence if fault else best_words(knn),
        interval,
        f"linear probe of {', '.join(linear)}, on validation" if linear and found else "",
        falling.sentence.rstrip(".") if falling else "",
        "held-out classes don't occur in training, so no accuracy" if incomparable(seen) else "",
    )
    tone = fault.tone if fault else "good" if gain else "warn"
    sentence = " ".join(filter(None, sentences))
    numbers = rows(seen) + facts(seen)
    return Diagnosis("finished", sentence, words, "check-circle", (0, seen.step), tone, numbers)


def readouts(seen: Seen, knn: Knn) -> tuple[str, float | None, str]:
    """(accuracies in words, kNN accuracy, what its interval is) on test, else on validation."""
    if incomparable(seen):
        return "", None, ""
    history, split = seen.history, "test"
    value = number(history.get("test/accuracy").last())
    if value is None and len(knn):
        split, value = "validation", float(knn.values_n[-1])
    if value is None:
        return "", None, ""
    known = count_of(seen, "test") or int(number(history.context.get("test_count")) or 0)
    known = max(known, 0)
    count = known if split == "test" else knn.count
    found = f"kNN accuracy on {split} {percent_with_interval(value, count)}"
    linear = number(history.get(f"{split}/linear_accuracy").last())
    if linear is not None:
        found += f", linear probe {percent(linear)}"
    return found, value, f"{thousands(count)} images, 95 % interval" if count else ""


def with_rows(rule: Rule) -> Rule:
    """The rule with what evaluations measured among its numbers."""

    def told(seen: Seen) -> Diagnosis | None:
        found = rule(seen)
        return found and replace(found, numbers=found.numbers + rows(seen))

    return told


RULES: tuple[Rule, ...] = tuple(
    with_rows(rule)
    for rule in (
        not_finite,
        too_early,
        collapsed,
        low_temperature,  # before divergence, which may be its effect
        diverging,
        at_chance,
        knn_falling,
        learning,
        nothing_violated,
        no_gain,
        rising,
        level,
        unclear,
    )
)
