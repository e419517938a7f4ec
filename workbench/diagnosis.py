"""What a run is doing, in a sentence with its evidence: small rules, the first that fits speaks.

A rule takes what has been seen up to a step and returns a Diagnosis or None. Rules
about the run's state come first, then those that a curve must not hide (divergence),
then those that need patience. Thresholds stand at the top, each with its reason.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from workbench.evidence import (
    ERRORS,
    LEAST_STEPS,
    RECENT_STEPS,
    Seen,
    best_words,
    chance,
    change_words,
    count_of,
    facts,
    fell,
    gap_words,
    gradient_now,
    gradient_rise,
    gradient_words,
    look,
    loss_words,
    of_total,
    percent_with_interval,
    recent,
    start_of,
)
from workbench.history import History
from workbench.trend import noise_of, smooth_3
from workbench.wording import digits, joined, percent, signed, thousands

CHANCE_LOSS = 0.03  # within 3 % of the chance line is at chance, if accuracy agrees
CHANCE_ACCURACY = 0.02  # above 1/K, on top of two standard errors
DIVERGED = 1.2  # times the loss of the first steps: nothing but divergence climbs so high
GRADIENT_RISE = 5.0  # times its level at the best loss
LOST_SHARE = 0.5  # of what training had gained, given back while gradients grow
RISING_EVALUATIONS = 3  # validation is averaged over so many before it may be called rising
RISING_NOISE = 4.0  # standard errors: the minimum was chosen as the lowest of many, so more than 2
RISING_SHARE = 0.02  # and 2 % of the loss, as curves without noise wobble too
PLATEAU_SHARE = 0.02  # a change below 2 % of the loss, and of all that was gained, is none

APART = "arrows-out-line-vertical"  # two curves that part

Tone = Literal["neutral", "good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One sentence about a run, and why it is said.

    Attributes:
        kind: "queued", "failed", "finished", "paused", "stopped", "interrupted",
            "too early", "diverging", "at chance", "overfitting", "plateau", "learning",
            "train only", "rising" or "unclear"; of contrastive runs also "collapsed",
            "temperature", "margin", "falling" (kNN accuracy) and "no gain".
        sentence: what is going on.
        evidence: the numbers it rests on, in one line.
        icon: a Phosphor name without the "ph." prefix.
        step_span: first and last step that the numbers come from.
        tone: how it is coloured; icon and words say the same.
        numbers: (name, value) rows for whoever asks for the evidence.
    """

    kind: str
    sentence: str
    evidence: str
    icon: str
    step_span: tuple[int, int]
    tone: Tone = "neutral"
    numbers: tuple[tuple[str, str], ...] = ()


Rule = Callable[[Seen], Diagnosis | None]


def diagnose(history: History, cursor: int | None = None) -> Diagnosis:
    """What `history` shows as of `cursor` (None: now). Never raises; 2 ms at 50,000 steps."""
    seen = look(history, cursor)
    state = state_of(seen) if seen.at_head else None
    if state is not None:
        return state
    found = training(seen)
    if seen.at_head:
        return found
    return replace(found, evidence=joined(f"as of step {thousands(seen.step)}", found.evidence))


def training(seen: Seen) -> Diagnosis:
    """The first rule about the curves that fits."""
    for rule in rules_of(seen)[0]:
        if found := rule(seen):
            return replace(found, numbers=found.numbers + facts(seen))
    halves = seen.halves()
    moved = change_words(seen, halves) if halves else loss_words(seen)
    words = joined(moved, gap_words(seen), best_words(seen))
    sentence = "Training loss shows no trend beyond its noise."
    span = (seen.step - seen.window, seen.step)
    return Diagnosis("unclear", sentence, words, "question", span, numbers=facts(seen))


def rules_of(seen: Seen) -> tuple[tuple[Rule, ...], Callable[[Seen], Diagnosis]]:
    """The rules about the curves and the one about the end, as the run's family has them."""
    if seen.history.context.get("family") == "contrastive":
        from workbench import diagnosis_contrastive  # which imports this module

        return diagnosis_contrastive.RULES, diagnosis_contrastive.finished
    return RULES, finished


def state_of(seen: Seen) -> Diagnosis | None:
    """Runs that wait or have ended: the state first, then what training showed until then."""
    status, step = seen.history.status, thousands(seen.step)
    span = (0, seen.step)
    if status == "queued":
        return Diagnosis("queued", "Not started yet.", "", "clock", span)
    if status == "failed":
        return failed(seen)
    if status == "finished":
        return rules_of(seen)[1](seen)
    words = {
        "paused": (f"Paused at step {step}.", "pause"),
        "stopped": (f"Stopped at step {step}{of_total(seen)}.", "stop"),
        "interrupted": (f"Interrupted at step {step}{of_total(seen)}.", "warning"),
    }
    if status not in words:
        return None
    sentence, icon = words[status]
    until = training(seen)
    sentence = f"{sentence} {until.sentence}"
    return replace(until, kind=status, sentence=sentence, icon=icon)


def failed(seen: Seen) -> Diagnosis:
    """The sentence that the engine gave, and what the gradient did before."""
    ended = seen.history.ended
    sentence = ended.sentence if ended and ended.sentence else "The run failed."
    words = joined(f"step {thousands(seen.step)}", loss_words(seen), gradient_words(seen))
    span = (max(0, seen.step - RECENT_STEPS), seen.step)
    return Diagnosis("failed", sentence, words, "x-circle", span, "bad", facts(seen))


def finished(seen: Seen) -> Diagnosis:
    """Test accuracy with its interval, the best step, and overfitting where there was any."""
    test = seen.history.get("test/accuracy").last()
    last = seen.validation_accuracy.values_n[-1:]
    if test is not None and math.isfinite(test):
        count = count_of(seen, "test")
        sentence = f"Finished. Test accuracy {percent_with_interval(test, count)}."
        words = f"{thousands(count)} images, 95 % interval" if count else ""
    elif len(last):
        count = count_of(seen, "predictions")
        accuracy = percent_with_interval(float(last[0]), count)
        sentence, words = f"Finished. Validation accuracy {accuracy}.", ""
    else:
        sentence, words = "Finished.", loss_words(seen)
    over = overfitting(seen)
    note = over.sentence.removeprefix("Overfitting. ").rstrip(".") if over else ""
    note = note[:1].lower() + note[1:]
    words = joined(words, best_words(seen), note)
    span = (0, seen.step)
    return Diagnosis("finished", sentence, words, "check-circle", span, "good", facts(seen))


def not_finite(seen: Seen) -> Diagnosis | None:
    """The newest training loss is NaN or infinite."""
    if seen.train.missing is None:
        return None
    last = f"last finite at step {thousands(int(seen.train.steps_n[-1]))}" if seen.train else ""
    sentence = f"Diverging. Training loss is not a number at step {thousands(seen.train.missing)}."
    span = (max(0, seen.step - RECENT_STEPS), seen.step)
    words = joined(last, gradient_words(seen))
    return Diagnosis("diverging", sentence, words, "trend-up", span, "bad")


def too_early(seen: Seen) -> Diagnosis | None:
    """Too few steps for any trend."""
    if seen.step >= seen.needed and len(seen.train) >= LEAST_STEPS:
        return None
    if seen.step >= seen.needed:
        sentence = f"Too early to say: {len(seen.train)} of {LEAST_STEPS} loss values."
    else:
        sentence = f"Too early to say: {thousands(seen.step)} of {thousands(seen.needed)} steps."
    return Diagnosis("too early", sentence, loss_words(seen), "hourglass", (0, seen.step))


def diverging(seen: Seen) -> Diagnosis | None:
    """Loss above its start, or half of the gain lost while the gradient norm grows."""
    start, now = start_of(seen), recent(seen.train)
    noise = ERRORS * now.error
    span = (max(0, seen.step - seen.window), seen.step)
    if now.mean - noise > start + (DIVERGED - 1) * abs(start):
        words = joined(
            f"{digits(now.mean)} now, {digits(start)} at the start", gradient_words(seen)
        )
        sentence = "Diverging. Training loss is above its start."
        return Diagnosis("diverging", sentence, words, "trend-up", span, "bad")
    step_B, loss_B = seen.train.blocks()
    best = int(loss_B.argmin())
    lost = now.mean - noise - loss_B[best] > LOST_SHARE * (start - loss_B[best]) > 0
    if not lost or gradient_rise(seen) < GRADIENT_RISE:
        return None
    since = thousands(int(step_B[best]))
    words = joined(f"loss {digits(loss_B[best])} → {digits(now.mean)}", gradient_words(seen))
    sentence = f"Diverging. Training loss and gradient norm rising since step {since}."
    return Diagnosis(
        "diverging", sentence, words, "trend-up", (int(step_B[best]), seen.step), "bad"
    )


def at_chance(seen: Seen) -> Diagnosis | None:
    """Loss at its chance line and accuracy at 1/K: all that is known of the two must agree."""
    loss_line, accuracy_line = chance(seen.history)
    after = seen.step - seen.window
    loss, accuracy = seen.train.level(after, seen.step), seen.train_accuracy.level(after, seen.step)
    agree, words = [], []
    if loss and loss_line:
        agree.append(abs(loss.mean - loss_line) <= CHANCE_LOSS * abs(loss_line))
        words.append(f"loss {digits(loss.mean)}, chance {digits(loss_line)}")
    if accuracy and accuracy_line:
        slack = CHANCE_ACCURACY + ERRORS * min(accuracy.error, CHANCE_ACCURACY)
        agree.append(accuracy.mean <= accuracy_line + slack)
        words.append(f"accuracy {percent(accuracy.mean)}, chance {percent(accuracy_line)}")
    if not agree or not all(agree):
        return None
    sentence = "At chance. The model does not yet tell the classes apart."
    evidence = joined(*words, f"last {thousands(seen.window)} steps")
    return Diagnosis("at chance", sentence, evidence, "dice-five", (after, seen.step), "warn")


def overfitting(seen: Seen) -> Diagnosis | None:
    """Validation loss above its smoothed minimum by more than noise, training loss below."""
    values, steps = seen.validation.values_n, seen.validation.steps_n
    if len(values) < RISING_EVALUATIONS + 2:
        return None
    smooth = smooth_3(values)
    best = int(smooth.argmin())
    if len(values) - 1 - best < RISING_EVALUATIONS:
        return None
    now = float(values[-RISING_EVALUATIONS:].mean())
    error = noise_of(values) * math.sqrt(2 / RISING_EVALUATIONS)
    lowest = float(smooth[best])
    if now - lowest <= max(RISING_NOISE * error, RISING_SHARE * abs(lowest)):
        return None
    since = int(steps[best])
    reach = max(1, min(seen.window, since)) // 2
    before = seen.train.level(since - reach - 1, since + reach)
    after = seen.train.level(seen.step - seen.window // 2, seen.step)
    if not before or not after or not fell(before, after):
        return None
    sentence = (
        f"Overfitting. Validation loss rising since step {thousands(since)} "
        "while training loss falls."
    )
    evidence = joined(
        f"validation {digits(lowest)} → {digits(now)}",
        f"training {digits(before.mean)} → {digits(after.mean)}",
        best_words(seen),
    )
    span = (since, seen.step)
    return Diagnosis("overfitting", sentence, evidence, APART, span, "warn")


def plateau(seen: Seen) -> Diagnosis | None:
    """Training loss stands still, measured against itself and against all it has gained."""
    halves = seen.halves()
    if halves is None:
        return None
    older, newer = halves
    gained = start_of(seen) - newer.mean
    error = math.hypot(older.error, newer.error)
    change = newer.mean - older.mean
    if not abs(change) + ERRORS * error < PLATEAU_SHARE * min(gained, abs(newer.mean)):
        return None
    sentence = (
        f"Plateau. Training loss stays at {digits(newer.mean)} "
        f"over the last {thousands(seen.window)} steps."
    )
    evidence = joined(f"change {signed(change)}", gap_words(seen), best_words(seen))
    span = (seen.step - seen.window, seen.step)
    return Diagnosis("plateau", sentence, evidence, "minus", span)


def learning(seen: Seen) -> Diagnosis | None:
    """Training loss falls; validation with it, or not."""
    halves = seen.halves()
    if halves is None or not fell(*halves):
        return None
    moved = change_words(seen, halves)
    words = joined(gap_words(seen), moved, gradient_now(seen), best_words(seen))
    span = (seen.step - seen.window, seen.step)
    values = seen.validation.values_n
    if len(values) < 2:
        sentence = "Learning. Training loss falls; not enough evaluations to compare."
        return Diagnosis("learning", sentence, words, "trend-down", span, "good")
    best = int(smooth_3(values).argmin())
    if len(values) - 1 - best >= max(RISING_EVALUATIONS, len(values) // 10):
        since = thousands(int(seen.validation.steps_n[best]))
        sentence = f"Training loss falls, validation loss has not improved since step {since}."
        return Diagnosis("train only", sentence, words, APART, span)
    if improved(values):
        sentence = "Learning. Training and validation loss fall together."
    else:
        sentence = "Learning. Training loss falls, validation loss is level within its noise."
    return Diagnosis("learning", sentence, words, "trend-down", span, "good")


def improved(values: np.ndarray) -> bool:
    """Whether the newest evaluations lie below those before them by more than their jitter."""
    some = min(RISING_EVALUATIONS, len(values) // 2)
    error = noise_of(values) * math.sqrt(2 / some)
    return float(values[-2 * some : -some].mean() - values[-some:].mean()) > error


def rising(seen: Seen) -> Diagnosis | None:
    """Training loss goes up, yet not so far that it counts as divergence."""
    halves = seen.halves()
    if halves is None or not fell(halves[1], halves[0], 2 * ERRORS):
        return None
    sentence = f"Training loss rising over the last {thousands(seen.window)} steps."
    words = joined(change_words(seen, halves), gradient_words(seen))
    span = (seen.step - seen.window, seen.step)
    return Diagnosis("rising", sentence, words, "trend-up", span, "warn")


RULES: tuple[Rule, ...] = (
    not_finite,
    too_early,
    diverging,
    at_chance,
    overfitting,
    plateau,
    learning,
    rising,
)
