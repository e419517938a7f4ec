"""What of a run a diagnosis looks at, and how its numbers are said in a few words."""

import math
from dataclasses import dataclass

import numpy as np

from workbench.confusion import wilson
from workbench.history import History
from workbench.trend import Curve, Level, curve, noise_of
from workbench.wording import digits, percent, signed, thousands

NEEDED_STEPS = 200  # below it the noise of batches hides any trend; short runs: a tenth of theirs
LEAST_STEPS = 20  # ... but never fewer than these
WINDOW_SHARE = 0.2  # "recent" is the last fifth of the steps seen,
WINDOW_STEPS = 200  # or these many where that is less
RECENT_STEPS = 20  # "now", where a jump must not wait for the window
ERRORS = 2.0  # standard errors that make a change more than noise


@dataclass(frozen=True, slots=True)
class Seen:
    """A run up to a step, as the rules look at it."""

    history: History
    step: int
    at_head: bool
    train: Curve
    train_accuracy: Curve
    validation: Curve
    validation_accuracy: Curve
    gradient: Curve

    @property
    def window(self) -> int:
        """Steps that count as recent."""
        return max(min(WINDOW_STEPS, self.step), int(self.step * WINDOW_SHARE), 2)

    @property
    def needed(self) -> int:
        """Steps before anything is said."""
        total = self.history.total_steps
        return max(LEAST_STEPS, min(NEEDED_STEPS, total // 10)) if total > 0 else NEEDED_STEPS

    def halves(self) -> tuple[Level, Level] | None:
        """Training loss in the older and the newer half of the window."""
        middle = self.step - self.window // 2
        older = self.train.level(self.step - self.window, middle)
        newer = self.train.level(middle, self.step)
        return (older, newer) if older and newer else None


def look(history: History, cursor: int | None) -> Seen:
    """Cut every curve at the cursor."""
    step = history.step if cursor is None else min(max(cursor, 0), history.step)

    def cut(name: str) -> Curve:
        return curve(history.get(name), step)

    return Seen(
        history,
        step,
        step >= history.step,
        cut("train/loss"),
        cut("train/accuracy"),
        cut("validation/loss"),
        cut("validation/accuracy"),
        cut("train/gradient_norm"),
    )


def fell(older: Level, newer: Level, errors: float = ERRORS) -> bool:
    """Whether the mean went down by more than the errors of both explain."""
    return older.mean - newer.mean > errors * math.hypot(older.error, newer.error)


def recent(values: Curve) -> Level:
    """The newest few values by their median, which one bad batch doesn't move."""
    newest = values.values_n[-RECENT_STEPS:]
    error = float(newest.std()) / math.sqrt(len(newest)) if len(newest) else 0.0
    return Level(float(np.median(newest)) if len(newest) else math.nan, error, len(newest))


def start_of(seen: Seen) -> float:
    """Training loss of the first steps: the median of at most 10, a tenth of all."""
    first = seen.train.values_n[: max(1, min(10, len(seen.train) // 10))]
    return float(np.median(first)) if len(first) else math.nan


def gradient_rise(seen: Seen) -> float:
    """How many times the gradient norm is what it was where the loss was lowest; 0 if unknown."""
    if len(seen.gradient) < LEAST_STEPS or not len(seen.train):
        return 0.0
    step_B, loss_B = seen.train.blocks()
    best = int(loss_B.argmin())
    since = int(step_B[best - 1]) if best else 0
    calm = seen.gradient.level(since, int(step_B[best]))
    return recent(seen.gradient).mean / calm.mean if calm and calm.mean > 0 else 0.0


def chance(history: History) -> tuple[float | None, float | None]:
    """(loss, accuracy) of a blind guess, as the loss declares them; accuracy else 1/K."""
    lines: dict[str, float] = {}
    for reference in history.context.get("references") or ():
        if "chance" in reference.label.lower():
            lines.setdefault(reference.metric, float(reference.value))
    classes = len(history.context.get("classes") or ())
    if classes > 1:
        lines.setdefault("accuracy", 1 / classes)
    return lines.get("loss"), lines.get("accuracy")


def facts(seen: Seen) -> tuple[tuple[str, str], ...]:
    """Rows for "Show evidence": what is known at this step, whatever the rule used."""
    rows = [("Step", f"{thousands(seen.step)}{of_total(seen)}")]
    halves = seen.halves()
    if halves:
        for name, half in zip(("older", "newer"), halves, strict=True):
            error = f" ± {half.error:.2g}" if math.isfinite(half.error) else ""
            rows.append((f"Training loss, {name} half of window", f"{digits(half.mean)}{error}"))
        rows.append(("Window", f"{thousands(seen.window)} steps"))
    loss, accuracy = chance(seen.history)
    if loss is not None:
        rows.append(("Chance loss", digits(loss)))
    if accuracy is not None:
        rows.append(("Chance accuracy", percent(accuracy)))
    if len(seen.validation):
        best = int(seen.validation.values_n.argmin())
        where = thousands(int(seen.validation.steps_n[best]))
        rows.append(("Validation loss", digits(seen.validation.values_n[-1])))
        rows.append(("Lowest", f"{digits(seen.validation.values_n[best])} at step {where}"))
        rows.append(("Evaluations", thousands(len(seen.validation))))
        jitter = digits(noise_of(seen.validation.values_n))
        rows.append(("Jitter of validation loss", f"± {jitter}"))
    if len(seen.gradient):
        rows.append(("Gradient norm", digits(recent(seen.gradient).mean)))
    return tuple(rows)


def loss_words(seen: Seen) -> str:
    """Training loss now and at the start."""
    if not len(seen.train):
        return ""
    return f"training loss {digits(recent(seen.train).mean)}, {digits(start_of(seen))} at the start"


def gap_words(seen: Seen) -> str:
    """How far validation loss lies above training loss at the newest evaluation."""
    if not len(seen.validation):
        return ""
    at = int(seen.validation.steps_n[-1])
    train = seen.train.level(at - max(RECENT_STEPS, seen.window // 2), at)
    if train is None:
        return ""
    return f"gap {signed(float(seen.validation.values_n[-1]) - train.mean).lstrip('+')}"


def change_words(seen: Seen, halves: tuple[Level, Level]) -> str:
    """How far the training loss moved within the window."""
    change = signed(halves[1].mean - halves[0].mean)
    error = math.hypot(halves[0].error, halves[1].error)
    noise = f" ± {error:.2g}" if math.isfinite(error) else ""
    return f"training {change}{noise} over the last {thousands(seen.window)} steps"


def gradient_now(seen: Seen) -> str:
    """The gradient norm of the newest steps."""
    return f"gradient norm {digits(recent(seen.gradient).mean)}" if len(seen.gradient) else ""


def gradient_words(seen: Seen) -> str:
    """The gradient norm, with its rise where it rose."""
    rise = gradient_rise(seen)
    if not math.isfinite(rise) or rise < 2:
        return gradient_now(seen)
    return f"gradient norm rose {thousands(round(rise))}-fold"


def best_words(seen: Seen) -> str:
    """The evaluation with the highest accuracy, else the lowest loss."""
    for name, values, sign in (
        ("accuracy", seen.validation_accuracy, -1),
        ("loss", seen.validation, 1),
    ):
        if len(values):
            best = int((sign * values.values_n).argmin())
            value = float(values.values_n[best])
            words = percent(value) if name == "accuracy" else digits(value)
            where = thousands(int(values.steps_n[best]))
            return f"best validation {name} {words} at step {where}"
    return ""


def count_of(seen: Seen, kind: str) -> int:
    """Pictures behind the newest artifact of `kind`, 0 if none says."""
    artifact = seen.history.artifact_at(kind, seen.step)
    return int(artifact.meta.get("count", 0)) if artifact else 0


def percent_with_interval(share: float, count: int) -> str:
    """ "90.7 ± 0.6 %": half the width of the Wilson 95 % interval, where n is known."""
    if not count or not 0 <= share <= 1:
        return percent(share)
    low, high = wilson(np.array(share * count), np.array(count))
    return f"{100 * share:.1f} ± {50 * float(high - low):.1f} %"


def of_total(seen: Seen) -> str:
    """ " of 4 690", where the total is known."""
    return f" of {thousands(seen.history.total_steps)}" if seen.history.total_steps else ""
