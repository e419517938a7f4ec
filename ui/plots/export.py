"""A plot as a file or on the clipboard: PNG, SVG, and its numbers as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRect, QSize
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter

from ui.plots.curve import Curve
from ui.plots.painting import paint
from ui.plots.picture import Picture
from ui.theme import theme

FILE_RATIO = 2.0
HEADER = 28


def save(picture: Picture, size: QSize, title: str, path: Path) -> None:
    """Write the plot to `path` in the format that its ending names: .png, .svg or .csv.

    Raises:
        OSError: the file can't be written.
        ValueError: the ending is none of the three.
    """
    ending = path.suffix.lower()
    if ending == ".png":
        path.write_bytes(_png(image(picture, size, title)))
    elif ending == ".svg":
        path.write_bytes(svg(picture, size, title))
    elif ending == ".csv":
        path.write_text(table([shown.curve for shown in reversed(picture.shown)]), "utf-8")
    else:
        raise ValueError(f"{path.name} ends in {ending!r}; try .png, .svg or .csv")


def image(picture: Picture, size: QSize, title: str) -> QImage:
    """The plot under its title, at two device pixels per logical pixel."""
    whole = QSize(size.width(), size.height() + HEADER)
    drawn = QImage(whole * FILE_RATIO, QImage.Format.Format_RGB32)
    drawn.setDevicePixelRatio(FILE_RATIO)
    painter = QPainter(drawn)
    _paint_page(painter, replace(picture, ratio=FILE_RATIO), whole, title)
    painter.end()
    return drawn


def svg(picture: Picture, size: QSize, title: str) -> bytes:
    """The plot under its title as SVG with lines and text kept as such."""
    # pyqtgraph's SVGExporter writes broken files (0.14), Qt's own generator doesn't.
    from PySide6.QtSvg import QSvgGenerator

    whole = QSize(size.width(), size.height() + HEADER)
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(whole)
    generator.setViewBox(QRect(QPoint(0, 0), whole))
    generator.setTitle(title)
    painter = QPainter(generator)
    _paint_page(painter, replace(picture, ratio=1.0, vector=True), whole, title)
    painter.end()
    return bytes(content.data())


def table(curves: Sequence[Curve]) -> str:
    """Comma-separated raw values: a row for each step that any curve has, a column for each curve.

    A curve without a value at a step leaves its cell empty; a value that wasn't
    finite is "nan".
    """
    steps = np.unique(np.concatenate([np.asarray(curve.steps) for curve in curves]))
    columns = [np.full(len(steps), "", dtype=object) for _ in curves]
    for column, curve in zip(columns, curves, strict=True):
        places = np.searchsorted(steps, curve.steps)
        column[places] = [f"{value:.9g}" for value in curve.values]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *(curve.name for curve in curves)])
    writer.writerows(zip(steps.tolist(), *columns, strict=True))
    return text.getvalue()


def _paint_page(painter: QPainter, picture: Picture, whole: QSize, title: str) -> None:
    tokens = theme().tokens
    painter.fillRect(0, 0, whole.width(), whole.height(), QColor(tokens.surface))
    font = QFont(theme().font(14, 600))
    painter.setFont(font)
    painter.setPen(QColor(tokens.text))
    painter.drawText(16, round(6 + QFontMetricsF(font).ascent()), title)
    painter.translate(0, HEADER)
    paint(painter, picture)


def _png(drawn: QImage) -> bytes:
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    # The stubs want bytes for the format, with which PySide6 6.11 writes nothing.
    if not drawn.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise OSError("Qt can't write PNG here")
    return bytes(content.data())
