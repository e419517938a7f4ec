"""Optimisers and learning-rate schedules. A schedule is a pure function of the step."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from engines.registry import Knobs

LearningRate = Annotated[
    float,
    Field(gt=0, le=10, description="Step length. Too large diverges, too small never arrives."),
]
WeightDecay = Annotated[
    float, Field(ge=0, le=1, description="Pulls weights towards zero; 0 turns it off.")
]


class SGD(Knobs):
    """Stochastic gradient descent with momentum (Sutskever et al. 2013).

    v ← μ·v + g;  w ← w − η·v, with Nesterov's look-ahead if chosen.
    """

    kind: Literal["sgd"] = "sgd"
    learning_rate: LearningRate = 0.1
    momentum: Annotated[
        float, Field(ge=0, lt=1, description="μ: share of the last velocity that is kept.")
    ] = 0.9
    nesterov: Annotated[bool, Field(description="Take the gradient after the momentum step.")] = (
        False
    )
    weight_decay: WeightDecay = 5e-4


class AdamW(Knobs):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101)."""

    kind: Literal["adamw"] = "adamw"
    learning_rate: LearningRate = 1e-3
    beta1: Annotated[
        float, Field(ge=0, lt=1, description="Decay of the gradient's running mean.")
    ] = 0.9
    beta2: Annotated[
        float, Field(ge=0, lt=1, description="Decay of the squared gradient's running mean.")
    ] = 0.999
    weight_decay: WeightDecay = 0.01


class Constant(Knobs):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"

    def factor(self, progress: float) -> float:
        """Share of the learning rate at `progress` in [0, 1)."""
        return 1.0


WarmUpShare = Annotated[
    float, Field(ge=0, le=0.9, description="Share of the run that climbs from 0 to the full rate.")
]


class WarmUp(Knobs):
    """Climb linearly from 0, then stay."""

    kind: Literal["warm_up"] = "warm_up"
    warm_up: WarmUpShare = 0.1

    def factor(self, progress: float) -> float:
        """Share of the learning rate at `progress` in [0, 1)."""
        return min(1.0, progress / self.warm_up) if self.warm_up else 1.0


class Cosine(Knobs):
    """Warm up, then follow half a cosine down (Loshchilov & Hutter 2017, arXiv:1608.03983).

    η(t) = η_end + (1 − η_end)·(1 + cos(π·t)) / 2
    """

    kind: Literal["cosine"] = "cosine"
    warm_up: WarmUpShare = 0.05
    final_share: Annotated[
        float, Field(ge=0, le=1, description="Where it ends, as a share of the learning rate.")
    ] = 0.0

    def factor(self, progress: float) -> float:
        """Share of the learning rate at `progress` in [0, 1)."""
        if progress < self.warm_up:
            return progress / self.warm_up
        along = (progress - self.warm_up) / (1 - self.warm_up)
        return self.final_share + (1 - self.final_share) * (1 + math.cos(math.pi * along)) / 2


class OneCycle(Knobs):
    """Climb by half a cosine to the full rate, then fall to almost nothing.

    Reference: Smith & Topin 2018, arXiv:1708.07120.
    """

    kind: Literal["one_cycle"] = "one_cycle"
    peak: Annotated[
        float, Field(gt=0, lt=1, description="Where in the run the full rate is reached.")
    ] = 0.3
    start_share: Annotated[
        float, Field(gt=0, le=1, description="Where it starts, as a share of the learning rate.")
    ] = 0.04

    def factor(self, progress: float) -> float:
        """Share of the learning rate at `progress` in [0, 1)."""
        if progress < self.peak:
            low, high, along = 1.0, self.start_share, 1 - progress / self.peak
        else:
            low, high, along = 1.0, 1e-4, (progress - self.peak) / (1 - self.peak)
        return high + (low - high) * (1 + math.cos(math.pi * along)) / 2


Optimizer = Annotated[SGD | AdamW, Field(discriminator="kind")]
Schedule = Annotated[Constant | WarmUp | Cosine | OneCycle, Field(discriminator="kind")]


def build_optimizer(
    model: nn.Module, choice: SGD | AdamW, device: torch.device
) -> torch.optim.Optimizer:
    """The fused optimiser for `model`.

    Weight decay spares vectors (biases and normalisation gains), as usual since
    He et al. 2019 (arXiv:1812.01187). On CUDA the learning rate is a device tensor,
    so that a captured step needs no input from the host.
    """
    decayed = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    spared = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": choice.weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    on_cuda = device.type == "cuda"
    rate = torch.tensor(choice.learning_rate, device=device) if on_cuda else choice.learning_rate
    if isinstance(choice, SGD):
        nesterov = choice.nesterov and choice.momentum > 0
        return torch.optim.SGD(
            groups, lr=rate, momentum=choice.momentum, nesterov=nesterov, fused=True
        )
    optimizer = torch.optim.AdamW(
        groups, lr=rate, betas=(choice.beta1, choice.beta2), fused=True, capturable=on_cuda
    )
    # It would warn that the warm-up before a capture is not captured, which is as it should be.
    optimizer._warned_capturable_if_run_uncaptured = True  # type: ignore[attr-defined]
    return optimizer


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every group; on CUDA all share one device tensor, filled in place."""
    first = optimizer.param_groups[0]["lr"]
    if isinstance(first, torch.Tensor):
        first.fill_(rate)
        return
    for group in optimizer.param_groups:
        group["lr"] = rate
