"""Random changes of training images: batched on the device, each image with its own draw.

B images, C channels, H rows, W columns.
"""

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Generator, Tensor

from engines.registry import Knobs

ASPECT = 4 / 3  # a crop is at most this much wider than high, or higher than wide


class Augmentation(Knobs):
    """What is done to a training image at random; everything is off by default."""

    shift: Annotated[
        int,
        Field(
            description="Move by up to this many pixels along each axis; what comes in is black. "
            "0 is off.",
            ge=0,
            le=64,
            json_schema_extra={"unit": "px"},
        ),
    ] = 0

    flip: Annotated[bool, Field(description="Mirror left and right, for one image in two.")] = False

    crop: Annotated[
        float,
        Field(
            description="Enlarge a random part of the image; the least share of its area. 1 is "
            "off.",
            ge=0.05,
            le=1.0,
            title="Smallest crop",
        ),
    ] = 1.0

    cutout: Annotated[
        int,
        Field(
            description="Blacken a square with sides of this many pixels at a random place. 0 is "
            "off.",
            ge=0,
            le=128,
            title="Cut-out",
            json_schema_extra={"unit": "px", "beside": True},
        ),
    ] = 0

    @property
    def active(self) -> bool:
        """True if anything is switched on."""
        return bool(self.shift or self.flip or self.crop < 1 or self.cutout)


def augment(images_BCHW: Tensor, knobs: Augmentation, generator: Generator) -> Tensor:
    """The uint8 images, changed as `knobs` say: crop, then flip and shift, then cut-out.

    Every image draws its own numbers from `generator`, which lives on the images' device.
    No value is read back and all shapes are fixed by `knobs`, so the call can be part of a
    CUDA graph. Bytes rather than floats: a quarter of the memory traffic.

    Returns:
        [B, C, H, W] uint8; the very tensor given if nothing is on.

    Raises:
        ValueError: the shift or the cut-out is as large as the image.
    """
    height, width = images_BCHW.shape[-2:]
    for name, pixels in (("shift", knobs.shift), ("cutout", knobs.cutout)):
        if pixels >= min(height, width):
            raise ValueError(
                f"{name} {pixels} is too large for images of {height}×{width}; "
                f"try {min(height, width) // 8}"
            )
    if knobs.crop < 1:
        images_BCHW = _crop(images_BCHW, knobs.crop, generator)
    if knobs.flip or knobs.shift:
        images_BCHW = _flip_and_shift(images_BCHW, knobs, generator)
    if knobs.cutout:
        images_BCHW = _cut_out(images_BCHW, knobs.cutout, generator)
    return images_BCHW


def _flip_and_shift(images_BCHW: Tensor, knobs: Augmentation, generator: Generator) -> Tensor:
    """One gather for both: each output pixel names the pixel it comes from."""
    B, C, H, W = images_BCHW.shape
    device, reach = images_BCHW.device, knobs.shift
    column_BW = torch.arange(W, device=device).expand(B, W)
    row_BH = torch.arange(H, device=device).expand(B, H)
    if knobs.flip:
        flipped_B1 = torch.rand(B, 1, device=device, generator=generator) < 0.5
        column_BW = torch.where(flipped_B1, W - 1 - column_BW, column_BW)
    if reach:
        moves_2B1 = torch.randint(
            2 * reach + 1, (2, B, 1), device=device, generator=generator, dtype=torch.int64
        )
        images_BCHW = F.pad(images_BCHW, (reach, reach, reach, reach))
        row_BH, column_BW = row_BH + moves_2B1[0], column_BW + moves_2B1[1]
    pixel_BL = (row_BH[:, :, None] * images_BCHW.shape[-1] + column_BW[:, None, :]).view(B, H * W)
    index_BCL = pixel_BL[:, None].expand(B, C, H * W)
    return images_BCHW.flatten(2).gather(2, index_BCL).view(B, C, H, W)


def _crop(images_BCHW: Tensor, least: float, generator: Generator) -> Tensor:
    """Random resized crop: area U(least, 1), log aspect uniform, any place, bilinear.

    Reference: Szegedy et al. 2014, arXiv:1409.4842, section 6.
    """
    B, _, H, W = images_BCHW.shape
    device = images_BCHW.device
    draw_4B = torch.rand(4, B, device=device, generator=generator)
    side_B = (least + (1 - least) * draw_4B[0]).sqrt()
    stretch_B = ((2 * draw_4B[1] - 1) * (0.5 * math.log(ASPECT))).exp()
    x_B, width_B = _interval(side_B * stretch_B, draw_4B[2])
    y_B, height_B = _interval(side_B / stretch_B, draw_4B[3])
    # grid_sample's coordinates: -1 and 1 are the outer edges of the border pixels.
    column_W = (torch.arange(W, device=device) + 0.5) * (2 / W) - 1
    row_H = (torch.arange(H, device=device) + 0.5) * (2 / H) - 1
    grid_x_BW = x_B[:, None] + width_B[:, None] * column_W
    grid_y_BH = y_B[:, None] + height_B[:, None] * row_H
    grid_BHW2 = torch.stack(
        [grid_x_BW[:, None, :].expand(B, H, W), grid_y_BH[:, :, None].expand(B, H, W)], dim=3
    )
    sampled_BCHW = F.grid_sample(
        images_BCHW.float(), grid_BHW2, padding_mode="border", align_corners=False
    )
    return sampled_BCHW.round_().to(torch.uint8)


def _interval(length_B: Tensor, place_B: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and length of an interval inside [-1, 1], at most the whole of it; place in [0, 1)."""
    length_B = length_B.clamp(max=1.0)
    return (2 * place_B - 1) * (1 - length_B), length_B


def _cut_out(images_BCHW: Tensor, side: int, generator: Generator) -> Tensor:
    """Blacken a square that lies wholly inside the image.

    Departs from DeVries and Taylor 2017 (arXiv:1708.04552), whose square may stick out of
    the image: here each image loses the same area.
    """
    B, _, H, W = images_BCHW.shape
    device = images_BCHW.device
    place_2B1 = torch.rand(2, B, 1, device=device, generator=generator)
    top_B1 = (place_2B1[0] * (H - side + 1)).to(torch.int64)
    left_B1 = (place_2B1[1] * (W - side + 1)).to(torch.int64)
    row_H, column_W = torch.arange(H, device=device), torch.arange(W, device=device)
    in_rows_BH = (row_H >= top_B1) & (row_H < top_B1 + side)
    in_columns_BW = (column_W >= left_B1) & (column_W < left_B1 + side)
    kept_BHW = ~(in_rows_BH[:, :, None] & in_columns_BW[:, None, :])
    return images_BCHW * kept_BHW[:, None]
