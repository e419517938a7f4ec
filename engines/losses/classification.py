"""Losses of an image classifier. B images, K classes; scores (logits) before any softmax.

Besides what every entry has, each declares for the programs around it:
`references(classes, **knobs)` the lines theory draws on its curve, and where they
differ from the default `outputs(classes)` (K), `predict(logits, **knobs)` (the
softmax), `compatible(classes)` ("" or the reason why not) and `needs_teacher`.
"""

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from engines.losses.chance import (
    chance_binary_squared_error,
    chance_cross_entropy,
    chance_distillation,
    chance_hinge,
    chance_kl_divergence,
    chance_squared_error,
)
from engines.losses.probabilities import nearest_probabilities, two_probabilities, wide
from engines.registry import loss

Smoothing = Annotated[
    float, Field(ge=0, le=0.9, description="Share of each target spread evenly over all classes.")
]
Margin = Annotated[
    float, Field(gt=0, le=100, description="Lead that the true class must have over each other.")
]
On = Annotated[
    Literal["probabilities", "scores"],
    Field(description="What is compared with the one-hot target: the softmax, or the raw scores."),
]
Temperature = Annotated[
    float, Field(ge=0.5, le=20, description="Large values show the student the small chances too.")
]
Weight = Annotated[
    float, Field(ge=0, le=1, description="Share of the teacher's word; the rest is the label's.")
]


def two_classes(classes: int) -> str:
    """Why a loss for one sigmoid output can't be used, or empty where it can."""
    return "" if classes == 2 else f"needs exactly two classes, the data has {classes}"


@loss(
    "Cross-entropy",
    formula=r"L = -\frac{1}{N} \sum_i \ln \frac{e^{s_{i,y_i}}}{\sum_j e^{s_{i,j}}}",
    family="classification",
    references=chance_cross_entropy,
)
def cross_entropy(
    logits_BK: Tensor, target_B: Tensor, *, label_smoothing: Smoothing = 0.0
) -> Tensor:
    """Surprise, in nats, at the true class under the softmax of the scores.

    With s the scores, y the true class and q the target (1 at y; with smoothing ε:
    1 - ε + ε/K at y and ε/K elsewhere):

        L = -1/N · Σ_i Σ_j q_ij · ln( exp(s_ij) / Σ_k exp(s_ik) )

    Equal scores give ln K, chance, whatever the smoothing: ln 10 = 2.303.

    Args:
        logits_BK: [B, K] scores, any range; only differences within a row matter.
        target_B: [B] int64 in [0, K).
        label_smoothing: ε.

    Returns:
        Scalar, mean over the batch.

    Reference: Szegedy et al. 2016, arXiv:1512.00567, section 7, for the smoothing.
    """
    return F.cross_entropy(wide(logits_BK), target_B, label_smoothing=label_smoothing)


@loss(
    "Multi-class SVM hinge",
    formula=r"L = \frac{1}{N} \sum_i \sum_{j \neq y_i} \max(0, s_{i,j} - s_{i,y_i} + \Delta)",
    family="classification",
    references=chance_hinge,
)
def hinge(logits_BK: Tensor, target_B: Tensor, *, margin: Margin = 1.0) -> Tensor:
    """How far each wrong class is from trailing the true one by the margin.

    With s the scores, y the true class and Δ the margin:

        L = 1/N · Σ_i Σ_{j≠y_i} max(0, s_ij - s_iy_i + Δ)

    The sum over classes is a sum: `F.multi_margin_loss` divides it by K.
    Equal scores give (K - 1)·Δ. Scores (-3.45, 2.9, 3.2, -0.23) with the third
    class true give 0.70, only the second being within the margin of 1.

    Args:
        logits_BK: [B, K] scores, any range; only differences within a row matter.
        target_B: [B] int64 in [0, K).
        margin: Δ, in units of score.

    Returns:
        Scalar, mean over the batch.

    Reference: Weston & Watkins 1999, "Support vector machines for multi-class pattern
    recognition". Crammer & Singer's loss, the largest term alone, is another one.
    """
    scores_BK = wide(logits_BK)
    true_B1 = scores_BK.gather(1, target_B[:, None])
    violation_BK = (scores_BK - true_B1 + margin).relu()
    return violation_BK.scatter(1, target_B[:, None], 0).sum(1).mean()


@loss(
    "Mean squared error (one-hot)",
    formula=r"L = \frac{1}{N} \sum_i \sum_j (p_{i,j} - [j = y_i])^2",
    family="classification",
    references=chance_squared_error,
    predict=nearest_probabilities,
)
def squared_error(logits_BK: Tensor, target_B: Tensor, *, on: On = "probabilities") -> Tensor:
    """Squared distance between the prediction and the one-hot target.

    With p the softmax of the scores (or the scores themselves, `on="scores"`):

        L = 1/N · Σ_i Σ_j (p_ij - [j = y_i])²

    Summed over classes, as Brier did, not averaged: torch's mean over everything is
    K times smaller. Equal probabilities give 1 - 1/K, chance: 0.9 for ten classes; no
    constant scores do better. A softmax sure of a wrong class gives 2, and almost
    no gradient.

    Args:
        logits_BK: [B, K] scores, any range.
        target_B: [B] int64 in [0, K).
        on: what is compared with the one-hot target.

    Returns:
        Scalar, mean over the batch.

    Reference: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    scores_BK = wide(logits_BK)
    guess_BK = scores_BK.softmax(1) if on == "probabilities" else scores_BK
    wanted_BK = torch.zeros_like(guess_BK).scatter(1, target_B[:, None], 1)
    return (guess_BK - wanted_BK).square().sum(1).mean()


@loss(
    "Mean squared error (two classes, one sigmoid)",
    formula=r"L = \frac{1}{N} \sum_i (y_i - \sigma(z_i))^2",
    family="classification",
    references=chance_binary_squared_error,
    outputs=lambda classes: 1,
    predict=two_probabilities,
    compatible=two_classes,
)
def binary_squared_error(logits_B1: Tensor, target_B: Tensor) -> Tensor:
    """Squared error of one sigmoid output on a two-class problem: the Brier score.

    With z the output, σ(z) = 1 / (1 + exp(-z)) the probability of class 1, y in {0, 1}:

        L = 1/N · Σ_i (y_i - σ(z_i))²

    No factor 1/2. z = 0 gives 0.25, chance. The gradient is 2(p - y)p(1 - p): it
    vanishes where the output is sure and wrong, as cross-entropy's doesn't.

    Args:
        logits_B1: [B, 1] output, any range.
        target_B: [B] int64, 0 or 1.

    Returns:
        Scalar, mean over the batch.

    Raises:
        ValueError: other shapes, which would broadcast to B x B without a word.

    Reference: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    if logits_B1.shape != (len(target_B), 1) or target_B.ndim != 1:
        raise ValueError(
            f"binary_squared_error: outputs {tuple(logits_B1.shape)} and targets "
            f"{tuple(target_B.shape)} don't match; it needs [B, 1] and [B], "
            "so give the model one output"
        )
    p_B = wide(logits_B1).sigmoid().squeeze(1)
    return (target_B.to(p_B.dtype) - p_B).square().mean()


@loss(
    "KL divergence to smoothed labels",
    formula=r"L = \frac{1}{N} \sum_i \sum_j P_{i,j} \ln \frac{P_{i,j}}{Q_{i,j}}",
    family="classification",
    references=chance_kl_divergence,
)
def kl_divergence(logits_BK: Tensor, target_B: Tensor, *, smoothing: Smoothing = 0.1) -> Tensor:
    """Kullback-Leibler divergence, in nats, from the model's softmax to the smoothed labels.

    With Q the softmax of the scores and P the target, 1 - ε + ε/K at the true class
    and ε/K elsewhere, and 0 ln 0 = 0:

        L = 1/N · Σ_i Σ_j P_ij · ln( P_ij / Q_ij )

    The least value is 0, at Q = P. It is cross-entropy less the entropy of P, so the
    gradient is the same; with ε = 0 it is cross-entropy. Equal scores give ln K less that
    entropy: ln 2 = 0.693 for two classes and ε = 0.

    Args:
        logits_BK: [B, K] scores, any range.
        target_B: [B] int64 in [0, K).
        smoothing: ε.

    Returns:
        Scalar, mean over the batch (torch's `reduction="mean"` divides by K as well).

    Reference: Kullback & Leibler 1951, "On information and sufficiency".
    """
    log_q_BK = wide(logits_BK).log_softmax(1)
    classes = log_q_BK.shape[1]
    p_BK = torch.full_like(log_q_BK, smoothing / classes)
    p_BK = p_BK.scatter(1, target_B[:, None], 1 - smoothing + smoothing / classes)
    return F.kl_div(log_q_BK, p_BK, reduction="batchmean")


@loss(
    "Knowledge distillation",
    formula=(
        r"L = w T^2 \, KL(\sigma(t / T) \, \| \, \sigma(s / T)) "
        r"- (1 - w) \ln \sigma_y(s)"
    ),
    family="classification",
    references=chance_distillation,
    needs_teacher=True,
)
def distillation(
    logits_BK: Tensor,
    target_B: Tensor,
    teacher_BK: Tensor,
    *,
    temperature: Temperature = 4.0,
    weight: Weight = 0.9,
) -> Tensor:
    """Learn a finished model's probabilities, softened, beside the labels.

    With s the student's scores, t the teacher's, σ the softmax, T the temperature,
    w the weight and y the true class:

        L = 1/N · Σ_i [ w·T²·KL( σ(t_i/T) ‖ σ(s_i/T) ) - (1 - w)·ln σ(s_i)_y ]

    T² keeps the two gradients of one size whatever T. The paper takes the cross-entropy
    to the soft targets: the KL divergence differs by the teacher's entropy, which no
    gradient sees, and is 0 for a student equal to its teacher. So equal scores of
    both, for ten classes and w = 0.9, give 0.1·ln 10 = 0.230.

    Args:
        logits_BK: [B, K] the student's scores.
        target_B: [B] int64 in [0, K).
        teacher_BK: [B, K] the teacher's scores; no gradient goes there.
        temperature: T.
        weight: w.

    Returns:
        Scalar, mean over the batch.

    Reference: Hinton et al. 2015, arXiv:1503.02531, section 2.
    """
    scores_BK = wide(logits_BK)
    soft_teacher_BK = (wide(teacher_BK.detach()) / temperature).log_softmax(1)
    soft_student_BK = (scores_BK / temperature).log_softmax(1)
    teacher_term = F.kl_div(
        soft_student_BK, soft_teacher_BK, reduction="batchmean", log_target=True
    )
    label_term = F.cross_entropy(scores_BK, target_B)
    return weight * temperature**2 * teacher_term + (1 - weight) * label_term
