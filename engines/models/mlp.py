"""The multilayer perceptron. D features, K outputs."""

import math
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from engines.layers import Activation, Dropout, Taps, activate, named
from engines.registry import model

Hidden = Annotated[
    tuple[Annotated[int, Field(ge=1, le=4096)], ...],
    Field(max_length=8, description="Units of each hidden layer; none is a linear classifier."),
]
ActivationKind = Annotated[Activation, Field(description="What bends each hidden layer.")]
BatchNorm = Annotated[
    bool, Field(description="Normalise every unit over the batch before its activation.")
]
Rate = Annotated[
    float, Field(ge=0, le=0.9, description="Share of units dropped after each hidden layer.")
]


@model("Multilayer perceptron", formula=r"h_l = \varphi(W_l \, h_{l-1} + b_l)")
class MLP(nn.Module):
    """All pixels into fully connected layers, which know nothing of neighbours.

    Weights as torch draws them: uniform within ±1/√fan_in, biases too.

    Args:
        shape: (C, H, W) of one image.
        outputs: K.

    Reference: Rumelhart, Hinton & Williams 1986, "Learning representations by
    back-propagating errors".
    """

    channels_last: ClassVar[bool] = False

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        *,
        hidden: Hidden = (256, 128),
        activation: ActivationKind = "relu",
        batch_norm: BatchNorm = False,
        dropout: Rate = 0.1,
    ):
        super().__init__()
        self.flatten = nn.Flatten()
        self.layers = nn.ModuleList()
        self.dropout = Dropout(dropout)
        before = math.prod(shape)
        for width in hidden:
            layer = named(
                linear=nn.Linear(before, width, bias=not batch_norm),
                norm=nn.BatchNorm1d(width) if batch_norm else None,
                activation=activate(activation),
            )
            self.layers.append(layer)
            before = width
        self.head = nn.Linear(before, outputs)

    def embed(self, x_BCHW: Tensor, taps: Taps | None = None) -> Tensor:
        """The last hidden layer, [B, D]; without hidden layers the pixels.

        Taps: `layer1`, ... after the activation, and `embedding`.
        """
        f_BD = self.flatten(x_BCHW)
        for place, layer in enumerate(self.layers):
            if place:
                f_BD = self.dropout(f_BD)
            f_BD = layer(f_BD)
            if taps is not None:
                taps[f"layer{place + 1}"] = f_BD
        if taps is not None:
            taps["embedding"] = f_BD
        return f_BD

    def forward(self, x_BCHW: Tensor, taps: Taps | None = None) -> Tensor:
        f_BD = self.embed(x_BCHW, taps)
        return self.head(self.dropout(f_BD) if self.layers else f_BD)
