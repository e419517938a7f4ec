"""A row that holds a form of its own: a nested model, or a choice of one of several."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ui.forms.editor import ChoiceEditor
from ui.forms.reading import FieldInfo, Option, model_extra
from ui.forms.row import FieldRow
from ui.formula import FormulaLabel
from ui.widgets import why_line

if TYPE_CHECKING:
    from ui.forms.form import ModelForm


class NestedRow(FieldRow):
    """The choice of a model, its formula and why-line, and its fields below.

    Without a choice only the title stands above the fields. A model that was
    left keeps its values and shows them again when chosen again.

    Args:
        make_form: builds the nested form from a model class, raw values and a path.
    """

    nested_edited = Signal(str)
    rebuilt = Signal()

    def __init__(
        self,
        field: FieldInfo,
        path: str,
        default: Any,
        make_form: Callable[..., "ModelForm"],
    ) -> None:
        super().__init__(field, path, default)
        assert isinstance(self.editor, ChoiceEditor)
        self.choice = self.editor
        self.choice.setVisible(len(field.options) > 1)
        self._make_form, self._default = make_form, default
        self._left: dict[Any, Any] = {}
        self._unknown: Any = None
        self._shown: Option | None = None
        self.formula = FormulaLabel()
        self.why = why_line("")
        self.below.addWidget(self.formula)
        self.below.addWidget(self.why)
        self.choice.changed.connect(self._switch)

    def value(self) -> Any:
        if self.form is not None:
            return self.form.value()
        return self._unknown if self.choice.combo.currentIndex() < 0 else None

    def set_value(self, value: Any) -> None:
        given = self._default if value is None and not self.field.optional else value
        option = self._option_for(given)
        self._left.clear()
        self._unknown = given if option is None else None
        tag = given.get(self.field.tag) if isinstance(given, Mapping) else given
        self.choice.set_value(option.value if option else tag)
        self._show_form(option, given if option and option.model else None)
        self.set_error("")
        self._compare()

    def set_preset(self, value: Any, known: bool) -> None:
        super().set_preset(value, known)
        if self.form is not None:
            same = known and self._option_for(value) is self._shown
            self.form.set_preset(value if same else None)

    def chosen(self) -> Any:
        """Value of the chosen option: the tag of a union's model."""
        return self.choice.value()

    def controls(self) -> Iterator[QWidget]:
        yield from super().controls()
        if self.form is not None:
            yield from self.form.controls()

    def _switch(self) -> None:
        if self._shown is not None and self.form is not None:
            self._left[self._shown.value] = self.form.value()
        option = self.choice.options[self.choice.combo.currentIndex()]
        self._show_form(option, self._left.get(option.value))
        self.set_preset(self._preset, self._has_preset)
        self.rebuilt.emit()

    def _show_form(self, option: Option | None, value: Any) -> None:
        if option is self._shown and self.form is not None:
            self.form.set_value(value)
            return
        if self.form is not None:
            self.form.hide()
            self.form.deleteLater()
            self.form = None
        self._shown = option
        model = option.model if option else None
        extra = model_extra(model) if model else {}
        self.formula.set_formula(str(extra.get("formula", "")))
        self.why.setText(str(extra.get("why", "")))
        self.why.setVisible(bool(extra.get("why")))
        if model is not None:
            self.form = self._make_form(model, value, path=self.path)
            self.form.edited.connect(self.nested_edited)
            self.form.layout().setContentsMargins(0, 4, 0, 0)  # type: ignore[union-attr]
            self.below.addWidget(self.form)
            self.form.setVisible(bool(self.form.rows))

    def _option_for(self, value: Any) -> Option | None:
        if value is None:
            return next((option for option in self.field.options if option.model is None), None)
        models = [option for option in self.field.options if option.model is not None]
        if self.field.kind == "model":
            return models[0]
        tag = value.get(self.field.tag) if isinstance(value, Mapping) else None
        return next((option for option in models if option.value == tag), None)

    def _differs(self) -> bool:
        return self._option_for(self._preset) is not self._shown

    def _words(self, value: Any) -> str:
        option = self._option_for(value)
        return option.title if option else str(value)
