"""Classification: name the class of each image. B images, C×H×W pixels, K classes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engines.data.augmentation import Augmentation, augment
from engines.data.source import ImageDataset, Images, to_input
from engines.events import Artifact, Scores
from engines.keyed import generator, key
from engines.layers import set_generator
from engines.optimisation import SGD, AdamW, build_optimizer, set_learning_rate
from engines.probes.predictions import Predictions, told
from engines.registry import Entry, Knobs, own_knobs, task

EVALUATION_BATCH = 500  # enough for full speed, little memory even for a ViT


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything a classification task is built from.

    Attributes:
        learning_rates: step to base learning rate, where the user changed it.
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


@task("Classification", formula=r"\min_\theta\; \mathbb{E}\,[\,\ell(f_\theta(x),\, y)\,]")
class Classification:
    """Name the class of each image, by the loss of your choice.

    A step is `prepare(step)`, what the host decides, then `update()`, which needs
    nothing from the host, so that on CUDA it is captured whole as a graph.
    """

    family = "classification"
    metric_names = ("train/loss", "train/accuracy", "train/gradient_norm", "learning_rate")

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
        self._predict = prediction_of(setting.loss, setting.loss_knobs)
        self.learning_rates = {0: setting.optimizer.learning_rate}
        self.classes = len(setting.dataset.classes)
        self._rate = torch.zeros((), device=self.device)
        self._index_B = torch.zeros(setting.batch_size, dtype=torch.int64, device=self.device)
        self._order_N, self._epoch = self._index_B, -1

    def learning_rate(self, step: int) -> float:
        """The rate of update number `step`, from 0: the newest base rate times the schedule."""
        base = self.learning_rates[max(start for start in self.learning_rates if start <= step)]
        return base * self.setting.schedule.factor((step + 0.5) / self.total_steps)

    def prepare(self, step: int) -> None:
        """Lay out what update number `step` will read: noise, batch and learning rate."""
        setting = self.setting
        self.noise.manual_seed(key(setting.seed, "noise", step))
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            order_N = torch.randperm(
                len(self.labels_N), generator=generator(setting.seed, "order", epoch)
            )
            self._order_N, self._epoch = order_N.to(self.device), epoch
        start = position * setting.batch_size
        self._index_B.copy_(self._order_N[start : start + setting.batch_size])
        rate = self.learning_rate(step)
        self._rate.fill_(rate)
        set_learning_rate(self.optimizer, rate)

    def update(self) -> dict[str, Tensor]:
        """One update of the weights on the prepared batch; values stay on the device."""
        target_B = self.labels_N.index_select(0, self._index_B)
        x_BCHW = self.batch()
        if not self.model.training:
            self.model.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.setting.bf16):
            logits_BK = self.model(x_BCHW)
        logits_BK = logits_BK.float()
        loss = self.loss(logits_BK, target_B, x_BCHW)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = self.gradient_norm()
        self.optimizer.step()
        hit_B = self.predict(logits_BK.detach()).argmax(1) == target_B
        return {
            "train/loss": loss.detach(),
            "train/accuracy": hit_B.float().mean(),
            "train/gradient_norm": norm,
            "learning_rate": self._rate,
        }

    def batch(self) -> Tensor:
        """The prepared batch as the model sees it: [B, C, H, W] in [-1, 1], augmented."""
        images_BCHW = self.images_NCHW.index_select(0, self._index_B)
        x_BCHW = to_input(augment(images_BCHW, self.setting.augmentation, self.noise))
        return x_BCHW.contiguous(memory_format=self.layout)

    def loss(self, logits_BK: Tensor, target_B: Tensor, x_BCHW: Tensor) -> Tensor:
        """The chosen loss, a scalar; a teacher looks at the same images."""
        entry, knobs, teacher = self.setting.loss, self.setting.loss_knobs, self.setting.teacher
        if teacher is None:
            return entry.make(logits_BK, target_B, knobs=knobs)
        with torch.no_grad():
            teacher_BK = teacher(x_BCHW).float()
        return entry.make(logits_BK, target_B, teacher_BK, knobs=knobs)

    def gradient_norm(self) -> Tensor:
        """Length of the whole gradient, before it is clipped to `clip_norm`, if that is set."""
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients, foreach=True)
        if self.setting.clip_norm:
            nn.utils.clip_grads_with_norm_(
                self.model.parameters(), self.setting.clip_norm, norm, foreach=True
            )
        return norm

    def predict(self, logits_BK: Tensor) -> Tensor:
        """Probabilities [B, K] that the loss gives the logits."""
        return self._predict(logits_BK)

    def evaluate(self, split: str = "validation") -> Iterator[Scores | Artifact]:
        """Loss and accuracy on `split`, then its predictions; a metric per image counts once."""
        outcome = self._run_through(self.setting.dataset.split(split))
        scores = {f"{split}/loss": outcome.loss, f"{split}/accuracy": outcome.accuracy}
        arrays, meta = told(outcome, self.setting.dataset.split(split))
        yield Scores(0, scores)
        kind = "test" if split == "test" else "predictions"
        yield Artifact(0, kind, arrays, {"split": split, **meta})

    def _run_through(self, images: Images) -> Predictions:
        self.model.eval()
        total, chunks = 0.0, []
        with torch.no_grad():
            for start in range(0, len(images), EVALUATION_BATCH):
                block = slice(start, start + EVALUATION_BATCH)
                x_BCHW = to_input(images.images_NCHW[block].to(self.device))
                x_BCHW = x_BCHW.contiguous(memory_format=self.layout)
                target_B = images.labels_N[block].to(self.device)
                with torch.autocast(self.device.type, torch.bfloat16, enabled=self.setting.bf16):
                    logits_BK = self.model(x_BCHW)
                logits_BK = logits_BK.float()
                total += float(self.loss(logits_BK, target_B, x_BCHW)) * len(target_B)
                chunks.append(self.predict(logits_BK).cpu())
        probability_NK = torch.cat(chunks).numpy()
        label_N = images.labels_N.numpy()
        accuracy = float(np.mean(probability_NK.argmax(1) == label_N))
        return Predictions(probability_NK, label_N, total / len(images), accuracy)

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs besides weights and step: everything else is keyed."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "learning_rates": dict(self.learning_rates),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        # The stored rate is a CPU copy. On CUDA the optimiser must keep its device tensor,
        # or a captured step would repeat the rate it was captured with for ever.
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self.learning_rates = {int(step): rate for step, rate in state["learning_rates"].items()}


def prediction_of(entry: Entry, knobs: Knobs) -> Callable[[Tensor], Tensor]:
    """How a loss's scores become probabilities [B, K]: the softmax, unless it says otherwise."""
    own = entry.extra.get("predict")
    if own is None:
        return lambda logits_BK: logits_BK.softmax(1)
    return partial(own, **{name: getattr(knobs, name) for name in own_knobs(entry)})


def largest_power_of_two(limit: int) -> int:
    """The largest power of two that is at most `limit`, from 1."""
    return 1 << (limit.bit_length() - 1)
