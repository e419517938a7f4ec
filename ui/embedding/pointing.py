"""Which dots the pointer, an arrow key or a lasso means. N dots in pixels."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRect


def nearest(at_N2: np.ndarray, point: QPointF, reach: float) -> int:
    """The dot nearest to `point`, or -1 if none is within `reach` pixels."""
    if not len(at_N2):
        return -1
    squared_N = ((at_N2 - (point.x(), point.y())) ** 2).sum(1)
    best = int(squared_N.argmin())
    return best if squared_N[best] <= reach**2 else -1


def inside(at_N2: np.ndarray, loop: Sequence[QPointF]) -> np.ndarray:
    """int64 indices of the dots within a closed line, by the even-odd rule."""
    x_N, y_N = at_N2.T
    within_N = np.zeros(len(at_N2), bool)
    for first, second in zip(loop, [*loop[1:], loop[0]], strict=True):
        x1, y1, x2, y2 = first.x(), first.y(), second.x(), second.y()
        if y1 == y2:
            continue
        between_N = (y_N >= min(y1, y2)) & (y_N < max(y1, y2))
        within_N ^= between_N & (x_N < x1 + (y_N - y1) * (x2 - x1) / (y2 - y1))
    return np.flatnonzero(within_N)


def next_towards(at_N2: np.ndarray, now: int, way: tuple[int, int], area: QRect) -> int:
    """The nearest visible dot within 45° of a direction; `now` if there is none.

    Without a dot to start from, the one nearest to the middle.
    """
    middle = QPointF(area.center())
    if now < 0:
        return nearest(at_N2, middle, np.inf)
    off_N2 = at_N2 - at_N2[now]
    along_N, across_N = off_N2 @ way, np.abs(off_N2 @ (way[1], way[0]))
    x_N, y_N = at_N2.T
    seen_N = (x_N >= 0) & (x_N < area.width()) & (y_N >= 0) & (y_N < area.height())
    fits_M = np.flatnonzero((along_N > 0) & (across_N <= along_N) & seen_N)
    if not len(fits_M):
        return now
    return int(fits_M[(along_N[fits_M] + across_N[fits_M]).argmin()])
