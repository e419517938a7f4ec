"""The Start page: what was cut off, what can be started with one click, and the newest runs."""

import sqlite3

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ui.controller import Controller
from ui.pages.base import Page
from ui.pages.start_banners import Recovery
from ui.pages.start_reading import Found, look
from ui.pages.start_recent import LEAST, MOST, RecentRuns
from ui.pictures import Drawing, drawing_of
from ui.starting import starter
from ui.theme import theme
from ui.times import duration
from ui.widgets import Chip, ElidedLabel, IconLabel, primary, secondary, title
from ui.widgets.card import Card, CardGrid
from workbench.presets import BadPreset, Preset, presets

MARGIN = 32
PICTURE = 104, 0.51  # least height, and height of its width where there is room
WORDS = "Click a card and it trains at once; results appear while it goes."


class SearchField(QAbstractButton):
    """Looks like a field; a click opens the palette, where one types."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Find a preset, run or command, Ctrl+K")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 4, 0)
        row.setSpacing(10)
        row.addWidget(IconLabel("magnifying-glass", "muted"))
        words = ElidedLabel("Find a preset, run or command", "body", "muted")
        row.addWidget(words, 1)
        row.addWidget(Chip("Ctrl K"))

    def sizeHint(self) -> QSize:
        return QSize(theme().px(320), theme().px(34))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().px(150), theme().px(34))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().color("strong" if self.underMouse() else "border"), 1))
        painter.setBrush(theme().color("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)


class ScrollArea(QScrollArea):
    """Tells when its view has another size, as when a scroll bar comes or goes."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


class StartPage(Page):
    """Shown first, before torch is loaded; a click on a card before that waits for it.

    Attributes:
        cards: by the preset's name.
        has_read: the page shows the workspace as it was when last asked to.
    """

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__(controller, parent)
        self.starter = starter(controller)
        self.recovery = Recovery(controller)
        self.grid = CardGrid()
        self.recent = RecentRuns(controller)
        self.cards: dict[str, Card] = {}
        self._reading = self._stale = self.has_read = False
        self._presets = self._read_presets()
        for preset in self._presets.values():
            self._add_card(preset)
        self._lay_out()
        self.starter.waiting.connect(self._show_waiting)
        controller.runs_changed.connect(self.refresh)
        controller.engine_ready.connect(self._draw_cards)

    def entered(self) -> None:
        """Read the workspace again, and the pictures that are missing, after painting."""
        QTimer.singleShot(0, self, self.refresh)
        QTimer.singleShot(0, self, self._draw_cards)

    def refresh(self) -> None:
        """Read the workspace in the background; further calls meanwhile read it once more."""
        self.has_read = False
        if self._reading:
            self._stale = True
            return
        self._reading, self._stale = True, False
        workspace, live = self.controller.workspace, set(self.controller.live_runs)
        known = self.recent.known
        self.controller.in_background(
            "Reading the runs", lambda: look(workspace, live, known, MOST), self._show, self._failed
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_height()

    def _show(self, found: Found) -> None:
        self._reading = False
        self.recovery.show_runs(
            tuple(run for run in found.cut_off if not self.controller.is_live(run.record.id))
        )
        self.recent.show_found(found)
        self._share_height()
        self.has_read = True
        if self._stale:
            self.refresh()

    def _failed(self, error: Exception) -> None:
        self._reading = False
        if not isinstance(error, OSError | sqlite3.Error):
            raise error
        self.controller.problem.emit(f"The list of runs can't be read: {error}", "")

    def _read_presets(self) -> dict[str, Preset]:
        try:
            return {preset.name: preset for preset in presets()}
        except BadPreset as error:  # everything but the cards is still of use
            problem = f"The presets can't be read, install the program again: {error}"
            QTimer.singleShot(0, self, lambda: self.controller.problem.emit(problem, ""))
            return {}

    def _add_card(self, preset: Preset) -> None:
        time = duration(preset.seconds)
        tip = "Measured on 2 CPU cores." + (f" Expect: {preset.expects}" if preset.expects else "")
        card = Card(preset.title, time, preset.sentence, tip)
        card.setObjectName(f"card_{preset.name}")
        card.clicked.connect(lambda: self.starter.start(preset))
        card.set_up_wanted.connect(lambda: self.starter.set_up(preset))
        self.cards[preset.name] = card
        self.grid.add(card)

    def _draw_cards(self) -> None:
        """Ask for the pictures that aren't there yet."""
        for name, card in self.cards.items():
            if not card.has_drawing():
                self._draw(card, self._presets[name], self.controller.is_engine_ready)

    def _draw(self, card: Card, preset: Preset, ready: bool) -> None:
        def show(drawing: Drawing | None) -> None:
            if drawing is not None:
                card.show_drawing(drawing)

        self.controller.in_background(
            "Reading the cards' pictures",
            lambda: drawing_of(preset.picture, preset.spec, with_engine=ready),
            show,
        )

    def _show_waiting(self, name: str) -> None:
        for known, card in self.cards.items():
            card.show_waiting("Loading torch…" if known == name else "")

    def _share_height(self) -> None:
        """Pictures as high as they may be for everything to fit; else the page scrolls."""
        self._keep_margin()
        width = self._scroll.width() - 2 * MARGIN
        if width < 200 or not self.cards:
            return
        least, part = PICTURE
        rows, card_width = self.grid.row_count(width), self.grid.card_width(width)
        row_height = theme().px(36) + 1
        shown = self.grid.cards[0].picture_height
        needed = self._column.totalHeightForWidth(self._content.width())
        others = needed - rows * shown - self.recent.shown * row_height
        wanted = round(part * card_width)
        free = self._scroll.height() - others - rows * wanted - LEAST * row_height
        self.recent.set_room(LEAST + max(0, free) // row_height)
        height = wanted + min(0, free) // rows
        self.grid.set_picture_height(height if height >= least else wanted)

    def _keep_margin(self) -> None:
        """Let cards and rows end below the header's last button, scroll bar or not."""
        # The content is as wide as the view; asking the view costs 25 ms the first time.
        beside = self._scroll.width() - self._content.width()
        self._column.setContentsMargins(MARGIN, 4, max(0, MARGIN - beside), 16)

    def _lay_out(self) -> None:
        self._content = QWidget()
        self._column = column = QVBoxLayout(self._content)
        column.setContentsMargins(MARGIN, 4, MARGIN, 16)
        column.setSpacing(0)
        column.addWidget(self.recovery)
        column.addSpacing(16)
        column.addWidget(self.grid)
        column.addSpacing(24)
        column.addStretch()
        column.addWidget(self.recent)
        self._scroll = ScrollArea()
        self._scroll.setWidget(self._content)
        self._scroll.resized.connect(self._keep_margin)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(self._header())
        outer.addWidget(self._scroll, 1)

    def _header(self) -> QHBoxLayout:
        self.search = SearchField()
        self.search.setObjectName("search")
        self.search.clicked.connect(self._open_palette)
        bring, new = secondary("Import pictures", "folder-open"), primary("New experiment", "plus")
        bring.setObjectName("import_pictures")
        bring.clicked.connect(lambda: self.controller.page_wanted.emit("data"))
        new.setObjectName("new_experiment")
        new.clicked.connect(lambda: self.controller.open_draft({}))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title("Start"))
        words.addWidget(ElidedLabel(WORDS, "body", "muted"))
        row = QHBoxLayout()
        row.setContentsMargins(MARGIN, 22, MARGIN, 14)
        row.setSpacing(8)
        row.addLayout(words, 1)
        for widget in (self.search, bring, new):
            row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        return row

    def _open_palette(self) -> None:
        from ui.palette import open_palette

        open_palette(self.window(), self.controller)
