"""One wrongly named picture: in a gallery, and large with what the model thought of each class."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ui.predictions import Predictions, class_color, draw_pixels, to_image
from ui.theme import theme
from ui.widgets import PlainLabel
from workbench.wording import percent

PICTURE, PADDING = 84, 6
LARGE, PICTURE_LARGE = 208, 156
BARS = 12  # classes in the detail; of more, the most probable and the true one
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Mistake:
    """A picture that was called by another class.

    Attributes:
        index: its place in the split.
        probability_K: of every class; the largest is `predicted`.
    """

    index: int
    true: int
    predicted: int
    confidence: float
    classes: tuple[str, ...]
    probability_K: np.ndarray
    image: QImage

    @classmethod
    def of(cls, predictions: Predictions, place: int) -> "Mistake":
        """The mistake with the `place`-th picture of an artifact."""
        index = int(predictions.shown_M[place])
        return cls(
            index,
            int(predictions.label_N[index]),
            int(predictions.predicted_N[index]),
            float(predictions.confidence_N[index]),
            predictions.classes,
            predictions.probability_MK[place].astype(np.float64),
            to_image(predictions.picture_MHWC[place]),
        )

    @property
    def true_name(self) -> str:
        """What it is."""
        return self.classes[self.true]

    @property
    def predicted_name(self) -> str:
        """What it was called."""
        return self.classes[self.predicted]

    @property
    def sentence(self) -> str:
        """ "Shirt, called T-shirt with 92 %"."""
        return f"{self.true_name}, called {self.predicted_name} with {percent(self.confidence)}"


class MistakeModel(QAbstractListModel):
    """The mistakes on show, in order."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mistakes: list[Mistake] = []

    def show_mistakes(self, mistakes: list[Mistake]) -> None:
        """Replace them all."""
        self.beginResetModel()
        self.mistakes = mistakes
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.mistakes)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        words = (
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ToolTipRole,
            Qt.ItemDataRole.AccessibleTextRole,
        )
        return self.mistakes[index.row()].sentence if role in words else None


class MistakeDelegate(QStyledItemDelegate):
    """Paints a picture with its two names and the confidence below."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        line = QFontMetrics(theme().font(12)).height()
        side = theme().px(PICTURE)
        return QSize(side + 4 * PADDING, side + 2 * line + 4 * PADDING)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, MistakeModel)
        mistake = model.mistakes[index.row()]
        area: QRect = option.rect.adjusted(2, 2, -2, -2)  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        painter.save()
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            chosen = bool(state & QStyle.StateFlag.State_Selected)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().color("soft" if chosen else "raised"))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawRoundedRect(area, 8, 8)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        side = theme().px(PICTURE)
        picture = QRect(area.center().x() - side // 2, area.y() + PADDING, side, side)
        draw_pixels(painter, picture, mistake.image)
        self._names(
            painter, QRect(area.x() + 5, picture.bottom() + 5, area.width() - 10, 0), mistake
        )
        painter.restore()

    @staticmethod
    def _names(painter: QPainter, area: QRect, mistake: Mistake) -> None:
        flag = Qt.AlignmentFlag
        painter.setFont(theme().font(12, 500))
        line = painter.fontMetrics().height()
        sure = f"{100 * mistake.confidence:.0f} %"
        width = painter.fontMetrics().horizontalAdvance(sure)
        first = QRect(area.x(), area.y(), area.width(), line)
        name = painter.fontMetrics().elidedText(
            mistake.predicted_name, Qt.TextElideMode.ElideRight, area.width() - width - 6
        )
        painter.setPen(theme().color("text"))
        painter.drawText(first, flag.AlignLeft, name)
        painter.setPen(theme().color("muted"))
        painter.drawText(first, flag.AlignRight, sure)
        painter.setFont(theme().font(12))
        second = first.translated(0, line)
        name = painter.fontMetrics().elidedText(
            f"is {mistake.true_name}", Qt.TextElideMode.ElideRight, area.width()
        )
        painter.drawText(second, flag.AlignLeft, name)


class MistakeDetail(QWidget):
    """A mistake large, and a bar for each class's probability."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(theme().px(LARGE))
        self.words = PlainLabel("", "control", wrap=True)
        self.words.setObjectName("detail")
        self.where = PlainLabel("", "why", "muted")
        self.large = _Large()
        self.bars = ProbabilityBars()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.large, self.words, self.where, self.bars):
            layout.addWidget(widget)
        layout.addStretch()

    def show_mistake(self, mistake: Mistake) -> None:
        """Show it."""
        self.large.show_image(mistake.image, mistake.sentence)
        self.words.setText(mistake.sentence)
        self.where.setText(f"picture {mistake.index} of the split")
        self.bars.show_mistake(mistake)


class _Large(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._image: QImage | None = None
        self.setFixedHeight(theme().px(PICTURE_LARGE))

    def show_image(self, image: QImage, words: str) -> None:
        self._image = image
        self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image is not None:
            draw_pixels(QPainter(self), self.rect(), self._image)


class ProbabilityBars(QWidget):
    """Horizontal bars, most probable first; the true class carries a mark in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._mistake: Mistake | None = None
        self._rows: list[int] = []
        theme().changed.connect(self.update)

    def show_mistake(self, mistake: Mistake) -> None:
        """Show the probabilities of its classes."""
        self._mistake = mistake
        order = [int(k) for k in np.argsort(-mistake.probability_K, kind="stable")]
        self._rows = order[:BARS]
        if mistake.true not in self._rows:
            self._rows[-1] = mistake.true
        pairs = (
            f"{mistake.classes[k]} {percent(float(mistake.probability_K[k]))}" for k in self._rows
        )
        self.setAccessibleName("Probabilities: " + ", ".join(pairs))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(LARGE, len(self._rows) * self._height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._mistake is None:
            return
        painter = QPainter(self)
        painter.setFont(theme().font(12))
        metrics, mistake = painter.fontMetrics(), self._mistake
        names = max(metrics.horizontalAdvance(self._name(k)) for k in self._rows) + 12
        names = min(names, self.width() * 45 // 100)
        number = metrics.horizontalAdvance("100 %") + 6
        track = max(8, self.width() - names - number)
        for row, k in enumerate(self._rows):
            y, height = row * self._height(), self._height()
            true = k == mistake.true
            painter.setFont(theme().font(12, 600 if true else 400))
            painter.setPen(
                theme().color("text" if k in (mistake.true, mistake.predicted) else "muted")
            )
            name = painter.fontMetrics().elidedText(
                self._name(k), Qt.TextElideMode.ElideRight, names - 6
            )
            flag = Qt.AlignmentFlag
            painter.drawText(QRect(0, y, names, height), flag.AlignVCenter, name)
            share = float(np.nan_to_num(mistake.probability_K[k]))
            bar = QRect(names, y + height // 2 - 4, round(track * share), 8)
            painter.fillRect(bar, class_color(k, len(mistake.classes)))
            words = f"{100 * share:.0f} %"
            right = QRect(self.width() - number, y, number, height)
            painter.drawText(right, flag.AlignVCenter | flag.AlignRight, words)

    def _name(self, k: int) -> str:
        assert self._mistake is not None
        return self._mistake.classes[k] + (" (true)" if k == self._mistake.true else "")

    @staticmethod
    def _height() -> int:
        return theme().px(20)
