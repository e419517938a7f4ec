"""A pretext task: say by how much an image was turned. B images, four turns."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engines.contrastive.held_out import HeldOut
from engines.contrastive.views import Views
from engines.data.augmentation import augment
from engines.data.source import to_input
from engines.events import Artifact, Scores
from engines.registry import Reference, task
from engines.tasks.indexed import IndexedTask, Setting

TURNS = 4  # by 0, 90, 180 and 270 degrees
UNCHANGED = Views(crop=1.0, flip=False, jitter=0.0, hue=0.0, grey=0.0, blur=0.0)


@task(
    "Rotation prediction",
    formula=r"\min_\theta\; \mathbb{E}\,[\,-\ln p_\theta(r \mid \mathrm{turn}_r(x))\,]",
    losses="classification",
    loss="cross_entropy",
    outputs=lambda classes: TURNS,
    only=("cross_entropy",),
    square=True,
    family="contrastive",
    counted=lambda classes, batch_size: TURNS,
)
class Rotation(IndexedTask):
    """Tell by which of four turns an image was rotated; labels of the data are never used.

    Self-supervision by a pretext: to tell the turn, the encoder must learn what things
    look like. Its features are then judged like those of contrastive learning.

    Reference: Gidaris et al. 2018, arXiv:1803.07728.
    """

    metric_names = ("train/loss", "train/turn_accuracy", "train/gradient_norm", "learning_rate")

    def __init__(self, setting: Setting):
        super().__init__(setting)
        self.held_out = HeldOut(self, UNCHANGED, margin=0.2)
        # Each image once in each turn would be four times the batch: draw one turn each.
        self._turn_B = torch.zeros(setting.batch_size, dtype=torch.int64, device=self.device)

    @property
    def references(self) -> tuple[Reference, ...]:
        """Lines to draw beside the run's kNN accuracy."""
        return self.held_out.references

    @property
    def context(self) -> dict[str, Any]:
        """What views of this task must know besides numbers; plain values."""
        return self.held_out.context | {"loss_kind": "rotation"}

    def update(self) -> dict[str, Tensor]:
        """One update of the weights on the prepared batch; values stay on the device."""
        images_BCHW, _ = self.picked()
        if not self.model.training:
            self.model.train()
        turn_B = self._turn_B.random_(0, TURNS, generator=self.noise)
        images_BCHW = turned(augment(images_BCHW, self.setting.augmentation, self.noise), turn_B)
        logits_BT = self.forward(self.laid_out(to_input(images_BCHW)))
        loss = self.setting.loss.make(logits_BT, turn_B, knobs=self.setting.loss_knobs)
        norm = self.descend(loss)
        return {
            "train/loss": loss.detach(),
            "train/turn_accuracy": (logits_BT.detach().argmax(1) == turn_B).float().mean(),
            "train/gradient_norm": norm,
            "learning_rate": self._rate,
        }

    def evaluate(self, split: str = "validation") -> Iterator[Scores | Artifact]:
        """Loss and accuracy of telling turns, then what the features are worth for the labels."""
        images = self.setting.dataset.split(split)
        self.model.eval()
        total, hits = 0.0, 0
        with torch.no_grad():
            for x_BCHW, label_B in self.blocks(images):
                turn_B = torch.arange(len(label_B), device=self.device) % TURNS
                logits_BT = self.forward(self.laid_out(turned(x_BCHW, turn_B)))
                total += float(F.cross_entropy(logits_BT, turn_B, reduction="sum"))
                hits += int((logits_BT.argmax(1) == turn_B).sum())
        count = len(images)
        yield Scores(0, {f"{split}/loss": total / count, f"{split}/turn_accuracy": hits / count})
        yield from self.held_out.evaluate(split)
        if split == "validation" and self._epoch < 0:
            yield self.held_out.pictures()


def turned(images_BCHW: Tensor, turn_B: Tensor) -> Tensor:
    """Each image turned by its quarter turns, counter-clockwise; square images only."""
    every_TBCHW = torch.stack([torch.rot90(images_BCHW, k, (2, 3)) for k in range(TURNS)])
    return every_TBCHW[turn_B, torch.arange(len(turn_B), device=turn_B.device)]
