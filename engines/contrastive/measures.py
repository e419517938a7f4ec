"""What an embedding space is like, in numbers. N embeddings, D features; B = N/2 images.

Two views of the same images are given as z1 and z2, rows matching. All but the rank and
the log of uniformity look at directions only: rows are scaled to length 1 first.
"""

import math

import torch
from torch import Tensor

from engines.contrastive.geometry import products, unit

CHUNK = 1024  # rows of a similarity matrix held at once: 40 MB against 10,000 others


def alignment(z1: Tensor, z2: Tensor) -> float:
    """Mean squared distance between the two views of an image; 0 is perfect, 2 unrelated.

    Reference: Wang & Isola 2020, arXiv:2005.10242, section 4.1, with α = 2.
    """
    return float((unit(z1) - unit(z2)).square().sum(1).mean())


def uniformity(z_ND: Tensor, *, t: float = 2.0) -> float:
    """Log of the mean Gaussian potential over pairs i < j: ln mean exp(-t·‖z_i - z_j‖²).

    0 for embeddings of one point. Spread evenly over the sphere, about -2t + 2t²/D: -3.94
    for t = 2 and 128 features. Lower is more even; below -2t only few points get.

    Reference: Wang & Isola 2020, arXiv:2005.10242, section 4.1.
    """
    z_ND = unit(z_ND)
    _need_two(len(z_ND))
    parts = []
    for start in range(0, len(z_ND), CHUNK):
        rows_MD = z_ND[start : start + CHUNK]
        exponent_MN = 2 * t * (products(rows_MD, z_ND) - 1)  # ‖a - b‖² = 2 - 2 a·b
        itself_M = torch.arange(len(rows_MD), device=z_ND.device)
        exponent_MN[itself_M, itself_M + start] = -math.inf
        parts.append(exponent_MN.double().flatten().logsumexp(0))
    return float(torch.stack(parts).logsumexp(0)) - math.log(len(z_ND) * (len(z_ND) - 1))


def view_similarity(z1: Tensor, z2: Tensor) -> tuple[float, float]:
    """Mean cosine similarity of positives (two views of an image) and of all other pairs.

    A negative is any two rows of [z1; z2] that aren't the same image. Both are 1 after a
    collapse to one point.
    """
    _need_two(len(z1))
    z1, z2 = unit(z1).double(), unit(z2).double()
    matched, count = float((z1 * z2).sum()), len(z1)
    # The sum over all ordered pairs is the square of the sum of all rows.
    everything = float((z1.sum(0) + z2.sum(0)).square().sum())
    itself = float(z1.square().sum() + z2.square().sum())
    negatives = everything - itself - 2 * matched
    return matched / count, negatives / (4 * count * (count - 1))


def class_similarity(z_ND: Tensor, label_N: Tensor) -> tuple[float, float]:
    """Mean cosine similarity of pairs within a class, and of pairs of different classes.

    NaN where there is no such pair.
    """
    z_ND = unit(z_ND).double()
    classes = int(label_N.max()) + 1
    sums_KD = z_ND.new_zeros(classes, z_ND.shape[1]).index_add_(0, label_N, z_ND)
    count_K = torch.bincount(label_N, minlength=classes).double()
    inside = float(sums_KD.square().sum())
    within = inside - float(z_ND.square().sum())
    between = float(z_ND.sum(0).square().sum()) - inside
    pairs_within = float((count_K * (count_K - 1)).sum())
    pairs_between = len(z_ND) * (len(z_ND) - 1) - pairs_within
    return (
        within / pairs_within if pairs_within else math.nan,
        between / pairs_between if pairs_between else math.nan,
    )


def effective_rank(z_ND: Tensor) -> float:
    """Over how many dimensions the embeddings spread: exp of the entropy of singular values.

    With σ the singular values of the matrix as it is, not centred, p_k = σ_k / Σ_j σ_j:

        rank = exp( -Σ_k p_k·ln p_k )

    From 1 (all rows along one line) to min(N, D) (equal singular values); 0 for zeros.
    Not centred, so that a collapse to one point counts as 1 rather than as the rank of
    what rounding leaves.

    Reference: Roy & Vetterli 2007, "The effective rank", Definition 1; for embeddings Garrido
    et al. 2023, arXiv:2210.02885 ("RankMe"), who add 1e-7 to each p_k.
    """
    z_ND = z_ND.double()
    largest = z_ND.abs().max()
    if largest == 0:
        return 0.0
    z_ND = z_ND / largest
    smaller = z_ND.T @ z_ND if len(z_ND) > z_ND.shape[1] else z_ND @ z_ND.T
    power = torch.linalg.eigvalsh(smaller).clamp(min=0)
    # Rounding of the largest eigenvalue would pass for many small singular values.
    power = torch.where(power > power[-1] * len(power) * 1e-15, power, 0)
    p = power.sqrt() / power.sqrt().sum()
    return float(torch.special.entr(p).sum().exp())


def feature_deviation(z_ND: Tensor) -> float:
    """Mean over features of the standard deviation of the normalised embeddings.

    About 1/√D when they spread over the sphere, 0 after a collapse to one point: 0.088 for
    128 features.

    Reference: Chen & He 2021, arXiv:2011.10566, section 4.1.
    """
    return float(unit(z_ND).std(0, correction=0).mean())


def negative_gradients(z1: Tensor, z2: Tensor, *, temperature: float) -> Tensor:
    """[N, N] how hard NT-Xent pushes anchor i (row) away from k (column): |∂L/∂(z_i·z_k)|.

    With p_ik the softmax over k ≠ i of z_i·z_k / τ, the entry is p_ik / (N·τ). Only i's own
    term of the loss counts. 0 for i itself and for its positive, which is pulled instead.
    In float64: at τ = 0.001 float32 would round most entries to 0.

    Args:
        z1: [B, D] embeddings of the first view.
        z2: [B, D] embeddings of the second view; N = 2B.
        temperature: τ.
    """
    _need_two(len(z1))
    z_ND = unit(torch.cat([z1, z2])).double()
    itself_NN = torch.eye(len(z_ND), dtype=torch.bool, device=z_ND.device)
    logits_NN = products(z_ND, z_ND) / temperature
    p_NN = logits_NN.masked_fill(itself_NN, -math.inf).softmax(1)
    return p_NN.masked_fill(itself_NN.roll(len(z1), 1), 0) / (len(z_ND) * temperature)


def negative_shares(gradient_NN: Tensor) -> Tensor:
    """[N, N] the share that each negative has in its anchor's push; rows sum to 1, or 0."""
    total_N1 = gradient_NN.sum(1, keepdim=True)
    return gradient_NN / torch.where(total_N1 > 0, total_N1, 1)


def carrying_share(gradient_NN: Tensor, *, mass: float = 0.9) -> float:
    """The least share of the negative pairs that makes up `mass` of the gradient.

    `mass` itself when all pairs push alike (a high temperature), near 0 when few do (a low
    one); NaN if there is no gradient at all.

    Args:
        gradient_NN: what `negative_gradients` gave.
        mass: share of the summed gradient, in (0, 1].
    """
    pairs = len(gradient_NN) * (len(gradient_NN) - 2)
    sorted_P = gradient_NN.flatten().sort(descending=True).values
    sums_P = sorted_P.cumsum(0)
    if not sums_P[-1] > 0:
        return math.nan
    reached = sums_P < mass * sums_P[-1] * (1 - 1e-12)  # the last bits are rounding
    return (int(reached.sum()) + 1) / pairs


def _need_two(count: int) -> None:
    if count < 2:
        raise ValueError(f"{count} embeddings have no pair to compare; give at least 2")
