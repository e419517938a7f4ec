"""One field of a form: title, editor, why-line, and the error below it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from ui.forms.editor import ChoiceEditor, Editor, FolderEditor, editor_for
from ui.forms.numbers import list_text, number_text
from ui.forms.reading import FieldInfo
from ui.theme import theme
from ui.widgets import IconLabel, PlainLabel, tooltip, why_line

if TYPE_CHECKING:
    from ui.forms.form import ModelForm


class FieldRow(QWidget):
    """A field with everything around it.

    Args:
        path: dotted path of the field, the object name of its control.
        default: raw value for the tooltip.
    """

    changed = Signal()

    def __init__(self, field: FieldInfo, path: str, default: Any) -> None:
        super().__init__()
        self.field, self.path = field, path
        self.form: ModelForm | None = None  # only a nested row has one
        self.editor: Editor = editor_for(field)
        self.editor.control.setObjectName(path)
        self.editor.control.setToolTip(tooltip(_explained(field, default)))
        self._preset: Any = None
        self._has_preset = False
        self._frozen = False
        self.dot = _Dot()
        self.dot.clicked.connect(self._reset)
        self.error = ErrorLine()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(4)
        head.addWidget(self.dot)
        if field.kind == "bool":
            head.addWidget(self.editor, 1)
            layout.addLayout(head)
        else:
            if not field.extra.get("untitled"):
                head.addWidget(PlainLabel(field.title, "label", "muted"), 1)
            layout.addLayout(head)
            layout.addWidget(self.editor)
        self.below = QVBoxLayout()
        self.below.setContentsMargins(0, 0, 0, 0)
        self.below.setSpacing(4)
        layout.addLayout(self.below)
        # The form lays these out over the whole width of a line that several fields share.
        self.notes: list[QWidget] = [self.error]
        if why := _why(field):
            self.notes.append(why_line(why))
        self.editor.changed.connect(self._edited)

    def value(self) -> Any:
        """The raw value as it stands."""
        return self.editor.value()

    def set_value(self, value: Any) -> None:
        """Show a value without emitting `changed`."""
        self.editor.set_value(value)
        self.set_error("")
        self._compare()

    def set_error(self, sentence: str) -> None:
        """Outline the field and show the sentence below, or neither for ""."""
        self.error.show_sentence(sentence)
        self.editor.set_invalid(bool(sentence))
        self.editor.control.setAccessibleDescription(sentence)

    def set_frozen(self, frozen: bool) -> None:
        """Show without outline, not to be changed."""
        self._frozen = frozen
        self.editor.set_frozen(frozen)
        self._compare()

    def set_preset(self, value: Any, known: bool) -> None:
        """Mark the field whenever it differs from `value`; `known` False removes the mark."""
        self._preset, self._has_preset = value, known
        self._compare()

    def controls(self) -> Iterator[QWidget]:
        """What takes focus, in reading order."""
        yield self.dot
        yield self.editor.control
        if isinstance(self.editor, FolderEditor):
            yield self.editor.browse

    def _words(self, value: Any) -> str:
        if isinstance(self.editor, ChoiceEditor):
            return next((o.title for o in self.editor.options if o.value == value), str(value))
        return _text(value)

    def _edited(self) -> None:
        self.set_error("")
        self._compare()
        self.changed.emit()

    def _reset(self) -> None:
        self.set_value(self._preset)
        self._edited()

    def _differs(self) -> bool:
        return not _same(self.value(), self._preset)

    def _compare(self) -> None:
        differs = self._has_preset and self._differs()
        self.dot.setVisible(differs)
        if differs:
            preset = f"Preset: {self._words(self._preset)}."
            self.dot.setToolTip(tooltip(preset if self._frozen else f"{preset} Reset"))
            self.dot.setAccessibleName(f"Reset {self.field.title} to its preset")
            self.dot.setEnabled(not self._frozen)


class ErrorLine(QWidget):
    """Icon and sentence in the danger colour; hidden while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(IconLabel("warning-circle", "danger", 14), 0, Qt.AlignmentFlag.AlignTop)
        self.label = PlainLabel("", "why", "danger", wrap=True)
        self.label.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.label, 1)
        self.hide()

    def show_sentence(self, sentence: str) -> None:
        """Show `sentence`, or nothing for ""."""
        self.label.setText(sentence)
        self.setVisible(bool(sentence))

    def sentence(self) -> str:
        """What is shown."""
        return self.label.text()


class _Dot(QToolButton):
    """A 6-px accent dot; a click puts the preset's value back."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "dot")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("accent"))
        middle = QRectF(self.rect()).center()
        painter.drawEllipse(middle, 3, 3)


def _why(field: FieldInfo) -> str:
    why = field.extra.get("why", "")
    return field.description if why is True else str(why)


def _explained(field: FieldInfo, default: Any) -> str:
    lines = [field.description]
    if field.limits:
        lines.append(f"{field.limits[:1].upper()}{field.limits[1:]} {field.unit}".strip() + ".")
    if default is not None and field.kind not in ("union", "choice", "bool"):
        shown = list_text(default) if isinstance(default, (list, tuple)) else number_text(default)
        lines.append(f"Default: {shown}." if shown else "")
    return "\n".join(line for line in lines if line)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return list_text(value) or "empty"
    return number_text(value) or "empty"


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return list(first) == list(second)
    return bool(first == second)
