"""The lines of the palette: headings that can't be chosen, and entries, painted in one delegate."""

from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ui.icons import pixmap
from ui.palette_entries import Command
from ui.theme import theme
from ui.widgets import clean

ROW, HEADING = 36, 28
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list: a heading, or an entry to choose."""

    text: str
    command: Command | None = None


class LineModel(QAbstractListModel):
    """Headings, which can't be chosen, and entries."""

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self.lines: list[Line] = []

    def set_lines(self, lines: list[Line]) -> None:
        """Show other lines."""
        self.beginResetModel()
        self.lines = lines
        self.endResetModel()

    def entry_rows(self) -> list[int]:
        """Rows that can be chosen."""
        return [row for row, line in enumerate(self.lines) if line.command is not None]

    def command(self, index: Index) -> Command | None:
        """The entry at `index`, or None for a heading or nothing."""
        return self.lines[index.row()].command if index.isValid() else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.lines)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        line = self.lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return line.text
        if role == Qt.ItemDataRole.AccessibleTextRole and line.command is not None:
            return f"{line.text}, {line.command.hint} {line.command.shortcut}".strip(" ,")
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.command(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class LineDelegate(QStyledItemDelegate):
    """Icon, title, quiet hint, and the shortcut at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, height_of(_line_at(index)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        line = _line_at(index)
        box = option.rect.adjusted(8, 0, -10, 0)
        painter.save()
        if line.command is None:
            painter.setFont(theme().font(12, 500))
            painter.setPen(theme().color("muted"))
            low = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft
            painter.drawText(box.adjusted(0, 0, 0, -4), low, line.text)
        else:
            if option.state & QStyle.StateFlag.State_Selected:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme().color("soft"))
                painter.drawRoundedRect(option.rect, 6, 6)
            _paint_entry(painter, box, line.command)
        painter.restore()


def _line_at(index: Index) -> Line:
    model = index.model()
    assert isinstance(model, LineModel)
    return model.lines[index.row()]


def height_of(line: Line) -> int:
    """Height of a line in the list."""
    return theme().px(HEADING if line.command is None else ROW)


def _paint_entry(painter: QPainter, box: QRect, command: Command) -> None:
    middle = Qt.AlignmentFlag.AlignVCenter
    ratio = painter.device().devicePixelRatioF()
    size = theme().px(16)
    top = box.top() + (box.height() - size) // 2
    painter.drawPixmap(box.left(), top, pixmap(command.icon, "muted", size, ratio))
    painter.setPen(theme().color("muted"))
    painter.setFont(theme().font(12, 500))
    painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, command.shortcut)
    shortcut = QFontMetrics(painter.font()).horizontalAdvance(command.shortcut)
    words = box.adjusted(size + 10, 0, -shortcut - 12, 0)
    strong, quiet = theme().font(13, 500), theme().font(12)
    title = QFontMetrics(strong).elidedText(
        clean(command.title), Qt.TextElideMode.ElideRight, words.width()
    )
    painter.setFont(strong)
    painter.setPen(theme().color("text"))
    painter.drawText(words, middle, title)
    rest = words.adjusted(QFontMetrics(strong).horizontalAdvance(title) + 10, 0, 0, 0)
    if rest.width() > 40:
        hint = QFontMetrics(quiet).elidedText(
            clean(command.hint), Qt.TextElideMode.ElideRight, rest.width()
        )
        painter.setFont(quiet)
        painter.setPen(theme().color("muted"))
        painter.drawText(rest, middle, hint)
