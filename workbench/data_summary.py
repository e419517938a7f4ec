"""What the Data page says of a data set. N images, C channels, H rows, W columns, K classes.

torch comes with the functions, not with this module, so a page may import it before torch.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.registry import SplitKnobs
from workbench.wording import digits, percent, thousands

if TYPE_CHECKING:
    from engines.data.inspection import Duplicate
    from engines.data.source import Images, Progress

SPLITS = ("train", "validation", "test")
ADJECTIVES = {"train": "training", "validation": "validation", "test": "test"}
NEARLY = 1.25  # the largest class over the smallest, up to which counts are called nearly balanced
PARTS = ("radius", "x", "y")  # factors of Shapes that are parts of the image's side
VERSIONS = 12
_UNREADABLE = re.compile(r"(\d+) of (\d+) files can't be read")


@dataclass(frozen=True, slots=True)
class Offer:
    """A data set that can be chosen.

    Attributes:
        summary: its docstring's first sentence.
        group: "bundled", "drawn", "pictures" (your own) or "files" (of known data sets).
        needs_folder: the user must say where it lies.
    """

    name: str
    title: str
    summary: str
    licence: str
    group: str
    needs_folder: bool


GROUPS = ("bundled", "drawn", "pictures", "files")


def offers() -> list[Offer]:
    """Every data set: those that ship, those drawn, your own pictures, files you may have."""
    from engines.registry import dataset

    found = [
        Offer(
            entry.name,
            entry.title,
            entry.summary,
            str(entry.extra.get("licence", "–")),
            _group(entry),
            "folder" in entry.knobs.model_fields,
        )
        for entry in dataset
    ]
    return sorted(found, key=lambda offer: GROUPS.index(offer.group))


def _group(entry: Any) -> str:
    if "file" in entry.knobs.model_fields:
        return "pictures"
    if "folder" in entry.knobs.model_fields:
        return "files" if "images" in entry.extra else "pictures"
    return "drawn" if "seed" in entry.knobs.model_fields else "bundled"


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """One split, in the memory that training reads.

    Attributes:
        images_NCHW: uint8; label_N: class numbers; factors: what else is known, each [N].
    """

    images_NCHW: np.ndarray
    label_N: np.ndarray
    factors: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.label_N)

    def picture(self, index: int) -> np.ndarray:
        """One picture [H, W, C] uint8."""
        return self.images_NCHW[index].transpose(1, 2, 0)

    def of_class(self, k: int | None) -> np.ndarray:
        """Indices [M] of class `k`'s pictures; None means all."""
        return np.arange(len(self)) if k is None else np.flatnonzero(self.label_N == k)


@dataclass(frozen=True, slots=True, eq=False)
class DataSummary:
    """A data set as the Data page shows it.

    Attributes:
        shape: (C, H, W) of one image.
        splits: pictures by split name.
        counts: images per class [K] by split name.
        pairs: exact duplicates, those across splits first, then those labelled differently.
        factor_words: names of a factor's values, for factors that are numbers of something.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    digest: str
    notes: tuple[str, ...]
    splits: Mapping[str, Pictures]
    counts: Mapping[str, np.ndarray]
    pairs: "tuple[Duplicate, ...]"
    factor_words: Mapping[str, Sequence[str]]

    @property
    def shape_words(self) -> str:
        """ "28 × 28 grey"."""
        channels, height, width = self.shape
        return f"{width} × {height} {'grey' if channels == 1 else 'RGB'}"

    @property
    def facts_line(self) -> str:
        """Shape, images per split, classes and the head of the digest, with dots between."""
        sizes = [f"{thousands(len(self.splits[name]))} {name}" for name in SPLITS]
        classes = f"{len(self.classes)} classes"
        return " · ".join([self.shape_words, *sizes, classes, f"SHA-256 {self.digest[:8]}"])

    def facts(self, split: str, index: int) -> list[tuple[str, str]]:
        """What is known of one picture, as (what, value)."""
        pictures = self.splits[split]
        found = [
            ("Class", self.classes[int(pictures.label_N[index])]),
            ("Split", split),
            ("Index", thousands(index)),
        ]
        for name, values in pictures.factors.items():
            what = "Drawn as" if name == "index" else name[:1].upper() + name[1:].replace("_", " ")
            found.append((what, self._value(name, values[index])))
        return found

    def _value(self, name: str, value: Any) -> str:
        if name in self.factor_words:
            return self.factor_words[name][int(value)]
        if name in PARTS and self.name == "shapes":
            return f"{percent(float(value))} of the side"
        if name == "index":
            return f"number {thousands(int(value))}"
        return digits(float(value)) if np.issubdtype(type(value), np.floating) else str(value)


def summarise(name: str, knobs: SplitKnobs, progress: "Progress") -> DataSummary:
    """Load a data set and look at it. Runs on a background thread.

    Args:
        progress: is told how far this is; what it raises cancels the work.

    Raises:
        DataError: files or settings don't allow it; see `refusal`.
    """
    from engines.data import class_counts, duplicates, load
    from engines.data.shapes import CLASSES

    dataset = load(name, knobs, progress)
    progress(0, 1, "looking for exact duplicates")
    pairs = sorted(duplicates(dataset), key=lambda pair: (not pair.crosses, pair.same_label))
    progress(1, 1, "looked for exact duplicates")
    counts = class_counts(dataset)
    return DataSummary(
        dataset.name,
        dataset.title,
        dataset.classes,
        dataset.shape,
        dataset.digest,
        dataset.notes,
        {split: _pictures(dataset.split(split)) for split in SPLITS},
        {split: np.array(list(counts[split].values()), np.int64) for split in SPLITS},
        tuple(pairs),
        CLASSES if name == "shapes" else {},
    )


def _pictures(images: "Images") -> Pictures:
    factors = {name: values.numpy() for name, values in images.factors.items()}
    return Pictures(images.images_NCHW.numpy(), images.labels_N.numpy(), factors)


def balance(counts_K: np.ndarray, classes: Sequence[str]) -> str:
    """Whether the classes are of one size, in words.

    Equal counts are "balanced", a largest class of up to 1.25 times the smallest is "nearly
    balanced", more than that is "imbalanced".
    """
    least, most = int(counts_K.min()), int(counts_K.max())
    if least == most:
        return f"Balanced: {thousands(least)} images in every class."
    small, large = classes[int(counts_K.argmin())], classes[int(counts_K.argmax())]
    if least == 0:
        empty = int((counts_K == 0).sum())
        return (
            f"Imbalanced: {small} has no image here."
            if empty == 1
            else f"Imbalanced: {empty} classes have no image here, such as {small}."
        )
    if most / least <= NEARLY:
        return f"Nearly balanced: {thousands(least)} to {thousands(most)} images a class."
    times = f"{most / least:.1f}".removesuffix(".0")
    return (
        f"Imbalanced: {large} has {thousands(most)} images, {times} times as many as "
        f"{small} ({thousands(least)})."
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What exact duplicates mean: one sentence, what follows from it, and how bad it is.

    Attributes:
        tone: "success", "muted" (known and harmless) or "warn".
    """

    sentence: str
    meaning: str
    tone: str


def duplicate_verdict(pairs: "Sequence[Duplicate]") -> Verdict:
    """The duplicates in words: across splits is a warning, for then a score is too good."""
    across = Counter((p.second[0], p.first[0]) for p in pairs if p.crosses)
    within = Counter(p.first[0] for p in pairs if not p.crosses)
    wrong = sum(not pair.same_label for pair in pairs)
    meaning = []
    if within:
        parts = ", ".join(f"{thousands(count)} in {split}" for split, count in within.items())
        meaning.append(f"Images that repeat an earlier one of their own split: {parts}.")
    if wrong:
        pair = "pair carries" if wrong == 1 else "pairs carry"
        meaning.append(f"{thousands(wrong)} {pair} two different labels, so one of them is wrong.")
    if across:
        told = " and ".join(
            f"{_images(count, second)} {'repeats a' if count == 1 else 'repeat'} "
            f"{ADJECTIVES[first]} image{'' if count == 1 else 's'}"
            for (second, first), count in across.items()
        )
        leaks = "test" if any(second == "test" for second, _ in across) else "validation"
        meaning.insert(0, f"The {leaks} set leaks: part of its score is memory, not skill.")
        return Verdict(f"{told[:1].upper()}{told[1:]}.", " ".join(meaning), "warn")
    if wrong:
        return Verdict("No exact duplicates across splits.", " ".join(meaning), "warn")
    if within:
        return Verdict("No exact duplicates across splits.", " ".join(meaning), "muted")
    return Verdict(
        "No exact duplicates, neither across splits nor within one.",
        "Every image was compared with every other, byte by byte.",
        "success",
    )


def _images(count: int, split: str) -> str:
    return f"{thousands(count)} {ADJECTIVES[split]} image{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a data set can't be read, for a person.

    Attributes:
        sentence: what is wrong and what would be right.
        files: a line for each file that can't be read, at most about twenty.
        unreadable: how many files would have to be left out; 0 if that is no way on.
        field: name of the setting that is wrong, or "".
    """

    sentence: str
    files: tuple[str, ...] = ()
    unreadable: int = 0
    field: str = ""


def refusal(error: Exception) -> Refusal:
    """`error`, mostly a DataError, in parts: its first line, then a line for each file."""
    if isinstance(error, MemoryError):
        return Refusal("There is not enough memory for this data set. Choose fewer images.")
    first, *files = str(error).split("\n")
    field, colon, _ = first.partition(": ")
    named = bool(colon) and field.isidentifier()
    sentence = first.strip() or type(error).__name__
    skipped = _UNREADABLE.match(sentence)
    if skipped and "skip_unreadable" in sentence:
        reasons = sentence.partition("skip_unreadable")[2].removeprefix(":").strip()
        sentence = f"{skipped[0]}" + (f": {reasons}" if reasons else "")
    sentence = sentence[:1].upper() + sentence[1:]
    return Refusal(
        sentence if sentence.endswith((".", "!", "?")) else sentence + ".",
        tuple(files),
        int(skipped[1]) if skipped else 0,
        field if named else "",
    )


def augmented(
    picture_HWC: np.ndarray, values: Mapping[str, Any], seed: int, count: int = VERSIONS
) -> np.ndarray:
    """`count` augmented versions of one picture: uint8 [count, H, W, C].

    Args:
        values: fields of `engines.data.augmentation.Augmentation`.
        seed: the same seed gives the same versions.

    Raises:
        ValueError: a value is out of range, or larger than the picture; begins with its name.
    """
    import torch

    from engines.data.augmentation import Augmentation, augment
    from engines.keyed import generator

    image_CHW = torch.from_numpy(np.ascontiguousarray(picture_HWC.transpose(2, 0, 1)))
    batch_BCHW = image_CHW.expand(count, *image_CHW.shape).contiguous()
    knobs = Augmentation.model_validate(dict(values))
    changed_BCHW = augment(batch_BCHW, knobs, generator(seed, "augmentation preview"))
    return changed_BCHW.permute(0, 2, 3, 1).contiguous().numpy()
