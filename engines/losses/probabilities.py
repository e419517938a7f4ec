"""What a classifier's outputs are shown as. B images, K classes."""

import torch
from torch import Tensor


def two_probabilities(logits_B1: Tensor, **_knobs: object) -> Tensor:
    """[B, 2] probabilities of the classes 0 and 1 from one sigmoid output."""
    p_B1 = wide(logits_B1).sigmoid()
    return torch.cat([1 - p_B1, p_B1], dim=1)


def nearest_probabilities(logits_BK: Tensor, *, on: str = "probabilities") -> Tensor:
    """[B, K] the softmax; for a model trained on raw scores the probabilities nearest to them.

    Nearest in squared distance, as the loss measures: max(0, s_j - τ) with the τ that makes
    them sum to 1. The largest score stays the largest. (1.2, 0.4, 0) gives (0.9, 0.1, 0).

    Reference: Martins & Astudillo 2016, arXiv:1602.02068, Algorithm 1 ("sparsemax").
    """
    scores_BK = wide(logits_BK)
    if on == "probabilities":
        return scores_BK.softmax(1)
    sorted_BK = scores_BK.sort(dim=1, descending=True).values
    sums_BK = sorted_BK.cumsum(1)
    rank_K = torch.arange(1, scores_BK.shape[1] + 1, device=scores_BK.device)
    # At least 1 by theory; of scores that are not finite none compares, and they stay NaN.
    count_B1 = (1 + rank_K * sorted_BK > sums_BK).sum(1, keepdim=True).clamp(min=1)
    threshold_B1 = (sums_BK.gather(1, count_B1 - 1) - 1) / count_B1
    return (scores_BK - threshold_B1).relu()


def wide(logits: Tensor) -> Tensor:
    """Scores in float32 at least: in bf16 a loss would lose its small differences."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
