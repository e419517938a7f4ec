"""What the Data page says of a data set: counts per class and exact duplicates."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass

import torch

from engines.data.source import ImageDataset

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two images that are equal in every pixel; `first` is the earlier one.

    Attributes:
        first, second: (split, index) of the two images.
        same_label: False where the two are labelled differently: one of them is wrong.
    """

    first: tuple[str, int]
    second: tuple[str, int]
    same_label: bool

    @property
    def crosses(self) -> bool:
        """True if the two lie in different splits, so that one leaks into the other."""
        return self.first[0] != self.second[0]


def duplicates(dataset: ImageDataset) -> list[Duplicate]:
    """Every image that repeats an earlier one, paired with the first of its kind.

    Order: train, validation, test, and within a split by index. Three equal images give
    two pairs. Equal means equal bytes, up to a collision of 128-bit BLAKE2b.
    """
    pairs: list[Duplicate] = []
    seen: dict[bytes, tuple[str, int, int]] = {}
    for name in SPLITS:
        stack = dataset.split(name)
        rows = stack.images_NCHW.contiguous().flatten(1).numpy()
        for index, (row, label) in enumerate(zip(rows, stack.labels_N.tolist(), strict=True)):
            digest = hashlib.blake2b(row, digest_size=16).digest()
            first = seen.setdefault(digest, (name, index, label))
            if first[:2] != (name, index):
                pairs.append(Duplicate(first[:2], (name, index), first[2] == label))
    return pairs


def class_counts(dataset: ImageDataset) -> dict[str, dict[str, int]]:
    """How many images each class has: split name, then class name, to count."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for name in SPLITS:
        count_K = torch.bincount(dataset.split(name).labels_N, minlength=len(dataset.classes))
        counts[name] = dict(zip(dataset.classes, count_K.tolist(), strict=True))
    return dict(counts)
