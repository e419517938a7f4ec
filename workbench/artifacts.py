"""Artifacts on disk: named arrays in one npz file, written whole or not at all."""

import io
import zipfile
from collections.abc import Mapping
from functools import lru_cache

import numpy as np


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as the bytes of a compressed npz file; object arrays are refused."""
    for name, values in arrays.items():
        if values.dtype == object:
            raise TypeError(f"artifact array {name!r} holds objects; give numbers or fixed text")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


@lru_cache(maxsize=256)
def load(path: str) -> dict[str, np.ndarray]:
    """Arrays of the artifact at `path`; read-only, the newest 256 stay in memory.

    Raises:
        OSError: the file is gone or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise OSError(f"{path} is damaged: {error}") from error
    for values in arrays.values():
        values.setflags(write=False)
    return arrays
