"""The Data page: the data sets there are, and what the chosen one holds."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from ui.controller import Controller
from ui.data.catalogue import Catalogue
from ui.data.content import DataContent
from ui.data.loading import Loading
from ui.data.settings import DataSettings
from ui.data.trouble import Trouble
from ui.pages.base import Page
from ui.theme import theme
from ui.widgets import (
    EmptyState,
    HairLine,
    Panel,
    ProgressLine,
    primary,
    secondary,
    set_enabled,
    title,
)

if TYPE_CHECKING:
    from workbench.data_summary import DataSummary, Offer

LEFT = 300
PATIENCE = 300  # milliseconds before progress is worth showing
PICTURES = "image_folder"


class DataPage(Page):
    """Choose a data set, look at it, import your own, and go on to an experiment with it."""

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__(controller, parent)
        self.setAcceptDrops(True)
        self._values: dict[str, dict[str, Any]] = {}
        self._asked: Any = None  # the knobs of what is being read
        self._loaded: Any = None  # the knobs of what is shown
        self._folder = ""  # to import once torch is there
        self.loading = Loading(controller, self)
        self.catalogue = Catalogue()
        self.settings = DataSettings()
        self.content = DataContent(controller)
        self.message = EmptyState("image-square", "", secondary("Choose a folder", "folder-open"))
        self.trouble: Trouble | None = None
        self.progress = ProgressLine()
        self.progress.setObjectName("progress")
        self.progress.hide()
        self.import_button = primary("Import a folder of pictures", "folder-open")
        self.import_button.setObjectName("import")
        self._slow = QTimer(self, interval=PATIENCE, singleShot=True)
        self._lay_out()
        self._connect()
        self._say("Loading torch…")
        set_enabled(self.import_button, "torch is still being loaded.")
        if controller.is_engine_ready:
            self._fill()
        else:
            controller.engine_ready.connect(self._fill)

    # What can be done

    def select(self, name: str) -> None:
        """Choose a data set; it is read if nothing is missing."""
        self.catalogue.select(name)

    def import_folder(self, folder: str) -> None:
        """Read a folder of pictures, one subfolder per class."""
        if not self.controller.is_engine_ready:
            self._folder = folder
            return
        # Consent to skip was to another folder's files.
        changed = {"folder": folder, "skip_unreadable": False}
        if self.settings.name == PICTURES:
            self.settings.set_values(changed)
            self.load()
        else:
            self._values[PICTURES] = self._values.get(PICTURES, {}) | changed
            self.select(PICTURES)

    def choose_folder(self) -> None:
        """Ask for a folder: of pictures, or of the files that the chosen data set needs."""
        offer = self._offer()
        self._ask(offer.name if offer and offer.needs_folder else PICTURES)

    def load(self) -> None:
        """Read the chosen data set as its settings say."""
        name, knobs = self.settings.name, self.settings.knobs()
        shown = self._stack.currentWidget() is self.content and self.content.summary
        if not shown or shown.name != name:
            self._say("" if knobs is not None else "Mend the marked setting first.")
        if knobs is None:
            return
        self._remember()
        self._asked = knobs
        line = self.settings.folder_line()
        if line is not None:
            line.setModified(False)

        def work(progress: Any) -> "DataSummary":
            from workbench.data_summary import summarise

            return summarise(name, knobs, progress)

        offer = self._offer()
        words = f"Reading {offer.title if offer else name}"
        self.progress.show_progress(0, 1, words)
        self.loading.load(words, work)
        self._slow.start()

    def use(self) -> None:
        """Show a new experiment with this data set, and with the augmentation if there is any."""
        if self.content.summary is None or self._loaded is None:
            return
        kind = self.content.summary.name
        spec: dict[str, Any] = {"data": {"kind": kind, **self._loaded.model_dump(mode="json")}}
        if augmentation := self.content.augmentation.values():
            spec["augmentation"] = augmentation
        self.controller.open_draft(spec)

    # Following the user

    def _fill(self) -> None:
        from workbench.data_summary import offers

        set_enabled(self.import_button)
        found = offers()
        self.catalogue.show_offers(found)
        self.catalogue.show()
        folder, self._folder = self._folder, ""
        if folder:
            self.import_folder(folder)
        elif found:
            self.select(found[0].name)

    def _choose(self, name: str) -> None:
        self._remember()
        self.loading.drop()
        self._quiet()
        self._loaded = None
        self._say("")
        self.settings.show_entry(name, self._values.get(name, {}))
        # Made late, the form stands last in Qt's focus chain: put it where it is seen.
        for first, second in pairwise([self.catalogue, *self.settings.controls()]):
            QWidget.setTabOrder(first, second)
        offer = self._offer()
        if offer is not None and offer.needs_folder and not self.settings.values()["folder"]:
            what = "one subfolder per class" if name == PICTURES else f"the files of {offer.title}"
            self._say(f"Choose the folder that holds {what}, or drop it here.", ask=True)
        else:
            self.load()

    def _remember(self) -> None:
        if self.settings.name:
            self._values[self.settings.name] = self.settings.values()

    def _settings_changed(self) -> None:
        offer = self._offer()
        if offer is None or (offer.needs_folder and not self.settings.values()["folder"]):
            return
        self.load()

    def _ask(self, name: str) -> None:
        # open(), not exec(): a nested loop inside qasync's hangs.
        start = str(self._values.get(name, {}).get("folder") or Path.home())
        dialog = QFileDialog(self, "Choose a folder", start)
        dialog.setObjectName("folder_dialog")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda folder: self._take(name, folder))
        dialog.open()

    def _take(self, name: str, folder: str) -> None:
        if name == PICTURES:
            self.import_folder(folder)
        elif self.settings.name == name:
            self.settings.set_values({"folder": folder})
            self.load()

    def _skip(self) -> None:
        self.settings.set_values({"skip_unreadable": True})
        self.load()

    # Following the reading

    def _show_loaded(self, summary: "DataSummary") -> None:
        self._quiet()
        self._loaded = self._asked
        self.content.show_summary(summary)
        self._stack.setCurrentWidget(self.content)

    def _show_failure(self, error: Exception) -> None:
        from workbench.data_summary import refusal

        self._quiet()
        self._loaded = None
        why, offer = refusal(error), self._offer()
        if why.field:
            self.settings.show_error(why.field, why.sentence)
        if self.trouble is not None:
            self._stack.removeWidget(self.trouble)
            self.trouble.deleteLater()
        self.trouble = Trouble(
            offer.title if offer else "This data set",
            why,
            self._skip,
            self.choose_folder if offer and offer.needs_folder else None,
            self.load,
        )
        self._stack.addWidget(self.trouble)
        self._stack.setCurrentWidget(self.trouble)

    def _show_cancelled(self) -> None:
        self._quiet()
        if self._stack.currentWidget() is self.content:
            return
        self._say("Reading was cancelled. Choose the data set again, or change a setting.")

    def _show_slow(self) -> None:
        self.progress.setVisible(self.loading.busy)

    def _quiet(self) -> None:
        self._slow.stop()
        self.progress.hide()

    def _say(self, sentence: str, *, ask: bool = False) -> None:
        self.message.sentence.setText(sentence)
        self.message.icon.setVisible(bool(sentence))
        assert self.message.button is not None
        self.message.button.setVisible(ask)
        self._stack.setCurrentWidget(self.message)

    def _offer(self) -> "Offer | None":
        named = (offer for offer in self.catalogue.offers() if offer.name == self.settings.name)
        return next(named, None)

    # A folder from outside

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _folder_of(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if folder := _folder_of(event):
            event.acceptProposedAction()
            self.import_folder(folder)

    # Layout

    def _connect(self) -> None:
        self.catalogue.picked.connect(self._choose)
        self.settings.changed.connect(self._settings_changed)
        self.settings.load_wanted.connect(self.load)
        self.loading.loaded.connect(self._show_loaded)
        self.loading.failed.connect(self._show_failure)
        self.loading.cancelled.connect(self._show_cancelled)
        self.loading.progressed.connect(self.progress.show_progress)
        self.progress.cancelled.connect(self.loading.cancel)
        self.content.use_wanted.connect(self.use)
        self.import_button.clicked.connect(lambda: self._ask(PICTURES))
        assert self.message.button is not None
        self.message.button.clicked.connect(self.choose_folder)
        self._slow.timeout.connect(self._show_slow)

    def _lay_out(self) -> None:
        left = Panel("surface", padding=0, spacing=0)
        left.setFixedWidth(theme().px(LEFT))
        head = QVBoxLayout()
        head.setContentsMargins(16, 16, 16, 12)
        head.setSpacing(12)
        head.addWidget(title("Data"))
        head.addWidget(self.import_button)
        left.box.addLayout(head)
        left.box.addWidget(HairLine())
        left.box.addWidget(self.catalogue)
        self.catalogue.hide()  # until torch is there to say what there is
        left.box.addWidget(HairLine())
        left.box.addWidget(self.settings, 1)
        right = Panel("surface", padding=0, spacing=0)
        holder = QWidget()
        self._stack = QStackedLayout(holder)
        self._stack.addWidget(self.message)
        self._stack.addWidget(self.content)
        band = QVBoxLayout()
        band.setContentsMargins(16, 0, 16, 0)
        band.addWidget(self.progress)
        right.box.addLayout(band)
        right.box.addWidget(holder, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(left)
        row.addWidget(HairLine(vertical=True))
        row.addWidget(right, 1)


def _folder_of(event: QDropEvent) -> str:
    """The one local folder that is being dragged, or ""."""
    urls = event.mimeData().urls()
    if len(urls) == 1 and urls[0].isLocalFile() and Path(urls[0].toLocalFile()).is_dir():
        return urls[0].toLocalFile()
    return ""
