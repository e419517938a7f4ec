"""What can be read from frozen features: by neighbours and by a line. M bank and N query rows.

Both want the encoder's features from before the projection head, in eval mode and
without augmentation, and no query image in the bank.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engines.contrastive.geometry import products, unit
from engines.data.source import Progress, silent
from engines.losses.probabilities import wide

CHUNK = 512  # queries at once: 110 MB against a bank of 54,000


def nearest(
    bank_MD: Tensor, query_ND: Tensor, *, k: int, progress: Progress = silent
) -> tuple[Tensor, Tensor]:
    """[N, k] cosine similarities of the k most similar bank rows, and their numbers.

    Raises:
        ValueError: k is not in [1, M].
    """
    if not 1 <= k <= len(bank_MD):
        raise ValueError(f"k {k} neighbours of {len(bank_MD)} images; try {min(20, len(bank_MD))}")
    bank_MD, query_ND = unit(bank_MD), unit(query_ND)
    similarities, numbers = [], []
    for start in range(0, len(query_ND), CHUNK):
        progress(start, len(query_ND), "nearest neighbours")
        found = products(query_ND[start : start + CHUNK], bank_MD).topk(k, dim=1)
        similarities.append(found.values)
        numbers.append(found.indices)
    return torch.cat(similarities), torch.cat(numbers)


def neighbour_votes(
    similarity_Nk: Tensor, label_Nk: Tensor, classes: int, *, temperature: float = 0.07
) -> Tensor:
    """[N, K] share of the neighbours' votes per class, each weighing exp(similarity / τ).

    Reference: Wu et al. 2018, arXiv:1805.01978, section 3.4.
    """
    # Less the nearest one's, which cancels in the share and can't overflow.
    weight_Nk = ((similarity_Nk - similarity_Nk.amax(1, keepdim=True)) / temperature).exp()
    votes_NK = weight_Nk.new_zeros(len(weight_Nk), classes).scatter_add_(1, label_Nk, weight_Nk)
    return votes_NK / votes_NK.sum(1, keepdim=True)


def knn_accuracy(
    bank_MD: Tensor,
    bank_label_M: Tensor,
    query_ND: Tensor,
    label_N: Tensor,
    *,
    k: int = 20,
    temperature: float = 0.07,
    progress: Progress = silent,
) -> float:
    """Share of queries that the weighted vote of their k nearest bank images names right.

    Cosine similarity, weight exp(similarity / τ). A bank smaller than k votes as a whole.

    Reference: Wu et al. 2018, arXiv:1805.01978, section 3.4 (there k = 200).
    """
    k = min(k, len(bank_MD))
    similarity_Nk, number_Nk = nearest(bank_MD, query_ND, k=k, progress=progress)
    classes = int(bank_label_M.max()) + 1
    votes_NK = neighbour_votes(
        similarity_Nk, bank_label_M[number_Nk], classes, temperature=temperature
    )
    return float((votes_NK.argmax(1) == label_N).double().mean())


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """A linear classifier of frozen features.

    Attributes:
        weight_DK, bias_K: scores are x·weight + bias, for features as they come.
        iterations: how many the fit took; 0 for a closed form.
    """

    weight_DK: Tensor
    bias_K: Tensor
    iterations: int = 0

    def scores(self, x_ND: Tensor) -> Tensor:
        """[N, K] scores of the classes."""
        return products(x_ND.to(self.weight_DK.dtype), self.weight_DK.T) + self.bias_K

    def accuracy(self, x_ND: Tensor, label_N: Tensor) -> float:
        """Share of rows whose highest score is that of their class."""
        return float((self.scores(x_ND).argmax(1) == label_N).double().mean())


def ridge_probe(x_MD: Tensor, label_M: Tensor, classes: int, *, ridge: float = 1e-3) -> LinearProbe:
    """Least squares onto one-hot labels, in closed form: fast, and the same every time.

    With X the features, centred and divided by their one overall standard deviation, Y the
    centred one-hot labels:

        W = (XᵀX + ridge·M·I)⁻¹ XᵀY

    One divisor, not one per feature: the penalty then means the same for pixels and for
    any encoder, yet features that hardly vary don't become as loud as the others. Float64.
    """
    mean_D, scale = _centre_and_scale(x_MD.double())
    x_MD = (x_MD.double() - mean_D) / scale
    y_MK = F.one_hot(label_M, classes).double()
    mean_K = y_MK.mean(0)
    gram_DD = x_MD.T @ x_MD
    gram_DD.diagonal().add_(ridge * len(x_MD))
    weight_DK = torch.cholesky_solve(x_MD.T @ (y_MK - mean_K), torch.linalg.cholesky(gram_DD))
    weight_DK = weight_DK / scale
    return LinearProbe(weight_DK, mean_K - mean_D @ weight_DK)


def logistic_probe(
    x_MD: Tensor,
    label_M: Tensor,
    classes: int,
    *,
    penalty: float = 1e-4,
    max_iterations: int = 300,
    progress: Progress = silent,
) -> LinearProbe:
    """Multinomial logistic regression of the labels by L-BFGS, on all rows at once.

    With X scaled as in `ridge_probe`, least of

        mean_i -ln softmax(x_i·W + b)_{y_i} + penalty/2 · ‖W‖²

    which is scikit-learn's with C = 1 / (penalty·M). No randomness: it starts at 0 and
    ends when no entry of the gradient exceeds 1e-5, or after `max_iterations`.

    Reference: Chen et al. 2020, arXiv:2002.05709, appendix B.6.
    """
    x_MD = wide(x_MD).detach()
    mean_D, scale = _centre_and_scale(x_MD)
    x_MD = (x_MD - mean_D) / scale
    weight_DK = x_MD.new_zeros(x_MD.shape[1], classes, requires_grad=True)
    bias_K = x_MD.new_zeros(classes, requires_grad=True)
    rounds, per_round = -(-max_iterations // 10), 10
    optimizer = torch.optim.LBFGS(
        [weight_DK, bias_K],
        max_iter=per_round,
        max_eval=100 * per_round,  # never the reason to end a round, so a short one has converged
        history_size=20,
        tolerance_grad=1e-5,
        tolerance_change=0.0,  # small steps with a large gradient are no reason to end
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        fit = F.cross_entropy(x_MD @ weight_DK + bias_K, label_M)
        value = fit + 0.5 * penalty * weight_DK.square().sum()
        value.backward()
        return value

    state = optimizer.state[weight_DK]
    with torch.enable_grad(), torch.autocast(x_MD.device.type, enabled=False):
        for done in range(rounds):
            progress(done, rounds, "linear probe")
            optimizer.step(closure)
            state = optimizer.state[weight_DK]
            if state["n_iter"] < (done + 1) * per_round:
                break
    weight_DK = weight_DK.detach() / scale
    return LinearProbe(weight_DK, bias_K.detach() - mean_D @ weight_DK, int(state["n_iter"]))


def _centre_and_scale(x_MD: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of each feature, and the root mean square of what is left (1 if nothing is)."""
    mean_D = x_MD.mean(0)
    scale = (x_MD - mean_D).square().mean().sqrt()
    return mean_D, torch.where(scale > 0, scale, 1)
