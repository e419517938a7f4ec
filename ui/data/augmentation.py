"""What augmentation does: its settings beside one image and twelve versions of it."""

from concurrent.futures import Future
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from ui.controller import Controller
from ui.data.picture import thumbnail
from ui.forms import ModelForm
from ui.predictions import draw_pixels
from ui.theme import theme
from ui.widgets import ElidedLabel, HairLine, PlainLabel, secondary

if TYPE_CHECKING:
    from workbench.data_summary import DataSummary

FORM, COLUMNS, GAP = 272, 4, 8
PRIME = 7919  # steps through a split so that neighbours in it don't follow each other


class AugmentationPanel(QWidget):
    """The form of `Augmentation`, and what it makes of a training image."""

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__(parent)
        self._controller = controller
        self._summary: DataSummary | None = None
        self._split, self._index, self._seed = "train", 0, 0
        self._work: Future[Any] | None = None
        self.form: ModelForm | None = None
        self.words = ElidedLabel("", "body", "muted")
        self.words.setObjectName("augmentation_words")
        self.versions = Versions()
        self.another = secondary("Another image", "arrow-clockwise")
        self.another.setObjectName("another_image")
        self.another.clicked.connect(self._next_image)
        self.draw = secondary("Draw again", "shuffle")
        self.draw.setObjectName("draw_again")
        self.draw.setToolTip("Twelve other versions of the same image")
        self.draw.clicked.connect(self._next_seed)
        self._lay_out()

    def show_summary(self, summary: "DataSummary") -> None:
        """Show another data set; the settings stay."""
        if self.form is None:
            self._make_form()
        self._summary, self._split, self._index = summary, "train", 0
        self._update()

    def show_image(self, split: str, index: int) -> None:
        """Augment this image of the data set."""
        self._split, self._index = split, index
        self._update()

    def values(self) -> dict[str, Any]:
        """The settings if they are valid and anything is switched on, else nothing."""
        made = self.form.validate() if self.form is not None else None
        if made is None:
            return {}
        from engines.data.augmentation import Augmentation

        plain = made.model_dump(mode="json")
        return plain if Augmentation(**plain).active else {}

    def _make_form(self) -> None:
        from engines.data.augmentation import Augmentation

        self.form = ModelForm(Augmentation)
        self.form.setObjectName("augmentation")
        self.form.changed.connect(self._update)
        self._column.insertWidget(1, self.form)
        # Made late, it stands last in Qt's focus chain: the buttons follow it again.
        for first, second in pairwise([*self.form.controls(), self.another, self.draw]):
            QWidget.setTabOrder(first, second)

    def _next_image(self) -> None:
        if self._summary is not None:
            self._split = "train"
            self._index = (self._index + PRIME) % len(self._summary.splits["train"])
            self._update()

    def _next_seed(self) -> None:
        self._seed += 1
        self._update()

    def _update(self) -> None:
        """Compute the versions on a thread; only the newest wish is shown."""
        from workbench.data_summary import augmented

        if self._summary is None or self.form is None:
            return
        if self._work is not None:
            self._work.cancel()
        summary, split, index, seed = self._summary, self._split, self._index, self._seed
        picture, name = summary.splits[split].picture(index), summary.facts(split, index)[0][1]
        made = self.form.validate()
        if made is None:
            return
        values = made.model_dump()
        wish = (summary, split, index, seed, values)
        self._wish = wish

        def show(versions: np.ndarray) -> None:
            if wish is self._wish:
                active = (versions != picture).any()
                self.words.setText(
                    f"{name}, {split} {index}. Seed {seed}: the same seed draws the same."
                    if active
                    else f"{name}, {split} {index}. Nothing is switched on yet: all are alike."
                )
                self.versions.show_versions(picture, versions, name)

        def refuse(error: Exception) -> None:
            if wish is self._wish and self.form is not None:
                field, _, rest = str(error).partition(" ")
                where = field if field in self.form.rows else ""
                words = f"{self.form.rows[field].field.title} {rest}" if where else str(error)
                self.form.set_errors({where: f"{words}."})

        self._work = self._controller.in_background(
            "Augmenting", lambda: augmented(picture, values, seed), show, refuse
        )

    def _lay_out(self) -> None:
        body = QWidget()
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(16, 16, 16, 16)
        self._column.setSpacing(12)
        self._column.addWidget(PlainLabel("Done to training images", "section"))
        why = "Drawn anew for every image and every step. Validation and test stay as they are."
        self._column.addWidget(PlainLabel(why, "why", "muted", wrap=True))
        self._column.addStretch()
        scroll = QScrollArea()
        scroll.setWidget(body)
        body.setAutoFillBackground(False)  # setWidget turned it on
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFixedWidth(theme().px(FORM))
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.words, 1)
        head.addWidget(self.another)
        head.addWidget(self.draw)
        right = QVBoxLayout()
        right.setContentsMargins(16, 12, 16, 16)
        right.setSpacing(12)
        right.addLayout(head)
        right.addWidget(self.versions, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(scroll)
        row.addWidget(HairLine(vertical=True))
        row.addLayout(right, 1)


class Versions(QWidget):
    """The image itself large, and its versions in rows of four."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setObjectName("versions")
        self.picture: np.ndarray | None = None
        self.versions: np.ndarray | None = None
        self._images: list[QImage] = []
        theme().changed.connect(self.update)

    def show_versions(self, picture_HWC: np.ndarray, versions_NHWC: np.ndarray, name: str) -> None:
        """Show an image and what became of it."""
        self.picture, self.versions = picture_HWC, versions_NHWC
        self._images = [thumbnail(image, 512) for image in (picture_HWC, *versions_NHWC)]
        self.setAccessibleName(f"{name}, the image and {len(versions_NHWC)} augmented versions")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._images:
            return
        painter = QPainter(self)
        painter.setFont(theme().font(12, 500))
        painter.setPen(theme().color("muted"))
        caption = theme().px(20)
        rows = -(-(len(self._images) - 1) // COLUMNS)
        across = (self.width() - (COLUMNS + 1) * GAP) // (COLUMNS + 2)
        down = (self.height() - caption - (rows - 1) * GAP) // rows
        side = max(16, min(across, down))
        large = 2 * side + GAP
        for words, left in (("The image", 0), ("What training may see", large + 2 * GAP)):
            painter.drawText(left, painter.fontMetrics().ascent(), words)
        draw_pixels(painter, QRect(0, caption, large, large), self._images[0])
        for place, image in enumerate(self._images[1:]):
            row, column = divmod(place, COLUMNS)
            x = large + 2 * GAP + column * (side + GAP)
            box = QRect(x, caption + row * (side + GAP), side, side)
            draw_pixels(painter, box, image)
