"""The columns of the Runs table: what each shows, sorts by and gives way to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ui.run_states import state_of
from workbench.compare import MISSING, clock, number, rate_of, score, short_name, value_words
from workbench.wording import digits
from workbench.workspace import RunRecord

RESUMABLE = ("stopped", "interrupted", "failed")


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        words: what a cell says.
        key: what it sorts by; None goes last, whichever way.
        sample: the longest usual words, which set the width.
        rank: columns of the highest rank go first where room ends; 0 always stays.
        numeric: set right, with its header.
        tone: the words' colour as a token.
        stretch: takes its share of the room that is left.
    """

    name: str
    title: str
    words: Callable[[RunRecord], str]
    key: Callable[[RunRecord], Any]
    sample: str
    rank: int = 0
    numeric: bool = False
    tone: str = "text"
    stretch: bool = False


def state_words(record: RunRecord) -> str:
    """ "Finished", "Running 43 %" or "Failed: NaN"."""
    word = state_of(record.status).word
    if record.status == "running" and record.total_steps:
        return f"{word} {100 * record.step // record.total_steps} %"
    if record.status == "failed" and " nan" in record.sentence.lower():
        return f"{word}: NaN"
    return word


def _kind(part: str) -> Callable[[RunRecord], str]:
    return lambda record: short_name(record.kind(part)) or MISSING


def _score(name: str, percent: bool) -> Callable[[RunRecord], str]:
    def words(record: RunRecord) -> str:
        value = score(record, name)
        if value is None:
            return MISSING
        return f"{100 * value:.1f}" if percent else digits(value)

    return words


def _text(words: Callable[[RunRecord], str]) -> Callable[[RunRecord], Any]:
    """Sorts by words without regard to case, empty ones last."""
    return lambda record: words(record).casefold().replace(MISSING, "") or None


def _seed(record: RunRecord) -> int | None:
    seed = record.spec.get("seed")
    return seed if isinstance(seed, int) else None


def _tags(record: RunRecord) -> str:
    return ", ".join(record.tags)


def title_words(record: RunRecord) -> str:
    """A run's title; its model stands in for one without."""
    return record.title.replace("\n", " ") or short_name(record.kind("model")) or "Untitled"


def _optional(value: Any) -> str:
    return MISSING if value is None else value_words(value)


def _scored(name: str) -> Callable[[RunRecord], float | None]:
    return lambda record: score(record, name)


COLUMNS = (
    Column("swatch", "", lambda r: "", lambda r: None, "", 0),
    Column("run", "Run", number, lambda r: r.number, "0000"),
    Column("title", "Title", title_words, _text(title_words), "CNN on Fashion", stretch=True),
    Column("model", "Model", _kind("model"), _text(_kind("model")), "ResNet", 4),
    Column("data", "Data", _kind("data"), _text(_kind("data")), "Fashion-MNIST", 8),
    Column("loss", "Loss", _kind("loss"), _text(_kind("loss")), "Cross-entropy", 6),
    Column("lr", "lr", lambda r: _optional(rate_of(r)), rate_of, "2.5e-3", 3, True),
    Column("seed", "Seed", lambda r: _optional(_seed(r)), _seed, "00", 5, True, "muted"),
    Column(
        "accuracy",
        "Val. acc. %",
        _score("validation/accuracy", True),
        _scored("validation/accuracy"),
        "88.8",
        0,
        True,
    ),
    Column(
        "test",
        "Test acc. %",
        _score("test/accuracy", True),
        _scored("test/accuracy"),
        "88.8",
        5,
        True,
    ),
    Column(
        "val_loss",
        "Val. loss",
        _score("validation/loss", False),
        _scored("validation/loss"),
        "0.0000",
        2,
        True,
    ),
    Column("time", "Time", lambda r: clock(r.seconds), lambda r: r.seconds, "0:00:00", 4, True),
    Column("state", "State", state_words, _text(state_words), "Running 100 %", 0, False, "muted"),
    Column("tags", "Tags", _tags, _text(_tags), "baseline, x", 7, False, "muted", True),
)
PLACE = {column.name: place for place, column in enumerate(COLUMNS)}


def cell_values(column: Column, record: RunRecord) -> tuple[str, ...]:
    """What a filter on this cell asks for: its words, or every tag by itself."""
    if column.name == "tags":
        return record.tags
    if column.name == "state":
        return (state_of(record.status).word,)
    words = column.words(record)
    return (words,) if words else ()


def haystack(record: RunRecord) -> str:
    """Everything the filter field looks into, in lower case."""
    parts = [column.words(record) for column in COLUMNS if not column.numeric]
    return "\n".join([*parts, record.title, record.notes, record.group]).casefold()
