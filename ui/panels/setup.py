"""The set-up: what to train, as forms made from the spec; checked while you choose."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QWidget

from ui.controller import Controller
from ui.forms import ModelForm
from ui.panels.preview import Preview, preview
from ui.panels.thumbnails import thumbnail_row
from ui.theme import theme
from ui.widgets import HairLine, Panel, PlainLabel, link, muted, primary, secondary, why_line

SECTIONS = (
    ("Task", ("title", "task")),
    ("Data", ("data",)),
    ("Model", ("model",)),
    ("Loss", ("loss", "teacher")),
    ("Augmentation", ("augmentation",)),
    ("Training", ("training", "optimizer", "schedule", "seed", "device", "precision")),
    ("Watching", ("watching",)),
)
LEARNING_RATE = "optimizer.learning_rate"


class SetupPanel(Panel):
    """Forms for a new experiment, or the frozen ones of a run.

    Signals:
        start_wanted: a valid spec's plain values, and its title.
        duplicate_wanted: edit a copy of the run shown.
        rate_changed: the user changed the learning rate of a training run.
        layers_wanted: show the layer table of the last preview.
        family_changed: the family of tasks that is being set up.
    """

    start_wanted = Signal(object, str)
    duplicate_wanted = Signal()
    rate_changed = Signal(float)
    layers_wanted = Signal(object)
    family_changed = Signal(str)

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__("surface", padding=0, spacing=0, parent=parent)
        self.setObjectName("setup")
        self._controller = controller
        self._forms: dict[str, ModelForm] = {}
        self._raw: dict[str, Any] = {}
        self._frozen = self._live = False
        self._rate: float | None = None
        self._task = ""
        self._augmentation: list[QWidget] = []
        self._checking: Future[Any] | None = None
        self._checked: Mapping[str, Any] = {}
        self._preview: Preview | None = None
        self._seen: Mapping[str, Any] = {}
        self._start_when_checked = False
        self._lay_out()
        if controller.is_engine_ready:
            self._build()
        else:
            self._waiting = muted("Loading torch…")
            self._column.insertWidget(0, self._waiting)
            controller.engine_ready.connect(self._build)

    # What the page calls

    def show_spec(self, raw: Mapping[str, Any], *, frozen: bool, live: bool = False) -> None:
        """Show plain values; frozen ones belong to a run, a live one's learning rate is free."""
        self._raw, self._frozen, self._live = dict(raw), frozen, live
        self._rate = self._raw.get("optimizer", {}).get("learning_rate")
        self._chip.setVisible(frozen)
        self._chip_words.setText("Frozen while running" if live else "As it was run")
        self._start.setVisible(not frozen)
        self._duplicate.setVisible(frozen)
        if not self._forms:
            return
        self._task = ""
        for form in self._forms.values():
            form.set_value({k: v for k, v in self._raw.items() if k in form.model.model_fields})
            form.set_frozen(frozen, {LEARNING_RATE} if live else ())
        self._check()

    def value(self) -> dict[str, Any]:
        """The plain values as they stand, valid or not."""
        values = dict(self._raw)
        for form in self._forms.values():
            values |= form.value()
        return values

    def start(self) -> None:
        """Ask to start what is set up, or go to the first field that forbids it."""
        if not self._forms or self._frozen:
            return
        from workbench.spec import SpecError, parse

        try:
            spec = parse(self.value())
        except SpecError as error:
            self._show_faults(error.faults)
            self._focus_first_error()
            return
        if self._preview is None or self._seen != self.value():
            self._start_when_checked = True  # asked within a moment of the last edit
            self._check()
            return
        if self._preview.faults:
            self._show_faults(self._preview.faults)
            self._focus_first_error()
            return
        self.start_wanted.emit(spec.model_dump(mode="json"), spec.title or title_of(spec))

    # Building

    def _lay_out(self) -> None:
        header = QHBoxLayout()
        header.setContentsMargins(16, 16, 16, 16)
        header.addWidget(PlainLabel("Set-up", "run"))
        header.addStretch(1)
        self._chip = Panel("pill", horizontal=True, padding=0)
        self._chip.box.setContentsMargins(10, 5, 10, 5)
        self._chip_words = muted("")
        self._chip.box.addWidget(self._chip_words)
        header.addWidget(self._chip)
        self.box.addLayout(header)
        self.box.addWidget(HairLine())
        body = Panel("surface", padding=16, spacing=12)
        self._column = body.box
        self._column.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("setup_scroll")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(body)
        self.box.addWidget(self._scroll, 1)
        self.box.addWidget(HairLine())
        footer = QHBoxLayout()
        footer.setContentsMargins(16, 12, 16, 12)
        self._start = primary("Start", "play")
        self._start.setObjectName("setup_start")
        self._start.setToolTip("Train this set-up  Ctrl+Enter")
        self._start.clicked.connect(self.start)
        self._duplicate = secondary("Duplicate and edit", "copy")
        self._duplicate.setObjectName("setup_duplicate")
        self._duplicate.clicked.connect(self.duplicate_wanted)
        footer.addWidget(self._start, 1)
        footer.addWidget(self._duplicate, 1)
        self.box.addLayout(footer)

    def _build(self) -> None:
        """Make the forms; torch is there, so the registries can be read."""
        from workbench.spec import ExperimentSpec, section

        if hasattr(self, "_waiting"):
            self._waiting.deleteLater()
        place = 0
        for words, names in SECTIONS:
            form = ModelForm(section(ExperimentSpec, names))
            form.setObjectName(f"form_{words.lower()}")
            form.changed.connect(self._changed)
            self._forms[words] = form
            head = [HairLine()] if place else []
            for widget in (*head, PlainLabel(words, "section"), form):
                self._column.insertWidget(place, widget)
                place += 1
                if words == "Augmentation":
                    self._augmentation.append(widget)
            if words == "Data":
                self._data_words, self._thumbnails = why_line(""), muted("")
                self._thumbnails.setObjectName("setup_thumbnails")
                self._column.insertWidget(place, self._thumbnails)
                self._column.insertWidget(place + 1, self._data_words)
                place += 2
            if words == "Model":
                self._layers = link("Layer table", "rows")
                self._layers.setObjectName("setup_layers")
                self._layers.clicked.connect(lambda: self.layers_wanted.emit(self._preview))
                self._model_words = why_line("")
                self._column.insertWidget(place, self._model_words)
                self._column.insertWidget(place + 1, self._layers, 0, Qt.AlignmentFlag.AlignLeft)
                place += 2
        self._rate_note = why_line("Learning rate stays editable. A change is marked on the curve.")
        self._column.insertWidget(place, self._rate_note)
        self.show_spec(self._raw, frozen=self._frozen, live=self._live)

    # Following the user

    def offer_teachers(self) -> None:
        """List the finished runs that a student can learn from, where the loss asks for one."""
        form = self._forms.get("Loss")
        if form is None:
            return
        from engines import registry

        needs = registry.loss[form.value()["loss"]["kind"]].extra.get("needs_teacher", False)
        form.row("teacher").setVisible(needs)
        if not needs and not self._frozen:
            form.row("teacher").set_value("")  # unseen, it would forbid every other loss
        if needs:
            finished = [r for r in self._controller.workspace.records() if r.status == "finished"]
            names = {r.id: f"{r.number:04d}  {r.title}" for r in finished}
            none = "Choose a finished run" if names else "No run is finished yet"
            form.set_choices("teacher", {"": none} | names)

    def _follow_task(self) -> None:
        """A new task brings a loss of its own family, and shows what belongs to it."""
        from engines import registry

        kind = self._forms["Task"].value()["task"]["kind"]
        declared = registry.task[kind].extra
        for widget in self._augmentation:
            widget.setVisible(declared["losses"] == "classification")
        if kind != self._task and self._task:
            loss = registry.loss[self._forms["Loss"].value()["loss"]["kind"]]
            fits = loss.extra["family"] == declared["losses"]
            if not fits or loss.name not in declared.get("only", (loss.name,)):
                self._forms["Loss"].set_value({"loss": {"kind": declared["loss"]}})
        self._task = kind
        if not self._frozen:
            self.family_changed.emit(declared["family"])

    def _changed(self) -> None:
        if self._live:
            rate = self._forms["Training"].value().get("optimizer", {}).get("learning_rate")
            fits = isinstance(rate, float | int) and 0 < rate <= 10
            self._forms["Training"].set_errors(
                {} if fits else {LEARNING_RATE: "Must be a number above 0, at most 10, like 1e-3."}
            )
            if fits and rate != self._rate:
                self._rate = rate
                self.rate_changed.emit(float(rate))
            return
        self._check()

    def _check(self) -> None:
        """Look at the set-up on a background thread: data, model and what goes together."""
        self._rate_note.setVisible(self._live)
        self._follow_task()
        self.offer_teachers()
        if self._checking is not None:
            self._checking.cancel()
        self._checked = values = self.value()
        self._checking = self._controller.in_background(
            "Checking the set-up",
            lambda: preview(values),
            lambda shown: self._show_preview(values, shown),
        )

    def _show_preview(self, values: Mapping[str, Any], shown: Preview) -> None:
        if values is not self._checked:  # an older look, overtaken while it was under way
            return
        self._preview, self._seen = shown, values
        self._show_faults({} if self._frozen else shown.faults)
        self._data_words.setText(shown.data_words)
        self._data_words.setVisible(bool(shown.data_words))
        count = max(1, 0 if shown.examples is None else len(shown.examples))
        side = min(theme().px(28), (self.width() - 48) // count - 3)
        picture = thumbnail_row(shown.examples, side, self.devicePixelRatioF())
        self._thumbnails.setVisible(picture is not None)
        if picture is not None:
            self._thumbnails.setPixmap(picture)
            self._thumbnails.setToolTip("One training image of each class")
        self._model_words.setText(shown.model_words)
        self._layers.setVisible(bool(shown.layers))
        impossible = {} if self._frozen else shown.impossible_losses
        self._forms["Loss"].set_impossible("loss", impossible)
        if self._start_when_checked:
            self._start_when_checked = False
            self.start()

    def _show_faults(self, faults: Mapping[str, str]) -> None:
        for form in self._forms.values():
            known = form.model.model_fields
            form.set_errors({p: w for p, w in faults.items() if p.split(".")[0] in known})

    def _focus_first_error(self) -> None:
        for form in self._forms.values():
            if form.focus_first_error():
                focus = form.focusWidget()
                if focus is not None:
                    self._scroll.ensureWidgetVisible(focus)
                return


def title_of(spec: Any) -> str:
    """A name for a run that the user gave none, such as "CNN on Fashion-MNIST"."""
    from engines import registry

    model = registry.model[spec.model.kind].title
    return f"{model} on {registry.dataset[spec.data.kind].title}"
