"""Which way up an image file is to be shown: the EXIF orientation of JPEG, PNG and WEBP.

OpenCV applies it only where it also drops the alpha channel, and which formats it knows
depends on its version. (It always applies it to TIFF.)
"""

import struct

import numpy as np

ORIENTATION = 0x0112
PHOTOMETRIC = 0x0106


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """A view of `image` [H, W, ...] turned and mirrored as EXIF value 1 to 8 says.

    Reference: Exif 2.3, section 4.6.4, tag Orientation.
    """
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return image


def orientation_of(content: bytes) -> int:
    """The orientation 1 to 8 in a file's bytes; 1 (as it is) where none is given."""
    try:
        if content.startswith(b"\xff\xd8"):
            block = _in_jpeg(content)
        elif content.startswith(b"\x89PNG"):
            block = _in_chunks(content, 8, ">I4s", b"eXIf")
        elif content.startswith(b"RIFF"):
            block = _in_chunks(content, 12, "<4sI", b"EXIF")
        else:
            return 1
    except struct.error:  # cut off within a header; the decoder will say so
        return 1
    value = tiff_tag(block.removeprefix(b"Exif\0\0"), ORIENTATION)
    return value if value in range(1, 9) else 1


def tiff_tag(block: bytes, wanted: int) -> int:
    """The first value of a short or long tag in a TIFF's first directory; 0 if it has none."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 0
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", block, place)
            if tag == wanted:
                return struct.unpack_from(order + ("H" if kind == 3 else "I"), block, place + 8)[0]
    except struct.error:
        return 0
    return 0


def start_of_scan(content: bytes) -> int:
    """Where a JPEG's coded image begins, behind all headers and thumbnails; -1 if it doesn't."""
    for marker, place, _ in _segments(content):
        if marker == 0xDA:
            return place
    return -1


def _in_jpeg(content: bytes) -> bytes:
    for marker, place, length in _segments(content):
        if marker == 0xE1 and content.startswith(b"Exif\0\0", place):
            return content[place : place + length]
    return b""


def _segments(content: bytes):
    """(marker, start of the content, its length) of each JPEG segment up to the scan."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        (length,) = struct.unpack_from(">H", content, place + 2)
        yield marker, place + 4, length - 2
        if marker == 0xDA:
            return
        place += 2 + length


def _in_chunks(content: bytes, place: int, header: str, wanted: bytes) -> bytes:
    """The chunk called `wanted` of a PNG (length first, checksum last) or RIFF (padded) file."""
    png = header.startswith(">")
    while place + 8 <= len(content):
        first, second = struct.unpack_from(header, content, place)
        name, length = (second, first) if png else (first, second)
        if name == wanted:
            return content[place + 8 : place + 8 + length]
        place += 8 + length + (4 if png else length % 2)
    return b""
