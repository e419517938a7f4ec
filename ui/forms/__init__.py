"""Forms made from pydantic models: a field each, by its type, limits and description."""

from ui.forms.form import ModelForm
from ui.forms.reading import FieldInfo, Option, UnknownFieldType, read

__all__ = ["FieldInfo", "ModelForm", "Option", "UnknownFieldType", "read"]
