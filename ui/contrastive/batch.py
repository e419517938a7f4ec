"""The batch of a "pairs" artifact, and what NT-Xent would do to it. B images, N = 2B views."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QImage

from engines.events import ArtifactReady
from ui.contrastive.view import Arrays, class_names
from ui.predictions import to_image
from workbench.history import History

BY_CLASS = ("supervised_contrastive", "triplet")  # losses whose positives share the class
MASS = 0.9


@dataclass(frozen=True, eq=False)
class Batch:
    """Two views of each image with their embeddings; row i and row i + B are one image.

    Attributes:
        images: N pictures.
        z1, z2: [B, P] embeddings of the two views.
        label_N: classes; `classes` are their names.
        similarity_NN: float32 cosine similarities.
        positive_NN: bool, the pairs that the loss pulls together.
        by_class: whether positives are all images of the class, not only the other view.
        order_N: rows in the order of the matrix: as they are, or class by class.
    """

    images: list[QImage]
    z1: np.ndarray
    z2: np.ndarray
    label_N: np.ndarray
    classes: tuple[str, ...]
    similarity_NN: np.ndarray
    positive_NN: np.ndarray
    by_class: bool
    order_N: np.ndarray

    @property
    def count(self) -> int:
        """N, the number of views."""
        return len(self.images)

    def name(self, row: int) -> str:
        """ "Shirt, image 12, view 2"."""
        half = self.count // 2
        label = int(self.label_N[row])
        start = f"{self.classes[label]}, " if 0 <= label < len(self.classes) else ""
        return f"{start}image {row % half + 1}, view {row // half + 1}"

    def pair(self, row: int, column: int) -> str:
        """What a cell of the matrix says."""
        if row == column:
            return f"{self.name(row)}: itself, left out of the sum"
        kind = "positive" if self.positive_NN[row, column] else "negative"
        value = f"{self.similarity_NN[row, column]:.2f}".replace("-", "−")
        return f"{self.name(row)} and {self.name(column)}: {value}, {kind}"


def batch_of(history: History, ready: ArtifactReady, arrays: Arrays) -> Batch:
    """The batch in an artifact. Rows of zeros have the similarity 0 to everything.

    Raises:
        KeyError: an array is missing.
        ValueError: there is nothing to compare.
    """
    pictures = [*arrays["view1_BHWC"], *arrays["view2_BHWC"]]
    z1, z2 = arrays["z1_BP"].astype(np.float32), arrays["z2_BP"].astype(np.float32)
    label_N = np.tile(arrays["label_B"].astype(np.int64), 2)
    z_NP = np.concatenate([z1, z2])
    if len(z1) < 2:
        raise ValueError(f"a batch of {len(z1)} has no negatives")
    if not np.isfinite(z_NP).all():
        raise ValueError("the embeddings are not finite")
    length_N1 = np.linalg.norm(z_NP, axis=1, keepdims=True)
    z_NP = z_NP / np.where(length_N1 > 0, length_N1, 1)
    N = len(z_NP)
    by_class = history.context.get("loss_kind") in BY_CLASS
    positive_NN = label_N[:, None] == label_N if by_class else np.zeros((N, N), bool)
    row_N = np.arange(N)
    positive_NN[row_N, (row_N + N // 2) % N] = True
    positive_NN[row_N, row_N] = False
    return Batch(
        [to_image(picture) for picture in pictures],
        z1,
        z2,
        label_N,
        class_names(history, label_N),
        z_NP @ z_NP.T,
        positive_NN,
        by_class,
        np.lexsort((row_N // (N // 2), row_N % (N // 2), label_N)) if by_class else row_N,
    )


@dataclass(frozen=True, eq=False)
class Push:
    """What the loss does to every anchor (row) at one temperature.

    Attributes:
        probability_NN: softmax over k ≠ i; rows sum to 1, the diagonal is 0.
        share_NN: the part of an anchor's push that each negative has; 0 for positives.
        pairs, of: so few of all negative pairs carry 90 % of the push; 0 of them without any.
    """

    temperature: float
    probability_NN: np.ndarray
    share_NN: np.ndarray
    pairs: int
    of: int

    def carriers(self, anchor: int) -> int:
        """How few negatives of an anchor have 90 % of its push; 0 if there is none."""
        shares = np.sort(self.share_NN[anchor])[::-1].cumsum()
        if not shares[-1] > 0:
            return 0
        return int(np.searchsorted(shares, MASS * (1 - 1e-12))) + 1

    def sentence(self, anchor: int, negatives: int) -> str:
        """ "90 % of the gradient comes from 3 of 126 negatives"."""
        carriers = self.carriers(anchor)
        if not carriers:
            return "No negative of this anchor gets any gradient."
        return f"90 % of the gradient comes from {carriers} of {negatives} negatives"


def push(batch: Batch, temperature: float) -> Push:
    """Softmax and gradients of the whole batch. Runs on a worker thread."""
    import torch

    from engines.contrastive.measures import carrying_share, negative_gradients, negative_shares

    N = batch.count
    gradient_NN = negative_gradients(
        torch.from_numpy(batch.z1), torch.from_numpy(batch.z2), temperature=temperature
    )
    probability_NN = (gradient_NN * (N * temperature)).numpy()
    row_N = np.arange(N)
    # The gradient leaves out the other view, whose probability is what remains of 1.
    probability_NN[row_N, (row_N + N // 2) % N] = (1 - probability_NN.sum(1)).clip(min=0)
    gradient_NN = gradient_NN.masked_fill(torch.from_numpy(batch.positive_NN), 0)
    carrying = carrying_share(gradient_NN, mass=MASS)
    negatives = N * (N - 1) - int(batch.positive_NN.sum())
    return Push(
        temperature,
        probability_NN,
        negative_shares(gradient_NN).numpy(),
        0 if np.isnan(carrying) else round(carrying * N * (N - 2)),
        negatives,
    )
