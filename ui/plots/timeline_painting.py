"""Draws the timeline: epochs, the slider and rows of ticks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from ui.plots.ticks import Row
from ui.theme import mixed, theme
from workbench.wording import thousands

LABELS = 96
MARGIN = 16
ROW = 16
DENSE = 3.0
LATER = 0.43


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things are on a timeline of `width` pixels.

    Attributes:
        total: the last step there is room for, at least 1.
        per_epoch: steps of one epoch, 0 if unknown.
        shown: the step whose artifacts are on screen.
    """

    width: float
    total: int
    per_epoch: int
    shown: int
    rows: Sequence[Row]

    @property
    def left(self) -> float:
        """Pixel of step 0."""
        return MARGIN + theme().px(LABELS)

    @property
    def right(self) -> float:
        """Pixel of the last step."""
        return max(self.width - MARGIN - 6, self.left + 1)

    @property
    def slider(self) -> float:
        """Height of the slider's middle."""
        return theme().px(37)

    @property
    def length(self) -> float:
        """Pixels of one step."""
        return (self.right - self.left) / self.total

    def x(self, step: float) -> float:
        """Pixel of a step."""
        return self.left + step * self.length

    def middle(self, row: int) -> float:
        """Height of a row's middle."""
        return theme().px(58) + theme().px(ROW) * row

    def row_at(self, y: float) -> int | None:
        """The row at a height."""
        row = int((y - self.middle(0)) / theme().px(ROW) + 0.5)
        return row if 0 <= row < len(self.rows) and y > self.middle(0) - ROW else None


def paint_still(painter: QPainter, frame: Frame) -> None:
    """Draw what moves seldom: names, epochs and ticks."""
    tokens = theme().tokens
    painter.setFont(theme().font(11, 500))
    metrics = QFontMetricsF(painter.font())
    painter.setPen(QColor(tokens.muted))
    _paint_epochs(painter, frame, metrics)
    for number, row in enumerate(frame.rows):
        y = frame.middle(number)
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QPointF(MARGIN, y + metrics.capHeight() / 2), row.title)
        paint = _paint_events if row.kind == "event" else _paint_ticks
        paint(painter, frame, row, y)


def paint_slider(
    painter: QPainter, frame: Frame, head: int, cursor: int | None, pill: str, running: bool
) -> QRectF:
    """Draw what moves: the step, the slider, its handle and the pill; returns where the pill is."""
    tokens = theme().tokens
    step = head if cursor is None else cursor
    painter.setFont(theme().font(12, 600))
    metrics = QFontMetricsF(painter.font())
    painter.setPen(QColor(tokens.text))
    base = frame.slider + metrics.capHeight() / 2
    painter.drawText(QPointF(MARGIN, base), f"Step {thousands(step)}")
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for begin, end, colour in (
        (head, frame.total, tokens.border),
        (step, head, mixed(tokens.surface, tokens.accent, LATER)),
        (0, step, tokens.accent),
    ):
        if end > begin:
            _bar(painter, frame, begin, end, colour)
    x = frame.x(step)
    if frame.rows:
        painter.setPen(QPen(QColor(tokens.text), 1))
        below = frame.middle(len(frame.rows) - 1) + theme().px(ROW) / 2
        painter.drawLine(QPointF(round(x) + 0.5, frame.slider), QPointF(round(x) + 0.5, below))
    if cursor is not None and running:
        painter.setPen(QPen(QColor(tokens.surface), 2))
        painter.setBrush(QColor(tokens.success))
        painter.drawEllipse(QPointF(frame.x(head), frame.slider), 5, 5)
    painter.setPen(QPen(QColor(tokens.surface), 2))
    painter.setBrush(QColor(tokens.text))
    painter.drawEllipse(QPointF(x, frame.slider), 7, 7)
    return _paint_pill(painter, frame, metrics, frame.x(head), x, pill)


def _bar(painter: QPainter, frame: Frame, begin: float, end: float, colour: str) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    left, right = frame.x(begin), frame.x(end)
    painter.drawRoundedRect(QRectF(left, frame.slider - 2, right - left, 4), 2, 2)


def _paint_pill(
    painter: QPainter, frame: Frame, metrics: QFontMetricsF, head: float, handle: float, words: str
) -> QRectF:
    tokens = theme().tokens
    width, height = metrics.horizontalAdvance(words) + 20, metrics.height() + 4
    left = head + 16
    if left + width > frame.right + 6:
        left = head - 16 - width
        if left < handle + 14 and handle < head - 1:
            left = handle - 16 - width
    left = max(left, frame.left)
    pill = QRectF(left, frame.slider - height / 2, width, height)
    painter.setPen(QPen(QColor(tokens.surface), 2))
    painter.setBrush(QColor(tokens.soft))
    painter.drawRoundedRect(pill, height / 2, height / 2)
    painter.setPen(QColor(tokens.accent))
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, words)
    return pill


def _paint_epochs(painter: QPainter, frame: Frame, metrics: QFontMetricsF) -> None:
    if not frame.per_epoch:
        return
    base = theme().px(12) + metrics.capHeight()
    painter.drawText(QPointF(MARGIN, base), "Epoch")
    apart = frame.per_epoch * frame.length
    epochs = int(frame.total / frame.per_epoch + 1e-6)
    # Round strides, so that the numbers are the ones people look for.
    stride = next((n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500) if n * apart >= 36), 1000)
    for epoch in range(0, epochs + 1, stride):
        words = thousands(epoch)
        x = frame.x(epoch * frame.per_epoch)
        painter.drawText(QPointF(x - metrics.horizontalAdvance(words) / 2, base), words)
        if epoch:
            painter.fillRect(
                QRectF(round(x), frame.slider - 9, 1, 5), QColor(theme().tokens.border)
            )


def _paint_ticks(painter: QPainter, frame: Frame, row: Row, y: float) -> None:
    tokens = theme().tokens
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    x_N = frame.left + np.asarray(row.steps, float) * frame.length
    columns = np.floor((x_N - frame.left) / DENSE).astype(int)
    if len(np.unique(columns)) < 0.8 * len(columns):
        _paint_density(painter, frame, columns, y)
    else:
        for x in x_N.tolist():
            painter.fillRect(QRectF(round(x) - 1, y - 4, 2, 8), QColor(tokens.strong))
    newest = row.newest(frame.shown)
    if newest is not None:
        painter.fillRect(QRectF(round(frame.x(newest)) - 2, y - 6, 5, 12), QColor(tokens.accent))


def _paint_density(painter: QPainter, frame: Frame, columns: np.ndarray, y: float) -> None:
    """A bar whose shade says how many ticks lie in each 3 px."""
    tokens = theme().tokens
    counts = np.bincount(columns)
    for column in np.flatnonzero(counts).tolist():
        share = 0.35 + 0.65 * counts[column] / counts.max()
        painter.fillRect(
            QRectF(frame.left + column * DENSE, y - 4, DENSE, 8),
            QColor(mixed(tokens.surface, tokens.strong, float(share))),
        )


def _paint_events(painter: QPainter, frame: Frame, row: Row, y: float) -> None:
    tokens, metrics = theme().tokens, QFontMetricsF(painter.font())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    centres = [frame.x(step) for step in row.steps]
    for x, following, words in zip(centres, [*centres[1:], frame.width], row.words, strict=True):
        diamond = [QPointF(x, y - 5), QPointF(x + 5, y), QPointF(x, y + 5), QPointF(x - 5, y)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.warn))
        painter.drawPolygon(QPolygonF(diamond))
        room = following - x - 20
        if room >= metrics.horizontalAdvance(words[:6]):
            said = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
            painter.setPen(QColor(tokens.muted))
            painter.drawText(QPointF(x + 10, y + metrics.capHeight() / 2), said)
