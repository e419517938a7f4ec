"""What the views of predictions share: the artifact as a value, and the line above the picture."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QMimeData, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter, QPixmap, QRegion
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from ui.theme import theme
from ui.widgets import ElidedLabel, PlainLabel, clean, icon_button
from ui.widgets.segments import Segments
from workbench.artifacts import load
from workbench.history import History
from workbench.wording import thousands

SPLITS = {"predictions": "validation", "test": "test"}  # artifact's kind: split


@dataclass(frozen=True)
class Predictions:
    """What a model said about every picture of a split. N pictures, M pictured mistakes.

    Attributes:
        path: the artifact's file, which tells two of them apart.
        step: when it was made.
        split: "validation" or "test".
        classes: K names.
        label_N, predicted_N: classes; confidence_N: probability of the predicted one.
        shown_M: indices into N of the mistakes that have a picture.
        picture_MHWC: uint8, C = 1 or 3.
        probability_MK: of every class, for the pictured mistakes.
    """

    path: str
    step: int
    split: str
    classes: tuple[str, ...]
    label_N: np.ndarray
    predicted_N: np.ndarray
    confidence_N: np.ndarray
    shown_M: np.ndarray
    picture_MHWC: np.ndarray
    probability_MK: np.ndarray

    @property
    def mistakes(self) -> int:
        """How many of the N pictures were called by another class."""
        return int((self.label_N != self.predicted_N).sum())

    @property
    def where(self) -> str:
        """ "validation, 5 500 images, step 1 638"."""
        return f"{self.split}, {thousands(len(self.label_N))} images, step {thousands(self.step)}"


def read(history: History, kind: str, cursor: int | None) -> Predictions | None:
    """The newest predictions of `kind` at or before `cursor`, or None.

    Raises:
        OSError: the file is gone, damaged or lacks an array.
    """
    ready = history.artifact_at(kind, cursor)
    if ready is None:
        return None
    arrays = load(ready.path)
    try:
        label_N, predicted_N = arrays["label_N"], arrays["predicted_N"]
        parts = [
            arrays[name] for name in ("confidence_N", "shown_M", "picture_MHWC", "probability_MK")
        ]
    except KeyError as error:
        raise OSError(f"{ready.path} has no array {error}") from error
    names = tuple(clean(str(name)) for name in history.context.get("classes") or ())
    highest = max(int(label_N.max()), int(predicted_N.max())) if len(label_N) else -1
    names += tuple(f"class {index}" for index in range(len(names), highest + 1))
    split = str(ready.meta.get("split", SPLITS.get(kind, kind)))
    return Predictions(ready.path, ready.step, split, names, label_N, predicted_N, *parts)


class PredictionsHeader(QWidget):
    """Title, what is shown and from which step, the split's switch, and a view's own controls.

    Signals:
        changed: the user chose another split.
    """

    changed = Signal()

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.where = ElidedLabel("", "why", "muted")
        self.where.setObjectName("where")
        self.split = Segments(("Validation", "Test"), "Split")
        self.split.setObjectName("split")
        self.split.picked.connect(self.changed)
        self.split.hide()
        self.controls = QHBoxLayout()
        self.controls.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(PlainLabel(title, "section"), 1)
        row.addWidget(self.split)
        row.addLayout(self.controls)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(2)
        outer.addLayout(row)
        outer.addWidget(self.where)

    def read(self, history: History | None, cursor: int | None) -> Predictions | None:
        """The predictions of the chosen split as of `cursor`; the switch shows when both exist.

        Raises:
            OSError: as `read`.
        """
        found = [
            kind for kind in SPLITS if history is not None and history.artifact_at(kind, cursor)
        ]
        self.split.setVisible(len(found) == len(SPLITS))
        if history is None or not found:
            self.where.setText("")
            return None
        kind = list(SPLITS)[self.split.chosen]
        predictions = read(history, kind if kind in found else found[0], cursor)
        self.where.setText(predictions.where if predictions else "")
        return predictions

    def add_export(
        self, name: str, picture: Callable[[], QPixmap], table: Callable[[], str]
    ) -> None:
        """Copy and save buttons for a view's picture and its numbers as CSV."""
        copy = icon_button("copy", "Copy picture and table", tip="Copy picture and table  Ctrl+C")
        copy.setObjectName("copy")
        copy.clicked.connect(lambda: copy_both(picture(), table()))
        save = icon_button("download-simple", "Save as PNG or CSV")
        save.setObjectName("save")
        save.clicked.connect(lambda: self._ask_where(name, picture, table))
        self.controls.addWidget(copy)
        self.controls.addWidget(save)

    def _ask_where(
        self, name: str, picture: Callable[[], QPixmap], table: Callable[[], str]
    ) -> None:
        dialog = QFileDialog(self, "Save", f"{name}.png", "Picture (*.png);;Table (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filterSelected.connect(
            lambda chosen: dialog.setDefaultSuffix("csv" if "csv" in chosen else "png")
        )
        dialog.fileSelected.connect(lambda path: self._save(Path(path), picture, table))
        dialog.open()

    def _save(self, path: Path, picture: Callable[[], QPixmap], table: Callable[[], str]) -> None:
        try:
            save_as(path, picture, table)
        except OSError as error:
            self.where.setText(f"Not saved: {error}")


def save_as(path: Path, picture: Callable[[], QPixmap], table: Callable[[], str]) -> None:
    """Write the table if `path` ends in .csv, else the picture.

    Raises:
        OSError: the file can't be written.
    """
    if path.suffix.lower() == ".csv":
        path.write_text(table(), encoding="utf-8")
    elif not picture().save(str(path), "PNG"):
        raise OSError(f"{path} can't be written")


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV; a text that a spreadsheet would take for a formula gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell


def copy_both(picture: QPixmap, table: str) -> None:
    """Put picture and text on the clipboard; the program that pastes takes what it can."""
    data = QMimeData()
    data.setImageData(picture.toImage())
    data.setText(table)
    QGuiApplication.clipboard().setMimeData(data)


def drawn(widget: QWidget) -> QPixmap:
    """`widget` as a picture on the surface colour, though its own ground is transparent."""
    ratio = widget.devicePixelRatioF()
    result = QPixmap(widget.size() * ratio)
    result.setDevicePixelRatio(ratio)
    result.fill(theme().color("surface"))
    widget.render(result, QPoint(), QRegion(), QWidget.RenderFlag.DrawChildren)
    return result


def class_color(index: int, classes: int) -> QColor:
    """The colour of a class in every view; grey for all where ten colours don't suffice."""
    colors = theme().tokens.classes
    return QColor(colors[index]) if classes <= len(colors) else theme().color("muted")


def to_image(picture_HWC: np.ndarray) -> QImage:
    """A uint8 picture with 1 or 3 channels as an image with its own memory."""
    height, width, channels = picture_HWC.shape
    kind = QImage.Format.Format_Grayscale8 if channels == 1 else QImage.Format.Format_RGB888
    data = np.ascontiguousarray(picture_HWC)
    return QImage(data.data, width, height, width * channels, kind).copy()


def draw_pixels(painter: QPainter, target: QRect, image: QImage) -> None:
    """Draw `image` as large as fits the middle of `target`, every pixel a sharp square."""
    scale = min(target.width() / image.width(), target.height() / image.height())
    width, height = round(image.width() * scale), round(image.height() * scale)
    corner = target.center() - QRect(0, 0, width, height).center()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(QRect(corner.x(), corner.y(), width, height), image)
