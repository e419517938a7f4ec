"""The small residual network for small images. D features, K outputs."""

from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from engines.layers import Dropout, GlobalAverage, Taps, kaiming, named
from engines.registry import model

Widths = Annotated[
    tuple[Annotated[int, Field(ge=1, le=512)], ...],
    Field(
        min_length=1,
        max_length=5,
        description="Feature maps of each stage; every stage but the first halves the image.",
    ),
]
Blocks = Annotated[
    int, Field(ge=1, le=18, description="Residual blocks in each stage, two convolutions each.")
]
Rate = Annotated[
    float, Field(ge=0, le=0.9, description="Share of features dropped before the last layer.")
]


@model("Residual network", formula=r"y = \mathrm{ReLU}(F(x) + x)")
class ResNet(nn.Module):
    """Stages of residual blocks, a global average and one linear layer.

    One 3 x 3 convolution, then blocks of two with batch norm. Three stages of n blocks
    make 6n + 2 layers: ResNet-8 for n = 1, ResNet-20 for n = 3 (272,474 parameters at
    3 channels and 10 classes). Where a block changes size, its shortcut is a 1 x 1
    convolution (the paper's option B); the paper's CIFAR networks pad with zeros (option
    A, 2,752 parameters fewer at n = 3), which allows no stage narrower than the one before.

    Weights: convolutions from N(0, 2 / fan_out), the linear layer as torch draws it.

    Args:
        shape: (C, H, W) of one image.
        outputs: K.

    Reference: He et al. 2016, arXiv:1512.03385, section 4.2.
    """

    channels_last: ClassVar[bool] = True

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        *,
        widths: Widths = (16, 32, 64),
        blocks: Blocks = 1,
        dropout: Rate = 0.0,
    ):
        super().__init__()
        self.stem = named(
            convolution=nn.Conv2d(shape[0], widths[0], 3, padding=1, bias=False),
            norm=nn.BatchNorm2d(widths[0]),
            relu=nn.ReLU(),
        )
        self.stages = nn.ModuleList()
        before = widths[0]
        for place, after in enumerate(widths):
            stage = nn.Sequential()
            for number in range(1, blocks + 1):
                stride = 2 if place and number == 1 else 1
                stage.add_module(f"block{number}", Residual(before, after, stride))
                before = after
            self.stages.append(stage)
        self.pooling = GlobalAverage()
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(before, outputs)
        kaiming(self)

    def embed(self, x_BCHW: Tensor, taps: Taps | None = None) -> Tensor:
        """The features before the last linear layer, [B, D].

        Taps: `stem`, `stage1/block1`, ... , `stage1`, ... and `embedding`.
        """
        x_BCHW = self.stem(x_BCHW)
        if taps is not None:
            taps["stem"] = x_BCHW
        for number, stage in enumerate(self.stages, start=1):
            for name, block in stage.named_children():
                x_BCHW = block(x_BCHW)
                if taps is not None:
                    taps[f"stage{number}/{name}"] = x_BCHW
            if taps is not None:
                taps[f"stage{number}"] = x_BCHW
        f_BD = self.pooling(x_BCHW)
        if taps is not None:
            taps["embedding"] = f_BD
        return f_BD

    def forward(self, x_BCHW: Tensor, taps: Taps | None = None) -> Tensor:
        return self.head(self.dropout(self.embed(x_BCHW, taps)))


class Residual(nn.Module):
    """Two 3 x 3 convolutions whose result is added to what came in."""

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.change = named(
            convolution1=nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
            norm1=nn.BatchNorm2d(after),
            relu=nn.ReLU(),
            convolution2=nn.Conv2d(after, after, 3, padding=1, bias=False),
            norm2=nn.BatchNorm2d(after),
        )
        same = stride == 1 and before == after
        self.shortcut = named(
            convolution=None if same else nn.Conv2d(before, after, 1, stride, bias=False),
            norm=None if same else nn.BatchNorm2d(after),
        )
        self.relu = nn.ReLU()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.relu(self.change(x_BCHW) + self.shortcut(x_BCHW))
