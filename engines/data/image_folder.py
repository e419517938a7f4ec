"""A user's folder of images, one subfolder per class, with or without train and test above."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from engines.data.folder import Folder, chosen_folder, shown
from engines.data.image_file import ENDINGS, Unreadable, read_square
from engines.data.source import DataError, Images, Progress, Source, silent
from engines.registry import dataset

SPLITS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
MAX_FILES, MAX_DEPTH, NAMED = 2_000_000, 32, 20
_AT_ONCE = 128  # files between two reports of progress

Side = Annotated[int, Field(ge=8, le=512, description="Height and width in pixels.")]
Colour = Annotated[
    Literal["rgb", "grey"], Field(description="Three channels, or one of brightness.")
]
Skip = Annotated[
    bool,
    Field(description="Leave out files that can't be read, and list them, instead of stopping."),
]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a scan found.

    Attributes:
        files: split, then class, to the paths of its images.
        problems: (path, reason) of what can't be read.
        ignored: how many files of other kinds lie there, by ending.
    """

    files: dict[str, dict[str, list[str]]]
    problems: list[tuple[str, str]] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


@dataset("Image folder", licence="yours")
def image_folder(
    progress: Progress = silent,
    *,
    folder: Folder = "",
    image_size: Side = 64,
    colour: Colour = "rgb",
    skip_unreadable: Skip = False,
) -> Source:
    """Your own images: a folder with one subfolder per class, whose name is the class's.

    PNG, JPEG, BMP, TIFF and WEBP; 8 and 16 bits; grey, RGB and RGBA (on white). Images are
    turned as their EXIF data say, cut to the central square and resized. Subfolders called
    train, test and val (or valid, validation) with the classes inside are kept as splits.
    Links that lead out of the folder and images of more than 64 million pixels are refused.

    Raises:
        DataError: no folder, no classes, or files that can't be read, by name.
    """
    root = chosen_folder(folder)
    listing = scan(root)
    classes = tuple(sorted({name for part in listing.files.values() for name in part}))
    if not classes:
        raise DataError(
            f"folder: {shown(root)} holds no images in subfolders; make one subfolder per class"
            + _told(root, listing.problems)
        )
    places = [
        (split, classes.index(name), path)
        for split, part in listing.files.items()
        for name, paths in part.items()
        for path in paths
    ]
    _refuse_too_much(len(places), image_size, colour)
    stack_NHWC, read_N = _read_all(places, root, image_size, colour, progress, listing.problems)
    if listing.problems and not skip_unreadable:
        raise DataError(
            f"{len(listing.problems)} of {len(places)} files can't be read; mend or remove "
            "them, or turn on skip_unreadable" + _told(root, listing.problems)
        )
    label_N = np.array([label for _, label, _ in places], np.int64)
    split_N = np.array([split for split, _, _ in places])
    parts = {
        split: Images(
            torch.from_numpy(stack_NHWC[chosen_N]).permute(0, 3, 1, 2).contiguous(),
            torch.from_numpy(label_N[chosen_N]),
        )
        for split in listing.files
        if (chosen_N := read_N & (split_N == split)).any()
    }
    _refuse_missing(parts, classes)
    notes = _notes(root, listing)
    return Source(classes, parts["train"], parts.get("test"), notes, parts.get("validation"))


def scan(root: str) -> Listing:
    """Find the images below `root` without opening any; links to folders are not followed."""
    listing = Listing({})
    folders = _subfolders(root, listing)
    splits = {SPLITS.get(name.lower(), "") for name in folders}
    given = (
        "train" in splits
        and len(splits) > 1
        and "" not in splits
        and all(_has_folder(os.path.join(root, name)) for name in folders)
    )
    for name in folders:
        path = os.path.join(root, name)
        if given:
            part = listing.files.setdefault(SPLITS[name.lower()], {})
            for inner in _subfolders(path, listing):
                _add(part, inner, _images(os.path.join(path, inner), listing))
        else:
            part = listing.files.setdefault("train", {})
            _add(part, name, _images(path, listing))
    return listing


def _has_folder(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return any(entry.is_dir(follow_symlinks=False) for entry in entries)
    except OSError:  # the scan meets it again and lists it
        return False


def _add(part: dict[str, list[str]], name: str, paths: Iterator[str]) -> None:
    found = sorted(paths)
    if found:
        part.setdefault(shown(name), []).extend(found)


def _subfolders(path: str, listing: Listing) -> list[str]:
    """Names of the folders in `path`; files beside them belong to no class and are counted."""
    names = []
    for entry in _entries(path, listing):
        if entry.is_dir(follow_symlinks=False):
            names.append(entry.name)
        elif entry.is_symlink() and os.path.isdir(entry.path):
            listing.problems.append((entry.path, "is a link to a folder"))
        else:
            listing.ignored["outside the class folders"] += 1
    return sorted(names)


def _images(path: str, listing: Listing, depth: int = 0) -> Iterator[str]:
    """Paths of the files below `path` that end like an image."""
    if depth > MAX_DEPTH:
        listing.problems.append((path, f"lies more than {MAX_DEPTH} folders deep"))
        return
    for entry in _entries(path, listing):
        ending = os.path.splitext(entry.name)[1].lower()
        if entry.is_dir(follow_symlinks=False):
            yield from _images(entry.path, listing, depth + 1)
        elif entry.is_symlink() and os.path.isdir(entry.path):
            listing.problems.append((entry.path, "is a link to a folder"))
        elif ending in ENDINGS:
            yield entry.path
        else:
            listing.ignored[ending or "without ending"] += 1


def _entries(path: str, listing: Listing) -> Iterator[os.DirEntry[str]]:
    """What lies in `path`, but for hidden things and what archives of macOS add."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if not entry.name.startswith((".", "__MACOSX")):
                    yield entry
    except OSError as error:
        listing.problems.append((path, f"can't be opened ({error.strerror})"))


def _read_all(
    places: Sequence[tuple[str, int, str]],
    root: str,
    side: int,
    colour: str,
    progress: Progress,
    problems: list[tuple[str, str]],
) -> tuple[np.ndarray, np.ndarray]:
    """All images [N, side, side, C] and which of them could be read [N]; adds to `problems`.

    OpenCV lets go of the interpreter while it decodes, so a few threads help.
    """

    def one(index: int) -> str:
        try:
            stack_NHWC[index] = read_square(places[index][2], root, side, colour)
        except Unreadable as reason:
            return str(reason)
        return ""

    count = len(places)
    stack_NHWC = np.zeros((count, side, side, 3 if colour == "rgb" else 1), np.uint8)
    read_N = np.ones(count, bool)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1), "decode") as pool:
        for start in range(0, count, _AT_ONCE):
            progress(start, count, "reading images")
            chunk = range(start, min(start + _AT_ONCE, count))
            for index, reason in zip(chunk, pool.map(one, chunk), strict=True):
                if reason:
                    read_N[index] = False
                    problems.append((places[index][2], reason))
    progress(count, count, "read")
    return stack_NHWC, read_N


def _refuse_too_much(count: int, side: int, colour: str) -> None:
    """The pictures are held twice for a moment, as a whole and in their splits."""
    import psutil

    if count > MAX_FILES:
        raise DataError(
            f"folder: {count:,} files are more than {MAX_FILES:,}; choose a smaller one"
        )
    needed = 2 * count * side * side * (3 if colour == "rgb" else 1)
    free = psutil.virtual_memory().available
    if needed > free:
        raise DataError(
            f"image_size: {count:,} images of {side}×{side} need {needed / 2**30:.1f} GB and "
            f"{free / 2**30:.1f} GB are free; try {max(8, int(side * (free / needed) ** 0.5))}"
        )


def _refuse_missing(parts: dict[str, Images], classes: tuple[str, ...]) -> None:
    """Every class needs a training image that can be read."""
    present = set(parts["train"].labels_N.tolist()) if "train" in parts else set()
    missing = [name for label, name in enumerate(classes) if label not in present]
    if missing:
        raise DataError(
            f"folder: no training image can be read of {', '.join(missing[:NAMED])}; "
            "add some or remove the folder"
        )


def _notes(root: str, listing: Listing) -> tuple[str, ...]:
    notes = []
    if listing.problems:
        notes.append(f"{len(listing.problems)} files were skipped" + _told(root, listing.problems))
    if listing.ignored:
        kinds = ", ".join(f"{count} {ending}" for ending, count in listing.ignored.most_common())
        notes.append(f"{listing.ignored.total()} files are no images of a class: {kinds}")
    return tuple(notes)


def _told(root: str, problems: Sequence[tuple[str, str]]) -> str:
    """ ": 3 is empty, 1 is damaged" and the first names with their reasons, one a line."""
    if not problems:
        return ""
    reasons = Counter(reason for _, reason in problems).most_common()
    lines = [f"{shown(os.path.relpath(path, root))} {reason}" for path, reason in problems[:NAMED]]
    if len(problems) > NAMED:
        lines.append(f"and {len(problems) - NAMED} more")
    return (
        ": " + ", ".join(f"{count} {reason}" for reason, count in reasons) + "\n" + "\n".join(lines)
    )
