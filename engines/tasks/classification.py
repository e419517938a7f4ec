"""Classification: name the class of each image. B images, C×H×W pixels, K classes."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from engines.data.augmentation import augment
from engines.data.source import Images, to_input
from engines.events import Artifact, Scores
from engines.probes.predictions import Predictions, told
from engines.registry import Entry, Knobs, own_knobs, task
from engines.tasks.indexed import IndexedTask, Setting


@task(
    "Classification",
    formula=r"\min_\theta\; \mathbb{E}\,[\,\ell(f_\theta(x),\, y)\,]",
    losses="classification",
    loss="cross_entropy",
    family="classification",
    counted=lambda classes, batch_size: classes,
)
class Classification(IndexedTask):
    """Name the class of each image, by the loss of your choice."""

    metric_names = ("train/loss", "train/accuracy", "train/gradient_norm", "learning_rate")

    def __init__(self, setting: Setting):
        super().__init__(setting)
        self._predict = prediction_of(setting.loss, setting.loss_knobs)
        self.classes = len(setting.dataset.classes)

    def update(self) -> dict[str, Tensor]:
        """One update of the weights on the prepared batch; values stay on the device."""
        target_B = self.labels_N.index_select(0, self._index_B)
        x_BCHW = self.batch()
        if not self.model.training:
            self.model.train()
        logits_BK = self.forward(x_BCHW)
        loss = self.loss(logits_BK, target_B, x_BCHW)
        norm = self.descend(loss)
        hit_B = self.predict(logits_BK.detach()).argmax(1) == target_B
        return {
            "train/loss": loss.detach(),
            "train/accuracy": hit_B.float().mean(),
            "train/gradient_norm": norm,
            "learning_rate": self._rate,
        }

    def batch(self) -> Tensor:
        """The prepared batch as the model sees it: [B, C, H, W] in [-1, 1], augmented."""
        images_BCHW, _ = self.picked()
        return self.laid_out(to_input(augment(images_BCHW, self.setting.augmentation, self.noise)))

    def loss(self, logits_BK: Tensor, target_B: Tensor, x_BCHW: Tensor) -> Tensor:
        """The chosen loss, a scalar; a teacher looks at the same images."""
        entry, knobs, teacher = self.setting.loss, self.setting.loss_knobs, self.setting.teacher
        if teacher is None:
            return entry.make(logits_BK, target_B, knobs=knobs)
        with torch.no_grad():
            teacher_BK = teacher(x_BCHW).float()
        return entry.make(logits_BK, target_B, teacher_BK, knobs=knobs)

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
            for x_BCHW, target_B in self.blocks(images):
                logits_BK = self.forward(x_BCHW)
                total += float(self.loss(logits_BK, target_B, x_BCHW)) * len(target_B)
                chunks.append(self.predict(logits_BK).cpu())
        probability_NK = torch.cat(chunks).numpy()
        label_N = images.labels_N.numpy()
        accuracy = float(np.mean(probability_NK.argmax(1) == label_N))
        return Predictions(probability_NK, label_N, total / len(images), accuracy)


def prediction_of(entry: Entry, knobs: Knobs) -> Callable[[Tensor], Tensor]:
    """How a loss's scores become probabilities [B, K]: the softmax, unless it says otherwise."""
    own = entry.extra.get("predict")
    if own is None:
        return lambda logits_BK: logits_BK.softmax(1)
    return partial(own, **{name: getattr(knobs, name) for name in own_knobs(entry)})
