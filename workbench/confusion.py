"""Which classes are taken for which: counts, accuracies with their intervals, worst pairs.

N pictures, K classes. Rows of a confusion matrix are true classes, columns predicted ones.
"""

import math
from dataclasses import dataclass

import numpy as np

CONFIDENCE_95 = 1.959963984540054  # two-sided 95 % quantile of the standard normal


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Pictures of one class that were called another.

    Attributes:
        true: index of the class they belong to.
        predicted: index of the class they were called, never `true`.
        count: how many.
        of: how many pictures of class `true` there are.
    """

    true: int
    predicted: int
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class ClassAccuracy:
    """How often each of K classes is recognised, with its Wilson 95 % interval.

    Attributes:
        correct_K: int64, pictures called by their own class.
        count_K: int64, pictures of the class.
        share_K: float64, correct over count; NaN where the class has no picture.
        low_K, high_K: float64 ends of the interval, [0, 1] where there is no picture.
    """

    correct_K: np.ndarray
    count_K: np.ndarray
    share_K: np.ndarray
    low_K: np.ndarray
    high_K: np.ndarray


def confusion_matrix(label_N: np.ndarray, predicted_N: np.ndarray, classes: int) -> np.ndarray:
    """Counts of (true, predicted) as int64 [K, K]; they add up to N.

    Args:
        label_N: integers in [0, classes), the true class.
        predicted_N: integers in [0, classes), the class named by the model.
        classes: K.

    Raises:
        ValueError: lengths differ, or an index lies outside [0, K).
    """
    if len(label_N) != len(predicted_N):
        raise ValueError(f"{len(label_N)} labels but {len(predicted_N)} predictions")
    if not len(label_N):
        return np.zeros((classes, classes), np.int64)
    true_N, called_N = label_N.astype(np.int64), predicted_N.astype(np.int64)
    lowest = min(int(true_N.min()), int(called_N.min()))
    highest = max(int(true_N.max()), int(called_N.max()))
    if lowest < 0 or highest >= classes:
        raise ValueError(f"class {lowest if lowest < 0 else highest} of {classes} classes")
    cells = np.bincount(true_N * classes + called_N, minlength=classes * classes)
    return cells.reshape(classes, classes)


def row_shares(counts_KK: np.ndarray) -> np.ndarray:
    """Each row divided by its sum, float64 [K, K]; NaN in rows without a picture."""
    total_K1 = counts_KK.sum(1, keepdims=True)
    return np.divide(counts_KK, total_K1, out=np.full(counts_KK.shape, np.nan), where=total_K1 > 0)


def wilson(
    correct: np.ndarray, count: np.ndarray, z: float = CONFIDENCE_95
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson score interval of a share: the p with |p̂ - p| ≤ z·√(p(1-p)/n).

        (p̂ + z²/2n ± z·√(p̂(1-p̂)/n + z²/4n²)) / (1 + z²/n)

    Unlike p̂ ± z·√(p̂(1-p̂)/n) it stays within [0, 1] and has a width at p̂ = 0 and 1:
    10 of 10 gives [0.722, 1]. No picture at all gives [0, 1].

    Args:
        correct: successes, any shape.
        count: trials n, the same shape.
        z: quantile of the standard normal.

    Returns:
        (low, high), float64 of the same shape.

    Reference: Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.
    """
    n = np.asarray(count, np.float64)
    safe = np.maximum(n, 1)
    share = np.asarray(correct, np.float64) / safe
    centre = share + z * z / (2 * safe)
    reach = z * np.sqrt(share * (1 - share) / safe + (z / (2 * safe)) ** 2)
    scale = 1 + z * z / safe
    low, high = (centre - reach) / scale, (centre + reach) / scale
    return np.where(n > 0, np.clip(low, 0, 1), 0.0), np.where(n > 0, np.clip(high, 0, 1), 1.0)


def class_accuracy(counts_KK: np.ndarray) -> ClassAccuracy:
    """Accuracy of every class from a confusion matrix (also called its recall)."""
    correct_K, count_K = np.diagonal(counts_KK).copy(), counts_KK.sum(1)
    share_K = np.divide(correct_K, count_K, out=np.full(len(count_K), np.nan), where=count_K > 0)
    return ClassAccuracy(correct_K, count_K, share_K, *wilson(correct_K, count_K))


def overall_accuracy(counts_KK: np.ndarray) -> float:
    """Share of all pictures on the diagonal; NaN without pictures."""
    total = int(counts_KK.sum())
    return float(np.trace(counts_KK)) / total if total else math.nan


def most_confused(counts_KK: np.ndarray, limit: int = 10) -> list[ConfusedPair]:
    """The fullest cells off the diagonal, fullest first; empty cells are left out."""
    off_KK = counts_KK.copy()
    np.fill_diagonal(off_KK, 0)
    total_K = counts_KK.sum(1)
    fullest = np.argsort(-off_KK, axis=None, kind="stable")[:limit]
    return [
        ConfusedPair(int(true), int(predicted), int(off_KK[true, predicted]), int(total_K[true]))
        for true, predicted in zip(*np.unravel_index(fullest, off_KK.shape), strict=True)
        if off_KK[true, predicted]
    ]
