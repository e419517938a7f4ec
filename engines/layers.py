"""Layers and helpers that several models share. B images, C channels, H rows, W columns."""

import threading
from collections.abc import Callable
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.keyed import key

Taps = dict[str, Tensor]
"""What a forward pass shows of its insides, by name, when it is given one to fill.

The tensors stay attached to the graph, so that a map can be differentiated
(Grad-CAM); who only looks runs the model under `torch.no_grad()`.
"""

Pooling = Literal["average", "max", "l2", "none"]
Activation = Literal["relu", "gelu", "tanh"]
Model = TypeVar("Model", bound=nn.Module)

_building = threading.Lock()


def initialise(build: Callable[[], Model], seed: int) -> Model:
    """Build a model on the CPU whose weights are a function of `seed` alone.

    Torch's layers draw their weights from the process's generator: it is seeded for
    the build and then put back, and builds in several threads wait for each other.
    """
    with _building, torch.random.fork_rng(devices=[]):  # fork_rng isn't thread-safe
        # Not torch.manual_seed: that reseeds the generators of every GPU as well.
        torch.default_generator.manual_seed(key(seed, "weights"))
        return build()


class Dropout(nn.Module):
    """Zero each value with probability `rate` in training and scale the rest by 1 / (1 - rate).

    The mask comes from the generator that `set_generator` gave the model, so that it
    depends on what the training step put there and not on who else draws numbers.
    """

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.rate, generator=self.generator)
        return x * kept * (1 / (1 - self.rate))  # a scale inside the mask would be rounded in bf16

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


def set_generator(model: nn.Module, generator: torch.Generator | None) -> None:
    """Let all dropout of `model` draw from `generator`, which lives on the model's device.

    None means torch's default generator. A captured CUDA graph needs the generator
    registered with `graph.register_generator_state`.
    """
    for module in model.modules():
        if isinstance(module, Dropout):
            module.generator = generator


class L2Pool(nn.Module):
    """Square root of the sum of squares over each `window` x `window` square, stride `window`.

    No 1/n inside, as `F.lp_pool2d`; but an all-zero window, common after ReLU, has
    gradient 0 and not NaN. Reference: Goodfellow et al. 2016, section 9.3.
    """

    def __init__(self, window: int = 2):
        super().__init__()
        self.window = window

    def forward(self, x_BCHW: Tensor) -> Tensor:
        sum_BCHW = F.avg_pool2d(x_BCHW.square(), self.window, divisor_override=1)
        zero_BCHW = sum_BCHW == 0
        return sum_BCHW.masked_fill(zero_BCHW, 1).sqrt().masked_fill(zero_BCHW, 0)

    def extra_repr(self) -> str:
        return f"window={self.window}"


class GlobalAverage(nn.Module):
    """Mean of each feature map: [B, C, H, W] to [B, C]."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW.mean((2, 3))


def named(**layers: nn.Module | None) -> nn.Sequential:
    """Layers in a row under names of their own; those that are None are left out."""
    row = nn.Sequential()
    for name, layer in layers.items():
        if layer is not None:
            row.add_module(name, layer)
    return row


def pool(kind: Pooling, window: int = 2) -> nn.Module:
    """The pooling layer called `kind`; sizes that don't fit lose their last row and column."""
    match kind:
        case "average":
            return nn.AvgPool2d(window)
        case "max":
            return nn.MaxPool2d(window)
        case "l2":
            return L2Pool(window)
        case "none":
            return nn.Identity()


def activate(kind: Activation) -> nn.Module:
    """The activation called `kind`; GELU is the exact one, with erf."""
    return {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}[kind]()


def kaiming(model: nn.Module) -> None:
    """Draw convolutions from N(0, 2 / fan_out), which keeps gradients' size through ReLU.

    Reference: He et al. 2015, arXiv:1502.01852, Eq. 14.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def xavier(model: nn.Module) -> None:
    """Draw linear layers uniformly within ±√(6 / (fan_in + fan_out)), biases 0.

    Reference: Glorot & Bengio 2010, "Understanding the difficulty of training deep
    feedforward neural networks", Eq. 16.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def conv_output(size: int, kernel: int, stride: int, padding: int) -> int:
    """Length of a convolution's output, floor((n + 2p - k) / s) + 1; 0 where nothing fits."""
    return max(0, (size + 2 * padding - kernel) // stride + 1)
