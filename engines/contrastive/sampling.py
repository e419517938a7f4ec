"""Class-balanced batches: P classes with K images each. N images, S steps of an epoch."""

import numpy as np
import torch
from torch import Tensor

from engines.keyed import key


def balanced_order(
    label_N: Tensor, *, classes_per_batch: int, images_per_class: int, seed: int, epoch: int
) -> Tensor:
    """The batches of an epoch, each of P different classes with K different images each.

    A function of its arguments alone, so that any step can be taken up again. Classes are
    drawn evenly: over an epoch their turns differ by one at most. So with uneven classes
    the small ones are seen more often than the large ones; within a class every image is
    seen once before any comes again, but for n mod K left out of each round.

    Args:
        label_N: [N] int64 classes of all training images.
        classes_per_batch: P, at least 2: a class alone has no negatives.
        images_per_class: K, at least 2: an image alone has no positive.

    Returns:
        [S, P·K] int64 image numbers with S = N // (P·K), rows ordered class by class.

    Raises:
        ValueError: P or K below 2, more than there is, or a batch larger than the data.

    Reference: Hermans et al. 2017, arXiv:1703.07737, section 2 ("PK batches").
    """
    labels = label_N.cpu().numpy()
    P, K = classes_per_batch, images_per_class
    present, counts = np.unique(labels, return_counts=True)
    _check_sizes(len(labels), present, counts, P, K)
    random = np.random.default_rng(key(seed, "balanced order", epoch))
    steps = len(labels) // (P * K)
    turns_SP = _even_turns(len(present), steps, P, random)
    order_SPK = np.empty((steps, P, K), dtype=np.int64)
    for place, label in enumerate(present):
        mine_SP = turns_SP == place
        members = np.flatnonzero(labels == label)
        order_SPK[mine_SP] = _groups(members, int(mine_SP.sum()), K, random)
    return torch.from_numpy(order_SPK.reshape(steps, P * K))


def _even_turns(classes: int, steps: int, P: int, random: np.random.Generator) -> np.ndarray:
    """[S, P] which classes a batch has: those with the fewest turns so far, ties by lot."""
    turns_SP = np.empty((steps, P), dtype=np.int64)
    had = np.zeros(classes)
    for step in range(steps):
        turns_SP[step] = np.argsort(had + random.random(classes))[:P]
        had[turns_SP[step]] += 1
    return turns_SP


def _groups(members: np.ndarray, turns: int, K: int, random: np.random.Generator) -> np.ndarray:
    """[turns, K] members in fresh random order each round; no group reaches over two rounds."""
    per_round = len(members) // K
    rounds = -(-turns // per_round)
    shuffled = [random.permutation(members)[: per_round * K] for _ in range(rounds)]
    empty = np.empty((0, K), dtype=np.int64)
    return np.concatenate([empty, *(s.reshape(-1, K) for s in shuffled)])[:turns]


def _check_sizes(images: int, present: np.ndarray, counts: np.ndarray, P: int, K: int) -> None:
    if P < 2 or K < 2:
        raise ValueError(
            f"balanced batches: {P} classes with {K} images each; give at least 2 of both"
        )
    if len(present) < P:
        raise ValueError(
            f"classes_per_batch {P} exceeds the {len(present)} classes; try {len(present)} or fewer"
        )
    if counts.min() < K:
        raise ValueError(
            f"images_per_class {K} exceeds the {counts.min()} images of class "
            f"{present[counts.argmin()]}; try {counts.min()} or fewer"
        )
    if images < P * K:
        raise ValueError(
            f"a batch of {P} × {K} = {P * K} exceeds the {images} training images; "
            f"try {max(2, images // P)} images per class"
        )
