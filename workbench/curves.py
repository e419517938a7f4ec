"""Curves made ready for a screen: smoothing, and as few points as the pixels can show.

n points of one metric, C pixel columns, k steps in one cell of the band.
"""

import numpy as np

BLOCK = 64
SMALLEST_CELL = 8


def smoothed(values: np.ndarray, factor: float) -> np.ndarray:
    """Exponential average that starts without bias and steps over missing values.

    With w_t = 1 where x_t is finite and 0 elsewhere, and f the factor:

        s_t = Σ_{i≤t} f^(t-i) w_i x_i / Σ_{i≤t} f^(t-i) w_i

    A constant stays that constant, at every factor; f = 0 gives back the values.

    Args:
        values: [n] floats; NaN and infinities are missing values.
        factor: f in [0, 1).

    Returns:
        float64 [n]; NaN until the first finite value.

    Raises:
        ValueError: the factor lies outside [0, 1).
    """
    return Smoother(factor)(values)


class Smoother:
    """`smoothed` for a series that grows: only what is new is computed.

    A series whose earlier values changed, as after a resume, is computed afresh.

    Raises:
        ValueError: the factor lies outside [0, 1).
    """

    def __init__(self, factor: float):
        if not 0 <= factor < 1:
            raise ValueError(f"smoothing factor {factor} is outside [0, 1); try 0.97")
        self.factor = factor
        self._forget()

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Averages of `values` [n], as `smoothed` gives them; read-only by agreement."""
        known = len(self._seen)
        if len(values) < known or not _same_bits(values[:known], self._seen):
            self._forget()
            known = 0
        if len(values) > known:
            self._append(np.asarray(values[known:]))
        return self._averages

    def _forget(self) -> None:
        self._seen = np.empty(0, np.float32)
        self._averages = np.empty(0)
        self._sum = self._weight = 0.0

    def _append(self, fresh: np.ndarray) -> None:
        there = np.isfinite(fresh)
        sums = _decaying_sum(np.where(there, fresh, 0.0), self.factor, self._sum)
        weights = _decaying_sum(there.astype(float), self.factor, self._weight)
        self._sum, self._weight = float(sums[-1]), float(weights[-1])
        averages = np.full(len(fresh), np.nan)
        # Long gaps let the weight decay to denormals, where the ratio means nothing.
        np.divide(sums, weights, out=averages, where=weights > 1e-290)
        self._seen = np.concatenate([self._seen.astype(fresh.dtype, copy=False), fresh])
        self._averages = np.concatenate([self._averages, averages])


def polyline(
    steps: np.ndarray, values: np.ndarray, edges: np.ndarray, still: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The points to draw of a curve: its own where few, lowest and highest per column where many.

    No extreme is lost, so a single bad step stays visible in a zoomed-out curve.
    One point beyond each side is kept, so that a zoomed curve runs to the border.

    Args:
        steps: [n] ascending.
        values: [n] floats; those that aren't finite are left out.
        edges: [C + 1] ascending borders of the pixel columns, in steps.
        still: columns whose values differ by less are drawn as one point, their middle.

    Returns:
        x float64 [p] in steps and y float64 [p], in the order to draw, p at most 2C + 2.
    """
    first, last = (int(place) for place in np.searchsorted(steps, edges[[0, -1]]))
    before, after = max(first - 1, 0), min(last + 1, len(steps))
    if after - before <= len(edges) + 1:
        x, y = np.asarray(steps[before:after], float), np.asarray(values[before:after], float)
        there = np.isfinite(y)
        return x[there], y[there]
    starts, ends, column = _columns(steps, edges)
    x_C = (edges[column] + edges[column + 1]) / 2
    low_C, high_C = _extremes(values, starts, int(ends[-1]))
    rising = values[starts] <= values[ends - 1]
    y_C2 = np.stack([np.where(rising, low_C, high_C), np.where(rising, high_C, low_C)], axis=1)
    keep_C2 = np.isfinite(y_C2)
    flat = high_C - low_C < still
    y_C2[flat, 0] = (low_C[flat] + high_C[flat]) / 2
    keep_C2[flat, 1] = False
    x_C2 = np.repeat(x_C, 2).reshape(-1, 2)
    head = [first - 1] if first > 0 and np.isfinite(values[first - 1]) else []
    tail = [last] if last < len(steps) and np.isfinite(values[last]) else []
    return (
        np.concatenate([steps[head], x_C2[keep_C2], steps[tail]]).astype(float),
        np.concatenate([values[head], y_C2[keep_C2], values[tail]]).astype(float),
    )


def cell_size(steps_in_view: float, columns: int, spacing: float = 1.0) -> int:
    """How many steps one cell of the band covers: a power of two, at least 8 values and 3 columns.

    Narrower cells would look like hatching. Powers of two keep the cells in place
    while a curve grows.

    Args:
        spacing: steps from one value to the next.
    """
    least = max(SMALLEST_CELL * max(spacing, 1.0), 3 * steps_in_view / max(columns, 1))
    return 1 << int(np.ceil(np.log2(least)))


def band(
    steps: np.ndarray, values: np.ndarray, cell: int, low: float, high: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest and highest value in every cell of `cell` steps that meets [low, high].

    Args:
        steps: [n] ascending.
        values: [n] floats; those that aren't finite are left out.
        cell: k; cells are the multiples of k.
        low: first step in view; one more cell is given beyond either side.
        high: last step in view.

    Returns:
        middle step, lowest and highest value, float64 [c] each.
    """
    nothing = np.empty(0), np.empty(0), np.empty(0)
    if not len(steps):
        return nothing
    begin = max(np.floor(low / cell) - 1, steps[0] // cell)
    end = min(np.floor(high / cell) + 2, steps[-1] // cell + 1)
    if end <= begin:
        return nothing
    edges = np.arange(begin, end + 1) * cell
    starts, ends, _ = _columns(steps, edges)
    if not len(starts):
        return nothing
    low_c, high_c = _extremes(values, starts, int(ends[-1]))
    middle_c = (np.asarray(steps[starts], float) + steps[ends - 1]) / 2
    there = np.isfinite(low_c)
    return middle_c[there], low_c[there], high_c[there]


def _same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    if first.dtype != second.dtype:
        return False
    return np.ascontiguousarray(first).tobytes() == second.tobytes()


def _decaying_sum(x: np.ndarray, decay: float, before: float) -> np.ndarray:
    """y_t = decay · y_{t-1} + x_t with y_{-1} = before: by matrix products, not a Python loop."""
    count = len(x)
    powers = decay ** np.arange(BLOCK + 1)
    blocks = np.zeros((-(-count // BLOCK), BLOCK))
    blocks.reshape(-1)[:count] = x
    lag = np.arange(BLOCK)[:, None] - np.arange(BLOCK)
    inside = blocks @ np.where(lag >= 0, powers[np.abs(lag)], 0.0).T
    carried = np.full(len(blocks), before)
    if len(blocks) > 1:
        carried[1:] = _decaying_sum(inside[:-1, -1], float(powers[-1]), before)
    return (inside + carried[:, None] * powers[1:]).reshape(-1)[:count]


def _columns(steps: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First index, end index and column number of every column that holds a step."""
    places = np.searchsorted(steps, edges)
    filled = np.flatnonzero(places[1:] > places[:-1])
    return places[filled], places[filled + 1], filled


def _extremes(values: np.ndarray, starts: np.ndarray, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest finite value between one start and the next; NaN where none is."""
    held = np.asarray(values[:end], float)
    if not np.isfinite(held[starts[0] :]).all():
        held = np.where(np.isfinite(held), held, np.nan)
    return np.fmin.reduceat(held, starts), np.fmax.reduceat(held, starts)
