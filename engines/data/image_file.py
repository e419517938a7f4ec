"""One foreign image file as a square of pixels, with everything that may be wrong with it."""

import os
import stat

import numpy as np

from engines.data.exif import PHOTOMETRIC, orientation_of, start_of_scan, tiff_tag, upright

ENDINGS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
MAX_BYTES = 2**29  # 64 Mpx of four 16-bit channels
_SEPARATED = 5  # TIFF's photometric interpretation CMYK


class Unreadable(Exception):
    """This file gives no image; the text is the rest of a sentence that starts with its name."""


def read_square(path: str, root: str, side: int, colour: str) -> np.ndarray:
    """The image in `path` as [side, side, 3] or [side, side, 1] uint8.

    Turned upright (EXIF), cut to its central square, 16 bits to 8, transparent parts on
    white, shrunk by area averages or enlarged linearly, as RGB or (`colour` "grey") as luma
    after ITU-R BT.601.

    Raises:
        Unreadable: the file or its content is refused.
    """
    from engines.opencv import cv2

    content = read_regular(path, root)
    check_format(path, content)
    pixels_HWC = _decoded(content)
    pixels_HWC = upright(pixels_HWC, orientation_of(content))
    height, width = pixels_HWC.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = _eight_bits(np.ascontiguousarray(pixels_HWC[top : top + edge, left : left + edge]))
    square = _opaque(square)
    if colour == "rgb":
        square = cv2.cvtColor(
            square, cv2.COLOR_GRAY2RGB if square.shape[2] == 1 else cv2.COLOR_BGR2RGB
        )
    elif square.shape[2] == 3:
        square = cv2.cvtColor(square, cv2.COLOR_BGR2GRAY)
    method = cv2.INTER_AREA if edge > side else cv2.INTER_LINEAR
    return cv2.resize(square, (side, side), interpolation=method).reshape(side, side, -1)


def read_regular(path: str, root: str) -> bytes:
    """The content of a regular file whose real place is below `root`, a real path.

    Raises:
        Unreadable: it leads out of `root`, or is no file, empty, too large or unreadable.
    """
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            real = os.path.realpath(path)
            if not _inside(real, root):
                raise Unreadable("is a link that leads out of the folder")
            status = os.stat(real)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("is no regular file")
        if status.st_size == 0:
            raise Unreadable("is empty")
        if status.st_size > MAX_BYTES:
            raise Unreadable(f"is larger than {MAX_BYTES // 2**20} MB")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES)
    except OSError as error:
        raise Unreadable(f"can't be opened ({error.strerror})") from error


def check_format(path: str, content: bytes) -> None:
    """Refuse a content that is not what the name's ending says, or that is cut off.

    OpenCV shows a cut-off JPEG with a grey rest and no error, hence the look at its end.
    """
    claimed = ENDINGS[os.path.splitext(path)[1].lower()]
    actual = format_of(content)
    if actual == "":
        raise Unreadable(f"is no {claimed} image")
    if actual != claimed:
        raise Unreadable(f"is a {actual} image with the ending of {claimed}")
    scan = start_of_scan(content) if actual == "JPEG" else 0
    whole = {
        "JPEG": scan > 0 and content.find(b"\xff\xd9", scan) > 0,
        "PNG": content.rfind(b"IEND") > 0,
        "WEBP": int.from_bytes(content[4:8], "little") + 8 <= len(content),
    }
    if not whole.get(actual, True):
        raise Unreadable("is cut off")


def format_of(content: bytes) -> str:
    """PNG, JPEG, BMP, TIFF or WEBP by the first bytes, or ""."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    starts = {
        b"\x89PNG\r\n\x1a\n": "PNG",
        b"\xff\xd8\xff": "JPEG",
        b"BM": "BMP",
        b"II*\0": "TIFF",
        b"MM\0*": "TIFF",
    }
    return next((name for start, name in starts.items() if content.startswith(start)), "")


def _decoded(content: bytes) -> np.ndarray:
    """[H, W, C] with C = 1, 3 (BGR) or 4 (BGRA), uint8 or uint16."""
    from engines.opencv import MAX_PIXELS, cv2

    if tiff_tag(content, PHOTOMETRIC) == _SEPARATED:
        raise Unreadable("has CMYK colours; save it as RGB")
    try:
        # OpenCV compares the header with OPENCV_IO_MAX_IMAGE_PIXELS before it makes room.
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if "MAX_IMAGE" in str(error):
            raise Unreadable(f"has more than {MAX_PIXELS // 2**20} million pixels") from error
        raise Unreadable("is damaged") from error
    if pixels is None:
        raise Unreadable("is damaged")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise Unreadable(f"holds {pixels.dtype} values; 8 and 16 bits are read")
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    if pixels.shape[2] not in (1, 3, 4):
        raise Unreadable(f"has {pixels.shape[2]} channels; 1, 3 and 4 are read")
    return pixels


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    """65,535 becomes 255: division by 257, rounded."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _opaque(pixels_HWC: np.ndarray) -> np.ndarray:
    """BGRA laid on white; other images as they are."""
    if pixels_HWC.shape[2] != 4:
        return pixels_HWC
    alpha_HW1 = pixels_HWC[..., 3:].astype(np.float32) / 255
    return np.rint(255 + alpha_HW1 * (pixels_HWC[..., :3].astype(np.float32) - 255)).astype(
        np.uint8
    )


def _inside(path: str, root: str) -> bool:
    try:
        return os.path.commonpath([path, root]) == root
    except ValueError:  # another drive
        return False
