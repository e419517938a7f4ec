"""The space that an encoder makes of held-out images, as its contrastive run keeps it."""

from typing import Any

import numpy as np

from engines.events import Artifact
from engines.registry import probe


@probe("Embedding", family="contrastive")
def embedding(task: Any, split: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Features, projections and kNN votes of at most 2,000 images, and the images.

    Args:
        task: a task with `held_out`; its model stays as it is.
        split: "validation" or "test".

    Returns:
        feature_ND, projection_NP (float16), predicted_N, label_N (int16), picture_NHWC
        (uint8) and any known factors; count, dimension, knn, linear and effective_rank.

    Raises:
        ValueError: the training images are the bank that votes, so they can't be held out.
    """
    if split == "train":
        raise ValueError("split: the training images vote, so give validation or test")
    kept = {e.kind: e for e in task.held_out.evaluate(split) if isinstance(e, Artifact)}
    found = kept["embedding" if split == "validation" else "test"]
    arrays = dict(found.arrays) | dict(task.held_out.pictures(split).arrays)
    return arrays, dict(found.meta)
