"""Where a token stands, as a vector. L positions, D features."""

import torch
from torch import Tensor


def sinusoidal(positions: int, dimension: int) -> Tensor:
    """Table of sines and cosines whose wavelengths grow from 2π to 10000 · 2π.

    With i the position and j the feature, both from 0, d the dimension:

        p_ij = sin( i / 10000^(j/d) )        j even
        p_ij = cos( i / 10000^((j-1)/d) )    j odd

    The first row is 0, 1, 0, 1, ... Sines and cosines alternate; the table with all
    sines first, which some libraries use, is another one.

    Returns:
        [L, D] float32, computed in float64.

    Reference: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.
    """
    i_L1 = torch.arange(positions, dtype=torch.float64)[:, None]
    j_D = torch.arange(dimension)
    angle_LD = i_L1 / 10000.0 ** ((j_D - j_D % 2).to(torch.float64) / dimension)
    return torch.where(j_D % 2 == 0, angle_LD.sin(), angle_LD.cos()).to(torch.float32)
