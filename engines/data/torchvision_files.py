"""Data sets in the files that torchvision reads, found in a folder of yours, never downloaded.

N images, C channels, H rows, W columns. torchvision itself is not needed for reading them.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from engines.data.folder import Folder, chosen_folder, shown
from engines.data.idx import read_idx
from engines.data.mat5 import read_mat5
from engines.data.safe_pickle import read_pickle
from engines.data.source import DataError, Images, Progress, Source, silent
from engines.registry import dataset

DIGITS = tuple("0123456789")
STL10_CLASSES = (
    "airplane",
    "bird",
    "car",
    "cat",
    "deer",
    "dog",
    "horse",
    "monkey",
    "ship",
    "truck",
)


@dataset("MNIST", licence="none stated", images=70_000)
def mnist(progress: Progress = silent, *, folder: Folder = "") -> Source:
    """Handwritten digits, grey, 28×28, from the four idx files, gzipped or not.

    They may lie in the folder itself, in raw/ or in MNIST/raw/ below it. Any set in the
    same files is read too, such as KMNIST; its classes are called 0 to 9.

    Raises:
        DataError: a file is missing or damaged.

    Reference: LeCun, Bottou, Bengio and Haffner 1998, doi:10.1109/5.726791.
    """
    parts = []
    for number, part in enumerate(("train", "t10k")):
        progress(number, 2, f"reading {part}")
        arrays = []
        for what in ("images-idx3", "labels-idx1"):
            names = [f"{part}-{what}-ubyte", f"{part}-{what}-ubyte.gz"]
            names.append(names[0].replace("-idx", ".idx"))  # as some archives unpack
            path = find(folder, ("", "raw", "MNIST/raw"), names)
            arrays.append(read_idx(_content(path), shown(path)))
        _check(arrays[0].ndim == 3 and arrays[1].ndim == 1, path)
        parts.append(_images(arrays[0][:, None], arrays[1], len(DIGITS), path))
    progress(2, 2, "read")
    return Source(DIGITS, parts[0], parts[1])


@dataset("CIFAR-10", licence="none stated", images=60_000)
def cifar10(progress: Progress = silent, *, folder: Folder = "") -> Source:
    """Small photographs of ten things, RGB, 32×32, from the "python version" of its files.

    They may lie in the folder itself or in cifar-10-batches-py/ below it.

    Raises:
        DataError: a file is missing, damaged, or a pickle that holds more than arrays.

    Reference: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
    """
    below = ("", "cifar-10-batches-py")
    batches = [f"data_batch_{number}" for number in range(1, 6)]
    classes = _names(find(folder, below, ["batches.meta"]), "label_names")
    train, test = (
        _cifar(folder, below, names, "labels", len(classes), progress)
        for names in (batches, ["test_batch"])
    )
    return Source(classes, train, test)


@dataset("CIFAR-100", licence="none stated", images=60_000)
def cifar100(progress: Progress = silent, *, folder: Folder = "") -> Source:
    """Small photographs of a hundred things, RGB, 32×32, from the "python version".

    The files train, test and meta may lie in the folder itself or in cifar-100-python/.

    Raises:
        DataError: a file is missing, damaged, or a pickle that holds more than arrays.

    Reference: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
    """
    below = ("", "cifar-100-python")
    classes = _names(find(folder, below, ["meta"]), "fine_label_names")
    train, test = (
        _cifar(folder, below, [name], "fine_labels", len(classes), progress)
        for name in ("train", "test")
    )
    return Source(classes, train, test)


@dataset("STL-10", licence="none stated", images=13_000)
def stl10(progress: Progress = silent, *, folder: Folder = "") -> Source:
    """Photographs of ten things, RGB, 96×96: 5,000 to train on and 8,000 to test.

    The files train_X.bin, train_y.bin, test_X.bin and test_y.bin may lie in the folder
    itself or in stl10_binary/ below it. The 100,000 images without label are not read.

    Raises:
        DataError: a file is missing or has an odd size.

    Reference: Coates, Lee and Ng 2011, AISTATS.
    """
    parts = []
    for number, part in enumerate(("train", "test")):
        progress(number, 2, f"reading {part}")
        path = find(folder, ("", "stl10_binary"), [f"{part}_X.bin"])
        pixels = np.frombuffer(_content(path), np.uint8)
        _check(len(pixels) % (3 * 96 * 96) == 0, path)
        # Each channel is stored column by column.
        images_NCHW = pixels.reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2)
        path = find(folder, ("", "stl10_binary"), [f"{part}_y.bin"])
        label_N = np.frombuffer(_content(path), np.uint8).astype(np.int64) - 1
        parts.append(_images(images_NCHW, label_N, len(STL10_CLASSES), path))
    progress(2, 2, "read")
    return Source(STL10_CLASSES, parts[0], parts[1])


@dataset("SVHN", licence="non-commercial use", images=99_289)
def svhn(progress: Progress = silent, *, folder: Folder = "") -> Source:
    """House numbers from street views, RGB, 32×32: 73,257 digits to train on, 26,032 to test.

    The files train_32x32.mat and test_32x32.mat lie in the folder itself.

    Raises:
        DataError: a file is missing or damaged.

    Reference: Netzer et al. 2011, NIPS Workshop on Deep Learning.
    """
    parts = []
    for number, part in enumerate(("train", "test")):
        progress(number, 2, f"reading {part}")
        path = find(folder, ("", "SVHN"), [f"{part}_32x32.mat"])
        arrays = read_mat5(_content(path), shown(path))
        _check(arrays.get("X", np.empty(0)).ndim == 4 and "y" in arrays, path)
        label_N = arrays["y"].reshape(-1).astype(np.int64) % 10  # the digit 0 is stored as 10
        parts.append(_images(arrays["X"].transpose(3, 2, 0, 1), label_N, len(DIGITS), path))
    progress(2, 2, "read")
    return Source(DIGITS, parts[0], parts[1])


def find(folder: str, below: Sequence[str], names: Sequence[str]) -> str:
    """The first file called one of `names` in `folder` or in one of its subfolders `below`.

    Raises:
        DataError: there is none; says what was wanted and where it was looked for.
    """
    root = chosen_folder(folder)
    for place in below:
        for name in names:
            path = os.path.join(root, *place.split("/"), name)
            if os.path.isfile(path):
                return path
    places = ", ".join(shown(os.path.join(root, place)) for place in below)
    raise DataError(f"folder: {' or '.join(names)} is missing; looked in {places}")


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{shown(path)} can't be read ({error.strerror})") from error


def _names(path: str, key: str) -> tuple[str, ...]:
    """Class names in a CIFAR meta file."""
    names = read_pickle(_content(path), shown(path)).get(key)
    _check(isinstance(names, list) and all(isinstance(name, str) for name in names), path)
    return tuple(names)  # type: ignore[arg-type]


def _cifar(
    folder: str,
    below: Sequence[str],
    names: Sequence[str],
    labels: str,
    classes: int,
    progress: Progress,
) -> Images:
    """The images of CIFAR's batch files, one after the other; a row is R, then G, then B."""
    stacks, label_lists = [], []
    for number, name in enumerate(names):
        progress(number, len(names), f"reading {name}")
        path = find(folder, below, [name])
        batch = read_pickle(_content(path), shown(path))
        data: Any = batch.get("data")
        good = isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 2
        _check(good and data.shape[1] == 3 * 32 * 32, path)
        _check(isinstance(batch.get(labels), list) and len(batch[labels]) == len(data), path)
        _check(all(isinstance(label, int) for label in batch[labels]), path)
        stacks.append(data.reshape(-1, 3, 32, 32))
        label_lists += batch[labels]
    progress(len(names), len(names), "read")
    return _images(np.concatenate(stacks), np.array(label_lists, np.int64), classes, path)


def _images(images_NCHW: np.ndarray, label_N: np.ndarray, classes: int, path: str) -> Images:
    """Both as tensors, if they fit together."""
    _check(images_NCHW.dtype == np.uint8 and len(images_NCHW) == len(label_N) > 0, path)
    label_N = label_N.astype(np.int64)
    _check(label_N.min() >= 0 and label_N.max() < classes, path)
    return Images(torch.from_numpy(images_NCHW.copy("C")), torch.from_numpy(label_N))


def _check(good: bool, path: str) -> None:
    if not good:
        raise DataError(f"{shown(path)} does not hold what it should; fetch it again")
