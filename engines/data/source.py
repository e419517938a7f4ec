"""The shape of image data in memory. N images, C channels, H rows, W columns, K classes."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

Progress = Callable[[int, int, str], None]
"""Called with (done, total, words) while something long runs; may raise to cancel it."""


def silent(_done: int, _total: int, _words: str) -> None:
    """The progress that nobody looks at."""


class DataError(ValueError):
    """A data set can't be read; the message names the file or setting and what would be right."""


@dataclass(frozen=True, slots=True)
class Images:
    """A stack of labelled images.

    Attributes:
        images_NCHW: uint8 in [0, 255], C = 1 (grey) or 3 (RGB).
        labels_N: int64 in [0, K).
        factors: what else is known of each image, by name, each of length N.
    """

    images_NCHW: Tensor
    labels_N: Tensor
    factors: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels_N)

    def pick(self, indices_M: Tensor) -> "Images":
        """The images at `indices_M`, in that order."""
        return Images(
            self.images_NCHW[indices_M],
            self.labels_N[indices_M],
            {name: values[indices_M] for name, values in self.factors.items()},
        )


@dataclass(frozen=True, slots=True)
class Source:
    """What a data set's function returns: everything it has, before the split.

    Attributes:
        classes: K names in label order.
        train: images to train and validate on.
        test: the data set's own test images, or None: then a fifth of `train` is held out.
        notes: sentences for the Data page, such as skipped files.
        validation: the data set's own validation images, or None: then from `train`.
    """

    classes: tuple[str, ...]
    train: Images
    test: Images | None = None
    notes: tuple[str, ...] = ()
    validation: Images | None = None


@dataclass(frozen=True, slots=True)
class ImageDataset:
    """A data set ready for training: three disjoint splits and their common facts.

    Attributes:
        name: the registry's name.
        title: what people call it.
        digest: SHA-256 over images and labels of the three splits, hex.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train: Images
    validation: Images
    test: Images
    digest: str
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        _, channels, height, width = self.train.images_NCHW.shape
        return channels, height, width

    def split(self, name: str) -> Images:
        """The split called "train", "validation" or "test"."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


def content_digest(*stacks: Images) -> str:
    """SHA-256 over the pixels and labels of `stacks`, as hex."""
    digest = hashlib.sha256()
    for stack in stacks:
        digest.update(repr(tuple(stack.images_NCHW.shape)).encode())
        digest.update(stack.images_NCHW.contiguous().numpy().data)
        digest.update(stack.labels_N.contiguous().numpy().data)
    return digest.hexdigest()


def to_input(images_BCHW: Tensor) -> Tensor:
    """uint8 images in [0, 255] as the float32 in [-1, 1] that every model is fed."""
    return images_BCHW.to(torch.float32).div_(127.5).sub_(1.0)
