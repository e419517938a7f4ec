"""Histograms of similarities, and how they moved over the run, painted. H bins, R rows."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.plots.axis import Scale, ticks
from ui.plots.words import spread
from ui.theme import theme
from workbench.wording import digits, thousands

KINDS = (("positive", "success"), ("negative", "danger"))
FILL = 70  # of 255
TALL = 1.5  # of the room between two feet, for the tallest bin of a ridge plot


@dataclass(frozen=True, eq=False)
class Histograms:
    """Similarities of positives and negatives at one step.

    Attributes:
        edges_E: ascending borders of the H = E - 1 bins.
        positive_H, negative_H: counts.
    """

    step: int
    edges_E: np.ndarray
    positive_H: np.ndarray
    negative_H: np.ndarray

    def density(self, kind: str) -> np.ndarray:
        """[H] share per unit of similarity; zeros where nothing was counted."""
        counts_H = (self.positive_H if kind == "positive" else self.negative_H).astype(float)
        total = counts_H.sum()
        return counts_H / np.diff(self.edges_E) / total if total else counts_H

    def mean(self, kind: str) -> float:
        """Mean similarity, from the middles of the bins; NaN where nothing was counted."""
        counts_H = (self.positive_H if kind == "positive" else self.negative_H).astype(float)
        middle_H = (self.edges_E[:-1] + self.edges_E[1:]) / 2
        total = counts_H.sum()
        return float((counts_H * middle_H).sum() / total) if total else float("nan")


def span_of(all_of: list[Histograms]) -> tuple[float, float]:
    """The similarities that any of them has, widened to quarters."""
    low, high = 1.0, -1.0
    for one in all_of:
        held = np.flatnonzero(one.positive_H + one.negative_H)
        if len(held):
            low = min(low, float(one.edges_E[held[0]]))
            high = max(high, float(one.edges_E[held[-1] + 1]))
    if low >= high:
        return -1.0, 1.0
    return float(np.floor(4 * low + 1e-6)) / 4, float(np.ceil(4 * high - 1e-6)) / 4


class HistogramPlot(QWidget):
    """Both histograms of one step over each other, as shares, with their means."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 120)
        self._shown: Histograms | None = None
        self._words = {"positive": "same", "negative": "different"}
        self._span = (-1.0, 1.0)
        theme().changed.connect(self.update)

    def show_histograms(
        self, shown: Histograms, words: dict[str, str], span: tuple[float, float]
    ) -> None:
        """Show them; `words` names both kinds."""
        self._shown, self._words, self._span = shown, words, span
        means = ", ".join(f"{words[kind]} {digits(shown.mean(kind))}" for kind, _ in KINDS)
        self.setAccessibleName(f"Histograms of similarity; means: {means}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(400, 220)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._shown is None:
            return
        painter = QPainter(self)
        painter.setFont(theme().font(12, 600))
        area = plot_area(self)
        line = painter.fontMetrics().height()
        across = Scale(*self._span, area.left(), area.right())
        densities = {kind: self._shown.density(kind) for kind, _ in KINDS}
        most = max(float(d.max(initial=0)) for d in densities.values()) or 1.0
        up = Scale(0, 1.05 * most, area.bottom(), area.top() + 2 * line + 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for kind, token in KINDS:
            paint_steps(painter, self._shown.edges_E, densities[kind], across, up, token)
        for row, (kind, token) in enumerate(KINDS):
            mean = self._shown.mean(kind)
            if not np.isfinite(mean):
                continue
            x = across.pixel(mean)
            painter.setPen(QPen(theme().color(token), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, area.top() + (row + 1) * line), QPointF(x, area.bottom()))
            words = f"{self._words[kind]}, mean {digits(mean)}"
            width = painter.fontMetrics().horizontalAdvance(words)
            left = min(max(x - width / 2, area.left()), area.right() - width)
            painter.drawText(QPointF(left, area.top() + row * line + line * 0.8), words)
        paint_axis(painter, area, across, "cosine similarity")


class RidgePlot(QWidget):
    """One row per step, newest below; a click, or Up and Down, points at a step.

    Signals:
        step_picked: the step of the row that the user chose.
    """

    step_picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 120)
        self._rows: list[Histograms] = []
        self._span = (-1.0, 1.0)
        self._at = -1
        theme().changed.connect(self.update)

    def show_rows(self, rows: list[Histograms], span: tuple[float, float], step: int) -> None:
        """Show the rows, ascending in step; that of `step` is marked."""
        self._rows, self._span = rows, span
        self._at = next((i for i, row in enumerate(rows) if row.step == step), -1)
        ends = f" from step {rows[0].step} to {rows[-1].step}" if rows else ""
        self.setAccessibleName(f"Histograms over the run, {len(rows)} evaluations{ends}")
        self.setAccessibleDescription("Up and Down go to another evaluation.")
        self.update()

    def base(self, row: int) -> int:
        """The foot of a row, in this widget's coordinates."""
        area = plot_area(self)
        each = self._each()
        return round(area.top() + (row + TALL) * each)

    def sizeHint(self) -> QSize:
        return QSize(400, 200)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._rows:
            return
        painter, area = QPainter(self), plot_area(self)
        painter.setFont(theme().font(11, 500))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        across = Scale(*self._span, area.left(), area.right())
        most = max(
            float(row.density(kind).max(initial=0)) for row in self._rows for kind, _ in KINDS
        )
        each = self._each()
        line = painter.fontMetrics().height()
        feet = [float(self.base(place)) for place in range(len(self._rows))]
        names = spread([foot - line / 2 for foot in feet], line, 0, area.bottom() + line / 2)
        crowded = each < line
        for place, row in enumerate(self._rows):
            foot = feet[place]
            up = Scale(0, most or 1.0, foot, foot - TALL * each)
            for kind, token in KINDS:
                paint_steps(painter, row.edges_E, row.density(kind), across, up, token)
            here = place == self._at
            if crowded and not here and place not in (0, len(self._rows) - 1):
                continue
            painter.setPen(theme().color("text" if here else "muted"))
            painter.setFont(theme().font(11, 700 if here else 500))
            box = QRectF(0, names[place] - line / 2, area.left() - 8, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight, thousands(row.step))
        painter.setFont(theme().font(11, 500))
        paint_axis(painter, area, across, "cosine similarity, by step")

    def _each(self) -> float:
        """From the foot of one row to the next."""
        return plot_area(self).height() / (max(1, len(self._rows)) - 1 + TALL)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        y = event.position().y()
        for place in range(len(self._rows)):
            if y <= self.base(place):
                self.step_picked.emit(self._rows[place].step)
                return

    def keyPressEvent(self, event: QKeyEvent) -> None:
        move = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if move is None or not self._rows:
            super().keyPressEvent(event)
            return
        place = min(max(self._at + move, 0), len(self._rows) - 1)
        self.step_picked.emit(self._rows[place].step)


def plot_area(widget: QWidget) -> QRect:
    """Room for the curves: names of steps to the left, the axis below."""
    px = theme().px
    return QRect(px(48), 4, max(20, widget.width() - px(60)), max(20, widget.height() - px(42)))


def paint_steps(
    painter: QPainter,
    edges_E: np.ndarray,
    density_H: np.ndarray,
    across: Scale,
    up: Scale,
    token: str,
) -> None:
    """A histogram as a filled outline; bins outside the span are cut off."""
    x_E = across.place(across.forward(edges_E)).clip(across.start, across.end)
    y_H = up.place(up.forward(density_H))
    corners = [QPointF(float(x_E[0]), up.start)]
    for place, y in enumerate(y_H.tolist()):
        corners += [QPointF(float(x_E[place]), y), QPointF(float(x_E[place + 1]), y)]
    corners.append(QPointF(float(x_E[-1]), up.start))
    fill = QColor(theme().color(token))
    fill.setAlpha(FILL)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawPolygon(QPolygonF(corners))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme().color(token), 1.5))
    painter.drawPolyline(QPolygonF(corners))


def paint_axis(painter: QPainter, area: QRect, across: Scale, words: str) -> None:
    """The axis of similarity below, with its words."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(theme().color("border"))
    painter.drawLine(area.bottomLeft(), area.bottomRight())
    painter.setFont(theme().font(11, 500))
    painter.setPen(theme().color("muted"))
    line = painter.fontMetrics().height()
    for value in ticks(across, 6):
        text = f"{value:.4g}".replace("-", "−")
        box = QRect(round(across.pixel(value)) - 30, area.bottom() + 3, 60, line)
        painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, text)
    below = QRect(area.left(), area.bottom() + 3 + line, area.width(), line)
    painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, words)
