"""The Settings page: workspace, look, training, trash, and what this program is made of."""

import os

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QMessageBox,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from ui.controller import Controller
from ui.pages.base import Page
from ui.pages.settings_about import about_section
from ui.pages.settings_reading import Content, content_of, size_words
from ui.pages.settings_rows import Section, open_path, say
from ui.settings import save
from ui.theme import theme
from ui.widgets import (
    ElidedLabel,
    PlainLabel,
    danger,
    secondary,
    set_enabled,
    title,
)
from ui.widgets.segments import Segments
from workbench.environment import training_threads

WIDTH = 680  # lines longer than this are hard to read
THEMES = ("system", "dark", "light")
DEVICES = (("auto", "Automatic"), ("cpu", "CPU"), ("cuda", "GPU (CUDA)"))
SETTLE = 250  # milliseconds after the last move of the slider
NEXT_START = "Takes effect at the next start."


class SettingsPage(Page):
    """Every choice is kept at once; what needs a new start says so."""

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__(controller, parent)
        self._content: Content | None = None
        self._settle = QTimer(self, interval=SETTLE, singleShot=True)
        self._settle.timeout.connect(self._apply_look)
        sections = (
            self._workspace_section(),
            self._look_section(),
            self._training_section(),
            self._trash_section(),
            about_section(),
        )
        self._lay_out(sections)
        controller.runs_changed.connect(self._read_if_shown)
        controller.engine_ready.connect(self._show_devices)
        self._show_devices()

    def entered(self) -> None:
        """Count runs and bytes again, and show what was changed elsewhere."""
        self._show_theme()
        self._read()

    # Sections

    def _workspace_section(self) -> Section:
        section = Section("Workspace")
        self.path = ElidedLabel(
            str(self.controller.workspace.root), "control", mode=Qt.TextElideMode.ElideMiddle
        )
        self.path.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        choose, show = secondary("Choose…", "folder"), secondary("Open", "folder-open")
        choose.setObjectName("choose_workspace")
        choose.clicked.connect(self._choose_workspace)
        show.clicked.connect(lambda: open_path(self.controller.workspace.root))
        self.content = section.add("Folder of the runs", self.path, choose, show)
        self._show_workspace()
        log = secondary("Open log folder", "file-text")
        log.clicked.connect(lambda: open_path(self.controller.workspace.root / "logs"))
        why = "What happened and what failed, to send along with a question."
        section.add("Log", log, why=why)
        return section

    def _look_section(self) -> Section:
        section, settings = Section("Look"), self.controller.settings
        self.theme = Segments(("System", "Dark", "Light"), "Theme")
        self._show_theme()
        self.theme.picked.connect(self._pick_theme)
        section.add("Theme", self.theme)
        self.scale = QSlider(Qt.Orientation.Horizontal)
        self.scale.setRange(16, 30)  # steps of 5 %
        self.scale.setPageStep(2)
        self.scale.setValue(round(settings.text_scale * 20))
        self.scale.setFixedWidth(theme().px(240))
        self.scale.setAccessibleName("Text size")
        self.scale_words = PlainLabel(f"{self.scale.value() * 5} %", "control")
        self.scale.valueChanged.connect(self._pick_scale)
        why = "80 to 150 %. A few heights follow at the next start."
        section.add("Text size", self.scale, self.scale_words, why=why)
        self.motion = QCheckBox("Reduce motion")
        self.motion.setChecked(settings.reduce_motion)
        self.motion.toggled.connect(lambda on: self._keep(reduce_motion=on))
        section.add("", self.motion, why="Points, tabs and popups change without gliding.")
        return section

    def _training_section(self) -> Section:
        section, settings = Section("Training"), self.controller.settings
        self.device = QComboBox()
        self.device.setAccessibleName("Device")
        for value, words in DEVICES:
            self.device.addItem(words, value)
        self.device.setCurrentIndex(max(0, self.device.findData(settings.device)))
        self.device.activated.connect(lambda: self._keep(device=self.device.currentData()))
        self.device_found = section.add("Device of new experiments", self.device, why=" ")
        self.threads = QComboBox()
        self.threads.setAccessibleName("CPU threads")
        self.threads.addItem("Automatic", 0)
        for count in range(1, (os.cpu_count() or 1) + 1):
            self.threads.addItem(str(count), count)
        self.threads.setCurrentIndex(max(0, self.threads.findData(settings.threads)))
        self.threads.activated.connect(lambda: self._keep(threads=self.threads.currentData()))
        why = (
            f"Automatic takes {training_threads(0)} here: all cores, less one for the window "
            "where there are more than two. A resumed run keeps the number it began with, for "
            f"the last digits depend on it. {NEXT_START}"
        )
        section.add("CPU threads", self.threads, why=why)
        return section

    def _trash_section(self) -> Section:
        section = Section("Trash")
        self.empty_trash = danger("Empty trash", "trash")
        self.empty_trash.setObjectName("empty_trash")
        self.empty_trash.clicked.connect(self._ask_to_empty)
        set_enabled(self.empty_trash, "Counting the runs in the trash.")
        self.trash_words = section.add("Deleted runs", self.empty_trash, why=" ")
        return section

    # Choices

    def _keep(self, **choices: object) -> None:
        for name, value in choices.items():
            setattr(self.controller.settings, name, value)
        save(self.controller.settings)

    def _pick_theme(self, place: int) -> None:
        self._keep(theme=THEMES[place])
        self._apply_look()

    def _show_theme(self) -> None:
        chosen = self.controller.settings.theme
        self.theme.choose(THEMES.index(chosen) if chosen in THEMES else 0)

    def _pick_scale(self, steps: int) -> None:
        self.scale_words.setText(f"{steps * 5} %")
        self._keep(text_scale=steps / 20)
        self._settle.start()

    def _apply_look(self) -> None:
        app, settings = QApplication.instance(), self.controller.settings
        if isinstance(app, QApplication):
            theme().apply(app, settings.theme, settings.text_scale)  # type: ignore[arg-type]

    def _choose_workspace(self) -> None:
        dialog = QFileDialog(self, "Folder of the runs", str(self.controller.workspace.root))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.take_workspace)
        dialog.open()

    def take_workspace(self, folder: str) -> None:
        """Use `folder` from the next start on, if it can be written."""
        if not os.access(folder, os.W_OK | os.X_OK):
            self.controller.problem.emit(f"{folder} can't be written; choose another folder.", "")
            return
        self._keep(workspace=folder)
        self._show_workspace()

    def _show_workspace(self) -> None:
        content, chosen = self._content, self.controller.settings.workspace_path
        here = f"{_runs(content.runs)} · {size_words(content.size)}. " if content else ""
        same = chosen.absolute() == self.controller.workspace.root.absolute()
        then = f"From the next start on: {chosen}"
        if same:
            then = "Another folder is used from the next start on."
        say(self.content, here + then)

    # The trash

    def _ask_to_empty(self) -> None:
        if self._content is None or not self._content.trashed:
            return
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"Delete {_runs(self._content.trashed)} for good?")
        box.setInformativeText(f"{size_words(self._content.trash_size)} become free. No undo.")
        delete = box.addButton("Delete for good", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        delete.clicked.connect(self._empty)
        box.open()

    def _empty(self) -> None:
        set_enabled(self.empty_trash, "The trash is being emptied.")
        say(self.trash_words, "Deleting…")
        self.controller.in_background(
            "Emptying the trash", self.controller.workspace.empty_trash, self._emptied
        )

    def _emptied(self, _count: int) -> None:
        self.controller.runs_changed.emit()
        self._read()

    # What there is

    def _read_if_shown(self) -> None:
        if self.isVisible():
            self._read()

    def _read(self) -> None:
        workspace = self.controller.workspace
        self.controller.in_background(
            "Measuring the workspace", lambda: content_of(workspace), self._show_content
        )

    def _show_content(self, content: Content) -> None:
        self._content = content
        self._show_workspace()
        size = f" · {size_words(content.trash_size)}" if content.trashed else ""
        say(self.trash_words, f"{_runs(content.trashed)} in the trash{size}")
        set_enabled(self.empty_trash, "" if content.trashed else "The trash is empty.")

    def _show_devices(self) -> None:
        if not self.controller.is_engine_ready:
            say(self.device_found, "Looking for a GPU when torch is loaded.")
            return
        import torch

        found = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        words = "Automatic takes a GPU where there is one. "
        say(
            self.device_found, words + ("Found: " + ", ".join(found) if found else "None is found.")
        )
        item = self.device.model().item(self.device.findData("cuda"))  # type: ignore[attr-defined]
        item.setEnabled(bool(found))
        item.setText("GPU (CUDA)" if found else "GPU (CUDA): torch finds none")

    def _lay_out(self, sections: tuple[Section, ...]) -> None:
        content = QWidget()
        content.setMaximumWidth(theme().px(WIDTH) + 64)
        column = QVBoxLayout(content)
        column.setContentsMargins(32, 0, 32, 24)
        column.setSpacing(20)
        for section in sections:
            column.addWidget(section)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidget(content)
        scroll.setWidgetResizable(True)
        scroll.setAlignment(Qt.AlignmentFlag.AlignLeft)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        head = title("Settings")
        head.setContentsMargins(32, 22, 32, 16)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(head)
        outer.addWidget(scroll, 1)


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count or 'No'} runs"
