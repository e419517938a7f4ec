"""Contrastive learning: like images together, unlike ones apart. B images, P projected features."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from engines.contrastive.geometry import squared_distances, unit
from engines.contrastive.held_out import HeldOut
from engines.contrastive.measures import carrying_share, negative_gradients
from engines.contrastive.mining import mine, pairs_of_views
from engines.contrastive.sampling import balanced_order
from engines.contrastive.views import Views, random_view, two_views
from engines.events import Artifact, Scores
from engines.keyed import generator
from engines.probes.predictions import pictures
from engines.registry import Reference, own_knobs, task
from engines.tasks.indexed import IndexedTask, Setting

SHOWN = 64  # images of a batch that the Pairs view shows
TRIPLETS = 400


def with_projection_head(model: Any, knobs: Any) -> nn.Module:
    """The model with a two-layer projection head in place of its classifier.

    Chen et al. 2020, section 4.2: the loss acts behind the head, the features before it
    are what is kept.
    """
    features = model.head.in_features
    model.head = nn.Sequential(
        nn.Linear(features, knobs.projection_hidden),
        nn.ReLU(),
        nn.Linear(knobs.projection_hidden, knobs.projection),
    )
    return model


def uneven_batches(batch_size: int, knobs: Any, loss: Any, classes: int) -> dict[str, str]:
    """Faults of class-balanced batches, by field; none for losses that need no such batches."""
    if loss.extra["takes"] != "labels":
        return {}
    each = knobs.images_per_class
    if batch_size % each or not 2 <= batch_size // each <= classes:
        fitting = each * min(max(2, round(batch_size / each)), classes)
        return {
            "training.batch_size": (
                f"{batch_size} isn't {each} images of each of 2 to {classes} classes; "
                f"try {fitting}, or other images_per_class"
            )
        }
    return {}


@task(
    "Contrastive learning",
    formula=r"\min_\theta\; \mathbb{E}\,[\,\ell(z, z^{+}, z^{-}_1, \ldots)\,], \quad "
    r"z = g(f_\theta(x))",
    losses="contrastive",
    loss="nt_xent",
    family="contrastive",
    counted=lambda classes, batch_size: batch_size,
    adapt=with_projection_head,
    refuse=uneven_batches,
)
class Contrastive(IndexedTask):
    """Pull views or images of one class together, push others apart; no label is predicted.

    The loss decides what a step looks at: two views of each image (SimCLR, SupCon,
    pairs), or one view each of class-balanced batches (triplet).
    """

    metric_names = ("train/loss", "train/gradient_norm", "learning_rate")

    def __init__(
        self,
        setting: Setting,
        *,
        views: Annotated[
            Views, Field(description="How the two views of an image may differ.")
        ] = Views(),  # noqa: B008 - frozen
        projection_hidden: Annotated[
            int, Field(ge=8, le=4096, description="Width of the projection head's hidden layer.")
        ] = 128,
        projection: Annotated[
            int,
            Field(
                ge=2,
                le=1024,
                description="Numbers that the loss compares; the head is dropped afterwards.",
                json_schema_extra={"beside": True},
            ),
        ] = 64,
        images_per_class: Annotated[
            int,
            Field(
                ge=2,
                le=64,
                description="For triplets: images of one class in a batch.",
                json_schema_extra={"advanced": True},
            ),
        ] = 8,
    ):
        super().__init__(setting)
        self.views = views
        self.takes = setting.loss.extra["takes"]
        self._images_per_class = images_per_class
        knobs = setting.loss_knobs
        self.temperature: float | None = getattr(knobs, "temperature", None)
        self.margin: float = getattr(knobs, "margin", 0.2)
        self.held_out = HeldOut(self, views, self.margin)

    @property
    def references(self) -> tuple[Reference, ...]:
        """Lines to draw beside the run's kNN accuracy."""
        return self.held_out.references

    @property
    def context(self) -> dict[str, Any]:
        """What views of this task must know besides numbers; plain values."""
        return self.held_out.context | {
            "temperature": self.temperature,
            "margin": self.margin,
            "loss_kind": self.setting.loss.name,
        }

    def order(self, epoch: int) -> Tensor:
        """Shuffled, or in class-balanced batches for a loss that needs them."""
        if self.takes != "labels":
            return super().order(epoch)
        classes = self.setting.batch_size // self._images_per_class
        return balanced_order(
            self.setting.dataset.train.labels_N,
            classes_per_batch=classes,
            images_per_class=self._images_per_class,
            seed=self.setting.seed,
            epoch=epoch,
        ).flatten()

    def update(self) -> dict[str, Tensor]:
        """One update of the weights on the prepared batch; values stay on the device."""
        images_BCHW, label_B = self.picked()
        if not self.model.training:
            self.model.train()
        if self.takes == "labels":
            x_BCHW = random_view(images_BCHW, self.views, self.noise)
            loss = self.loss_of(self.forward(self.laid_out(x_BCHW)), None, label_B)
        else:
            one, two = two_views(images_BCHW, self.views, self.noise)
            # Both views in one pass: batch norm must not tell them apart.
            z_NP = self.forward(self.laid_out(torch.cat([one, two])))
            z1, z2 = z_NP.chunk(2)
            loss = self.loss_of(z1, z2, label_B)
        norm = self.descend(loss)
        return {
            "train/loss": loss.detach(),
            "train/gradient_norm": norm,
            "learning_rate": self._rate,
        }

    def loss_of(self, z1: Tensor, z2: Tensor | None, label_B: Tensor) -> Tensor:
        """The chosen loss on what it takes."""
        entry, knobs = self.setting.loss, self.setting.loss_knobs
        match self.takes:
            case "views":
                return entry.make(z1, z2, knobs=knobs)
            case "views and labels":
                return entry.make(z1, z2, label_B, knobs=knobs)
            case "pairs":
                assert z2 is not None
                return entry.make(*pairs_of_views(z1, z2), knobs=knobs)
            case _:
                return entry.make(z1, label_B, self.noise, knobs=knobs)

    def evaluate(self, split: str = "validation") -> Iterator[Scores | Artifact]:
        """What the space is worth on `split`, and on validation what the views draw."""
        yield from self.held_out.evaluate(split)
        if split != "validation":
            return
        if self._epoch < 0:  # before the first step: the held-out images stay the same
            yield self.held_out.pictures()
        images_BCHW, label_B = self._shown_batch()
        draws = generator(self.setting.seed, "shown views", device=self.device)
        one, two = two_views(images_BCHW, self.views, draws)
        self.model.eval()
        with torch.no_grad():
            z1, z2 = (self.forward(self.laid_out(x)).cpu() for x in (one, two))
        yield Scores(0, self._loss_scores(z1, z2, label_B.cpu()))
        yield self._pairs(one, two, z1, z2, label_B)
        if self.takes == "labels":
            yield self._triplets(z1, label_B.cpu())

    def _shown_batch(self) -> tuple[Tensor, Tensor]:
        """The batch that was trained on last, at most `SHOWN` images of it."""
        if self._epoch < 0:
            self.prepare(0)
        images_BCHW, label_B = self.picked()
        return images_BCHW[:SHOWN], label_B[:SHOWN]

    def _loss_scores(self, z1: Tensor, z2: Tensor, label_B: Tensor) -> dict[str, float]:
        scores = {}
        if self.temperature is not None:
            shares = negative_gradients(z1, z2, temperature=self.temperature)
            scores["validation/carrying_share"] = carrying_share(shares)
        return scores

    def _pairs(self, one: Tensor, two: Tensor, z1: Tensor, z2: Tensor, label_B: Tensor) -> Artifact:
        arrays = {
            "view1_BHWC": as_bytes(one),
            "view2_BHWC": as_bytes(two),
            "z1_BP": z1.numpy().astype(np.float16),
            "z2_BP": z2.numpy().astype(np.float16),
            "label_B": label_B.cpu().numpy().astype(np.int16),
        }
        return Artifact(0, "pairs", arrays, {"temperature": self.temperature, "split": "train"})

    def _triplets(self, z_BP: Tensor, label_B: Tensor) -> Artifact:
        """The triplets that the loss would mine in the shown batch, with their distances."""
        knobs = self.setting.loss_knobs
        named = {name: getattr(knobs, name) for name in own_knobs(self.setting.loss)}
        z_BP = unit(z_BP) if named["normalise"] else z_BP
        squared_BB = squared_distances(z_BP)
        draws = generator(self.setting.seed, "shown triplets")
        mined = mine(
            squared_BB, label_B, draws, mining=named["mining"], margin=named["margin"]
        ).listed()[:TRIPLETS]
        anchor_T, positive_T, negative_T = mined.unbind(1)
        images = replace(self.setting.dataset.train.pick(self._index_B.cpu()[:SHOWN]), factors={})
        arrays = {
            "anchor_T": anchor_T.numpy().astype(np.int32),
            "positive_T": positive_T.numpy().astype(np.int32),
            "negative_T": negative_T.numpy().astype(np.int32),
            "picture_BHWC": pictures(images, np.arange(len(images))),
            "positive_distance_T": squared_BB[anchor_T, positive_T].numpy().astype(np.float32),
            "negative_distance_T": squared_BB[anchor_T, negative_T].numpy().astype(np.float32),
        }
        meta = {"margin": named["margin"], "mining": named["mining"], "split": "train"}
        return Artifact(0, "triplets", arrays, meta)


def as_bytes(x_BCHW: Tensor) -> np.ndarray:
    """Inputs in [-1, 1] as uint8 pictures [B, H, W, C]."""
    pixels_BCHW = ((x_BCHW + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return pixels_BCHW.permute(0, 2, 3, 1).contiguous().cpu().numpy()
