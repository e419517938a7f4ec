"""Which triplets of a batch are learnt from. B embeddings; anchor a, positive p, negative n.

A triplet is valid if a and p are different images of one class and n is of another.
Distances are squared Euclidean throughout, as in the loss: mining by another measure
than the loss's would pick other triplets than the words below say.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

Mining = Literal["random", "semi-hard", "batch-hard", "batch-all"]


@dataclass(frozen=True, slots=True)
class Triplets:
    """Triplets of a batch, of a shape that doesn't depend on how many there are.

    Attributes:
        anchor, positive, negative: int64 row numbers whose shapes broadcast to that of
            `chosen`: [B, B, B], [B, B] or [B].
        chosen: bool, which of them count.
    """

    anchor: Tensor
    positive: Tensor
    negative: Tensor
    chosen: Tensor

    def listed(self) -> Tensor:
        """[T, 3] the chosen ones alone (a, p, n). Not for a CUDA graph: T must be read back."""
        return torch.stack(
            [
                rows.expand(self.chosen.shape)[self.chosen]
                for rows in (self.anchor, self.positive, self.negative)
            ],
            dim=1,
        )


@dataclass(frozen=True, slots=True)
class Hardness:
    """Shares of a batch's valid triplets, 0-dim tensors that sum to 1 (or are 0 without any).

    Attributes:
        hard: d_an² <= d_ap²: the negative is at least as near as the positive.
        semi_hard: d_ap² < d_an² <= d_ap² + margin.
        easy: beyond the margin; gives no gradient.
        triplets: how many valid triplets there are.
    """

    hard: Tensor
    semi_hard: Tensor
    easy: Tensor
    triplets: Tensor


def mine(
    squared_BB: Tensor,
    label_B: Tensor,
    generator: Generator | None = None,
    *,
    mining: Mining,
    margin: float,
) -> Triplets:
    """The triplets that a rule takes from a batch.

    "random": for each valid (a, p) one negative, each equally likely (Schroff et al.'s
    starting point). "semi-hard": every triplet with d_ap² < d_an² <= d_ap² + margin
    (Schroff et al. 2015, section 3.2), none if there is none: TensorFlow's version then
    falls back on others. "batch-hard": for each anchor the farthest positive and the
    nearest negative (Hermans et al. 2017, arXiv:1703.07737, eq. 5). "batch-all": every
    valid triplet (eq. 6).

    All shapes depend on B only and nothing is read back, so the call can be part of a CUDA
    graph. "semi-hard" and "batch-all" take B³ bytes, 17 MB for B = 256; the loss does
    without, by `violation_counts`.

    Args:
        squared_BB: [B, B] squared distances.
        label_B: [B] int64 classes.
        generator: draws the negatives of "random"; lives on the distances' device.

    Raises:
        ValueError: "random" without a generator.
    """
    squared_BB = squared_BB.detach()
    row_B = torch.arange(len(label_B), device=label_B.device)
    positive_BB, negative_BB = pair_masks(label_B)
    if mining == "batch-hard":
        farthest_B = squared_BB.masked_fill(~positive_BB, -math.inf).argmax(1)
        nearest_B = squared_BB.masked_fill(~negative_BB, math.inf).argmin(1)
        return Triplets(row_B, farthest_B, nearest_B, positive_BB.any(1) & negative_BB.any(1))
    if mining == "random":
        if generator is None:
            raise ValueError('mining "random" needs a generator; give one, or mine otherwise')
        drawn_BB = _random_negatives(negative_BB, generator)
        chosen_BB = positive_BB & negative_BB.any(1, keepdim=True)
        return Triplets(row_B[:, None], row_B[None, :], drawn_BB, chosen_BB)
    chosen_BBB = positive_BB[:, :, None] & negative_BB[:, None, :]
    if mining == "semi-hard":
        lead_BBB = squared_BB[:, None, :] - squared_BB[:, :, None]
        chosen_BBB &= (lead_BBB > 0) & (lead_BBB <= margin)
    return Triplets(row_B[:, None, None], row_B[None, :, None], row_B[None, None, :], chosen_BBB)


@dataclass(frozen=True, slots=True)
class Violations:
    """How often each distance stands in a triplet whose margin is violated.

    Attributes:
        positive_BB: for (a, p) the number of violating n, float64; 0 where p is no positive.
        negative_BB: for (a, n) the number of violating p, float64; 0 where n is no negative.
        mined: how many triplets the rule takes, satisfied ones included; int64, 0-dim.
        violating: how many of them violate the margin; float64, 0-dim.
    """

    positive_BB: Tensor
    negative_BB: Tensor
    mined: Tensor
    violating: Tensor


def violation_counts(
    squared_BB: Tensor, label_B: Tensor, *, mining: Literal["semi-hard", "batch-all"], margin: float
) -> Violations:
    """What the sum of max(0, d_ap² - d_an² + margin) over a rule's triplets is made of.

    The sum is positive_BB·squared - negative_BB·squared + margin·violating, and so is its
    gradient. By sorting and counting, B²·ln B operations instead of B³: 3 ms for B = 128
    where the triplets themselves took 33. Float64, in which both counts agree about a
    triplet on the margin. Fixed shapes, nothing is read back.
    """
    squared_BB = squared_BB.detach().double().contiguous()
    positive_BB, negative_BB = pair_masks(label_B)
    negatives_BB = _ascending(squared_BB, negative_BB)
    positives_BB = _ascending(squared_BB, positive_BB)
    reach_BB = squared_BB + margin
    within_BB = torch.searchsorted(negatives_BB, reach_BB)  # how many d_an² < d_ap² + margin
    met_BB = torch.searchsorted(positives_BB, squared_BB - margin, right=True)
    if mining == "batch-all":
        positives_B1 = positive_BB.sum(1, keepdim=True)
        above_BB = positives_B1 - met_BB
        mined = (positives_B1 * negative_BB.sum(1, keepdim=True)).sum()
    else:
        nearer_BB = torch.searchsorted(negatives_BB, squared_BB, right=True)
        within_BB = within_BB - nearer_BB
        above_BB = torch.searchsorted(positives_BB, squared_BB) - met_BB
        upto_BB = torch.searchsorted(negatives_BB, reach_BB, right=True)
        mined = ((upto_BB - nearer_BB) * positive_BB).sum()
    within_BB = (within_BB * positive_BB).double()
    return Violations(within_BB, (above_BB * negative_BB).double(), mined, within_BB.sum())


def hardness(squared_BB: Tensor, label_B: Tensor, *, margin: float) -> Hardness:
    """How the valid triplets divide into hard, semi-hard and easy ones.

    By sorting, as `violation_counts`: thousands of embeddings are no trouble. Nothing is
    read back.
    """
    squared_BB = squared_BB.detach().double().contiguous()
    positive_BB, negative_BB = pair_masks(label_B)
    negatives_BB = _ascending(squared_BB, negative_BB)
    as_near_BB = torch.searchsorted(negatives_BB, squared_BB, right=True)
    within_BB = torch.searchsorted(negatives_BB, squared_BB + margin, right=True)
    hard = (as_near_BB * positive_BB).sum()
    violating = (within_BB * positive_BB).sum()
    total = (positive_BB.sum(1) * negative_BB.sum(1)).sum()
    share = 1 / total.clamp(min=1).double()
    return Hardness(hard * share, (violating - hard) * share, (total - violating) * share, total)


def pair_masks(label_B: Tensor) -> tuple[Tensor, Tensor]:
    """[B, B] bool: same class but not the same row; different classes."""
    same_BB = label_B[:, None] == label_B[None, :]
    itself_BB = torch.eye(len(label_B), dtype=torch.bool, device=label_B.device)
    return same_BB & ~itself_BB, ~same_BB


def pairs_of_views(
    z1: Tensor, z2: Tensor, label_B: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """As many dissimilar pairs as similar ones from two views of a batch.

    Row i of z1 meets row i of z2 (similar), then row i + 1 (dissimilar, unless labels
    say that the two are of one class). The order of a batch is random, so the partner is.

    Returns:
        [2B, D], [2B, D] and bool [2B], true for similar pairs.
    """
    same_B = torch.ones(len(z1), dtype=torch.bool, device=z1.device)
    next_B = ~same_B if label_B is None else label_B == label_B.roll(-1)
    return torch.cat([z1, z1]), torch.cat([z2, z2.roll(-1, 0)]), torch.cat([same_B, next_B])


def _ascending(squared_BB: Tensor, kept_BB: Tensor) -> Tensor:
    """[B, B] each row's kept distances in ascending order, then infinities."""
    return squared_BB.masked_fill(~kept_BB, math.inf).sort(1).values


def _random_negatives(negative_BB: Tensor, generator: Generator) -> Tensor:
    """[B, B] for each (a, p) the row number of one of a's negatives."""
    count_B1 = negative_BB.sum(1, keepdim=True)
    # Each anchor's negatives first, in order: the k-th is then a matter of looking it up.
    first_BB = negative_BB.to(torch.int8).argsort(dim=1, descending=True, stable=True)
    draw_BB = torch.rand(
        negative_BB.shape, device=negative_BB.device, generator=generator, dtype=torch.float32
    )
    # Rounding can lift 0.9999999·count to count.
    place_BB = (draw_BB * count_B1).long().minimum((count_B1 - 1).clamp(min=0))
    return first_BB.gather(1, place_BB)
