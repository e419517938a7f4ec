"""Stages of convolutions and pooling, then linear layers. D features, K outputs."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from engines.layers import Dropout, GlobalAverage, Pooling, Taps, conv_output, kaiming, named, pool
from engines.registry import model

Channels = Annotated[
    tuple[Annotated[int, Field(ge=1, le=1024)], ...],
    Field(min_length=1, max_length=8, description="Feature maps of each stage; one entry a stage."),
]
Convolutions = Annotated[int, Field(ge=1, le=4, description="Convolutions in each stage.")]
Kernel = Annotated[int, Field(ge=1, le=11, description="Side of the kernels, in pixels.")]
Stride = Annotated[
    int, Field(ge=1, le=4, description="Step of each stage's first convolution, in pixels.")
]
Padding = Annotated[
    Annotated[int, Field(ge=0, le=5)] | Literal["same"],
    Field(description="Zeros around the image, in pixels; `same` keeps the size at stride 1."),
]
PoolingKind = Annotated[
    Pooling, Field(description="How each stage's end halves the map: over 2 x 2 windows.")
]
BatchNorm = Annotated[
    bool, Field(description="Normalise every feature map over the batch before its ReLU.")
]
Rate = Annotated[
    float, Field(ge=0, le=0.9, description="Share of features dropped before each linear layer.")
]
Final = Annotated[
    Literal["flatten", "global average"],
    Field(description="How maps become features: every pixel, or one mean a map."),
]
Hidden = Annotated[
    int, Field(ge=0, le=4096, description="Width of the hidden linear layer; 0 leaves it out.")
]


@model(
    "Convolutional network",
    formula=r"y_{o,i,j} = b_o + \sum_{c,u,v} w_{o,c,u,v} \, x_{c,\,si+u-p,\,sj+v-p}",
)
class CNN(nn.Module):
    """Stages of convolution, batch norm, ReLU and pooling, then linear layers.

    Weights: convolutions from N(0, 2 / fan_out), linear layers as torch draws them.

    Args:
        shape: (C, H, W) of one image.
        outputs: K.

    Raises:
        ValueError: the image shrinks to nothing; the message says what would fit.

    Reference: LeCun et al. 1998, with ReLU and batch norm (Ioffe & Szegedy 2015).
    """

    channels_last: ClassVar[bool] = True

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        *,
        channels: Channels = (32, 64),
        convolutions: Convolutions = 1,
        kernel: Kernel = 3,
        stride: Stride = 1,
        padding: Padding = "same",
        pooling: PoolingKind = "max",
        batch_norm: BatchNorm = True,
        final: Final = "flatten",
        hidden: Hidden = 128,
        dropout: Rate = 0.25,
    ):
        super().__init__()
        geometry = Geometry(len(channels), convolutions, kernel, stride, padding, pooling)
        height, width = fitting_size(shape[1:], geometry, channels)
        widths = (shape[0], *channels)
        self.stages = nn.ModuleList(
            stage(before, after, geometry, batch_norm)
            for before, after in zip(widths, channels, strict=False)
        )
        flat = final == "flatten"
        self.features = nn.Flatten() if flat else GlobalAverage()
        size = channels[-1] * height * width if flat else channels[-1]
        self.hidden = (
            named(dropout=Dropout(dropout), linear=nn.Linear(size, hidden), relu=nn.ReLU())
            if hidden
            else nn.Identity()
        )
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(hidden or size, outputs)
        kaiming(self)

    def embed(self, x_BCHW: Tensor, taps: Taps | None = None) -> Tensor:
        """The features before the last linear layer, [B, D].

        Taps: `stage1/convolution1` after its ReLU, `stage1` after pooling, ... and `embedding`.
        """
        for place, blocks in enumerate(self.stages, start=1):
            for name, block in blocks.named_children():
                x_BCHW = block(x_BCHW)
                if taps is not None and name != "pooling":
                    taps[f"stage{place}/{name}"] = x_BCHW
            if taps is not None:
                taps[f"stage{place}"] = x_BCHW
        f_BD = self.hidden(self.features(x_BCHW))
        if taps is not None:
            taps["embedding"] = f_BD
        return f_BD

    def forward(self, x_BCHW: Tensor, taps: Taps | None = None) -> Tensor:
        return self.head(self.dropout(self.embed(x_BCHW, taps)))


@dataclass(frozen=True, slots=True)
class Geometry:
    """The settings that decide how large the maps are."""

    stages: int
    convolutions: int
    kernel: int
    stride: int
    padding: int | Literal["same"]
    pooling: Pooling

    @property
    def border(self) -> int:
        """Zeros on each side."""
        return self.kernel // 2 if self.padding == "same" else self.padding

    def length(self, size: int) -> list[int]:
        """Rows (or columns) after each stage, 0 from where nothing is left."""
        after = []
        for _ in range(self.stages):
            for place in range(self.convolutions):
                step = self.stride if place == 0 else 1
                size = conv_output(size, self.kernel, step, self.border) if size else 0
            size = size if self.pooling == "none" else size // 2
            after.append(size)
        return after

    def fits(self, size: tuple[int, int]) -> bool:
        """Whether a pixel is left at the end, and `same` has a kernel with a centre."""
        centred = self.padding != "same" or self.kernel % 2 == 1
        return centred and self.length(min(size))[-1] > 0


def fitting_size(
    size: tuple[int, int], wanted: Geometry, channels: tuple[int, ...]
) -> tuple[int, int]:
    """Rows and columns of the last maps, or ValueError with the nearest settings that fit."""
    if wanted.fits(size):
        return wanted.length(size[0])[-1], wanted.length(size[1])[-1]
    if wanted.padding == "same" and wanted.kernel % 2 == 0:
        what = f"kernel {wanted.kernel} has no centre, so padding 'same' can't keep the size"
    else:
        lost = wanted.length(min(size)).index(0) + 1
        what = f"image {size[0]} x {size[1]} shrinks to nothing in stage {lost} of {wanted.stages}"
    raise ValueError(f"CNN: {what}; try {difference(wanted, nearest(size, wanted), channels)}")


def nearest(size: tuple[int, int], wanted: Geometry) -> Geometry:
    """The settings that fit with the fewest changes: fewer stages, smaller kernel, no pooling."""
    options = [
        replace(wanted, stages=stages, kernel=kernel, pooling=pooling)
        for pooling, kernel, stages in product(
            dict.fromkeys((wanted.pooling, "none")),
            range(wanted.kernel, 0, -1),
            range(wanted.stages, 0, -1),
        )
    ]  # kernel 1, one stage and no pooling is among them and fits every image

    def changes(option: Geometry) -> int:
        return (
            (option.stages != wanted.stages)
            + (option.kernel != wanted.kernel)
            + (option.pooling != wanted.pooling)
        )

    return min((option for option in options if option.fits(size)), key=changes)


def difference(wanted: Geometry, option: Geometry, channels: tuple[int, ...]) -> str:
    """What to set to get from `wanted` to `option`, in words."""
    parts = []
    if option.stages != wanted.stages:
        shorter = ", ".join(str(width) for width in channels[: option.stages])
        parts.append(f"channels ({shorter})")
    if option.kernel != wanted.kernel:
        parts.append(f"kernel {option.kernel}")
    if option.pooling != wanted.pooling:
        parts.append(f"pooling {option.pooling}")
    return " and ".join(parts)


def stage(before: int, after: int, geometry: Geometry, batch_norm: bool) -> nn.Sequential:
    """Convolutions from `before` to `after` channels, then pooling."""
    blocks = nn.Sequential()
    for place in range(geometry.convolutions):
        block = named(
            convolution=nn.Conv2d(
                after if place else before,
                after,
                geometry.kernel,
                1 if place else geometry.stride,
                geometry.border,
                bias=not batch_norm,  # batch norm subtracts any bias again
            ),
            norm=nn.BatchNorm2d(after) if batch_norm else None,
            relu=nn.ReLU(),
        )
        blocks.add_module(f"convolution{place + 1}", block)
    blocks.add_module("pooling", pool(geometry.pooling))
    return blocks
