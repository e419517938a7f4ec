"""Two random views of each image, made on the device. B images, C channels, H rows, W columns."""

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Generator, Tensor

from engines.data.source import to_input
from engines.registry import ADVANCED, Knobs

ASPECT = 4 / 3  # a crop is at most this much wider than high, or higher than wide
LEAST_SIGMA, MOST_SIGMA = 0.1, 2.0  # of the blur, in pixels (Chen et al. 2020, appendix A)
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as torchvision's and PIL's greys

# A quarter turn of the colours about the grey axis: K of the plane R + G + B = 0, taken
# back to equal luma by subtracting each column's luma from it.
_K = ((0.0, -1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 1.0, 0.0))
_QUARTER_TURN = tuple(
    tuple((_K[i][j] - sum(LUMA[k] * _K[k][j] for k in range(3))) / math.sqrt(3) for j in range(3))
    for i in range(3)
)


class Views(Knobs):
    """How the two views of an image may differ: what is changed is what the model ignores."""

    crop: Annotated[
        float,
        Field(
            description="Enlarge a random part of the image; the least share of its area. 1 is "
            "off.",
            ge=0.05,
            le=1.0,
            title="Smallest crop",
        ),
    ] = 0.2

    flip: Annotated[bool, Field(description="Mirror left and right, for one view in two.")] = True

    jitter: Annotated[
        float,
        Field(
            description="Change brightness, contrast and saturation by up to 0.8 times this. 0 "
            "is off.",
            ge=0,
            le=1,
            title="Colour jitter",
        ),
    ] = 0.5

    hue: Annotated[
        float,
        Field(
            description="Turn all colours round the colour circle by up to this share of it, "
            "either way.",
            ge=0,
            le=0.5,
            title="Hue",
        ),
    ] = 0.1

    jitter_chance: Annotated[
        float,
        Field(
            description="Share of the views whose colours are jittered, hue included.",
            ge=0,
            le=1,
            title="Chance of jitter",
            json_schema_extra=ADVANCED,
        ),
    ] = 0.8

    grey: Annotated[
        float,
        Field(
            description="Share of the views that lose their colours.",
            ge=0,
            le=1,
            title="Chance of grey",
        ),
    ] = 0.2

    blur: Annotated[
        float,
        Field(
            description="Share of the views that are blurred, σ from 0.1 to 2 pixels. SimCLR: "
            "0.5, small images 0.",
            ge=0,
            le=1,
            title="Chance of blur",
        ),
    ] = 0.0

    @property
    def active(self) -> bool:
        """True if anything is switched on."""
        return self.crop < 1 or self.flip or self.recolours or self.blur > 0

    @property
    def recolours(self) -> bool:
        """True if pixels change their values, not only their places."""
        return self.grey > 0 or (self.jitter_chance > 0 and (self.jitter > 0 or self.hue > 0))


def two_views(images_BCHW: Tensor, views: Views, generator: Generator) -> tuple[Tensor, Tensor]:
    """Two independent random views of each uint8 image: [B, C, H, W] float32 in [-1, 1], twice."""
    first, second = random_view(torch.cat([images_BCHW, images_BCHW]), views, generator).chunk(2)
    return first, second


def random_view(images_BCHW: Tensor, views: Views, generator: Generator) -> Tensor:
    """One random view of each image: crop and flip, then colours, grey, blur, as SimCLR.

    Every image draws its own numbers from `generator`, which lives on the images' device;
    what is off draws none. No value is read back and all shapes are fixed by `views`, so the
    call can be part of a CUDA graph. On grey images (C = 1) the jitter is one of brightness
    and contrast; saturation, hue and grey change nothing and are left out.

    Two departures from torchvision's ColorJitter, which make the colours one matrix per
    image: the order is always brightness, contrast, saturation, hue, and values are clipped
    once, at the end. Hue is a turn about the grey axis that keeps the luma.

    Returns:
        [B, C, H, W] float32 in [-1, 1]; with everything off just `to_input(images_BCHW)`.

    Reference: Chen et al. 2020, arXiv:2002.05709, appendix A.
    """
    x_BCHW = images_BCHW
    if views.crop < 1:
        x_BCHW = _crop_and_flip(x_BCHW.float(), views, generator)
    elif views.flip:
        flipped_B111 = _draws(x_BCHW, generator, 1)[0][:, None, None, None] < 0.5
        x_BCHW = torch.where(flipped_B111, x_BCHW.flip(3), x_BCHW)
    if x_BCHW.shape[1] == 3 and views.recolours:
        x_BCHW = _recolour(x_BCHW.float(), views, generator)
    elif views.jitter > 0 and views.jitter_chance > 0:
        x_BCHW = _relight(x_BCHW.float(), views, generator)
    else:
        x_BCHW = to_input(x_BCHW)
    return _blur(x_BCHW, views.blur, generator) if views.blur > 0 else x_BCHW


def _crop_and_flip(x_BCHW: Tensor, views: Views, generator: Generator) -> Tensor:
    """Random resized crop: area U(crop, 1), log aspect uniform, any place, bilinear.

    Reference: Szegedy et al. 2014, arXiv:1409.4842, section 6.
    """
    B, _, H, W = x_BCHW.shape
    draw_5B = _draws(x_BCHW, generator, 5)
    side_B = (views.crop + (1 - views.crop) * draw_5B[0]).sqrt()
    stretch_B = ((2 * draw_5B[1] - 1) * (0.5 * math.log(ASPECT))).exp()
    width_B = (side_B * stretch_B).clamp(max=1)
    height_B = (side_B / stretch_B).clamp(max=1)
    x_B = (2 * draw_5B[2] - 1) * (1 - width_B)  # the crop's centre; its edges stay in [-1, 1]
    y_B = (2 * draw_5B[3] - 1) * (1 - height_B)
    if views.flip:
        width_B = torch.where(draw_5B[4] < 0.5, -width_B, width_B)
    # grid_sample's coordinates: -1 and 1 are the outer edges of the border pixels.
    column_W = (torch.arange(W, device=x_BCHW.device) + 0.5) * (2 / W) - 1
    row_H = (torch.arange(H, device=x_BCHW.device) + 0.5) * (2 / H) - 1
    grid_x_BW = x_B[:, None] + width_B[:, None] * column_W
    grid_y_BH = y_B[:, None] + height_B[:, None] * row_H
    grid_BHW2 = torch.stack(
        [grid_x_BW[:, None, :].expand(B, H, W), grid_y_BH[:, :, None].expand(B, H, W)], dim=3
    )
    return F.grid_sample(x_BCHW, grid_BHW2, padding_mode="border", align_corners=False)


def _recolour(x_B3HW: Tensor, views: Views, generator: Generator) -> Tensor:
    """RGB in [0, 255] with other colours, in [-1, 1]: one affine map of colours per image.

    With b, c, s the factors of brightness, contrast and saturation, θ the hue's angle, L the
    map to luma (grey), J the quarter turn of the colours and m the image's mean luma:

        y = b·c·( L + s·cos θ·(I - L) + s·sin θ·J )·x + (1 - c)·b·m
    """
    B, _, H, W = x_B3HW.shape
    draw_6B = _draws(x_B3HW, generator, 6)
    jittered_B = draw_6B[4] < views.jitter_chance
    b_B, c_B, s_B = (_factor(draw_6B[n], views.jitter, jittered_B) for n in range(3))
    angle_B = (2 * draw_6B[3] - 1) * (2 * math.pi * views.hue) * jittered_B
    s_B = s_B * (draw_6B[5] >= views.grey)
    cos_B, sin_B = s_B * angle_B.cos(), s_B * angle_B.sin()
    # Written out, since a constant matrix would be copied from the host: not allowed in a graph.
    entries = [
        cos_B * ((i == j) - LUMA[j]) + sin_B * _QUARTER_TURN[i][j] + LUMA[j]
        for i in range(3)
        for j in range(3)
    ]
    gain_B11 = (b_B * c_B * (2 / 255))[:, None, None]
    matrix_B33 = torch.stack(entries, dim=1).view(B, 3, 3) * gain_B11
    mean_B3 = x_B3HW.mean((2, 3))
    luma_B = sum(LUMA[k] * mean_B3[:, k] for k in range(3))
    offset_B11 = ((1 - c_B) * b_B * luma_B * (2 / 255) - 1)[:, None, None]
    with torch.autocast(x_B3HW.device.type, enabled=False):
        y_B3L = torch.baddbmm(offset_B11, matrix_B33, x_B3HW.flatten(2))
    return y_B3L.clamp_(-1, 1).view(B, 3, H, W)


def _relight(x_B1HW: Tensor, views: Views, generator: Generator) -> Tensor:
    """Grey in [0, 255] with other brightness and contrast, in [-1, 1]."""
    draw_3B = _draws(x_B1HW, generator, 3)
    jittered_B = draw_3B[2] < views.jitter_chance
    b_B, c_B = (_factor(draw_3B[n], views.jitter, jittered_B) for n in range(2))
    offset_B = (1 - c_B) * b_B * x_B1HW.mean((1, 2, 3)) * (2 / 255) - 1
    gain_B111 = (b_B * c_B * (2 / 255))[:, None, None, None]
    return (x_B1HW * gain_B111 + offset_B[:, None, None, None]).clamp_(-1, 1)


def _factor(draw_B: Tensor, strength: float, jittered_B: Tensor) -> Tensor:
    """A factor from U(1 - 0.8·strength, 1 + 0.8·strength), and 1 where nothing is jittered."""
    return 1 + (2 * draw_B - 1) * (0.8 * strength) * jittered_B


def _blur(x_BCHW: Tensor, chance: float, generator: Generator) -> Tensor:
    """Gaussian blur along rows, then columns; σ is each image's own, edges are repeated.

    The kernel spans a tenth of the image as in SimCLR, 3 pixels at least. As shifted sums
    rather than a grouped convolution: with three taps that is a few times faster.
    """
    radius = max(1, round(min(x_BCHW.shape[-2:]) * 0.05))
    draw_2B = _draws(x_BCHW, generator, 2)
    sigma_B = LEAST_SIGMA + (MOST_SIGMA - LEAST_SIGMA) * draw_2B[0]
    blurred_B = draw_2B[1] < chance
    taps = [
        torch.exp(-(offset**2) / (2 * sigma_B.square())) * (blurred_B if offset else 1)
        for offset in range(radius + 1)
    ]
    total_B = taps[0] + 2 * sum(taps[1:])
    weights = [(tap_B / total_B)[:, None, None, None] for tap_B in taps]
    for dim in (3, 2):
        edge = (radius, radius, 0, 0) if dim == 3 else (0, 0, radius, radius)
        padded, size = F.pad(x_BCHW, edge, mode="replicate"), x_BCHW.shape[dim]
        x_BCHW = x_BCHW * weights[0]
        for offset in range(1, radius + 1):
            before = padded.narrow(dim, radius - offset, size)
            after = padded.narrow(dim, radius + offset, size)
            x_BCHW.addcmul_(before + after, weights[offset])
    return x_BCHW.clamp_(-1, 1)  # weights sum to 1 up to rounding


def _draws(like_BCHW: Tensor, generator: Generator, count: int) -> Tensor:
    """[count, B] uniform numbers in [0, 1) on the images' device."""
    return torch.rand(count, len(like_BCHW), device=like_BCHW.device, generator=generator)
