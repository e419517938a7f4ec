"""Editors: one widget per kind of value. Each reads and writes a raw, JSON-like value."""

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QStandardItemModel, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QWidget,
)

from ui.forms.numbers import list_text, number, number_text, words
from ui.forms.reading import FieldInfo, Option
from ui.widgets import PlainLabel, icon_button, tooltip


class Editor(QWidget):
    """A widget for one value; `changed` on every edit by the user."""

    changed = Signal()

    def __init__(self, field: FieldInfo) -> None:
        super().__init__()
        self.field = field
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(4)

    def adopt(self, control: QWidget) -> None:
        """Make `control` the widget that takes focus and carries the states."""
        self.control = control
        control.setAccessibleName(self.field.title)
        self.setFocusProxy(control)
        self.row.addWidget(control, 1)

    def value(self) -> Any:
        """The raw value as it stands, valid or not."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `changed`."""
        raise NotImplementedError

    def set_frozen(self, frozen: bool) -> None:
        """Show the value raised, without outline, not to be changed."""
        self._mark("frozen", frozen)

    def set_invalid(self, invalid: bool) -> None:
        """Outline in the danger colour."""
        self._mark("invalid", invalid)

    def _mark(self, name: str, on: bool) -> None:
        if bool(self.control.property(name)) != on:
            self.control.setProperty(name, on)
            self.control.style().unpolish(self.control)
            self.control.style().polish(self.control)


class TextEditor(Editor):
    """A line of text; `unit` stands at its right end. Lists are written with commas."""

    def __init__(self, field: FieldInfo) -> None:
        super().__init__(field)
        self.line = _Line(field.unit)
        self.line.setPlaceholderText(str(field.extra.get("placeholder", "")))
        self.line.textEdited.connect(self.changed)
        self.adopt(self.line)

    def value(self) -> Any:
        text = self.line.text()
        return None if self.field.optional and not text.strip() else text

    def set_value(self, value: Any) -> None:
        self.line.setText("" if value is None else str(value))
        self.line.setCursorPosition(0)

    def set_frozen(self, frozen: bool) -> None:
        self.line.setReadOnly(frozen)
        super().set_frozen(frozen)


class NumberEditor(TextEditor):
    """A number as people write it, 3e-4 too; Up and Down step a whole number within its limits."""

    def value(self) -> Any:
        return number(self.line.text())

    def set_value(self, value: Any) -> None:
        super().set_value(number_text(value))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()), 0)
        now = self.value()
        if not step or self.field.kind != "int" or not isinstance(now, int):
            super().keyPressEvent(event)
            return
        if self.line.isReadOnly():
            return
        least, most = self.field.least, self.field.most
        after = now + step
        if least is not None:
            after = max(after, int(least) + self.field.above)
        if most is not None:
            after = min(after, int(most) - self.field.below)
        self.line.setText(str(after))
        self.changed.emit()


class ListEditor(TextEditor):
    """Several values with commas between."""

    def value(self) -> Any:
        parts = words(self.line.text())
        return parts if self.field.kind == "texts" else [number(part) for part in parts]

    def set_value(self, value: Any) -> None:
        super().set_value(list_text(value or ()))


class FolderEditor(TextEditor):
    """A path with a button to choose it."""

    def __init__(self, field: FieldInfo) -> None:
        super().__init__(field)
        self.browse = icon_button("folder-open", f"Choose {field.title.lower()}")
        self.browse.clicked.connect(self._choose)
        self.row.addWidget(self.browse)

    def set_frozen(self, frozen: bool) -> None:
        self.browse.setVisible(not frozen)
        super().set_frozen(frozen)

    def _choose(self) -> None:
        # open(), not exec(): a nested loop inside qasync's hangs.
        dialog = QFileDialog(self, self.field.title, self.line.text())
        self.set_kind(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._take)
        dialog.open()

    def set_kind(self, dialog: QFileDialog) -> None:
        """Let the dialog offer what may be chosen."""
        dialog.setFileMode(QFileDialog.FileMode.Directory)

    def _take(self, path: str) -> None:
        self.line.setText(path)
        self.changed.emit()


class FileEditor(FolderEditor):
    """A file's path with a button to choose it; the field's "filter" says which are shown."""

    def set_kind(self, dialog: QFileDialog) -> None:
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(str(self.field.extra.get("filter", "")))


class CheckEditor(Editor):
    """Yes or no, with the title beside the box."""

    def __init__(self, field: FieldInfo) -> None:
        super().__init__(field)
        self.box = QCheckBox(field.title)
        self.box.clicked.connect(self.changed)
        self.adopt(self.box)

    def value(self) -> bool:
        return self.box.isChecked()

    def set_value(self, value: Any) -> None:
        self.box.setChecked(bool(value))

    def set_frozen(self, frozen: bool) -> None:
        self.box.setEnabled(not frozen)
        super().set_frozen(frozen)


class ChoiceEditor(Editor):
    """One of several; an impossible one stays listed, disabled, with the reason beside it."""

    def __init__(self, field: FieldInfo) -> None:
        super().__init__(field)
        self.combo = _Combo()
        self.combo.activated.connect(self.changed)
        self.adopt(self.combo)
        self.set_options(field.options)

    def set_options(self, options: tuple[Option, ...]) -> None:
        """Replace the list; keeps the value if it is still there."""
        kept = self.value() if self.combo.count() else None
        self.options = options
        self.combo.clear()
        for option in options:
            self.combo.addItem(option.title)
        self.set_value(kept)

    def set_impossible(self, reasons: dict[Any, str]) -> None:
        """Disable the values that are keys of `reasons`, and enable all others."""
        items = self.combo.model()
        assert isinstance(items, QStandardItemModel)
        for row, option in enumerate(self.options):
            reason = reasons.get(option.value, "")
            items.item(row).setEnabled(not reason)
            items.item(row).setText(f"{option.title} ({reason})" if reason else option.title)
            items.item(row).setToolTip(tooltip(reason))

    def value(self) -> Any:
        row = self.combo.currentIndex()
        return self.options[row].value if row >= 0 else self._unlisted

    def set_value(self, value: Any) -> None:
        rows = [row for row, option in enumerate(self.options) if option.value == value]
        self._unlisted = None if rows else value
        self.combo.setCurrentIndex(rows[0] if rows else -1)
        self.combo.setPlaceholderText("" if rows or value is None else f"{value} (not available)")

    def set_frozen(self, frozen: bool) -> None:
        self.combo.setEnabled(not frozen)
        super().set_frozen(frozen)


def editor_for(field: FieldInfo) -> Editor:
    """The editor for a field's kind; a union's is the choice of its model."""
    kinds: dict[str, type[Editor]] = {
        "bool": CheckEditor,
        "int": NumberEditor,
        "float": NumberEditor,
        "text": TextEditor,
        "word or number": NumberEditor,
        "folder": FolderEditor,
        "file": FileEditor,
        "choice": ChoiceEditor,
        "union": ChoiceEditor,
        "model": ChoiceEditor,
        "ints": ListEditor,
        "floats": ListEditor,
        "texts": ListEditor,
    }
    return kinds[field.kind](field)


class _Line(QLineEdit):
    """A line edit that holds its unit inside, at the right end."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.setMinimumWidth(48)
        self._unit = PlainLabel(unit, "why", "muted", parent=self)
        self._unit.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._unit.setVisible(bool(unit))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._unit.isHidden():
            return
        size = self._unit.sizeHint()
        self.setTextMargins(0, 0, size.width() + 6, 0)
        self._unit.setGeometry(
            self.width() - size.width() - 10,
            (self.height() - size.height()) // 2,
            size.width(),
            size.height(),
        )


class _Combo(QComboBox):
    """A combo that lets a form scroll: the wheel changes it only while it has focus."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)

    def minimumSizeHint(self) -> QSize:
        return QSize(64, super().minimumSizeHint().height())

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
