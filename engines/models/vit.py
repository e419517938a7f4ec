"""The vision transformer. B images, L tokens, D features, K outputs."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from engines.attention.multi_head import MultiHeadAttention
from engines.attention.position import sinusoidal
from engines.layers import Dropout, Taps, named, xavier
from engines.registry import model

EPSILON = 1e-6  # of layer norm, as in the paper's code; torch's default is 1e-5

Patch = Annotated[
    int, Field(ge=1, le=64, description="Side of a patch, in pixels; it must divide the image.")
]
Dimension = Annotated[
    int, Field(ge=4, le=1024, description="Features of a token; a multiple of the heads.")
]
Depth = Annotated[int, Field(ge=1, le=24, description="Blocks of attention and MLP.")]
Heads = Annotated[
    int, Field(ge=1, le=16, description="Attention maps of each block; they share the features.")
]
MlpRatio = Annotated[
    float, Field(ge=0.5, le=8, description="Width of a block's MLP, in dimensions of a token.")
]
TokenPooling = Annotated[
    Literal["class_token", "mean"],
    Field(description="What the decision is read from: an extra token, or the mean of all."),
]
Position = Annotated[
    Literal["sinusoidal", "learned", "none"],
    Field(description="How a token knows its place; without, the image is a bag of patches."),
]
Rate = Annotated[
    float, Field(ge=0, le=0.9, description="Share of values dropped after each linear layer.")
]


@model(
    "Vision transformer",
    formula=r"\mathrm{Attention}(Q, K, V) = \mathrm{softmax}(\frac{Q K^T}{\sqrt{d}}) V",
)
class ViT(nn.Module):
    """The image as a sequence of patches, through blocks of attention and MLP.

    Pre-norm blocks, exact GELU, layer norm with ε = 1e-6. Patches are read row by row.
    With patch 16, dimension 768, depth 12, 12 heads, a class token and learned positions
    it is ViT-B/16: 86,567,656 parameters at 224 x 224 and 1000 classes.

    Weights: linear layers within ±√(6 / (fan_in + fan_out)), the patches' projection from
    N(0, 1 / fan_in), class token and learned positions from N(0, 0.02²), biases 0.

    Args:
        shape: (C, H, W) of one image.
        outputs: K.

    Raises:
        ValueError: the patch doesn't divide the image, or the heads the dimension; the
            message says what would.

    Reference: Dosovitskiy et al. 2021, arXiv:2010.11929, Eqs. 1-4; positions are learned
    there, and dropout is left off the queries, keys and values as there.
    """

    channels_last: ClassVar[bool] = False

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        *,
        patch: Patch = 4,
        dimension: Dimension = 64,
        depth: Depth = 4,
        heads: Heads = 4,
        mlp_ratio: MlpRatio = 2.0,
        pooling: TokenPooling = "class_token",
        position: Position = "learned",
        dropout: Rate = 0.0,
    ):
        super().__init__()
        check_patch(shape[1:], patch)
        check_heads(dimension, heads)
        self.grid = shape[1] // patch, shape[2] // patch
        self.patches = nn.Conv2d(shape[0], dimension, patch, patch)
        self.class_token = (
            nn.Parameter(torch.zeros(1, 1, dimension)) if pooling == "class_token" else None
        )
        length = self.grid[0] * self.grid[1] + (self.class_token is not None)
        self.position: Tensor | None = None
        if position == "learned":
            self.position = nn.Parameter(torch.zeros(length, dimension))
        elif position == "sinusoidal":
            del self.position
            self.register_buffer("position", sinusoidal(length, dimension), persistent=False)
        self.dropout = Dropout(dropout)
        width = round(mlp_ratio * dimension)
        self.blocks = nn.ModuleList(Block(dimension, heads, width, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(dimension, EPSILON)
        self.head = nn.Linear(dimension, outputs)
        self.draw_weights()

    def draw_weights(self) -> None:
        """Draw all weights anew, as the class says."""
        xavier(self)
        nn.init.normal_(self.patches.weight, std=self.patches.weight[0].numel() ** -0.5)
        assert self.patches.bias is not None
        nn.init.zeros_(self.patches.bias)
        for parameter in (self.class_token, self.position):
            if isinstance(parameter, nn.Parameter):
                nn.init.trunc_normal_(parameter, std=0.02)

    def embed(self, x_BCHW: Tensor, taps: Taps | None = None) -> Tensor:
        """The features before the last linear layer, [B, D].

        Taps: `tokens` [B, L, D], for each block `block1/attention` [B, heads, L, L] and
        `block1` [B, L, D], and `embedding`. The class token comes first.
        """
        x_BLD = self.patches(x_BCHW).flatten(2).mT
        if self.class_token is not None:
            x_BLD = torch.cat([self.class_token.expand(len(x_BLD), -1, -1), x_BLD], dim=1)
        if self.position is not None:
            x_BLD = x_BLD + self.position
        x_BLD = self.dropout(x_BLD)
        if taps is not None:
            taps["tokens"] = x_BLD
        for place, block in enumerate(self.blocks, start=1):
            x_BLD = block(x_BLD, taps, f"block{place}")
        x_BLD = self.norm(x_BLD)
        f_BD = x_BLD.mean(1) if self.class_token is None else x_BLD[:, 0]
        if taps is not None:
            taps["embedding"] = f_BD
        return f_BD

    def forward(self, x_BCHW: Tensor, taps: Taps | None = None) -> Tensor:
        return self.head(self.embed(x_BCHW, taps))


class Block(nn.Module):
    """Attention, then an MLP on each token, each added to what came in (Eqs. 2 and 3)."""

    def __init__(self, dimension: int, heads: int, width: int, dropout: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(dimension, EPSILON)
        self.attention = MultiHeadAttention(dimension, heads)
        self.dropout = Dropout(dropout)
        self.norm2 = nn.LayerNorm(dimension, EPSILON)
        self.mlp = named(
            linear1=nn.Linear(dimension, width),
            gelu=nn.GELU(),
            dropout1=Dropout(dropout),
            linear2=nn.Linear(width, dimension),
            dropout2=Dropout(dropout),
        )

    def forward(self, x_BLD: Tensor, taps: Taps | None = None, name: str = "block") -> Tensor:
        attended_BLD = self.attention(self.norm1(x_BLD), taps, f"{name}/attention")
        x_BLD = x_BLD + self.dropout(attended_BLD)
        x_BLD = x_BLD + self.mlp(self.norm2(x_BLD))
        if taps is not None:
            taps[name] = x_BLD
        return x_BLD


def check_patch(size: tuple[int, int], patch: int) -> None:
    """Refuse a patch that doesn't divide both sides, and name the nearest that does."""
    if size[0] % patch or size[1] % patch:
        fitting = [p for p in range(1, min(size) + 1) if size[0] % p == 0 and size[1] % p == 0]
        raise ValueError(
            f"ViT: patch {patch} doesn't divide the image's {size[0]} x {size[1]} pixels; "
            f"try patch {closest(fitting, patch)}"
        )


def check_heads(dimension: int, heads: int) -> None:
    """Refuse heads that don't divide the dimension, and name the nearest of both that do."""
    if dimension % heads:
        divisors = [n for n in range(1, 17) if dimension % n == 0]
        multiples = range(heads, 1024 + 1, heads)
        raise ValueError(
            f"ViT: heads {heads} doesn't divide dimension {dimension}; try heads "
            f"{closest(divisors, heads)} or dimension {closest(multiples, dimension)}"
        )


def closest(options: list[int] | range, wanted: int) -> int:
    """The option nearest to `wanted`, the smaller of two equally near."""
    return min(options, key=lambda option: (abs(option - wanted), option))
