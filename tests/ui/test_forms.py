import json
from typing import Annotated, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QScrollArea,
)

from ui.forms import ModelForm, UnknownFieldType, read
from ui.forms.numbers import list_text, number, number_text, words
from ui.theme import theme
from ui.widgets import PlainLabel


class Cnn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "title": "Convolutional network",
            "formula": r"y = w * x",
            "why": "Looks for the same small pattern everywhere.",
        },
    )
    kind: Literal["cnn"] = "cnn"
    channels: tuple[Annotated[int, Field(ge=1, le=512)], ...] = (32, 64)
    kernel: int = Field(3, ge=1, le=11, json_schema_extra={"beside": True, "unit": "px"})
    pooling: Literal["average", "max", "l2"] = Field(
        "max", json_schema_extra={"titles": {"l2": "L2 norm"}}
    )
    batch_norm: bool = True
    dropout: float = Field(0.0, ge=0, lt=1, json_schema_extra={"advanced": True})


class Vit(BaseModel):
    kind: Literal["vit"] = "vit"
    patch: int = Field(4, ge=1, le=16)


class Training(BaseModel):
    learning_rate: float = Field(
        3e-4, gt=0, le=10, description="Length of a step.", json_schema_extra={"why": True}
    )
    batch_size: int = Field(128, ge=2, le=4096)
    clip: float | None = Field(None, gt=0)


class Spec(BaseModel):
    name: str = "A run"
    folder: str = Field("", json_schema_extra={"widget": "folder"})
    classes: tuple[str, ...] = ()
    model: Annotated[Cnn | Vit, Field(discriminator="kind")] = Cnn()
    training: Training = Training()
    teacher: Vit | None = None

    @model_validator(mode="after")
    def small_patches_need_small_batches(self):
        if self.model.kind == "vit" and self.model.patch == 1 and self.training.batch_size > 256:
            raise ValueError("Patch 1 needs a batch of at most 256")
        return self


def raw(spec):
    return json.loads(spec.model_dump_json())


@pytest.fixture
def form(qtbot):
    form = ModelForm(Spec)
    qtbot.addWidget(form)
    form.resize(320, 700)
    form.show()
    return form


def line(form, path):
    return form.findChild(QLineEdit, path)


def typed(qtbot, form, path, text):
    line(form, path).clear()
    qtbot.keyClicks(line(form, path), text)


names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
specs = st.builds(
    Spec,
    name=names,
    classes=st.lists(names | st.just('say "a, b"') | st.just("a b"), max_size=4).map(tuple),
    model=st.builds(
        Cnn,
        channels=st.lists(st.integers(1, 512), max_size=5).map(tuple),
        kernel=st.integers(1, 11),
        dropout=st.floats(0, 1, exclude_max=True),
    )
    | st.builds(Vit, patch=st.integers(2, 16)),
    training=st.builds(
        Training,
        learning_rate=st.floats(0, 10, exclude_min=True),
        batch_size=st.integers(2, 4096),
        clip=st.none() | st.floats(1e-6, 1e9),
    ),
    teacher=st.none() | st.builds(Vit, patch=st.integers(1, 16)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(spec=specs)
def test_that_every_valid_spec_survives_the_form(form, spec):
    form.set_value(raw(spec))
    assert form.validate() == spec
    assert raw(Spec.model_validate(form.value())) == raw(spec)


@settings(max_examples=300, deadline=None)
@given(value=st.floats(allow_nan=False) | st.integers())
def test_that_numbers_read_back_exactly(value):
    assert number(number_text(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(3e-4, "3e-4"), (1e-3, "1e-3"), (0.05, "0.05"), (1.0, "1.0"), (0.00015, "1.5e-4"),
     (2.5e6, "2.5e6"), (-2e-9, "-2e-9"), (128, "128"), (0.0, "0.0"), (None, "")],
)  # fmt: skip
def test_that_numbers_are_written_as_people_write_them(value, text):
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("3e-4", 3e-4), (" 12 ", 12), ("4 690", 4690), ("−1.5", -1.5), ("", None), ("fast", "fast"),
     ("1_000", "1_000"), ("0x10", "0x10")],
)  # fmt: skip
def test_that_numbers_are_read_as_people_write_them(text, value):
    assert number(text) == value


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=6)))
def test_that_lists_read_back_exactly(parts):
    assert words(list_text(parts)) == parts


def test_that_titles_come_from_names_and_extras():
    titles = {field.name: field.title for field in read(Cnn)}
    assert titles["batch_norm"] == "Batch norm"
    assert "kind" not in titles  # it leaves no choice
    pooling = next(field for field in read(Cnn) if field.name == "pooling")
    assert [option.title for option in pooling.options] == ["Average", "Max", "L2 norm"]


@pytest.mark.parametrize(
    ("model", "name", "limits"),
    [
        (Training, "batch_size", "2 to 4096"),
        (Training, "learning_rate", "more than 0 and at most 10"),
        (Cnn, "dropout", "at least 0 and less than 1"),
        (Cnn, "channels", "1 to 512"),
        (Training, "clip", "more than 0"),
        (Spec, "name", ""),
    ],
)
def test_that_limits_are_said_in_words(model, name, limits):
    assert next(field for field in read(model) if field.name == name).limits == limits


def test_that_a_type_without_editor_is_named():
    class Odd(BaseModel):
        table: dict[str, int] = {}

    with pytest.raises(UnknownFieldType, match=r"Odd\.table"):
        read(Odd)


def test_that_controls_carry_path_and_title(form):
    assert line(form, "training.learning_rate").accessibleName() == "Learning rate"
    assert form.findChild(QComboBox, "model.pooling").accessibleName() == "Pooling"
    assert form.findChild(QCheckBox, "model.batch_norm").text() == "Batch norm"
    tip = line(form, "training.learning_rate").toolTip()
    assert "Length of a step." in tip
    assert "More than 0 and at most 10." in tip
    assert "Default: 3e-4." in tip


def test_that_edits_are_announced_once_after_a_pause(form, qtbot):
    counted = []
    form.changed.connect(lambda: counted.append(form.value()["training"]["learning_rate"]))
    with qtbot.waitSignal(form.changed):
        typed(qtbot, form, "training.learning_rate", "1e-3")
    assert counted == [1e-3]


def test_that_setting_values_announces_nothing(form, qtbot):
    with qtbot.assertNotEmitted(form.changed, wait=300):
        form.set_value({"name": "Another"})
    assert form.value()["name"] == "Another"
    assert form.value()["training"]["batch_size"] == 128


def test_that_all_errors_are_shown_at_once_in_sentences(form, qtbot):
    typed(qtbot, form, "training.learning_rate", "fast")
    typed(qtbot, form, "training.batch_size", "1")
    typed(qtbot, form, "model.channels", "32, x")
    typed(qtbot, form, "model.kernel", "")
    assert form.validate() is None
    assert form.errors() == {
        "training.learning_rate": "Learning rate must be a number, such as 3e-4.",
        "training.batch_size": "Batch size must be 2 to 4096.",
        "model.channels": "Channels must be numbers with commas between, such as 32, 64.",
        "model.kernel": "Kernel is needed.",
    }
    assert line(form, "training.batch_size").property("invalid") is True


def test_that_mending_a_field_removes_its_error_only(form, qtbot):
    typed(qtbot, form, "training.learning_rate", "0")
    typed(qtbot, form, "training.batch_size", "1")
    form.validate()
    typed(qtbot, form, "training.batch_size", "64")
    assert list(form.errors()) == ["training.learning_rate"]
    assert line(form, "training.batch_size").property("invalid") is False


def test_that_a_rule_between_fields_is_shown_at_the_form(form):
    form.set_value({"model": {"kind": "vit", "patch": 1}, "training": {"batch_size": 512}})
    assert form.validate() is None
    assert form.errors() == {"": "Patch 1 needs a batch of at most 256."}


def test_that_errors_can_be_given_by_path(form):
    form.set_errors({"model": "Needs a square picture.", "training.batch_size": "Too large."})
    assert form.errors() == {
        "model": "Needs a square picture.",
        "training.batch_size": "Too large.",
    }
    form.set_errors({})
    assert form.errors() == {}


def test_that_an_error_in_a_folded_field_unfolds_it_and_takes_focus(form, qtbot):
    hidden = line(form, "model.dropout")
    assert not hidden.isVisible()
    form.set_value({"model": {"kind": "cnn", "dropout": 2}})
    form.validate()
    assert form.errors() == {"model.dropout": "Dropout must be at least 0 and less than 1."}
    hidden = line(form, "model.dropout")
    assert hidden.isVisible()
    form.activateWindow()
    assert form.focus_first_error()
    qtbot.waitUntil(hidden.hasFocus)


def test_that_a_union_shows_the_fields_of_its_choice_and_remembers_the_other(form, qtbot):
    typed(qtbot, form, "model.channels", "8, 16, 32")
    choice = form.row("model").editor.combo
    with qtbot.waitSignal(form.changed):
        choice.setCurrentIndex(1)
        choice.activated.emit(1)
    assert form.value()["model"] == {"kind": "vit", "patch": 4}
    assert line(form, "model.patch").isVisible()
    choice.setCurrentIndex(0)
    choice.activated.emit(0)
    assert form.value()["model"]["channels"] == [8, 16, 32]


def test_that_focus_runs_in_reading_order_also_after_a_switch(form, qtbot):
    choice = form.row("model").editor.combo
    choice.setCurrentIndex(1)
    choice.activated.emit(1)
    seen, widget = [], line(form, "name")
    for _ in range(60):
        if widget.objectName() and widget.isVisible() and widget.focusPolicy():
            seen.append(widget.objectName())
        widget = widget.nextInFocusChain()
        if widget is line(form, "name"):
            break
    wanted = ["name", "folder", "classes", "model", "model.patch", "training.learning_rate",
              "training.batch_size", "training.clip", "teacher"]  # fmt: skip
    assert [name for name in seen if name in wanted] == wanted


def test_that_an_optional_model_can_be_left_out(form):
    assert form.value()["teacher"] is None
    form.set_value({"teacher": {"kind": "vit", "patch": 7}})
    assert line(form, "teacher.patch").text() == "7"
    form.set_value({})
    assert form.value()["teacher"] is None


def test_that_an_impossible_choice_is_listed_with_its_reason(form):
    form.set_impossible("model", {"vit": "4 does not divide 28"})
    choice = form.row("model").editor.combo
    assert choice.itemText(1) == "Vit (4 does not divide 28)"
    assert not choice.model().item(1).isEnabled()
    form.set_impossible("model", {})
    assert choice.itemText(1) == "Vit"
    assert choice.model().item(1).isEnabled()


def test_that_a_field_that_differs_from_the_preset_has_a_dot_and_can_be_reset(form, qtbot):
    form.set_preset(Spec())
    typed(qtbot, form, "training.learning_rate", "1e-3")
    dot = form.row("training.learning_rate").dot
    assert dot.isVisible()
    assert dot.toolTip() == "Preset: 3e-4. Reset"
    assert not form.row("training.batch_size").dot.isVisible()
    with qtbot.waitSignal(form.changed):
        qtbot.mouseClick(dot, Qt.MouseButton.LeftButton)
    assert form.value()["training"]["learning_rate"] == 3e-4
    assert not dot.isVisible()


def test_that_a_choice_that_differs_from_the_preset_is_reset_with_its_fields(form):
    preset = Spec(model=Cnn(channels=(7,)))
    form.set_value(Spec(model=Vit()))
    form.set_preset(preset)
    row = form.row("model")
    assert row.dot.isVisible()
    assert row.dot.toolTip() == "Preset: Convolutional network. Reset"
    row.dot.click()
    assert form.validate().model == preset.model
    assert not row.dot.isVisible()


def test_that_an_equal_value_has_no_dot(form):
    form.set_preset(Spec())
    dots = [row.dot for row in form.rows.values()]
    assert not any(dot.isVisible() for dot in dots)


def test_that_a_frozen_form_can_be_changed_only_where_excepted(form, qtbot):
    form.set_frozen(True, {"learning_rate"})
    typed(qtbot, form, "training.learning_rate", "1e-3")
    qtbot.keyClicks(line(form, "training.batch_size"), "9")
    qtbot.keyClick(line(form, "training.batch_size"), Qt.Key.Key_Up)
    assert form.value()["training"]["learning_rate"] == 1e-3
    assert form.value()["training"]["batch_size"] == 128
    assert not form.row("model").editor.combo.isEnabled()
    assert not form.findChild(QCheckBox, "model.batch_norm").isEnabled()
    form.set_frozen(False)
    assert form.row("model").editor.combo.isEnabled()


def test_that_a_frozen_field_keeps_text_at_full_contrast(form, each_theme):
    form.set_frozen(True)
    frozen = line(form, "training.batch_size")
    image = frozen.grab().toImage()
    colours = [
        image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())
    ]
    assert image.pixelColor(image.width() // 2, 4).name() == each_theme.tokens.raised.lower()
    assert each_theme.tokens.text.lower() in colours
    assert each_theme.tokens.strong.lower() not in colours  # no outline


def test_that_arrow_keys_step_whole_numbers_within_their_limits(form, qtbot):
    field = line(form, "model.kernel")
    typed(qtbot, form, "model.kernel", "10")
    for _ in range(3):
        qtbot.keyClick(field, Qt.Key.Key_Up)
    assert form.value()["model"]["kernel"] == 11
    qtbot.keyClick(field, Qt.Key.Key_Down)
    assert form.value()["model"]["kernel"] == 10


def test_that_a_value_no_longer_offered_is_kept_and_refused(form):
    form.set_value({"model": {"kind": "lstm", "cells": 3}})
    assert form.value()["model"] == {"kind": "lstm", "cells": 3}
    assert form.validate() is None
    assert form.errors() == {"model": "Model must be one of Convolutional network, Vit."}


def test_that_choices_can_be_replaced(qtbot):
    class Run(BaseModel):
        teacher: str = Field("", json_schema_extra={"widget": "choice", "choices": {"": "None"}})

    form = ModelForm(Run, {"teacher": "0042"})
    qtbot.addWidget(form)
    assert form.value() == {"teacher": "0042"}
    form.set_choices("teacher", {"": "None", "0042": "ViT on Fashion-MNIST"})
    assert form.value() == {"teacher": "0042"}
    assert form.row("teacher").editor.combo.currentText() == "ViT on Fashion-MNIST"


def test_that_a_file_is_chosen_among_those_its_field_asks_for(qtbot, tmp_path):
    class Reading(BaseModel):
        file: str = Field("", json_schema_extra={"widget": "file", "filter": "Videos (*.mp4)"})

    form = ModelForm(Reading)
    qtbot.addWidget(form)
    form.row("file").editor.browse.click()
    dialog = form.findChild(QFileDialog)
    assert dialog.fileMode() == QFileDialog.FileMode.ExistingFile
    assert dialog.nameFilters() == ["Videos (*.mp4)"]
    with qtbot.waitSignal(form.changed):
        dialog.fileSelected.emit(str(tmp_path / "a.mp4"))
    assert form.value() == {"file": str(tmp_path / "a.mp4")}
    dialog.close()


def test_that_the_knobs_of_the_registry_make_a_form(qtbot):
    from engines.registry import knobs_of

    def hinge(logits, *, margin: Annotated[float, Field(gt=0)] = 1.0, squared: bool = False):
        """Hinge."""

    form = ModelForm(knobs_of(hinge, "hinge"))
    qtbot.addWidget(form)
    assert form.value() == {"margin": 1.0, "squared": False}
    assert form.validate().margin == 1.0


def test_that_no_field_opens_a_window_of_its_own(qtbot, qtlog, qapp):
    form = ModelForm(Spec, {"model": {"kind": "vit"}, "teacher": {"kind": "vit"}})
    qtbot.addWidget(form)
    form.set_preset(Spec())
    form.set_errors({"": "No.", "model.patch": "No."})
    assert [w for w in qapp.topLevelWidgets() if w.isVisible()] == []


@pytest.mark.parametrize("state", ["plain", "frozen", "errors", "preset"])
def test_that_a_form_is_drawn_in_both_themes_without_a_warning(form, qtlog, each_theme, state):
    if state == "frozen":
        form.set_frozen(True)
    if state == "errors":
        form.set_errors({"name": "No.", "training.clip": "No."})
    if state == "preset":
        form.set_preset(Spec(name="other"))
    form.findChild(QPushButton).click()
    assert form.grab().width() >= 320
    said = [record.message for record in qtlog.records]
    assert [words for words in said if "propagateSizeHints" not in words] == []


def test_that_forms_fit_the_narrow_set_up_column(form):
    assert form.minimumSizeHint().width() <= 272 - 32


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.5])
def test_that_nothing_is_cut_off_in_a_narrow_scrolling_column(qtbot, qapp, scale):
    theme().apply(qapp, "light", scale)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    form = ModelForm(Spec)
    area.setWidget(form)
    qtbot.addWidget(area)
    area.resize(round(272 * max(scale, 1.0)), 400)
    area.show()
    long = "This can't be so, because of a reason that takes more than one line to tell."
    form.set_errors({"model.channels": long, "training.clip": long, "": long, "model": long})
    labels = [label for label in form.findChildren(PlainLabel) if label.isVisible()]
    fields = [field for field in form.findChildren(QLineEdit) if field.isVisible()]
    assert len(fields) > 5

    def cut_off():
        return [
            label.text()
            for label in labels
            if label.wordWrap() and label.height() < label.heightForWidth(label.width())
        ] + [field.objectName() for field in fields if field.height() < field.sizeHint().height()]

    qtbot.waitUntil(lambda: not cut_off(), timeout=2000)
    assert form.width() <= area.viewport().width()
    theme().apply(qapp, "light")
