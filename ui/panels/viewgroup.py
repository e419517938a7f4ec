"""A group of views as tabs; two groups stand side by side on a wide screen."""

import importlib
import inspect
import logging
import pkgutil
import traceback
from dataclasses import dataclass
from types import ModuleType

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from ui import views as views_package
from ui.theme import theme
from ui.views.base import View
from ui.widgets import HairLine, Panel, icon_button
from workbench.history import History

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BrokenView:
    """A file of `ui/views` that can't be shown: a sentence that names it, and the traceback."""

    sentence: str
    details: str


def make_views() -> tuple[list[View], list[BrokenView]]:
    """One of every view found in `ui/views`, sorted by `order`, and the files that fail."""
    kinds: set[type[View]] = set()
    views: list[View] = []
    broken: list[BrokenView] = []
    for module in pkgutil.iter_modules(views_package.__path__):
        name = f"{views_package.__name__}.{module.name}"
        try:
            kinds |= classes_in(importlib.import_module(name))
        except Exception as error:  # noqa: BLE001 - the other views don't need it
            broken.append(_told(name, error))
    for kind in sorted(kinds, key=lambda kind: (kind.order, kind.title)):
        try:
            views.append(kind())
        except Exception as error:  # noqa: BLE001
            broken.append(_told(kind.__module__, error))
    return views, broken


def classes_in(module: ModuleType) -> set[type[View]]:
    """The views that a module itself defines; those without a title are bases of others."""
    return {
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, View) and kind.title and kind.__module__ == module.__name__
    }


def _told(module: str, error: Exception) -> BrokenView:
    file = module.replace(".", "/") + ".py"
    details = "".join(traceback.format_exception(error))
    log.error("%s can't be shown\n%s", file, details)
    return BrokenView(f"The view in {file} can't be shown: {error}. All others work.", details)


class ViewGroup(Panel):
    """Tabs over views; only the one in front is ever drawn.

    Signals:
        turned: another view came to the front.
        step_picked: the user pointed at a step in a view.
        move_wanted: the view in front should go to the other group.
    """

    turned = Signal()
    step_picked = Signal(int)
    move_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None):
        super().__init__("surface", padding=0, spacing=0, parent=parent)
        self.views: list[View] = []
        self._family = ""
        self.tabs = QTabBar()
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._stack = QStackedWidget()
        self._move = icon_button("columns", "Show this view in the other half  Ctrl+\\")
        self._move.clicked.connect(self._ask_to_move)
        head = QHBoxLayout()
        head.setContentsMargins(8, 0, 12, 0)
        head.addWidget(self.tabs, 1)
        head.addWidget(self._move)
        box = QWidget()
        box.setLayout(head)
        box.setFixedHeight(theme().px(40))
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(box)
        column.addWidget(HairLine())
        column.addWidget(self._stack, 1)
        self.box.addLayout(column)
        self.tabs.currentChanged.connect(self._turn)

    @property
    def front(self) -> View | None:
        """The view on screen."""
        place = self.tabs.currentIndex()
        return self.views[place] if 0 <= place < len(self.views) else None

    def add(self, view: View) -> None:
        """Put a view behind the last tab."""
        self.views.append(view)
        self._stack.addWidget(view)
        view.step_picked.connect(self.step_picked)
        self.tabs.addTab(view.title)

    def take(self, view: View) -> View:
        """Remove a view and give it back."""
        place = self.views.index(view)
        del self.views[place]
        self._stack.removeWidget(view)
        view.step_picked.disconnect(self.step_picked)
        self.tabs.removeTab(place)
        return view

    def bring_forward(self, view: View) -> None:
        """Show a view of this group."""
        self.tabs.setCurrentIndex(self.views.index(view))

    def show_family(self, family: str) -> None:
        """Show only the tabs whose views can draw runs of this family of tasks."""
        for place, view in enumerate(self.views):
            self.tabs.setTabVisible(place, not view.families or family in view.families)
            # Qt lays a tab bar out again when words change, not when a tab is shown again.
            self.tabs.setTabText(place, "")
            self.tabs.setTabText(place, view.title)
        if family != self._family or not self.tabs.isTabVisible(self.tabs.currentIndex()):
            seen = [p for p in range(self.tabs.count()) if self.tabs.isTabVisible(p)]
            self.tabs.setCurrentIndex(seen[0] if seen else -1)
        self._family = family

    def turn(self, places: int) -> None:
        """Bring the view so many tabs further to the front, round and round."""
        seen = [p for p in range(self.tabs.count()) if self.tabs.isTabVisible(p)]
        if self.tabs.currentIndex() in seen:
            now = seen.index(self.tabs.currentIndex())
            self.tabs.setCurrentIndex(seen[(now + places) % len(seen)])

    def show_history(self, history: History | None, cursor: int | None) -> None:
        """Draw the view in front."""
        if self.front is not None and self.isVisible():
            self.front.show_history(history, cursor)

    def _turn(self, place: int) -> None:
        if 0 <= place < len(self.views):
            self._stack.setCurrentWidget(self.views[place])
            self.turned.emit()

    def _ask_to_move(self) -> None:
        if self.front is not None:
            self.move_wanted.emit(self.front)
