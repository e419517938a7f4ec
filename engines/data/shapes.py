"""Shapes: coloured figures on textured ground, drawn by OpenCV, every factor known.

H rows, W columns. Image i is a pure function of (seed, i): the count changes nothing.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from engines.data.source import Images, Progress, Source, silent
from engines.keyed import key
from engines.registry import dataset

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
COLOURS = {
    "red": (226, 60, 52),
    "orange": (240, 150, 40),
    "yellow": (236, 224, 64),
    "green": (72, 190, 84),
    "blue": (64, 116, 236),
    "violet": (184, 92, 220),
}
BACKGROUNDS = ("plain", "gradient", "stripes", "checks", "dots")
SIZES = ("small", "medium", "large")
COLUMNS = ("left", "centre", "right")
ROWS = ("top", "middle", "bottom")
CLASSES = {
    "shape": SHAPES,
    "colour": tuple(COLOURS),
    "size": SIZES,
    "column": COLUMNS,
    "row": ROWS,
    "background": BACKGROUNDS,
}
RADIUS = (0.15, 0.30)  # least and greatest, of the image's side
_FINE = 4  # the mask is drawn this much larger and averaged: exact coverage to 1/16

Label = Annotated[
    Literal["shape", "colour", "size", "column", "row", "background"],
    Field(description="Which factor is the class to be learnt."),
]
Count = Annotated[int, Field(ge=60, le=1_000_000, description="How many images are drawn.")]
Side = Annotated[int, Field(ge=16, le=256, description="Height and width in pixels.")]
Noise = Annotated[
    float,
    Field(ge=0, le=128, description="Standard deviation of Gaussian noise, in grey levels of 255."),
]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1, description="Decides every factor of every image.")]


@dataclass(frozen=True, slots=True)
class Figure:
    """The factors of one image; numbers without unit are parts of the image's side."""

    shape: int
    colour: int
    background: int
    radius: float
    x: float
    y: float


@dataset("Shapes", licence="ours", images=12_000)
def shapes(
    progress: Progress = silent,
    *,
    images: Count = 12_000,
    image_size: Side = 32,
    label: Label = "shape",
    noise: Noise = 8.0,
    seed: Seed = 0,
) -> Source:
    """Coloured figures on textured ground, RGB, any number and size, every factor known.

    Shape, colour, background, size and position are drawn independently and uniformly.
    The factors come along as `shape`, `colour`, `background` (numbers in the order of
    SHAPES, COLOURS, BACKGROUNDS), `radius`, `x`, `y` (parts of the side) and `index`, from
    which `shape_mask` tells which pixels the figure covers. A guess on shapes scores 1/6.
    """
    stack_NHWC = np.empty((images, image_size, image_size, 3), np.uint8)
    figures, stream = [], key(seed, "shapes")
    for index in range(images):
        if index % 500 == 0:
            progress(index, images, "drawing shapes")
        random = _random(stream, index)
        figures.append(_figure(random))
        stack_NHWC[index] = _draw(figures[-1], image_size, noise, random)
    progress(images, images, "drawn")
    factors = {
        name: torch.tensor([getattr(figure, name) for figure in figures])
        for name in ("shape", "colour", "background", "radius", "x", "y")
    }
    factors["index"] = torch.arange(images)
    images_NCHW = torch.from_numpy(stack_NHWC).permute(0, 3, 1, 2).contiguous()
    return Source(CLASSES[label], Images(images_NCHW, _labels(factors, label), factors))


def shape_mask(seed: int, index: int, *, image_size: int = 32) -> Tensor:
    """How much of each pixel of image `index` its figure covers: [H, W] uint8, 255 = all."""
    return torch.from_numpy(_mask(_figure(_random(key(seed, "shapes"), index)), image_size))


def _random(stream: int, index: int) -> np.random.Generator:
    """Image `index`'s own numbers: the counter's high word, so images never overlap."""
    return np.random.Generator(np.random.Philox(key=stream, counter=index << 192))


def _figure(random: np.random.Generator) -> Figure:
    """Six uniform numbers as factors; the figure lies inside the image."""
    shape, colour, background, size, x, y = random.random(6).tolist()
    radius = RADIUS[0] + size * (RADIUS[1] - RADIUS[0])
    return Figure(
        int(shape * len(SHAPES)),
        int(colour * len(COLOURS)),
        int(background * len(BACKGROUNDS)),
        radius,
        radius + x * (1 - 2 * radius),
        radius + y * (1 - 2 * radius),
    )


def _labels(factors: dict[str, Tensor], label: str) -> Tensor:
    """The class numbers [N]; size, column and row are thirds of their ranges."""
    if label in factors:
        return factors[label]
    radius = factors["radius"]
    if label == "size":
        part = (radius - RADIUS[0]) / (RADIUS[1] - RADIUS[0])
    else:
        place = factors["x" if label == "column" else "y"]
        part = (place - radius) / (1 - 2 * radius)
    return (part * 3).to(torch.int64).clamp(0, 2)


def _draw(figure: Figure, side: int, noise: float, random: np.random.Generator) -> np.ndarray:
    """The image [H, W, 3] uint8."""
    cover_HW1 = _mask(figure, side)[..., None] * np.float32(1 / 255)
    ground_HW3 = _background(BACKGROUNDS[figure.background], side, random)
    colour_3 = np.array(tuple(COLOURS.values())[figure.colour], np.float32)
    image_HW3 = cover_HW1 * (colour_3 - ground_HW3)
    image_HW3 += ground_HW3
    if noise:
        grain_HW3 = random.standard_normal(image_HW3.shape, np.float32)
        grain_HW3 *= np.float32(noise)
        image_HW3 += grain_HW3
    np.rint(image_HW3, out=image_HW3)
    return image_HW3.clip(0, 255).astype(np.uint8)


def _mask(figure: Figure, side: int) -> np.ndarray:
    """The figure's coverage [H, W] uint8, drawn `_FINE` times larger and averaged."""
    from engines.opencv import cv2  # late: 0.1 s that only those pay who draw

    scale, fraction = side * _FINE, 6  # OpenCV counts in 1/64 pixels here
    fine = np.zeros((scale, scale), np.uint8)
    centre = np.array([figure.x, figure.y]) * scale - 0.5  # pixel centres are whole numbers
    radius = figure.radius * scale
    name = SHAPES[figure.shape]
    if name in ("circle", "ring"):
        at = tuple(np.rint(centre * 2**fraction).astype(int).tolist())
        cv2.circle(fine, at, round(radius * 2**fraction), 255, -1, shift=fraction)
        if name == "ring":
            cv2.circle(fine, at, round(0.55 * radius * 2**fraction), 0, -1, shift=fraction)
    else:
        corners = np.rint((centre + radius * _OUTLINES[name]) * 2**fraction).astype(np.int32)
        cv2.fillPoly(fine, [corners], 255, shift=fraction)
    return cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA)


def _background(name: str, side: int, random: np.random.Generator) -> np.ndarray:
    """Two dull dark tones mixed by a pattern: [H, W, 3] float32 in [25, 110].

    Sums, products and roundings only, no transcendental function of an array: those differ
    in the last bit between processors.
    """
    first_3, second_3 = random.uniform(25, 110, (2, 3)).astype(np.float32)
    angle, phase, period = random.random(3).tolist()
    cos, sin = math.cos(2 * math.pi * angle), math.sin(2 * math.pi * angle)
    place = np.arange(side, dtype=np.float32) / np.float32(side)
    along = np.float32(cos) * place + np.float32(sin) * place[:, None]
    if name == "plain":
        part = np.zeros((side, side), np.float32)
    elif name == "gradient":
        part = (along - along.min()) / (along.max() - along.min())
    else:
        waves = np.float32(4 + 4 * period)
        u = along * waves + np.float32(phase)
        v = (np.float32(cos) * place[:, None] - np.float32(sin) * place) * waves
        u, v = u - np.floor(u), v - np.floor(v)
        if name == "stripes":
            part = (u < 0.5).astype(np.float32)
        elif name == "checks":
            part = ((u < 0.5) ^ (v < 0.5)).astype(np.float32)
        else:
            part = ((u - 0.5) ** 2 + (v - 0.5) ** 2 < 0.08).astype(np.float32)
    return first_3 + part[..., None] * (second_3 - first_3)


def _polygon(corners: int, inner: float = 1.0) -> np.ndarray:
    """Corners [2 · corners, 2] on the unit circle, tip up, with points at `inner` between."""
    angle = np.arange(2 * corners) * math.pi / corners
    radius = np.where(np.arange(2 * corners) % 2, inner, 1.0)
    return np.stack([np.sin(angle), -np.cos(angle)], 1) * radius[:, None]


_ARM = 0.34  # half the width of the cross's arms
_OUTLINES = {
    "square": np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * math.sqrt(0.5),
    "triangle": _polygon(3)[::2],
    "star": _polygon(5, inner=0.42),
    "cross": np.array(
        [
            [-_ARM, -1],
            [_ARM, -1],
            [_ARM, -_ARM],
            [1, -_ARM],
            [1, _ARM],
            [_ARM, _ARM],
            [_ARM, 1],
            [-_ARM, 1],
            [-_ARM, _ARM],
            [-1, _ARM],
            [-1, -_ARM],
            [-_ARM, -_ARM],
        ]
    )
    * 0.94,  # so that its corners, too, stay within the radius
}
