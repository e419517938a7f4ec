"""Reference lines of the classification losses: what a blind guess scores, and the least value."""

import math

from engines.registry import Reference


def chance_cross_entropy(classes: int, *, label_smoothing: float = 0.0) -> tuple[Reference, ...]:
    """Chance at ln K, and the floor that smoothing sets."""
    chance = math.log(classes)
    lines = [Reference("loss", chance, f"chance  ln {classes} = {chance:.3f}")]
    if label_smoothing:
        floor = smoothed_entropy(classes, label_smoothing)
        lines.append(Reference("loss", floor, f"least possible with smoothing = {floor:.3f}"))
    return tuple(lines)


def chance_hinge(classes: int, *, margin: float = 1.0) -> tuple[Reference, ...]:
    """Equal scores violate every margin by the whole of it."""
    chance = (classes - 1) * margin
    return (Reference("loss", chance, f"equal scores  {classes - 1} × {margin:g} = {chance:g}"),)


def chance_squared_error(classes: int, *, on: str = "probabilities") -> tuple[Reference, ...]:
    """1 - 1/K, the best that one constant answer can do, be it probabilities or scores."""
    chance = 1 - 1 / classes
    return (Reference("loss", chance, f"chance  1 - 1/{classes} = {chance:.3f}"),)


def chance_binary_squared_error(classes: int) -> tuple[Reference, ...]:
    """A probability of one half is wrong by one half on every image."""
    return (Reference("loss", 0.25, "chance  (1/2)² = 0.25"),)


def chance_kl_divergence(classes: int, *, smoothing: float = 0.1) -> tuple[Reference, ...]:
    """ln K less the entropy of the smoothed labels."""
    chance = math.log(classes) - smoothed_entropy(classes, smoothing)
    return (Reference("loss", chance, f"chance  ln {classes} - H(P) = {chance:.3f}"),)


def chance_distillation(
    classes: int, *, temperature: float = 4.0, weight: float = 0.9
) -> tuple[Reference, ...]:
    """ln K where only the labels count; otherwise chance depends on the teacher: no line."""
    return chance_cross_entropy(classes) if weight == 0 else ()


def smoothed_entropy(classes: int, smoothing: float) -> float:
    """Entropy in nats of a one-hot target after smoothing; cross-entropy can't go below it."""
    other = smoothing / classes
    probabilities = (1 - smoothing + other, *[other] * (classes - 1))
    return -sum(p * math.log(p) for p in probabilities if p > 0)
