"""Neighbours of every held-out image in feature space. N images, K neighbours, D features."""

from dataclasses import dataclass

import numpy as np

MOST = 50  # neighbours kept of each image


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The most similar other images, nearest first.

    Attributes:
        index_NK: int64 image numbers; an image is never its own neighbour.
        similarity_NK: float32 cosine similarities.
        right_NK: bool, whether the neighbour is of the image's class.
        precision_NK: of the nearest k + 1 neighbours the share that is right.
        mean_K: precision over all images.
        chance: what neighbours drawn at random would reach.
    """

    index_NK: np.ndarray
    similarity_NK: np.ndarray
    right_NK: np.ndarray
    precision_NK: np.ndarray
    mean_K: np.ndarray
    chance: float

    @property
    def most(self) -> int:
        """K."""
        return self.index_NK.shape[1]


def neighbours(feature_ND: np.ndarray, label_N: np.ndarray) -> Neighbours:
    """Find them all. Runs on a worker thread.

    Raises:
        ValueError: a single image has no neighbour, or features aren't finite.
    """
    import torch

    from engines.contrastive.readout import nearest

    N = len(feature_ND)
    if N < 2:
        raise ValueError(f"{N} images have no neighbours; at least 2 are needed")
    if not np.isfinite(feature_ND).all():
        raise ValueError("the features are not finite")
    features = torch.from_numpy(feature_ND.astype(np.float32))
    K = min(MOST, N - 1)
    similarity, index = nearest(features, features, k=K + 1)
    similarity_NK, index_NK = similarity.numpy(), index.numpy()
    itself = index_NK == np.arange(N)[:, None]
    # Among many equal rows an image may miss itself: the last neighbour goes then.
    itself[~itself.any(1), -1] = True
    index_NK = index_NK[~itself].reshape(N, K)
    right_NK = label_N[index_NK] == label_N[:, None]
    precision_NK = right_NK.cumsum(1) / np.arange(1, K + 1)
    counts = np.bincount(label_N.astype(np.int64))
    return Neighbours(
        index_NK,
        similarity_NK[~itself].reshape(N, K),
        right_NK,
        precision_NK,
        precision_NK.mean(0),
        float((counts * (counts - 1)).sum() / (N * (N - 1))),
    )
