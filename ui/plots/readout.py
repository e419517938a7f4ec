"""The values of all curves at one step: as a card beside the pointer, and as words."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from ui.plots.picture import Picture
from ui.theme import theme
from workbench.wording import digits, thousands


@dataclass(frozen=True, slots=True)
class Row:
    """One curve's value at or before the step; `raw` is empty where nothing was smoothed."""

    name: str
    value: str
    raw: str
    colour: str
    height: float


def readout(picture: Picture, step: int) -> list[Row]:
    """A row for each curve that has a value at or before `step`."""
    rows = []
    for shown in reversed(picture.shown):
        found = shown.at(step)
        if found is None:
            continue
        _, smooth, raw = found
        told = digits(smooth * picture.factor)
        raw_told = digits(raw * picture.factor)
        rows.append(
            Row(
                shown.curve.name,
                told,
                f"raw {raw_told}" if shown.smooth is not shown.curve.values else "",
                shown.curve.hex,
                picture.y.pixel(smooth) if math.isfinite(smooth) else math.nan,
            )
        )
    return rows


def spoken(picture: Picture, step: int) -> str:
    """The read-out as one sentence, for a screen reader."""
    rows = ", ".join(f"{row.name} {row.value}" for row in readout(picture, step))
    return f"Step {thousands(step)}: {rows}" if rows else f"Step {thousands(step)}: no value yet"


def paint_readout(
    painter: QPainter, picture: Picture, step: int, rows: list[Row], *, line: bool = True
) -> None:
    """Draw a hair line at `step` if asked, and the card beside it, on the side that has room."""
    area, tokens = picture.area, theme().tokens
    x = round(picture.x.pixel(step)) + 0.5
    if not area.left() <= x <= area.right():
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    if line:
        painter.setPen(QPen(QColor(tokens.strong), 1))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for row in rows:
        if area.top() <= row.height <= area.bottom():
            painter.setPen(QPen(QColor(tokens.surface), 1.5))
            painter.setBrush(QColor(row.colour))
            painter.drawEllipse(QPointF(x, row.height), 4, 4)
    _paint_card(painter, picture, x, step, rows)


def _paint_card(painter: QPainter, picture: Picture, x: float, step: int, rows: list[Row]) -> None:
    area, tokens = picture.area, theme().tokens
    font, strong = theme().font(12, 400), theme().font(12, 600)
    plain, bold = QFontMetricsF(font), QFontMetricsF(strong)
    line = plain.height() + 2
    name = max(plain.horizontalAdvance(row.name) for row in rows) + 12
    value = max(bold.horizontalAdvance(row.value) for row in rows)
    raw = max(plain.horizontalAdvance(row.raw) for row in rows)
    title = f"Step {thousands(step)}"
    width = max(name + value + (raw + 12 if raw else 0), bold.horizontalAdvance(title)) + 20
    height = line * (len(rows) + 1) + 12
    left = x + 12 if x + 12 + width <= area.right() else x - 12 - width
    top = area.top() + 8 if height + 8 <= area.height() else area.center().y() - height / 2
    top = max(top, 1.0)
    painter.setPen(QPen(QColor(tokens.border), 1))
    painter.setBrush(QColor(tokens.raised))
    painter.drawRoundedRect(QRectF(left, top, width, height), 8, 8)
    base = top + 6 + plain.ascent()
    painter.setFont(strong)
    painter.setPen(QColor(tokens.text))
    painter.drawText(QPointF(left + 10, base), title)
    for row in rows:
        base += line
        painter.setFont(font)
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QPointF(left + 10, base), row.name)
        painter.drawText(QPointF(left + 10 + name + value + 12, base), row.raw)
        painter.setFont(strong)
        painter.setPen(QColor(row.colour))
        told = bold.horizontalAdvance(row.value)
        painter.drawText(QPointF(left + 10 + name + value - told, base), row.value)
