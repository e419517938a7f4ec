"""What an encoder's space is worth on held-out images. M bank images, N held out, D features.

Every number is of the features before the projection head, in eval mode, without
augmentation; the bank is a fixed part of the training images.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.contrastive.geometry import squared_distances, unit
from engines.contrastive.measures import (
    alignment,
    class_similarity,
    effective_rank,
    feature_deviation,
    uniformity,
)
from engines.contrastive.mining import hardness
from engines.contrastive.readout import knn_accuracy, nearest, neighbour_votes, ridge_probe
from engines.contrastive.views import Views, two_views
from engines.data.source import Images, to_input
from engines.events import Artifact, Scores
from engines.keyed import generator
from engines.probes.predictions import pictures
from engines.registry import Reference

BANK = 5_000  # training images that vote and that the linear probe is fitted on
SHOWN = 2_000  # held-out images that are kept, drawn and measured
MINED = 512  # of those, how many are compared three by three
BINS = 240
NEIGHBOURS = 20


@dataclass(frozen=True, slots=True)
class Readout:
    """How well labels can be read from features, fractions in [0, 1]."""

    knn: float
    linear: float


class HeldOut:
    """Measures the features of an `IndexedTask`'s model.

    Args:
        task: its `model` has `embed`; its data set gives bank and held-out images.
        views: how the two views differ that alignment is measured between.

    Attributes:
        pixels, untrained: what the labels' names can be read with from raw pixels, and from
            the features of the weights the task had when this was made: its first ones.
    """

    def __init__(self, task: Any, views: Views, margin: float):
        self.task, self.views, self.margin = task, views, margin
        dataset = task.setting.dataset
        self.classes = len(dataset.classes)
        self.bank = subset(dataset.train, BANK, task.setting.seed)
        self._subsets = {
            split: subset(dataset.split(split), SHOWN, task.setting.seed)
            for split in ("validation", "test")
        }
        first = self._subsets["validation"]
        self.pixels = self._read(flat(self.bank), flat(first), first)

        self.untrained = self._read(self._embed(self.bank)[0], self._embed(first)[0], first)

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """What raw pixels and the encoder's first weights reach: what a gain is measured from."""
        return {
            name: {"knn": read.knn, "linear": read.linear}
            for name, read in (("pixels", self.pixels), ("untrained", self.untrained))
        }

    @property
    def references(self) -> tuple[Reference, ...]:
        """What raw pixels reach, to draw beside the run's kNN accuracy."""
        value = self.pixels.knn
        return (Reference("accuracy", value, f"raw pixels  {100 * value:.1f} %"),)

    @property
    def context(self) -> dict[str, Any]:
        """What views must know of a run that is judged here; plain values."""
        return {"accuracy_name": "kNN accuracy", "baselines": self.baselines}

    def evaluate(self, split: str) -> Iterator[Scores | Artifact]:
        """Scores of the split, and what the views draw."""
        held_out = self._subsets[split]
        bank_MD, _ = self._embed(self.bank)
        feature_ND, projection_NP = self._embed(held_out)
        read = self._read(bank_MD, feature_ND, held_out)
        scores = {f"{split}/accuracy": read.knn, f"{split}/linear_accuracy": read.linear}
        if split == "validation":
            scores |= {f"{split}/{k}": v for k, v in self._measures(feature_ND, held_out).items()}
        yield Scores(0, scores)
        yield self._embedding(split, bank_MD, feature_ND, projection_NP, read)
        if split == "validation":
            yield self._distances(feature_ND, held_out)

    def _read(self, bank_MD: Tensor, query_ND: Tensor, held_out: Images) -> Readout:
        """kNN and closed-form linear probe: the share of held-out labels named rightly."""
        bank_M, label_N = self.bank.labels_N, held_out.labels_N
        neighbours = min(NEIGHBOURS, len(bank_MD))
        return Readout(
            knn_accuracy(bank_MD, bank_M, query_ND, label_N, k=neighbours),
            ridge_probe(bank_MD, bank_M, self.classes).accuracy(query_ND, label_N),
        )

    def pictures(self, split: str = "validation") -> Artifact:
        """The held-out images themselves, once, in the order of every embedding."""
        held_out = self._subsets[split]
        every = np.arange(len(held_out))
        arrays = {
            "picture_NHWC": pictures(held_out, every),
            "label_N": held_out.labels_N.numpy().astype(np.int16),
        }
        for name, values in held_out.factors.items():
            arrays[f"factor_{name}_N"] = values.numpy()
        return Artifact(0, "pictures", arrays, {"count": len(held_out), "split": split})

    def _embed(self, images: Images) -> tuple[Tensor, Tensor]:
        """(features [N, D], projections [N, P]) on the CPU, float32."""
        task = self.task
        task.model.eval()
        features, projections = [], []
        with torch.no_grad():
            for x_BCHW, _ in task.blocks(images):
                with torch.autocast(task.device.type, torch.bfloat16, enabled=task.setting.bf16):
                    h_BD = task.model.embed(x_BCHW)
                    z_BP = task.model.head(h_BD)
                features.append(h_BD.float().cpu())
                projections.append(z_BP.float().cpu())
        return torch.cat(features), torch.cat(projections)

    def _measures(self, feature_ND: Tensor, held_out: Images) -> dict[str, float]:
        first = held_out.pick(torch.arange(min(MINED, len(held_out))))
        draws = generator(self.task.setting.seed, "held-out views")
        task = self.task
        with torch.no_grad():
            one, two = two_views(first.images_NCHW, self.views, draws)
            h1, h2 = (
                task.model.embed(task.laid_out(x.to(task.device))).float().cpu() for x in (one, two)
            )
        positive, negative = class_similarity(feature_ND, held_out.labels_N)
        few_BD = unit(feature_ND[: len(first)])
        mined = hardness(squared_distances(few_BD), first.labels_N, margin=self.margin)
        return {
            "alignment": alignment(h1, h2),
            "uniformity": uniformity(feature_ND),
            "positive_similarity": positive,
            "negative_similarity": negative,
            "effective_rank": effective_rank(feature_ND),
            "feature_deviation": feature_deviation(feature_ND),
            "hard_share": float(mined.hard),
            "semi_hard_share": float(mined.semi_hard),
            "easy_share": float(mined.easy),
            "violated_share": float(mined.hard + mined.semi_hard),
        }

    def _embedding(
        self,
        split: str,
        bank_MD: Tensor,
        feature_ND: Tensor,
        projection_NP: Tensor,
        read: Readout,
    ) -> Artifact:
        held_out = self._subsets[split]
        similarity_NK, index_NK = nearest(bank_MD, feature_ND, k=NEIGHBOURS)
        votes_NC = neighbour_votes(similarity_NK, self.bank.labels_N[index_NK], self.classes)
        arrays = {
            "feature_ND": feature_ND.numpy().astype(np.float16),
            "projection_NP": projection_NP.numpy().astype(np.float16),
            "predicted_N": votes_NC.argmax(1).numpy().astype(np.int16),
            "label_N": held_out.labels_N.numpy().astype(np.int16),
        }
        meta = {
            "count": len(feature_ND),
            "dimension": feature_ND.shape[1],
            "knn": read.knn,
            "linear": read.linear,
            "effective_rank": effective_rank(feature_ND),
            "classes": self.classes,
            "split": split,
        }
        kind = "embedding" if split == "validation" else "test"
        return Artifact(0, kind, arrays, meta)

    def _distances(self, feature_ND: Tensor, held_out: Images) -> Artifact:
        """Histograms of cosine similarity within and between classes."""
        few_ND = unit(feature_ND[:1000])
        label_N = held_out.labels_N[: len(few_ND)]
        similarity_NN = (few_ND @ few_ND.T).clamp(-1, 1)
        row_P, column_P = torch.triu_indices(len(few_ND), len(few_ND), offset=1)
        pair_P, same_P = similarity_NN[row_P, column_P], label_N[row_P] == label_N[column_P]
        edges_E = np.linspace(-1, 1, BINS + 1).astype(np.float32)
        arrays = {
            "edges_E": edges_E,
            "positive_H": np.histogram(pair_P[same_P].numpy(), edges_E)[0].astype(np.int32),
            "negative_H": np.histogram(pair_P[~same_P].numpy(), edges_E)[0].astype(np.int32),
        }
        return Artifact(0, "distances", arrays, {"of": "cosine similarity", "count": len(few_ND)})


def subset(images: Images, most: int, seed: int) -> Images:
    """At most so many images, drawn by the seed, the same every time."""
    if len(images) <= most:
        return images
    return images.pick(torch.randperm(len(images), generator=generator(seed, "held out"))[:most])


def flat(images: Images) -> Tensor:
    """Pixels as features: [N, C·H·W] in [-1, 1]."""
    return to_input(images.images_NCHW).flatten(1)
