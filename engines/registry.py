"""What can be chosen: models, losses, data sets, tasks, probes, each declared where it is written.

An entry is a class or function under a decorator. Its positional arguments are
what the program supplies, its keyword-only arguments are knobs: they become the
fields of a pydantic model, and from that the forms, the command line and the spec.

    @loss("Hinge", formula=r"\\sum_{j \\neq y} \\max(0, s_j - s_y + \\Delta)")
    def hinge(logits_BK, target_B, *, margin: Annotated[float, Field(gt=0)] = 1.0): ...
"""

import importlib
import inspect
import pkgutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

T = TypeVar("T", bound=Callable[..., Any])

# A second thread must not see a registry that is half filled. Re-entrant, since a module
# that is being imported may look into another registry.
_discovering = threading.RLock()


class Knobs(BaseModel):
    """The settings of one entry: frozen, unknown names refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """A horizontal line that theory draws on a curve, such as chance at ln K.

    Attributes:
        metric: name after the slash of the metrics it belongs to, such as "loss".
        value: height in the metric's unit.
        label: words for the line, such as "chance  ln 10 = 2.303".
    """

    metric: str
    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be chosen.

    Attributes:
        name: the function's or class's name in snake case, as specs spell it.
        title: what people call it.
        build: the class or function itself.
        knobs: its keyword-only arguments as a pydantic model.
        formula: LaTeX for the panel, or empty.
        doc: the whole docstring.
        extra: further declarations, such as a loss's `references`.
    """

    name: str
    title: str
    build: Callable[..., Any]
    knobs: type[Knobs]
    formula: str = ""
    doc: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The docstring's first sentence."""
        return self.doc.split("\n\n")[0].replace("\n", " ")

    def make(self, *supplied: Any, knobs: BaseModel | None = None) -> Any:
        """Build the entry from what the program supplies and its knobs."""
        chosen = knobs or self.knobs()
        return self.build(*supplied, **{name: getattr(chosen, name) for name in own_knobs(self)})


class BrokenModule(ImportError):
    """A file of entries can't be imported; the message names the file, the cause is chained."""


class Registry:
    """Entries of one kind by name; `discover` imports the package they live in.

    Raises:
        ValueError: a name is declared twice, or an entry has no docstring.
    """

    def __init__(self, kind: str, package: str, base: type[Knobs] = Knobs):
        self.kind = kind
        self._package = package
        self._base = base
        self._entries: dict[str, Entry] = {}
        self._discovered = False

    def __call__(self, title: str, *, formula: str = "", **extra: Any) -> Callable[[T], T]:
        """Decorate a class or function as an entry called `title`."""

        def declare(build: T) -> T:
            name = snake_case(build.__name__)
            if name in self._entries:
                raise ValueError(f"{self.kind} {name!r} is declared twice")
            doc = inspect.getdoc(build)
            if not doc:
                raise ValueError(f"{self.kind} {name!r} has no docstring")
            knobs = knobs_of(build, name, self._base)
            self._entries[name] = Entry(name, title, build, knobs, formula, doc, extra)
            return build

        return declare

    def __getitem__(self, name: str) -> Entry:
        self.discover()
        if name not in self._entries:
            known = ", ".join(self._entries)
            raise KeyError(f"no {self.kind} is called {name!r}; there are {known}")
        return self._entries[name]

    def __iter__(self) -> Iterator[Entry]:
        self.discover()
        return iter(self._entries.values())

    def discover(self) -> None:
        """Import every module of the package once, so that its declarations run.

        Raises:
            BrokenModule: one of them can't be imported.
        """
        if self._discovered:
            return
        with _discovering:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                self._import(f"{self._package}.{module.name}")
            self._discovered = True

    def _import(self, name: str) -> None:
        try:
            importlib.import_module(name)
        except BrokenModule:  # a file that this one imports, and it has named itself
            raise
        except Exception as error:
            # What it declared before it failed would be "declared twice" at the next try.
            for entry in [e for e in self._entries.values() if e.build.__module__ == name]:
                del self._entries[entry.name]
            file = name.replace(".", "/") + ".py"
            raise BrokenModule(f"{file} can't be imported: {error}", name=name) from error


def knobs_of(build: Callable[..., Any], name: str, base: type[Knobs] = Knobs) -> type[Knobs]:
    """The keyword-only arguments of `build` as a pydantic model on top of `base`."""
    target = build.__init__ if inspect.isclass(build) else build
    hints = get_type_hints(target, include_extras=True)
    fields = {
        parameter.name: (hints[parameter.name], parameter.default)
        for parameter in inspect.signature(target).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    return create_model(f"{name}_knobs", __base__=base, **fields)  # type: ignore[call-overload]


def own_knobs(entry: Entry) -> list[str]:
    """Names of the knobs that the entry's own signature declares."""
    target = entry.build.__init__ if inspect.isclass(entry.build) else entry.build
    return [
        parameter.name
        for parameter in inspect.signature(target).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]


def snake_case(name: str) -> str:
    """`ResNet` and `CrossEntropy` as `resnet` and `cross_entropy`; acronyms stay whole."""
    known = {"ResNet": "resnet", "ViT": "vit", "MLP": "mlp", "CNN": "cnn", "RVFL": "rvfl"}
    if name in known:
        return known[name]
    return "".join(
        f"_{letter.lower()}" if letter.isupper() and place else letter.lower()
        for place, letter in enumerate(name)
    )


ADVANCED = {"advanced": True}  # forms fold such fields under "More settings"


class SplitKnobs(Knobs):
    """What every data set can be asked for, besides its own knobs."""

    classes: Annotated[
        tuple[str, ...],
        Field(
            description="Keep only these classes, by name and in this order; empty keeps all.",
            title="Keep only classes",
            json_schema_extra=ADVANCED | {"placeholder": "all"},
        ),
    ] = ()

    train_images: Annotated[
        int,
        Field(
            description="Use at most this many training images, in proportion to the classes; 0 "
            "uses all.",
            ge=0,
            le=100_000_000,
            title="At most so many images",
            json_schema_extra=ADVANCED,
        ),
    ] = 0

    validation_share: Annotated[
        float,
        Field(
            description="Share of the training images held out for validation, between 0.01 and "
            "0.5.",
            ge=0.01,
            le=0.5,
            json_schema_extra=ADVANCED,
        ),
    ] = 0.1

    split_seed: Annotated[
        int,
        Field(
            description="Decides which images are held out; the same for every run to be compared.",
            ge=0,
            le=2**31 - 1,
            json_schema_extra=ADVANCED,
        ),
    ] = 0


model = Registry("model", "engines.models")
loss = Registry("loss", "engines.losses")
dataset = Registry("data set", "engines.data", SplitKnobs)
task = Registry("task", "engines.tasks")
probe = Registry("probe", "engines.probes")
