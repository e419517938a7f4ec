"""One foreign video file as square frames, with everything that may be wrong with it."""

import math
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from engines.data.folder import shown
from engines.data.source import DataError, Progress, silent

ENDINGS = ("mp4", "m4v", "mov", "3gp", "mkv", "webm", "avi", "mpg", "mpeg", "ts", "ogv", "wmv")
STARTS = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"OggS",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF: WMV
    b"FLV\x01",
    b"GIF87a",
    b"GIF89a",
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
)
_TOLD_EVERY = 32  # frames between two reports of progress

File = Annotated[
    str,
    Field(
        description="The video to read.",
        json_schema_extra={
            "widget": "file",
            "filter": f"Videos ({' '.join(f'*.{ending}' for ending in ENDINGS)});;All files (*)",
        },
    ),
]


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        index: its number in the file, from 0.
        seconds: when it is shown, from the file's start; None if the file doesn't tell.
        pixels_HWC: uint8 [side, side, 3 or 1].
        announced: how many frames the file claims to hold, 0 if it doesn't say.
    """

    index: int
    seconds: float | None
    pixels_HWC: np.ndarray
    announced: int


def chosen_file(file: str) -> str:
    """The absolute real path of `file`, with ~ for the home folder.

    Raises:
        DataError: nothing is chosen, or it is no regular file that holds a video.
    """
    if not file.strip():
        raise DataError("file: none is chosen yet; choose a video file")
    if "://" in file:
        raise DataError(f"file: {shown_name(file)} is an address; download the video first")
    try:
        path = os.path.realpath(os.path.expanduser(file))
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a null or half a character in the name
        raise DataError(f"file: {shown_name(file)} is no file; choose one that exists") from None
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"file: {shown(path)} is no regular file; choose a video file")
    try:
        with open(path, "rb") as stream:
            head = stream.read(512)
    except OSError as error:
        raise DataError(f"file: {shown(path)} can't be opened ({error.strerror})") from None
    if not head:
        raise DataError(f"file: {shown(path)} is empty")
    if not is_video(head):
        raise DataError(
            f"file: {shown(path)} does not start like a video; choose MP4, MOV, MKV, WebM, AVI, "
            "MPEG, Ogg, WMV, FLV or GIF"
        )
    return path


def file_stamp(file: str) -> str:
    """Path, size and time of change of `file` as text; "" if there is none."""
    try:
        path = os.path.realpath(os.path.expanduser(file)) if file else ""
        status = os.stat(path)
    except (OSError, ValueError):  # reading it tells the user
        return ""
    return f"{os.fsencode(path).hex()}|{status.st_size}|{status.st_mtime_ns}"


def is_video(head: bytes) -> bool:
    """Whether a file's first 512 bytes are those of a container with the video inside.

    FFmpeg opens playlists too (HLS, concat, SDP), which name other files and addresses.
    """
    boxes = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
    return (
        head.startswith(STARTS)
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or head[4:8] in boxes
        or (len(head) > 196 and head[0] == head[188] == 0x47)  # MPEG transport packets
        or (len(head) > 196 and head[4] == head[196] == 0x47)
    )


def read_frames(
    path: str, side: int, colour: str, stride: int, most: int, progress: Progress = silent
) -> Iterator[Frame]:
    """Every `stride`-th frame of a file that `chosen_file` accepted, at most `most`.

    Cut to the central square and resized by area averages; RGB, or (`colour` "grey") luma
    after ITU-R BT.601. Ends early where the file is damaged.

    Raises:
        DataError: the file has no picture that can be decoded, or too large ones.
    """
    with plainly_named(path) as name, opened(name, path) as capture:
        from engines.opencv import cv2

        announced = _count(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        total = min(most * stride, announced) if announced else most * stride
        rate = capture.get(cv2.CAP_PROP_FPS)
        index, given, before = 0, 0, -1.0
        while given < most and capture.grab():
            if index % _TOLD_EVERY == 0:
                progress(min(index, total), total, "reading frames")
            if index % stride == 0:
                found, pixels_HWC = capture.retrieve()
                if not found or pixels_HWC is None:
                    break
                seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                if not (math.isfinite(seconds) and seconds > before):  # the container has no times
                    seconds = index / rate if math.isfinite(rate) and rate > 0 else math.nan
                else:
                    before = seconds
                time = seconds if math.isfinite(seconds) else None
                yield Frame(index, time, squared(pixels_HWC, side, colour), announced)
                given += 1
            index += 1
        if not given:
            raise DataError(_undecodable(path))
        progress(total, total, "read")


@contextmanager
def plainly_named(path: str) -> Iterator[str]:
    """A name for `path` that OpenCV takes literally.

    It crashes on names that are not UTF-8 and takes %02d for a series of files: such a
    file is opened through a link.
    """
    if _is_plain(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="video-") as folder:
        link = os.path.join(folder, "video")
        try:
            os.symlink(path, link)
        except (OSError, NotImplementedError):
            link = ""
        if not _is_plain(link):
            raise DataError(
                f"file: OpenCV can't open the name {shown(path)}; rename it to plain letters"
            )
        yield link


@contextmanager
def opened(name: str, path: str) -> Iterator[Any]:
    """The video called `name`, closed afterwards; `path` is what messages call it."""
    from engines.opencv import MAX_PIXELS, cv2

    # By FFmpeg alone: other backends take a name for a camera, a pipeline or a series of images.
    capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise DataError(_undecodable(path))
        width = _count(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = _count(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MAX_PIXELS:
            raise DataError(
                f"file: {shown(path)} has frames of {width}×{height}, more than "
                f"{MAX_PIXELS:,} pixels; convert it to a smaller size"
            )
        yield capture
    finally:
        capture.release()


def squared(pixels_HWC: np.ndarray, side: int, colour: str) -> np.ndarray:
    """The central square of a BGR frame as [side, side, 3] RGB or [side, side, 1] grey."""
    from engines.opencv import cv2

    height, width = pixels_HWC.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = np.ascontiguousarray(pixels_HWC[top : top + edge, left : left + edge])
    square = cv2.cvtColor(square, cv2.COLOR_BGR2RGB if colour == "rgb" else cv2.COLOR_BGR2GRAY)
    method = cv2.INTER_AREA if edge > side else cv2.INTER_LINEAR
    return cv2.resize(square, (side, side), interpolation=method).reshape(side, side, -1)


def shown_name(file: str) -> str:
    """What the user typed, fit for a message even where it is no possible name."""
    return "".join(letter if letter.isprintable() else "�" for letter in file)


def _is_plain(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return bool(path) and "%" not in path


def _count(value: float) -> int:
    """What a header claims, which may be NaN, negative or absurd; then 0."""
    return int(value) if math.isfinite(value) and 0 < value < 2**40 else 0


def _undecodable(path: str) -> str:
    return (
        f"file: no frame of {shown(path)} can be decoded; it is damaged, holds no picture or uses "
        "a codec that is missing here. Convert it, for instance with: ffmpeg -i IN -c:v libx264 "
        "OUT.mp4"
    )
