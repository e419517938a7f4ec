"""Losses over embeddings. B images, N = 2B embeddings of their two views, D features.

Each declares `references(batch_size, **knobs)`, the lines theory draws on its curve, where
batch_size counts images, not views; and what it `takes`: "views", "views and labels",
"labels" (one view, class-balanced batches) or "pairs".
"""

import math
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Generator, Tensor

from engines.contrastive.geometry import products, squared_distances, unit
from engines.contrastive.mining import Mining, mine, violation_counts
from engines.losses.probabilities import wide
from engines.registry import Reference, loss

Temperature = Annotated[
    float,
    Field(ge=0.001, le=10, description="Small values let the hardest negatives decide alone."),
]
SquaredMargin = Annotated[
    float,
    Field(gt=0, le=100, description="Lead, in squared distance, of the positive over a negative."),
]
DistanceMargin = Annotated[
    float, Field(gt=0, le=100, description="Distance up to which dissimilar pairs are pushed.")
]
Mined = Annotated[
    Mining, Field(description="Which triplets of the batch count; the hard ones teach most.")
]
Average = Annotated[
    Literal["all", "violating"],
    Field(description="Mean over all mined triplets, or over those whose margin is violated."),
]
Normalise = Annotated[bool, Field(description="Scale embeddings to length 1 before measuring.")]


def chance_of_views(batch_size: int, **_knobs: object) -> tuple[Reference, ...]:
    """ln(2B - 1): the partner can't be told from the other rows, or all rows are equal."""
    others = 2 * batch_size - 1
    value = math.log(others)
    return (Reference("loss", value, f"chance or collapse  ln {others} = {value:.3f}"),)


def collapse_of_triplets(
    batch_size: int, *, margin: float = 0.2, **_knobs: object
) -> tuple[Reference, ...]:
    """The margin: all embeddings are one point, or positives no nearer than negatives."""
    return (Reference("loss", margin, f"collapse  margin = {margin:g}"),)


def collapse_of_pairs(
    batch_size: int, *, margin: float = 1.0, dissimilar_share: float = 0.5, **_knobs: object
) -> tuple[Reference, ...]:
    """m² times the share of dissimilar pairs, a half from `mining.pairs_of_views`."""
    value = margin**2 * dissimilar_share
    return (Reference("loss", value, f"collapse  {dissimilar_share:g}·margin² = {value:g}"),)


@loss(
    "NT-Xent (SimCLR)",
    formula=r"L = -\frac{1}{2B} \sum_i \ln \frac{e^{z_i \cdot z_{p(i)} / \tau}}"
    r"{\sum_{k \neq i} e^{z_i \cdot z_k / \tau}}",
    family="contrastive",
    takes="views",
    references=chance_of_views,
)
def nt_xent(z1: Tensor, z2: Tensor, *, temperature: Temperature = 0.5) -> Tensor:
    """Normalised-temperature cross-entropy between two views (SimCLR).

    With z = [z1; z2] scaled to unit length, p(i) the other view of i and τ the
    temperature:

        L = -1/N · Σ_i ln( exp(z_i·z_p(i) / τ) / Σ_{k≠i} exp(z_i·z_k / τ) )

    Only i itself is left out of the sum; the positive is in it. Both directions, mean
    over all N = 2B anchors (Google's code returns twice this).
    Equal embeddings give ln(N - 1), a blind guess: ln 511 = 6.236 for 256 images.

    Args:
        z1: [B, D] embeddings of the first view, any length; zeros stay zeros.
        z2: [B, D] embeddings of the second view; row i matches row i of z1.
        temperature: τ.

    Returns:
        Scalar. All shapes are fixed: fit for a CUDA graph.

    Raises:
        ValueError: other shapes, or one image, which has no negatives.

    Reference: Chen et al. 2020, arXiv:2002.05709, Eq. 1 and Algorithm 1.
    """
    _check_views("nt_xent", z1, z2)
    z_ND = unit(torch.cat([z1, z2]))
    logits_NN = products(z_ND, z_ND) / temperature
    other_view_N = torch.arange(len(z_ND), device=z_ND.device).roll(len(z1))
    return F.cross_entropy(logits_NN.masked_fill(_itself(z_ND), -math.inf), other_view_N)


@loss(
    "Supervised contrastive (SupCon)",
    formula=r"L = \frac{1}{2B} \sum_i \frac{-1}{|P(i)|} \sum_{p \in P(i)} "
    r"\ln \frac{e^{z_i \cdot z_p / \tau}}{\sum_{k \neq i} e^{z_i \cdot z_k / \tau}}",
    family="contrastive",
    takes="views and labels",
    references=chance_of_views,
)
def supervised_contrastive(
    z1: Tensor, z2: Tensor | None, label_B: Tensor, *, temperature: Temperature = 0.1
) -> Tensor:
    """Pull all images of a class together, push the other classes away (SupCon, L_out).

    With z = [z1; z2] scaled to unit length, P(i) the other rows of i's class, τ the
    temperature:

        L = mean_i -1/|P(i)| · Σ_{p∈P(i)} ln( exp(z_i·z_p / τ) / Σ_{k≠i} exp(z_i·z_k / τ) )

    The mean over positives stands outside the logarithm, the other positives are in the
    sum below, and there is no factor τ/0.07 as in the authors' code.
    Equal embeddings give ln(N - 1). With all labels different it is NT-Xent.

    With two views every anchor has a positive. With one (z2 None) an anchor without any
    is left out of the mean (the authors' code counts it as 0); a batch without any
    positive gives 0 and no gradient.

    Args:
        z1: [B, D] embeddings, any length; zeros stay zeros.
        z2: [B, D] embeddings of the second view, or None where each image comes once.
        label_B: [B] int64 classes.
        temperature: τ.

    Returns:
        Scalar. All shapes are fixed: fit for a CUDA graph.

    Raises:
        ValueError: other shapes, or one image, which has no negatives.

    Reference: Khosla et al. 2020, arXiv:2004.11362, Eq. 2.
    """
    _check_views("supervised_contrastive", z1, z1 if z2 is None else z2)
    z_ND = unit(z1 if z2 is None else torch.cat([z1, z2]))
    label_N = label_B if z2 is None else label_B.repeat(2)
    logits_NN = products(z_ND, z_ND) / temperature
    itself_NN = _itself(z_ND)
    log_p_NN = logits_NN.masked_fill(itself_NN, -math.inf).log_softmax(1).masked_fill(itself_NN, 0)
    positive_NN = (label_N[:, None] == label_N[None, :]) & ~itself_NN
    count_N = positive_NN.sum(1)
    mean_N = (log_p_NN * positive_NN).sum(1) / count_N.clamp(min=1)
    return -mean_N.sum() / (count_N > 0).sum().clamp(min=1)


@loss(
    "Triplet",
    formula=r"L = \frac{1}{|T|} \sum_{(a, p, n) \in T} "
    r"\max(0, \|z_a - z_p\|^2 - \|z_a - z_n\|^2 + m)",
    family="contrastive",
    takes="labels",
    references=collapse_of_triplets,
)
def triplet(
    z_BD: Tensor,
    label_B: Tensor,
    generator: Generator | None = None,
    *,
    margin: SquaredMargin = 0.2,
    mining: Mined = "semi-hard",
    average: Average = "all",
    normalise: Normalise = True,
) -> Tensor:
    """The positive must be nearer than the negative, by a margin in squared distance.

    Over the mined triplets of anchor a, positive p, negative n, with m the margin:

        L = mean max(0, ‖z_a - z_p‖² - ‖z_a - z_n‖² + m)

    Squared distances, which torch's own triplet loss doesn't use. The mean is over all
    mined triplets, satisfied ones included; with `average="violating"` over those alone
    whose term is above 0. No mined triplet gives 0 and no gradient.
    Embeddings of one point give m: a loss stuck there means collapse. (Under "semi-hard"
    they give 0, since not one negative is then farther than its positive.)

    Args:
        z_BD: [B, D] embeddings.
        label_B: [B] int64 classes.
        generator: draws the negatives of `mining="random"`.
        margin: m.
        mining: which triplets count, see `engines.contrastive.mining.mine`.
        average: what the mean is over.
        normalise: scale embeddings to length 1 first, as the paper does.

    Returns:
        Scalar. All shapes are fixed: fit for a CUDA graph.

    Raises:
        ValueError: fewer than three images, or random mining without a generator.

    Reference: Schroff et al. 2015, arXiv:1503.03832, Eqs. 1-4.
    """
    if len(z_BD) < 3:
        raise ValueError(f"triplet: a batch of {len(z_BD)} holds no triplet; give 3 or more")
    squared_BB = squared_distances(unit(z_BD) if normalise else z_BD)
    if mining == "semi-hard" or mining == "batch-all":
        counts = violation_counts(squared_BB, label_B, mining=mining, margin=margin)
        ahead = (counts.positive_BB - counts.negative_BB) * squared_BB
        total = ahead.sum() + margin * counts.violating
        mined = counts.mined if average == "all" else counts.violating
        return (total / mined.clamp(min=1)).to(squared_BB.dtype)
    taken = mine(squared_BB, label_B, generator, mining=mining, margin=margin)
    lead = squared_BB[taken.anchor, taken.negative] - squared_BB[taken.anchor, taken.positive]
    term = (margin - lead).relu() * taken.chosen
    mined = taken.chosen if average == "all" else term.detach() > 0
    return term.sum() / mined.sum().clamp(min=1)


@loss(
    "Pairwise contrastive",
    formula=r"L = \frac{1}{B} \sum_i \begin{cases} d_i^2 & \text{similar} \\ "
    r"\max(0, m - d_i)^2 & \text{dissimilar} \end{cases}",
    family="contrastive",
    takes="pairs",
    references=collapse_of_pairs,
)
def pairwise_contrastive(
    z1: Tensor, z2: Tensor, same_B: Tensor, *, margin: DistanceMargin = 1.0
) -> Tensor:
    """Similar pairs attract, dissimilar ones repel each other up to a margin.

    With d = ‖z1_i - z2_i‖ and m the margin:

        L = 1/B · Σ_i ( d²  if similar,  max(0, m - d)²  if not )

    The distance is subtracted from the margin, then squared; no factor 1/2 as in the
    paper, whose label 0 means similar. Embeddings are not normalised.
    Embeddings of one point give m² times the share of dissimilar pairs. There a
    dissimilar pair feels no force, having no direction to flee in.

    Args:
        z1: [B, D] embeddings.
        z2: [B, D] their partners.
        same_B: [B] bool or 0 and 1, true for similar pairs.
        margin: m, a distance.

    Returns:
        Scalar, mean over all pairs, those beyond the margin included.

    Raises:
        ValueError: shapes that don't match.

    Reference: Hadsell et al. 2006, "Dimensionality reduction by learning an invariant
    mapping", Eq. 4.
    """
    if z1.shape != z2.shape or same_B.shape != z1.shape[:1]:
        raise ValueError(
            f"pairwise_contrastive: shapes {tuple(z1.shape)}, {tuple(z2.shape)} and "
            f"{tuple(same_B.shape)} don't match; it needs [B, D], [B, D] and [B]"
        )
    squared_B = (wide(z1) - wide(z2)).square().sum(1)
    apart_B = squared_B > 0
    # The root's slope at 0 is infinite: take it of 1 there, and put 0 in its place.
    distance_B = torch.where(apart_B, squared_B, 1).sqrt() * apart_B
    return torch.where(same_B.bool(), squared_B, (margin - distance_B).relu().square()).mean()


def _itself(z_ND: Tensor) -> Tensor:
    """[N, N] bool, true on the diagonal."""
    return torch.eye(len(z_ND), dtype=torch.bool, device=z_ND.device)


def _check_views(name: str, z1: Tensor, z2: Tensor) -> None:
    if z1.shape != z2.shape or z1.ndim != 2:
        raise ValueError(
            f"{name}: views {tuple(z1.shape)} and {tuple(z2.shape)} don't match; "
            "both must be [B, D]"
        )
    if len(z1) < 2:
        raise ValueError(f"{name}: a batch of {len(z1)} has no negatives; give 2 images or more")
