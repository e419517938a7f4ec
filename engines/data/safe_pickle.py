"""Pickles of plain values and numpy arrays, without what makes pickles dangerous."""

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct  # numpy has no public name for it

from engines.data.source import DataError


def _encode(text: str, encoding: str) -> bytes:
    """What Python 3 writes for bytes in old protocols; only its own encoding is accepted."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"encoding {encoding}")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encode,
}


class _Restricted(pickle.Unpickler):
    """Knows four names, none of which can run or import anything."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ALLOWED[module, name]


def read_pickle(content: bytes, name: str) -> dict[str, Any]:
    """The dictionary in a pickle, as CIFAR's files hold it; Python 2's strings become text.

    A pickle may name any function to be called; here only numpy's own array, dtype and
    reconstruction are known, besides dict, list, int and text.

    Raises:
        DataError: it is damaged, no dictionary, or asks for anything else.
    """
    try:
        value = _Restricted(io.BytesIO(content), encoding="latin1").load()
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise DataError(f"{name} is refused: it is damaged or unsafe ({error})") from error
    if not isinstance(value, dict):
        raise DataError(f"{name} is refused: it holds no dictionary")
    return value
