"""A form for a pydantic model: nested models in place, unions as a choice with its own fields."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ValidationError
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ui.forms.editor import ChoiceEditor
from ui.forms.nested import NestedRow
from ui.forms.raw import constants, defaults, raw
from ui.forms.reading import FieldInfo, Option, read
from ui.forms.row import ErrorLine, FieldRow
from ui.forms.sentences import sentence, whole
from ui.icons import icon
from ui.widgets import link

DEBOUNCE_MS = 150


class ModelForm(QWidget):
    """One field per field of `model`; edits and shows a raw dict, validates on demand.

    A field's look comes from its type, limits, title and description, and from
    its json_schema_extra: "unit", "titles" (words for values), "advanced" (folded),
    "why" (True or a sentence below the field), "beside" (same line as the field
    before), "untitled" (no label above: a heading says it), "widget" ("folder", "file" with
    "filter", "choice" with "choices"), "placeholder", "none".
    A model's json_schema_extra may hold "title", "formula" and "why" for its choice in a union.

    Args:
        model: the model class.
        value: raw values or an instance to begin with; what is missing takes its default.
        path: dotted path of a nested form, "" at the top.

    Raises:
        UnknownFieldType: a field's type has no editor.
    """

    changed = Signal()
    """Some value changed through the user, 150 ms after the last edit."""

    edited = Signal(str)
    """A field changed through the user, at once, with its path."""

    def __init__(
        self,
        model: type[BaseModel],
        value: Mapping[str, Any] | BaseModel | None = None,
        *,
        path: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.model = model
        self.rows: dict[str, FieldRow] = {}
        self._path = path
        self._constants, self._defaults = constants(model), defaults(model)
        self._frozen, self._except = False, frozenset[str]()
        self._preset: Mapping[str, Any] | None = None
        self._debounce = QTimer(self, singleShot=True, interval=DEBOUNCE_MS)
        self._debounce.timeout.connect(self.changed)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(12)
        self.error = ErrorLine()
        self._column.addWidget(self.error)
        self._more = link("More settings", "caret-right")
        self._folded = QWidget()
        self._build(read(model))
        self.set_value(value)

    # --- values ---

    def value(self) -> dict[str, Any]:
        """The raw, JSON-like values as they stand, valid or not."""
        return self._constants | {name: row.value() for name, row in self.rows.items()}

    def set_value(self, value: Mapping[str, Any] | BaseModel | None) -> None:
        """Show values without emitting `changed`; what is missing takes its default."""
        given = self._defaults | dict(raw(value) or {})
        for name, row in self.rows.items():
            row.set_value(given.get(name))
        self.error.show_sentence("")
        self._arrange()

    def validate(self) -> BaseModel | None:
        """The model if all values are valid; else None, with every error shown at its field."""
        try:
            made = self.model.model_validate(self.value())
        except ValidationError as problem:
            self.set_errors({})
            for error in problem.errors(include_url=False):
                self._show(error["loc"], error)
            return None
        self.set_errors({})
        return made

    def set_errors(self, errors: Mapping[str, str]) -> None:
        """Show a sentence at each dotted path, "" being the form itself, and no others."""
        self.error.show_sentence("")
        for row in self.rows.values():
            row.set_error("")
            if row.form is not None:
                row.form.set_errors({})
        for path, words in errors.items():
            self._show(tuple(path.split(".")) if path else (), words)

    def errors(self) -> dict[str, str]:
        """The sentences on screen by dotted path."""
        found = {self._path: self.error.sentence()} if self.error.sentence() else {}
        for row in self.rows.values():
            if row.error.sentence():
                found[row.path] = row.error.sentence()
            if row.form is not None:
                found |= row.form.errors()
        return found

    def focus_first_error(self) -> bool:
        """Put the keyboard at the first field with an error; False if there is none."""
        for row in self.rows.values():
            if row.error.sentence():
                next(iter(list(row.controls())[1:]), row).setFocus()
                return True
            if row.form is not None and row.form.focus_first_error():
                return True
        return False

    # --- states ---

    def set_preset(self, preset: Mapping[str, Any] | BaseModel | None) -> None:
        """Mark with a dot every field that differs from `preset`; None removes the marks."""
        given = raw(preset)
        self._preset = None if given is None else self._defaults | dict(given)
        for name, row in self.rows.items():
            row.set_preset((self._preset or {}).get(name), self._preset is not None)

    def set_frozen(self, frozen: bool, except_: Iterable[str] = ()) -> None:
        """Freeze every field but those named in `except_`, by name or by dotted path."""
        self._frozen, self._except = frozen, frozenset(except_)
        for name, row in self.rows.items():
            this = frozen and not {name, row.path} & self._except
            row.set_frozen(this)
            if row.form is not None:
                row.form.set_frozen(this, self._except)

    def set_choices(self, path: str, titles: Mapping[Any, str]) -> None:
        """Replace the choices of a field by value → words; it keeps its value if still there."""
        self._choice(path).set_options(tuple(Option(*pair) for pair in titles.items()))

    def set_impossible(self, path: str, reasons: Mapping[Any, str]) -> None:
        """Disable choices of a field, with the reason beside each; all others are enabled."""
        self._choice(path).set_impossible(dict(reasons))

    def row(self, path: str) -> FieldRow:
        """The row at a dotted path.

        Raises:
            KeyError: the form shows no such field now.
        """
        form, row = self._locate(tuple(path.split(".")))
        if row is None or row.path != (f"{self._path}.{path}" if self._path else path):
            raise KeyError(f"{form.model.__name__} shows no field {path!r}")
        return row

    def controls(self) -> Iterator[QWidget]:
        """What takes focus, in reading order."""
        plain = [row for row in self.rows.values() if not row.field.advanced]
        folded = [row for row in self.rows.values() if row.field.advanced]
        for row in plain:
            yield from row.controls()
        if folded:
            yield self._more
        for row in folded:
            yield from row.controls()

    # --- building ---

    def _build(self, fields: list[FieldInfo]) -> None:
        folded = QVBoxLayout(self._folded)
        folded.setContentsMargins(0, 0, 0, 0)
        folded.setSpacing(12)
        block: _Line | None = None
        for field in fields:
            self.rows[field.name] = row = self._row(field)
            if block is None or not field.extra.get("beside"):
                block = _Line()
                (folded if field.advanced else self._column).addLayout(block)
            block.add(row)
        self._more.setCheckable(True)
        self._more.toggled.connect(self._unfold)
        self._column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self._folded)
        self._more.setVisible(any(field.advanced for field in fields))
        self._folded.hide()

    def _row(self, field: FieldInfo) -> FieldRow:
        path = f"{self._path}.{field.name}" if self._path else field.name
        default = self._defaults.get(field.name)
        if field.kind in ("model", "union"):
            row: FieldRow = NestedRow(field, path, default, ModelForm)
            row.nested_edited.connect(self._announce)  # type: ignore[attr-defined]
            row.rebuilt.connect(self._rebuilt)  # type: ignore[attr-defined]
        else:
            row = FieldRow(field, path, default)
        row.changed.connect(lambda: self._announce(path))
        return row

    def _announce(self, path: str) -> None:
        self.error.show_sentence("")
        self.edited.emit(path)
        self._debounce.start()

    def _rebuilt(self) -> None:
        self.set_frozen(self._frozen, self._except)
        self._arrange()

    def _arrange(self) -> None:
        """A nested form built later stands last in Qt's focus chain: put it where it is seen."""
        for first, second in pairwise(self.controls()):
            QWidget.setTabOrder(first, second)

    def _unfold(self, opened: bool) -> None:
        self._folded.setVisible(opened)
        self._more.setIcon(icon("caret-down" if opened else "caret-right", "muted"))

    # --- finding ---

    def _locate(self, place: tuple[Any, ...]) -> "tuple[ModelForm, FieldRow | None]":
        """The form and row that a path or a pydantic location means; no row: the form itself."""
        row = self.rows.get(str(place[0])) if place else None
        if row is None or not isinstance(row, NestedRow) or row.form is None:
            return self, row
        rest = place[1:]
        # pydantic puts the chosen model's tag between a union's name and its field.
        if rest and row.field.kind == "union" and rest[0] == row.chosen():
            rest = rest[1:]
        if not rest:
            return self, row
        form, inner = row.form._locate(rest)
        return (self, row) if inner is None else (form, inner)

    def _show(self, place: tuple[Any, ...], error: Any) -> None:
        """Show an error (pydantic's, or a sentence) at its row, or at the form if it has none."""
        form, row = self._locate(place)
        if row is None:
            words = error if isinstance(error, str) else whole(error)
            form.error.show_sentence(form.error.sentence() or words)
            return
        words = error if isinstance(error, str) else sentence(row.field, error)
        row.set_error(row.error.sentence() or words)
        self._reveal(row)

    def _reveal(self, row: FieldRow) -> None:
        """Unfold whatever hides `row`, here and in the forms around it."""
        widget: QWidget | None = row
        folded = False
        while widget is not None:
            folded = folded or (isinstance(widget, FieldRow) and widget.field.advanced)
            if folded and isinstance(widget, ModelForm):
                widget._more.setChecked(True)
                folded = False
            widget = widget.parentWidget()

    def _choice(self, path: str) -> ChoiceEditor:
        editor = self.row(path).editor
        if not isinstance(editor, ChoiceEditor):
            raise TypeError(f"{path} isn't a choice")
        return editor


class _Line(QVBoxLayout):
    """Fields side by side, and below them what there is to say of each."""

    def __init__(self) -> None:
        super().__init__()
        self.setSpacing(4)
        self._fields = QHBoxLayout()
        self._fields.setSpacing(8)
        self.addLayout(self._fields)

    def add(self, row: FieldRow) -> None:
        self._fields.addWidget(row, 1)
        for note in row.notes:
            self.addWidget(note)
