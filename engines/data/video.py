"""Frames of a user's video; what is shown within a moment belongs together. K segments."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from engines.data.image_folder import Colour, Side
from engines.data.source import DataError, Images, Progress, Source, silent
from engines.data.video_file import File, Frame, chosen_file, read_frames
from engines.registry import dataset

PLAIN = 2.0  # grey levels of standard deviation: a fade or black frame, coding noise included
HELD_OUT = 0.15  # of the segments, for validation and again for test
LEAST_SEGMENTS = 4  # two to train on, or nothing is dissimilar, and one for each other part
_CHECKED_EVERY = 64  # frames between two looks at the free memory

Frames = Annotated[
    int, Field(ge=8, le=50_000, title="At most so many frames", description="Then reading ends.")
]
Stride = Annotated[
    int,
    Field(
        ge=1,
        le=1000,
        title="Every n-th frame",
        description="1 takes all; neighbours are then nearly the same picture.",
    ),
]
Segment = Annotated[
    int,
    Field(
        ge=2,
        le=1000,
        title="Frames per segment",
        description="So many frames in a row are one class: each other's positives.",
    ),
]


@dataclass(slots=True)
class Gathered:
    """The frames that are kept, and how many are not.

    Attributes:
        place: for each kept frame its number among those read, black ones counted.
    """

    frames: list[Frame] = field(default_factory=list)
    place: list[int] = field(default_factory=list)
    plain: int = 0
    repeated: int = 0

    @property
    def read(self) -> int:
        """Frames looked at."""
        return len(self.frames) + self.plain + self.repeated


@dataset("Video frames", licence="yours")
def video(
    progress: Progress = silent,
    *,
    file: File = "",
    frames: Frames = 4_000,
    stride: Stride = 3,
    segment: Segment = 16,
    image_size: Side = 64,
    colour: Colour = "rgb",
) -> Source:
    """Frames of your own video: neighbours in time are each other's positives.

    The class of a frame is its segment: so many frames in a row that a loss by labels
    (supervised contrastive, triplet) pulls together. Frames are cut to the central square and
    resized. Frames of one plain colour and exact repetitions of an earlier frame are left
    out, and segments that lose more than half of theirs. The first 70 % of the segments are for
    training, the next 15 % for validation, the last 15 % for test: neighbours are never split
    between them at random. Known factors are "frame" (its number in the file) and "time"
    (seconds), where the file tells it.

    Raises:
        DataError: no video, one that can't be decoded, or one too short for the settings.
    """
    path = chosen_file(file)
    found = gathered(read_frames(path, image_size, colour, stride, frames, progress))
    if not found.frames:
        raise DataError(
            f"file: all {found.read} frames read are of one plain colour; choose another video"
        )
    segment_N = np.array(found.place) // segment
    number_K, count_K = np.unique(segment_N, return_counts=True)
    full_K = number_K[count_K >= max(2, segment / 2)]
    if len(full_K) < LEAST_SEGMENTS:
        raise DataError(_too_short(found, len(full_K), segment, stride, frames))
    kept_M = np.flatnonzero(np.isin(segment_N, full_K))
    images = _images([found.frames[n] for n in kept_M], np.searchsorted(full_K, segment_N[kept_M]))
    held = max(1, round(HELD_OUT * len(full_K)))
    start_validation, start_test = len(full_K) - 2 * held, len(full_K) - held
    parts = [
        images.pick(torch.nonzero((images.labels_N >= low) & (images.labels_N < high)).flatten())
        for low, high in (
            (0, start_validation),
            (start_validation, start_test),
            (start_test, len(full_K)),
        )
    ]
    notes = _notes(found, len(found.frames) - len(kept_M), frames, stride)
    return Source(_names(images, len(full_K)), parts[0], parts[2], notes, parts[1])


def gathered(frames: Iterable[Frame]) -> Gathered:
    """The frames without plain ones and without those that were seen before.

    Raises:
        DataError: memory doesn't suffice.
    """
    found, seen = Gathered(), set()
    for place, frame in enumerate(frames):
        if place % _CHECKED_EVERY == 0:
            _refuse_too_much(len(found.frames) + _CHECKED_EVERY, frame.pixels_HWC)
        digest = hashlib.blake2b(frame.pixels_HWC.tobytes(), digest_size=16).digest()
        if frame.pixels_HWC.std(axis=(0, 1)).max() < PLAIN:
            found.plain += 1
        elif digest in seen:
            found.repeated += 1
        else:
            seen.add(digest)
            found.frames.append(frame)
            found.place.append(place)
    return found


def _images(frames: list[Frame], label_M: np.ndarray) -> Images:
    stack_MHWC = np.stack([frame.pixels_HWC for frame in frames])
    factors = {"frame": torch.tensor([frame.index for frame in frames])}
    seconds = [frame.seconds for frame in frames if frame.seconds is not None]
    if len(seconds) == len(frames):
        factors["time"] = torch.tensor(seconds, dtype=torch.float32)
    return Images(
        torch.from_numpy(stack_MHWC).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(label_M.astype(np.int64)),
        factors,
    )


def _names(images: Images, count: int) -> tuple[str, ...]:
    """ "12 at 0:24.0": number and start of each segment, or its first frame's number."""
    first_K = torch.searchsorted(images.labels_N, torch.arange(count))
    if "time" not in images.factors:
        return tuple(
            f"{k + 1} at frame {n}" for k, n in enumerate(images.factors["frame"][first_K])
        )
    tenths = [round(10 * second) for second in images.factors["time"][first_K].tolist()]
    return tuple(f"{k + 1} at {t // 600}:{t % 600 / 10:04.1f}" for k, t in enumerate(tenths))


def _refuse_too_much(count: int, pixels_HWC: np.ndarray) -> None:
    """Frames are held three times for a moment: one by one, as a stack, and in their splits."""
    import psutil

    more = 3 * count * pixels_HWC.nbytes - (count - _CHECKED_EVERY) * pixels_HWC.nbytes
    if more > (free := psutil.virtual_memory().available):
        raise DataError(
            f"frames: {count:,} of {pixels_HWC.shape[0]}×{pixels_HWC.shape[1]} need another "
            f"{more / 2**30:.1f} GB and {free / 2**30:.1f} GB are free; lower frames or image_size"
        )


def _too_short(found: Gathered, segments: int, segment: int, stride: int, frames: int) -> str:
    said = (
        f"{len(found.frames)} different frames make {segments} segments of {segment}; at least "
        f"{LEAST_SEGMENTS} are needed, two of them to train on"
    )
    needed = LEAST_SEGMENTS * segment
    if found.read == frames and frames < needed:
        return f"frames: {said}; try {needed}"
    possible = found.read // LEAST_SEGMENTS
    if possible >= 2 and possible < segment:
        return f"segment: {said}; try {possible}"
    if stride > 1 and found.read * stride >= 2 * LEAST_SEGMENTS:
        return f"stride: {said}; try {max(1, found.read * stride // needed)}"
    return f"file: {said}; choose a longer video, or one in which more happens"


def _notes(found: Gathered, alone: int, frames: int, stride: int) -> tuple[str, ...]:
    notes = [
        "The segments of validation and test don't occur in training: accuracy against training "
        "images is 0 by construction"
    ]
    if found.plain or found.repeated:
        notes.append(
            f"{found.plain} frames of one plain colour and {found.repeated} repeated ones "
            "were left out"
        )
    if alone:
        notes.append(f"{alone} frames of segments that lost more than half of theirs were left out")
    announced, reached = found.frames[-1].announced, found.read * stride
    if found.read == frames:
        notes.append(f"Reading ended after {frames:,} frames, as set")
    elif announced > reached + stride:
        notes.append(
            f"The file announces {announced:,} frames, reading ended near frame {reached:,}; "
            "it may be damaged"
        )
    return tuple(notes)
