"""What tasks on images share: data on the device, keyed batches and noise, and the descent.

B images, C×H×W pixels, N training images.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from engines.data.augmentation import Augmentation
from engines.data.source import ImageDataset, Images, to_input
from engines.keyed import generator, key
from engines.layers import set_generator
from engines.optimisation import SGD, AdamW, build_optimizer, set_learning_rate
from engines.registry import Entry, Knobs

EVALUATION_BATCH = 500  # enough for full speed, little memory even for a ViT


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything a task is built from.

    Attributes:
        teacher: the model that `distillation` listens to, in eval mode.
    """

    dataset: ImageDataset
    model: nn.Module
    loss: Entry
    loss_knobs: Knobs
    augmentation: Augmentation
    optimizer: SGD | AdamW
    schedule: Any
    batch_size: int
    epochs: int
    max_steps: int = 0
    clip_norm: float = 0.0
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    bf16: bool = False
    teacher: nn.Module | None = None


class IndexedTask:
    """Batches by index from images on the device; subclasses say what an update is.

    A step is `prepare(step)`, what the host decides, then `update()`, which needs
    nothing from the host, so that on CUDA it is captured whole as a graph.

    Attributes:
        learning_rates: step to base learning rate, from where the user changed it.
    """

    metric_names: tuple[str, ...] = ()

    def __init__(self, setting: Setting):
        self.setting, self.device = setting, setting.device
        train = setting.dataset.train
        if setting.batch_size > len(train):
            raise ValueError(
                f"batch_size {setting.batch_size} exceeds the {len(train)} training images; "
                f"try {largest_power_of_two(len(train))}"
            )
        self.model = setting.model.to(self.device)
        self.layout = torch.contiguous_format
        if getattr(self.model, "channels_last", False):
            self.layout = torch.channels_last
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.images_NCHW = train.images_NCHW.to(self.device)
        self.labels_N = train.labels_N.to(self.device)
        self.steps_per_epoch = len(train) // setting.batch_size
        planned = self.steps_per_epoch * setting.epochs
        self.total_steps = min(planned, setting.max_steps) if setting.max_steps else planned
        self.optimizer = build_optimizer(self.model, setting.optimizer, self.device)
        self.noise = torch.Generator(device=self.device)
        set_generator(self.model, self.noise)
        self.learning_rates = {0: setting.optimizer.learning_rate}
        shared = self.optimizer.param_groups[0]["lr"]
        self._rate = shared if isinstance(shared, Tensor) else torch.zeros(())
        self._index_B = torch.zeros(setting.batch_size, dtype=torch.int64, device=self.device)
        self._order_N, self._epoch = self._index_B, -1

    def learning_rate(self, step: int) -> float:
        """The rate of update number `step`, from 0: the newest base rate times the schedule."""
        base = self.learning_rates[max(start for start in self.learning_rates if start <= step)]
        return base * self.setting.schedule.factor((step + 0.5) / self.total_steps)

    def order(self, epoch: int) -> Tensor:
        """Indices of the training images in the order of an epoch, [N] or a little less."""
        return torch.randperm(
            len(self.labels_N), generator=generator(self.setting.seed, "order", epoch)
        )

    def prepare(self, step: int) -> None:
        """Lay out what update number `step` will read: noise, batch and learning rate."""
        setting = self.setting
        self.noise.manual_seed(key(setting.seed, "noise", step))
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._order_N, self._epoch = self.order(epoch).to(self.device), epoch
        start = position * setting.batch_size
        self._index_B.copy_(self._order_N[start : start + setting.batch_size])
        rate = self.learning_rate(step)
        set_learning_rate(self.optimizer, rate)
        if self.device.type != "cuda":  # there it is the optimiser's own tensor
            self._rate.fill_(rate)

    def renew_noise(self) -> None:
        """A fresh generator in place of one that a failed capture may have left half used."""
        self.noise = torch.Generator(device=self.device)
        set_generator(self.model, self.noise)

    def picked(self) -> tuple[Tensor, Tensor]:
        """The prepared batch as it is stored: uint8 [B, C, H, W] and labels [B]."""
        images_BCHW = self.images_NCHW.index_select(0, self._index_B)
        return images_BCHW, self.labels_N.index_select(0, self._index_B)

    def laid_out(self, x_BCHW: Tensor) -> Tensor:
        """A batch in the memory layout that the model is fastest with."""
        return x_BCHW.contiguous(memory_format=self.layout)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The model in the run's precision; its output as float32."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.setting.bf16):
            made = self.model(x_BCHW)
        return made.float()

    def descend(self, loss: Tensor) -> Tensor:
        """One step of the optimiser down the loss; returns the gradient's norm before clipping."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = self.gradient_norm()
        self.optimizer.step()
        return norm

    def gradient_norm(self) -> Tensor:
        """Length of the whole gradient, before it is clipped to `clip_norm`, if that is set."""
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients, foreach=True)
        if self.setting.clip_norm:
            nn.utils.clip_grads_with_norm_(
                self.model.parameters(), self.setting.clip_norm, norm, foreach=True
            )
        return norm

    def blocks(
        self, images: Images, size: int = EVALUATION_BATCH
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Blocks of a split for evaluation: inputs [b, C, H, W] in [-1, 1] and labels [b]."""
        for start in range(0, len(images), size):
            block = slice(start, start + size)
            x_BCHW = self.laid_out(to_input(images.images_NCHW[block].to(self.device)))
            yield x_BCHW, images.labels_N[block].to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs besides weights and step: everything else is keyed."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "learning_rates": dict(self.learning_rates),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        own: list[dict[str, Any]] = [
            {name: group[name] for name in ("lr", "capturable") if name in group}
            for group in self.optimizer.param_groups
        ]
        self.optimizer.load_state_dict(state["optimizer"])
        # The stored rate is a CPU copy. On CUDA the optimiser must keep its device tensor,
        # or a captured step would repeat the rate it was captured with for ever; and a run
        # that began on a CPU must become capturable.
        for group, kept in zip(self.optimizer.param_groups, own, strict=True):
            group.update(kept)
        self.learning_rates = {int(step): rate for step, rate in state["learning_rates"].items()}


def largest_power_of_two(limit: int) -> int:
    """The largest power of two that is at most `limit`, from 1."""
    return 1 << (limit.bit_length() - 1)
