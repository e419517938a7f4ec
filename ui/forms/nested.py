"""Rows that hold a form of their own: a nested model, or a choice of one of several."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.forms.reading import FieldInfo, model_extra
from ui.forms.row import FieldRow
from ui.formula import FormulaLabel
from ui.widgets import PlainLabel, why_line

if TYPE_CHECKING:
    from ui.forms.form import ModelForm
