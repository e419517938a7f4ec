"""Exact duplicates: what they mean in words, and every pair side by side."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ui.data.picture import thumbnail
from ui.predictions import draw_pixels
from ui.theme import theme
from ui.widgets import HairLine, IconLabel, PlainLabel
from ui.widgets.segments import Segments
from workbench.wording import thousands

if TYPE_CHECKING:
    from workbench.data_summary import DataSummary

SIDE, ROW = 60, 76
SIGNS = {"success": "check-circle", "muted": "info", "warn": "warning"}
Index = QModelIndex | QPersistentModelIndex


class DuplicatesPanel(QWidget):
    """The verdict, and below it the pairs it speaks of."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._summary: DataSummary | None = None
        self.sign = IconLabel("check-circle", "success", 20)
        self.sentence = PlainLabel("", "section", wrap=True)
        self.sentence.setObjectName("verdict")
        self.meaning = PlainLabel("", "body", "muted", wrap=True)
        self.which = Segments(
            ("All", "Across splits", "Labels differ"),
            "Show duplicates",
            (
                "Every image that repeats an earlier one",
                "Pairs that lie in two different splits",
                "Pairs whose two images carry different labels",
            ),
        )
        self.which.setObjectName("which_duplicates")
        self.which.picked.connect(self._filter)
        self.model = PairModel(self)
        self.pairs = QListView()
        self.pairs.setObjectName("pairs")
        self.pairs.setAccessibleName("Pairs of equal images")
        self.pairs.setUniformItemSizes(True)
        self.pairs.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.pairs.setModel(self.model)
        self.pairs.setItemDelegate(_Delegate(self.pairs))
        self._lay_out()

    def show_summary(self, summary: "DataSummary") -> None:
        """Show the duplicates of a data set."""
        from workbench.data_summary import duplicate_verdict

        self._summary = summary
        verdict = duplicate_verdict(summary.pairs)
        self.sign.set_icon(SIGNS[verdict.tone], verdict.tone)
        self.sentence.setText(verdict.sentence)
        self.meaning.setText(verdict.meaning)
        self.which.setVisible(bool(summary.pairs))
        self.pairs.setVisible(bool(summary.pairs))
        self.which.choose(0)
        self._filter()

    def _filter(self) -> None:
        if self._summary is None:
            return
        fits = (
            lambda pair: True,
            lambda pair: pair.crosses,
            lambda pair: not pair.same_label,
        )[self.which.chosen]
        self.model.show_pairs(self._summary, [pair for pair in self._summary.pairs if fits(pair)])

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self.sentence)
        words.addWidget(self.meaning)
        head = QHBoxLayout()
        head.setContentsMargins(16, 16, 16, 12)
        head.setSpacing(12)
        head.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        head.addWidget(self.which, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(HairLine())
        column.addWidget(self.pairs, 1)
        column.addStretch()


class PairModel(QAbstractListModel):
    """The pairs on show."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.summary: DataSummary | None = None
        self.shown: list[Any] = []

    def show_pairs(self, summary: "DataSummary", pairs: list[Any]) -> None:
        """Replace them all."""
        self.beginResetModel()
        self.summary, self.shown = summary, pairs
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's signature)
        return 0 if parent.isValid() else len(self.shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ". ".join(self.words(index.row()))
        return None

    def words(self, row: int) -> tuple[str, str]:
        """ "train 12 and test 3", and what they are labelled as."""
        assert self.summary is not None
        pair = self.shown[row]
        places = [f"{split} {thousands(index)}" for split, index in (pair.first, pair.second)]
        first, second = (
            self.summary.classes[int(self.summary.splits[split].label_N[index])]
            for split, index in (pair.first, pair.second)
        )
        labels = (
            f"both labelled {first}"
            if pair.same_label
            else f"labelled {first} and {second}: one of them is wrong"
        )
        return " and ".join(places), labels


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, theme().px(ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, PairModel)
        assert model.summary is not None
        area: QRect = option.rect  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, theme().color("soft"))
        side = theme().px(SIDE)
        pair = model.shown[index.row()]
        left = area.x() + 16
        for split, number in (pair.first, pair.second):
            picture = model.summary.splits[split].picture(number)
            box = QRect(left, area.y() + (area.height() - side) // 2, side, side)
            draw_pixels(painter, box, thumbnail(picture, 2 * side))
            left += side + 8
        upper, lower = model.words(index.row())
        room = QRect(left + 8, area.y(), area.right() - left - 16, area.height() // 2)
        flag = Qt.AlignmentFlag
        painter.setFont(theme().font(13, 500))
        painter.setPen(theme().color("text"))
        painter.drawText(room.adjusted(0, 0, 0, -2), flag.AlignBottom, upper)
        painter.setFont(theme().font(12))
        painter.setPen(theme().color("muted" if pair.same_label else "warn"))
        painter.drawText(room.translated(0, area.height() // 2), flag.AlignTop, lower)
        painter.restore()
