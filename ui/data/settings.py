"""The settings of the chosen data set: its own first, then how it is split."""

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

from pydantic import BaseModel, create_model
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QScrollArea, QVBoxLayout, QWidget

from ui.forms import ModelForm
from ui.widgets import HairLine, PlainLabel, secondary

SPLIT_FIRST = ("train_images", "validation_share", "split_seed", "classes")


class DataSettings(QScrollArea):
    """Forms for one data set's knobs; made anew for each.

    Signals:
        changed: a value changed through the user.
        load_wanted: the user pressed Load, chose a folder, or Return in its field.
    """

    changed = Signal()
    load_wanted = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setObjectName("data_settings")
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.name = ""
        self._forms: list[ModelForm] = []
        self._load: QWidget | None = None

    def show_entry(self, name: str, values: Mapping[str, Any]) -> None:
        """Show the data set called `name` with these values; what is missing is default."""
        from engines.registry import dataset, own_knobs

        self.name = name
        entry = dataset[name]
        own = tuple(own_knobs(entry))
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        self._forms = []
        for words, names in (("Settings", own), ("Splits", SPLIT_FIRST)):
            if not names:
                continue
            form = ModelForm(_unfolded(entry.knobs, names))
            form.set_value({key: value for key, value in values.items() if key in names})
            form.changed.connect(self._changed)
            self._forms.append(form)
            if len(self._forms) > 1:
                column.addWidget(HairLine())
            column.addWidget(PlainLabel(words, "section"))
            column.addWidget(form)
            if "folder" in names:
                self._load = self._load_button()
                column.addWidget(self._load)
        column.addStretch(1)
        self.setWidget(body)
        body.setAutoFillBackground(False)  # setWidget turned it on
        line = self.folder_line()
        if line is not None:
            line.returnPressed.connect(self.load_wanted)

    def values(self) -> dict[str, Any]:
        """The raw values as they stand."""
        found: dict[str, Any] = {}
        for form in self._forms:
            found |= form.value()
        return found

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Change some values as the program; `changed` is not emitted."""
        for form in self._forms:
            known = {key: value for key, value in values.items() if key in form.rows}
            if known:
                form.set_value(form.value() | known)

    def knobs(self) -> Any:
        """The validated knobs, or None with every fault shown at its field."""
        from engines.registry import dataset

        valid = [form.validate() for form in self._forms]
        if None in valid:
            return None
        plain = {key: value for part in valid if part for key, value in part.model_dump().items()}
        return dataset[self.name].knobs(**plain)

    def show_error(self, field: str, sentence: str) -> bool:
        """Show a sentence at a field; False if there is no such field."""
        for form in self._forms:
            if field in form.rows:
                form.set_errors({field: sentence})
                self.ensureWidgetVisible(form.rows[field])
                return True
        return False

    def controls(self) -> Iterator[QWidget]:
        """What takes focus, in reading order."""
        for form in self._forms:
            yield from form.controls()
            if "folder" in form.rows and self._load is not None:
                yield self._load

    def folder_line(self) -> QLineEdit | None:
        """The field that holds the folder's path."""
        for form in self._forms:
            if "folder" in form.rows:
                return form.rows["folder"].editor.control  # type: ignore[return-value]
        return None

    def _load_button(self) -> QWidget:
        load = secondary("Load this folder", "folder-open")
        load.setObjectName("load")
        load.clicked.connect(self.load_wanted)
        return load

    def _changed(self) -> None:
        line = self.folder_line()
        # While a path is typed, every half of it may be a folder: "/" is one.
        if line is None or not line.isModified():
            self.changed.emit()


def _unfolded(model: type[BaseModel], names: tuple[str, ...]) -> type[BaseModel]:
    """Some fields of a model, none of them behind "More settings": here is room for them."""
    from engines.registry import Knobs

    fields: dict[str, Any] = {}
    for name in names:
        info = copy(model.model_fields[name])
        if isinstance(info.json_schema_extra, dict):
            info.json_schema_extra = {**info.json_schema_extra, "advanced": False}
        fields[name] = (info.annotation, info)
    made: type[BaseModel] = create_model("settings", __base__=Knobs, **fields)
    return made
