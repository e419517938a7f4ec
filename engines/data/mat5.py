"""Numeric arrays out of MATLAB 5 files, as much of that format as SVHN needs.

Reference: MATLAB MAT-File Format, The MathWorks, chapter 1.
"""

import math
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from engines.data.source import DataError

_MATRIX, _COMPRESSED = 14, 15
_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_NUMERIC = range(6, 16)  # classes of arrays: double 6 to uint64 15
_LIMIT = 2**32  # bytes that one compressed array may unpack to


def read_mat5(content: bytes, name: str) -> dict[str, np.ndarray]:
    """The numeric arrays of a MAT-file version 5 by name, in MATLAB's index order.

    Values keep the type in which they are stored, which may be smaller than their class.

    Raises:
        DataError: it is no such file, or is damaged.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise DataError(f"{name} is no MATLAB 5 file; fetch it again")
    arrays: dict[str, np.ndarray] = {}
    try:
        for kind, body in _elements(content[128:], order):
            if kind == _COMPRESSED:
                unpacked = zlib.decompressobj().decompress(body, _LIMIT)
                kind, body = next(_elements(unpacked, order))
            if kind == _MATRIX:
                arrays |= _array(body, order)
    except (struct.error, zlib.error, ValueError, KeyError, StopIteration) as error:
        raise DataError(f"{name} is damaged ({error}); fetch it again") from error
    return arrays


def _elements(data: bytes | memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """(type, content) of each data element; short ones keep both in eight bytes."""
    view, place = memoryview(data), 0
    while place + 8 <= len(view):
        kind, length = struct.unpack_from(f"{order}II", view, place)
        if kind >> 16:
            yield kind & 0xFFFF, view[place + 4 : place + 4 + (kind >> 16)]
            place += 8
            continue
        if place + 8 + length > len(view):
            raise ValueError("it is cut off")
        yield kind, view[place + 8 : place + 8 + length]
        place += 8 + length
        if kind != _COMPRESSED:
            place += -length % 8


def _array(body: memoryview, order: str) -> dict[str, np.ndarray]:
    """One matrix by its name; {} if it isn't of real numbers."""
    parts = _elements(body, order)
    flags = struct.unpack_from(f"{order}I", next(parts)[1])[0]
    if flags & 0xFF not in _NUMERIC or flags & 0x0800:  # 0x0800: complex
        return {}
    shape = np.frombuffer(next(parts)[1], f"{order}i4").tolist()
    name = bytes(next(parts)[1]).decode("ascii")
    kind, values = next(parts)
    array = np.frombuffer(values, order + _TYPES[kind])
    if len(array) != math.prod(shape):
        raise ValueError(f"{name} has {len(array)} values, not {shape}")
    return {name: array.reshape(shape, order="F")}
