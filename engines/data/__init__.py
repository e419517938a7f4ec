"""Image data sets in memory: bundled, procedural, from files; splits; augmentation."""

import threading
from collections import OrderedDict
from typing import cast

from engines.data.folder import folder_stamp
from engines.data.inspection import Duplicate, class_counts, duplicates
from engines.data.source import DataError, ImageDataset, Images, Progress, Source, silent
from engines.data.splits import split
from engines.data.video_file import file_stamp
from engines.registry import SplitKnobs, dataset

__all__ = [
    "DataError",
    "Duplicate",
    "ImageDataset",
    "Images",
    "Progress",
    "Source",
    "class_counts",
    "duplicates",
    "load",
]

KEPT = 3  # data sets that stay in memory for the next run: Fashion-MNIST is 55 MB

_kept: OrderedDict[tuple[str, str, str], ImageDataset] = OrderedDict()
_busy: dict[tuple[str, str, str], threading.Lock] = {}
_guard = threading.Lock()


def load(
    name: str, knobs: SplitKnobs | None = None, progress: Progress | None = None
) -> ImageDataset:
    """The data set called `name`, split as `knobs` say; the last few stay in memory.

    May be called from any thread; two that ask for the same set at once share one reading.
    A folder or file that changed on disk is read again.

    Args:
        name: a name of `engines.registry.dataset`.
        knobs: an instance of that entry's `knobs`; None takes the defaults.
        progress: is told how far reading is; what it raises cancels the reading.

    Raises:
        DataError: the files or settings don't allow it; the message says which and why.
        KeyError: no data set has this name.
    """
    entry = dataset[name]
    chosen = knobs or cast(SplitKnobs, entry.knobs())
    stamp = folder_stamp(getattr(chosen, "folder", ""), progress or silent)
    stamp += file_stamp(getattr(chosen, "file", ""))
    key = (name, chosen.model_dump_json(), stamp)
    with _guard:
        mine = _busy.setdefault(key, threading.Lock())
    with mine:
        with _guard:
            if key in _kept:
                _kept.move_to_end(key)
                return _kept[key]
        try:
            source = entry.make(progress or silent, knobs=chosen)
            ready = split(source, chosen, name, entry.title)
            _keep(key, ready)
        finally:
            with _guard:
                _busy.pop(key, None)
        return ready


def _keep(key: tuple[str, str, str], ready: ImageDataset) -> None:
    with _guard:
        _kept[key] = ready
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
