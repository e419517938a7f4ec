"""The idx format of MNIST and its relatives, plain or gzipped."""

import gzip
import io
import math
import struct

import numpy as np

from engines.data.source import DataError


def read_idx(content: bytes, name: str) -> np.ndarray:
    """The uint8 array in `content`, the bytes of an idx file called `name`.

    Layout: 0, 0, type (8 = uint8), number of axes, the axes' lengths as big-endian
    32-bit integers, then the values in C order.

    Raises:
        DataError: not gzip, not idx, another type than uint8, or not as long as it says.
    """
    stream: io.BufferedIOBase = io.BytesIO(content)
    if content[:2] == b"\x1f\x8b":
        stream = gzip.GzipFile(fileobj=stream)
    try:
        zeros, kind, axes = struct.unpack(">HBB", stream.read(4))
        if zeros != 0 or kind != 8 or not 1 <= axes <= 4:
            raise DataError(f"{name} is not an idx file of bytes; it is damaged or another file")
        shape = struct.unpack(f">{axes}I", stream.read(4 * axes))
        length = math.prod(shape)
        values = stream.read(length + 1)  # no further than the header says: gzip can be a bomb
    except (struct.error, EOFError, OSError, MemoryError, OverflowError) as error:
        raise DataError(f"{name} is damaged or cut off ({error}); fetch it again") from error
    if len(values) != length:
        raise DataError(f"{name} is damaged: it should hold {length} bytes of data; fetch it again")
    return np.frombuffer(values, np.uint8).reshape(shape).copy()
