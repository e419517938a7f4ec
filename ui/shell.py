"""The frame of the window: rail, pages, status bar, and what the keyboard does everywhere."""

import importlib
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QPaintEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ui.controller import Controller
from ui.icons import icon
from ui.pages.base import Page
from ui.statusbar import StatusBar
from ui.theme import theme
from ui.widgets import ErrorPanel, HairLine, Panel, secondary

NARROW = 1500  # below this width the rail shows icons only, and panels take their small sizes


@dataclass(frozen=True, slots=True)
class PageInfo:
    """A page's place on the rail; its module is imported when it is first shown."""

    name: str
    title: str
    icon: str
    module: str
    class_name: str


PAGES = (
    PageInfo("start", "Start", "house", "ui.pages.start", "StartPage"),
    PageInfo("experiment", "Experiment", "flask", "ui.pages.experiment", "ExperimentPage"),
    PageInfo("runs", "Runs", "table", "ui.pages.runs", "RunsPage"),
    PageInfo("data", "Data", "image-square", "ui.pages.data", "DataPage"),
    PageInfo("settings", "Settings", "gear-six", "ui.pages.settings", "SettingsPage"),
)


class Rail(Panel):
    """The words on the left.

    Signals:
        picked: the name of a page.
    """

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None):
        super().__init__("surface", padding=8, spacing=4, parent=parent)
        self.setObjectName("rail")
        self._buttons: dict[str, QToolButton] = {}
        for place, page in enumerate(PAGES):
            if page.name == "settings":
                self.box.addStretch(1)
            self.box.addWidget(self._button(page, place + 1))

    def select(self, name: str) -> None:
        """Show `name` as the current page."""
        for page, button in self._buttons.items():
            button.setChecked(page == name)

    def set_narrow(self, narrow: bool) -> None:
        """Icons only, their words in tooltips."""
        style = (
            Qt.ToolButtonStyle.ToolButtonIconOnly
            if narrow
            else Qt.ToolButtonStyle.ToolButtonTextUnderIcon
        )
        self.setFixedWidth(theme().px(56 if narrow else 88))
        for button in self._buttons.values():
            button.setToolButtonStyle(style)
            button.setFixedHeight(theme().px(40 if narrow else 54))

    def _button(self, page: PageInfo, number: int) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"rail_{page.name}")
        button.setProperty("kind", "rail")
        button.setText(page.title)
        button.setAccessibleName(page.title)
        button.setToolTip(f"{page.title}  Ctrl+{number}")
        button.setIcon(icon(page.icon, "muted", checked="accent"))
        button.setIconSize(QSize(22, 22))
        button.setCheckable(True)
        button.setMinimumWidth(theme().px(40))
        button.setSizePolicy(button.sizePolicy().Policy.Expanding, button.sizePolicy().Policy.Fixed)
        button.clicked.connect(lambda: self.picked.emit(page.name))
        self._buttons[page.name] = button
        return button


class Shell(QMainWindow):
    """The window. Closing it interrupts runs; the application waits for their checkpoints.

    Signals:
        closing: the user closed the window.
    """

    closing = Signal()

    def __init__(self, controller: Controller):
        super().__init__()
        self.controller = controller
        self.pages: dict[str, Page] = {}
        self.setWindowTitle("CV Experiment Workbench")
        self.setMinimumSize(960, 600)
        self.rail = Rail()
        self.stack = QStackedWidget()
        self.status = StatusBar(controller)
        self._problems = QVBoxLayout()
        self._lay_out()
        self._connect()
        self._restore_geometry()
        self.rail.select("start")
        self._painted = False

    def show_page(self, name: str) -> None:
        """Bring a page to the front, making it the first time."""
        page = self.page(name)
        self.stack.setCurrentWidget(page)
        self.rail.select(name)
        page.entered()

    def page(self, name: str) -> Page:
        """The page called `name`.

        Raises:
            KeyError: there is none.
        """
        if name not in self.pages:
            info = {page.name: page for page in PAGES}[name]
            made = getattr(importlib.import_module(info.module), info.class_name)(self.controller)
            made.setObjectName(f"page_{name}")
            self.pages[name] = made
            self.stack.addWidget(made)
        return self.pages[name]

    def show_problem(self, sentence: str, details: str) -> None:
        """Show a failure below the page until it is dismissed; at most three at once."""
        while self._problems.count() >= 3:
            oldest = self._problems.takeAt(0)
            if oldest is not None and (panel := oldest.widget()) is not None:
                panel.deleteLater()
        close = secondary("Dismiss")
        said = ErrorPanel(sentence, actions=[close], details=details)
        close.clicked.connect(said.deleteLater)
        self._problems.addWidget(said)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frame first, and only then make the Start page: the window shows sooner."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self, self._show_first_page)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide at once; the application ends when the runs have their checkpoints."""
        event.ignore()
        geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        self.controller.settings.geometry = geometry
        self.closing.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the small or the large layout."""
        super().resizeEvent(event)
        self.rail.set_narrow(self.width() < NARROW)

    def _show_first_page(self) -> None:
        if not self.pages:
            self.show_page("start")

    def _lay_out(self) -> None:
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.stack, 1)
        middle.addLayout(self._problems)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(HairLine(vertical=True))
        row.addLayout(middle, 1)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row, 1)
        column.addWidget(HairLine())
        column.addWidget(self.status)
        body = QWidget()
        body.setLayout(column)
        self.setCentralWidget(body)

    def _connect(self) -> None:
        self.rail.picked.connect(self.show_page)
        self.controller.page_wanted.connect(self.show_page)
        self.controller.problem.connect(self.show_problem)
        for number, page in enumerate(PAGES, start=1):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            shortcut.activated.connect(lambda name=page.name: self.show_page(name))
        QShortcut(QKeySequence("Ctrl+K"), self).activated.connect(self.open_palette)
        QShortcut(QKeySequence("Ctrl+Q"), self).activated.connect(self.close)

    def open_palette(self) -> None:
        """Find a page, preset, run or command by typing."""
        from ui.palette import open_palette

        open_palette(self, self.controller)

    def _restore_geometry(self) -> None:
        stored = self.controller.settings.geometry
        if not stored or not self.restoreGeometry(QByteArray.fromBase64(stored.encode())):
            available = self.screen().availableGeometry().size()
            self.resize(QSize(1600, 900).boundedTo(available))
