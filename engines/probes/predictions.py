"""Predictions of a whole split, with pictures of its mistakes. N images, K classes, M shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from engines.data.source import Images
from engines.events import Artifact
from engines.registry import probe

SHOWN_PER_PAIR = 4  # pictures kept of each (true, predicted) pair of classes
SHOWN = 240
PICTURE = 64  # larger images are shrunk to this side, in pixels


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model said of a split.

    Attributes:
        probability_NK: float [N, K].
        label_N: int64 [N].
        loss: mean over the split, in the loss's unit.
        accuracy: fraction in [0, 1].
    """

    probability_NK: np.ndarray
    label_N: np.ndarray
    loss: float
    accuracy: float


@probe("Predictions", family="classification")
def predictions(task: Any, split: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What the model says of every image of a split, and its surest mistakes.

    Args:
        task: a classification task; its model stays as it is.
        split: "train", "validation" or "test".

    Returns:
        The arrays and facts of `told`.
    """
    artifact = next(event for event in task.evaluate(split) if isinstance(event, Artifact))
    return dict(artifact.arrays), dict(artifact.meta)


def told(outcome: Predictions, images: Images) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and facts of a "predictions" artifact.

    Returns:
        label_N, predicted_N (int16), confidence_N (float16: probability of the predicted
        class), shown_M (int32: mistakes kept with a picture, most confident first),
        picture_MHWC (uint8), probability_MK (float16); and count, accuracy and loss.
    """
    predicted_N = outcome.probability_NK.argmax(1)
    confidence_N = outcome.probability_NK.max(1)
    shown_M = most_confident_mistakes(outcome.label_N, predicted_N, confidence_N)
    arrays = {
        "label_N": outcome.label_N.astype(np.int16),
        "predicted_N": predicted_N.astype(np.int16),
        "confidence_N": confidence_N.astype(np.float16),
        "shown_M": shown_M.astype(np.int32),
        "picture_MHWC": pictures(images, shown_M),
        "probability_MK": outcome.probability_NK[shown_M].astype(np.float16),
    }
    facts = {"count": len(images), "accuracy": outcome.accuracy, "loss": outcome.loss}
    return arrays, facts


def most_confident_mistakes(
    label_N: np.ndarray, predicted_N: np.ndarray, confidence_N: np.ndarray
) -> np.ndarray:
    """Indices of mistakes to show: the surest of each pair of classes, the surest first."""
    wrong = np.flatnonzero(label_N != predicted_N)
    wrong = wrong[np.argsort(-confidence_N[wrong], kind="stable")]
    kept: dict[tuple[int, int], int] = {}
    shown = []
    for index in wrong.tolist():
        pair = (int(label_N[index]), int(predicted_N[index]))
        kept[pair] = kept.get(pair, 0) + 1
        if kept[pair] <= SHOWN_PER_PAIR:
            shown.append(index)
    return np.array(shown[:SHOWN], dtype=np.int64)


def pictures(images: Images, shown_M: np.ndarray) -> np.ndarray:
    """uint8 [M, H, W, C] of the images at `shown_M`, at most `PICTURE` pixels a side."""
    picture_MCHW = images.images_NCHW[torch.from_numpy(shown_M)]
    _, _, height, width = picture_MCHW.shape
    if len(shown_M) and max(height, width) > PICTURE:
        scale = PICTURE / max(height, width)
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        small = torch.nn.functional.interpolate(picture_MCHW.float(), size, mode="area")
        picture_MCHW = small.round().to(torch.uint8)
    return picture_MCHW.permute(0, 2, 3, 1).contiguous().numpy()
