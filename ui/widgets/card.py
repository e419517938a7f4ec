"""A card to start something from: picture, title, how long it takes, a sentence. No frame."""

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QEnterEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ui.pictures import ROUND, Drawing, rendered
from ui.theme import theme
from ui.widgets.button import link, tooltip
from ui.widgets.label import ElidedLabel, IconLabel, PlainLabel

SPACE = 4  # between picture and title's row


class Card(QAbstractButton):
    """Click or Enter acts; "Set up", on hover or in the menu, opens it to be changed first.

    Signals:
        set_up_wanted: open it without starting.
    """

    set_up_wanted = Signal()

    def __init__(
        self, title: str, time: str, sentence: str, tip: str = "", parent: QWidget | None = None
    ):
        super().__init__(parent)
        self._drawing: Drawing | None = None
        self._pixmap: QPixmap | None = None
        self._height = 176
        self._time = time
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)
        self.setAccessibleDescription(f"{sentence} About {time}.")
        self.title = ElidedLabel(title, "section")
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.set_up = link("Set up")
        self.set_up.setObjectName("set_up")
        self.set_up.setToolTip(tooltip("Open it on the Experiment page and change it first"))
        self.set_up.setAccessibleName(f"Set up {title}")
        self.set_up.setCursor(Qt.CursorShape.PointingHandCursor)
        self.set_up.clicked.connect(self.set_up_wanted)
        self.set_up.hide()
        self.clock = IconLabel("clock", "muted", 14)
        self.time = PlainLabel(time, "why", "muted")
        self.time.setToolTip(tooltip(tip))
        self.sentence = PlainLabel(sentence, "why", "muted", wrap=True)
        self._lay_out()
        theme().changed.connect(self._restyle)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_moved)

    def show_drawing(self, drawing: Drawing | None) -> None:
        """Show another picture."""
        self._drawing, self._pixmap = drawing, None
        self.update()

    def has_drawing(self) -> bool:
        """Whether there is a picture yet."""
        return self._drawing is not None

    def set_picture_height(self, height: int) -> None:
        """Height of the picture in logical pixels."""
        if height != self._height:
            self._height = height
            self._room.setContentsMargins(0, height + SPACE, 0, 0)
            self.updateGeometry()
            self.update()

    @property
    def picture_height(self) -> int:
        """Height of the picture in logical pixels."""
        return self._height

    def show_waiting(self, words: str) -> None:
        """Say in place of the time why a click has not acted yet; "" shows the time again."""
        self.time.setText(words or self._time)
        self.time.set_tone("accent" if words else "muted")
        self.clock.set_icon("hourglass" if words else "clock", "accent" if words else "muted")

    def sizeHint(self) -> QSize:
        return self._room.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self._room.minimumSize().height())

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._room.heightForWidth(width)

    def paintEvent(self, event: QPaintEvent) -> None:
        size, ratio = QSize(self.width(), self._height), self.devicePixelRatioF()
        fits = self._pixmap is not None and self._pixmap.deviceIndependentSize() == size.toSizeF()
        if self._pixmap is None or not fits or self._pixmap.devicePixelRatio() != ratio:
            self._pixmap = rendered(self._drawing, size, ratio)
        painter = QPainter(self)
        painter.drawPixmap(QPoint(0, 0), self._pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = QRectF(0.5, 0.5, self.width() - 1, self._height - 1)
        if self.underMouse() or self.isDown():
            painter.setPen(QPen(theme().color("accent"), 2 if self.isDown() else 1))
            painter.drawRoundedRect(edge, ROUND, ROUND)
        elif not theme().tokens.dark and self._drawing is None:
            painter.setPen(QPen(theme().color("border"), 1))
            painter.drawRoundedRect(edge, ROUND, ROUND)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.set_up.show()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._focus_moved(None, QApplication.focusWidget())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for words, act in (("Start", self.click), ("Set up first", self.set_up_wanted.emit)):
            action = QAction(words, menu)
            action.triggered.connect(act)
            menu.addAction(action)
        menu.popup(event.globalPos())

    def _focus_moved(self, _before: QWidget | None, now: QWidget | None) -> None:
        self.set_up.setVisible(self.underMouse() or now is self or now is self.set_up)

    def _restyle(self) -> None:
        self._pixmap = None
        self.update()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addStrut(self.set_up.sizeHint().height())  # the words keep their place on hover
        row.addWidget(self.title, 1)
        row.addWidget(self.set_up)
        row.addSpacing(4)
        row.addWidget(self.clock)
        row.addWidget(self.time)
        self._room = QVBoxLayout(self)
        self._room.setContentsMargins(0, self._height + SPACE, 0, 0)
        self._room.setSpacing(0)
        self._room.addLayout(row)
        self._room.addWidget(self.sentence)
        self._room.addStretch()


class CardGrid(QWidget):
    """Cards in as many columns as their least width allows, all of one height in a row."""

    def __init__(self, least: int = 280, gap: int = 24, parent: QWidget | None = None):
        super().__init__(parent)
        self.cards: list[Card] = []
        self._least, self._gap = least, gap
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def add(self, card: Card) -> None:
        """Append a card."""
        card.setParent(self)
        self.cards.append(card)
        card.show()
        self.updateGeometry()

    def columns(self, width: int) -> int:
        """How many cards stand side by side in `width`: 1 to 4."""
        fit = (width + self._gap) // (theme().px(self._least) + self._gap)
        return max(1, min(4, fit))

    def row_count(self, width: int) -> int:
        """Rows that the cards take in `width`."""
        return -(-len(self.cards) // self.columns(width))

    def set_picture_height(self, height: int) -> None:
        """Height of every card's picture."""
        for card in self.cards:
            card.set_picture_height(height)
        self.updateGeometry()
        self._place()

    def card_width(self, width: int) -> int:
        """Width of one card when the grid is `width` wide."""
        columns = self.columns(width)
        return (width - self._gap * (columns - 1)) // columns

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = self._rows(width)
        return sum(height for height, _ in rows) + self._gap * max(0, len(rows) - 1)

    def sizeHint(self) -> QSize:
        width = self.width() or 4 * self._least
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def _rows(self, width: int) -> list[tuple[int, int]]:
        """(height, height of its pictures) of every row."""
        columns, card_width = self.columns(width), self.card_width(width)
        rows = [self.cards[i : i + columns] for i in range(0, len(self.cards), columns)]
        return [
            (max(card.heightForWidth(card_width) for card in row), row[0].picture_height)
            for row in rows
        ]

    def _place(self) -> None:
        columns, top = self.columns(self.width()), 0
        for place, (height, _) in enumerate(self._rows(self.width())):
            for column, card in enumerate(self.cards[place * columns : (place + 1) * columns]):
                # Rounded one by one, so that the last card ends where the grid does.
                pitch = (self.width() + self._gap) / columns
                left, right = round(column * pitch), round((column + 1) * pitch) - self._gap
                card.setGeometry(left, top, right - left, height)
            top += height + self._gap
