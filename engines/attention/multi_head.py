"""Multi-head self-attention. B images, L tokens, D features, N heads, K = D / N features a head."""

import torch.nn.functional as F
from torch import Tensor, nn

from engines.layers import Taps


class MultiHeadAttention(nn.Module):
    """Every token takes a weighted mean of all tokens' values, in several heads.

    With q, k and v linear maps of the tokens, cut into N contiguous heads:

        y = concat_n( softmax( q_n k_nᵀ / √K ) v_n ) W_o

    Equal tokens give weights of 1/L. The rows of `qkv` hold q, then k, then v, each
    head after head. There is no dropout on the weights: the fused kernel would draw
    it from the process's generator.

    Raises:
        ValueError: the heads don't divide the dimension.

    Reference: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.
    """

    def __init__(self, dimension: int, heads: int):
        super().__init__()
        if dimension % heads:
            raise ValueError(f"heads {heads} doesn't divide dimension {dimension}")
        self.heads = heads
        self.qkv = nn.Linear(dimension, 3 * dimension)
        self.out = nn.Linear(dimension, dimension)

    def forward(self, x_BLD: Tensor, taps: Taps | None = None, name: str = "attention") -> Tensor:
        """Attend; `taps[name]` gets the weights [B, N, L, L], rows are queries and sum to 1."""
        B, L, D = x_BLD.shape
        qkv_BL3NK = self.qkv(x_BLD).view(B, L, 3, self.heads, D // self.heads)
        q_BNLK, k_BNLK, v_BNLK = qkv_BL3NK.permute(2, 0, 3, 1, 4)
        if taps is None:  # fast path: the weights never exist
            y_BNLK = F.scaled_dot_product_attention(q_BNLK, k_BNLK, v_BNLK)
        else:  # looking: compute them and keep them
            scale = (D // self.heads) ** -0.5
            w_BNLL = (q_BNLK @ k_BNLK.mT * scale).softmax(-1)
            taps[name] = w_BNLL
            y_BNLK = w_BNLL.to(v_BNLK.dtype) @ v_BNLK
        return self.out(y_BNLK.transpose(1, 2).reshape(B, L, D))

    def multiply_adds(self, tokens: int) -> int:
        """Of one image: four linear maps, queries times keys, weights times values."""
        dimension = self.out.in_features
        return 4 * tokens * dimension**2 + 2 * tokens**2 * dimension
