"""Lengths and distances of embeddings, safe at the extremes. B or N embeddings, D features."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engines.losses.probabilities import wide


def unit(z_ND: Tensor) -> Tensor:
    """[N, D] the rows scaled to length 1, in float32 at least; a row of zeros stays.

    Rows are first divided by their largest entry, so that squares of huge or tiny entries
    neither overflow nor vanish, and a row of zeros gets a gradient of ordinary size.
    """
    z_ND = wide(z_ND)
    largest_N1 = z_ND.detach().abs().amax(1, keepdim=True)
    # No gradient is lost by the detach: the result doesn't depend on this factor.
    scaled_ND = z_ND / torch.where(largest_N1 > 0, largest_N1, 1)
    # Every row but zeros is at least 1 long now, so that eps decides about zeros only.
    return F.normalize(scaled_ND, dim=1, eps=0.5)


def products(a_MD: Tensor, b_ND: Tensor) -> Tensor:
    """[M, N] inner products, in the inputs' own type whatever autocast says."""
    with torch.autocast(a_MD.device.type, enabled=False):
        return a_MD @ b_ND.T


def squared_distances(z_BD: Tensor) -> Tensor:
    """[B, B] squared Euclidean distances between the rows, exactly 0 on the diagonal.

    By one matrix product about the mean of the rows, which takes away most of what
    cancels between large lengths; negative rounding errors are cut off.
    """
    z_BD = wide(z_BD)
    z_BD = z_BD - z_BD.detach().mean(0)  # a common shift changes no distance, no gradient
    length_B = z_BD.square().sum(1)
    squared_BB = length_B[:, None] + length_B[None, :] - 2 * products(z_BD, z_BD)
    itself_BB = torch.eye(len(z_BD), dtype=torch.bool, device=z_BD.device)
    return squared_BB.clamp(min=0).masked_fill(itself_BB, 0)
