"""From a history to what plots draw: its curves, levels and moments."""

from ui.plots.curve import Curve, Level, Moment
from workbench.history import History

SPLITS = (
    ("train", "train", "accent", "line"),
    ("validation", "val", "second", "dots"),
    ("test", "test", "text", "dots"),
)


class Drawn:
    """Remembers which state of which history was drawn last."""

    def __init__(self) -> None:
        self._history: History | None = None
        self._revision = -2

    def is_new(self, history: History | None) -> bool:
        """Whether `history` isn't what this was last asked about; remembers it."""
        revision = history.revision if history is not None else -1
        same = history is self._history and revision == self._revision
        self._history, self._revision = history, revision
        return not same


def curves_of(history: History, what: str, *, band: bool = True) -> list[Curve]:
    """Curves of "train/WHAT", "validation/WHAT" and "test/WHAT" that have values."""
    return [
        Curve(name, series.steps, series.values, colour, style, band)  # type: ignore[arg-type]
        for split, name, colour, style in SPLITS
        if len(series := history.get(f"{split}/{what}"))
    ]


def single(history: History, metric: str, name: str, *, band: bool = True) -> list[Curve]:
    """The one curve of `metric`, called `name` at its end, if it has values."""
    series = history.get(metric)
    return [Curve(name, series.steps, series.values, "accent", "line", band)] if len(series) else []


def levels_of(history: History, what: str) -> list[Level]:
    """The lines that theory draws across plots of `what`."""
    return [
        Level(reference.value, reference.label)
        for reference in history.context.get("references", ())
        if reference.metric == what
    ]


def moments_of(history: History) -> list[Moment]:
    """What happened during the run, with its words."""
    return [Moment(mark.step, mark.text) for mark in history.marks]
