"""Flat maps of an embedding space, each with the numbers that say how far to trust it.

N images, D features, k neighbours. Features are scaled to length 1 first: the house
compares embeddings by cosine, and among unit vectors the squared Euclidean distances that
t-SNE is defined on are 2 - 2·cos.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Method = Literal["t-SNE", "PCA"]
Progress = Callable[[int, int, str], None]
"""Called with (done, total, words) while a map is computed; may raise to cancel it."""

K = 10  # neighbours of every measure here
PERPLEXITY = 30.0
EXAGGERATED, SETTLING, FROM_START = 250, 500, 300  # iterations of t-SNE
LOOK_EVERY = 10  # iterations between two looks at progress
START_DEVIATION = 1e-4
EXACT_MOST = 10_000  # images up to which neighbours are exact
BARNES_HUT_MOST = 7_000  # on one thread the FFT took 4 times as long for 4,000, half for 10,000
MEASURED_MOST = 10_000  # images that a map's numbers ask; of more, evenly spaced ones
CHUNK = 4_000_000  # distances held at once: 32 MB
TRUSTED = 0.9
APART = 0.1  # difference of two kNN accuracies that deserves a warning


class NoMap(ValueError):
    """These features can't be laid out; the message says why."""


@dataclass(frozen=True)
class Map:
    """Where each image lies, and how good that is.

    Attributes:
        xy_N2: float32; only distances mean something.
        trustworthiness: in [0, 1] for sensible maps; 1 when no stranger became a neighbour.
        knn_accuracy_2d: share of images named right by their k neighbours on the map.
        knn_accuracy: the same by their k neighbours among the features.
        agreement_N: float32 share of an image's k neighbours among the features that have
            its label; NaN where it wasn't measured.
        words: how it was made: "t-SNE, perplexity 30, seed 0".
    """

    xy_N2: np.ndarray
    trustworthiness: float
    knn_accuracy_2d: float
    knn_accuracy: float
    agreement_N: np.ndarray
    words: str

    @property
    def warning(self) -> str:
        """A sentence when the map lies about the space, else ""."""
        if self.trustworthiness < TRUSTED:
            return (
                f"This map lies: trustworthiness {self.trustworthiness:.2f} is below {TRUSTED}, "
                "so many neighbours on it are strangers in the feature space."
            )
        gap = self.knn_accuracy_2d - self.knn_accuracy
        if abs(gap) > APART:
            shown, there = f"{100 * self.knn_accuracy_2d:.0f} %", f"{100 * self.knn_accuracy:.0f} %"
            mixes = "mixes classes that are apart" if gap < 0 else "parts classes that are mixed"
            return (
                f"This map {mixes} in the feature space: "
                f"neighbours on it name {shown} of the images right, there {there}."
            )
        return ""


def silent(_done: int, _total: int, _words: str) -> None:
    """The progress that nobody looks at."""


def layout(
    feature_ND: np.ndarray,
    label_N: np.ndarray,
    method: Method = "t-SNE",
    *,
    seed: int = 0,
    start: np.ndarray | None = None,
    perplexity: float = PERPLEXITY,
    progress: Progress = silent,
) -> Map:
    """A map of the features; the same arguments give the same map, bit for bit.

    Args:
        feature_ND: any float type.
        label_N: classes, for the accuracies only: they don't move a point.
        start: [N, 2] the previous step's map. t-SNE starts from it, tiny, without early
            exaggeration; the result is turned, mirrored and sized to lie on it.
        perplexity: about how many neighbours a point has in t-SNE; at most (N - 1) / 3.

    Raises:
        NoMap: fewer than 5 images, or features that aren't finite.
    """
    x_ND = unit_rows(feature_ND)
    if len(x_ND) < 5:
        raise NoMap(f"{len(x_ND)} images make no map; it takes at least 5")
    progress(0, SETTLING, f"{method}, finding neighbours")
    if method == "PCA":
        xy_N2, words = principal_plane(x_ND), "PCA, first two components"
    else:
        perplexity = min(perplexity, (len(x_ND) - 1) / 3)
        xy_N2 = _t_sne(x_ND, seed, start, perplexity, progress)
        words = f"t-SNE, perplexity {perplexity:.3g}, seed {seed}"
    if start is not None:
        xy_N2 = align(xy_N2, start)
    xy_N2 = xy_N2.astype(np.float32)
    progress(SETTLING, SETTLING, f"{method}, measuring the map")
    return Map(xy_N2, *measure(x_ND, xy_N2, label_N), words)


def unit_rows(feature_ND: np.ndarray) -> np.ndarray:
    """[N, D] float64 rows of length 1; a row of zeros stays.

    Raises:
        NoMap: some feature isn't finite.
    """
    x_ND = np.asarray(feature_ND, np.float64)
    broken = int((~np.isfinite(x_ND).all(1)).sum())
    if broken:
        raise NoMap(f"{broken} of {len(x_ND)} embeddings aren't finite numbers: no map of them")
    length_N1 = np.linalg.norm(x_ND, axis=1, keepdims=True)
    return x_ND / np.where(length_N1 > 0, length_N1, 1)


def principal_plane(x_ND: np.ndarray) -> np.ndarray:
    """[N, 2] the centred rows on their first two principal axes.

    Each axis points to where its largest entry is positive, so that the same rows never
    come out mirrored.
    """
    centred_ND = x_ND - x_ND.mean(0)
    _, axes_DD = np.linalg.eigh(centred_ND.T @ centred_ND)
    axes_D2 = axes_DD[:, : -3 if axes_DD.shape[1] > 2 else None : -1]
    largest_2 = np.abs(axes_D2).argmax(0)
    axes_D2 = axes_D2 * np.sign(axes_D2[largest_2, np.arange(axes_D2.shape[1])])
    xy_NE = centred_ND @ axes_D2
    return xy_NE if xy_NE.shape[1] == 2 else np.pad(xy_NE, ((0, 0), (0, 1)))


def align(xy_N2: np.ndarray, to_N2: np.ndarray) -> np.ndarray:
    """`xy_N2` shifted, turned, perhaps mirrored and sized to lie on `to_N2`.

    With both centred and of one size, the orthogonal matrix R = U·Vᵀ of the singular value
    decomposition U·S·Vᵀ = xyᵀ·to makes ‖xy·R - to‖ least. The size is that of `to_N2` and not
    the least-squares one, which would shrink a map that changed much, and a chain of such
    maps to a point.

    Reference: Schönemann 1966, "A generalized solution of the orthogonal Procrustes problem".
    """
    centre_2 = to_N2.mean(0)
    from_N2, onto_N2 = np.float64(xy_N2) - xy_N2.mean(0), np.float64(to_N2) - centre_2
    size, wanted = np.linalg.norm(from_N2), np.linalg.norm(onto_N2)
    if not size or not wanted:
        return from_N2 + centre_2
    left_22, _, right_22 = np.linalg.svd(from_N2.T @ onto_N2)
    return from_N2 @ (left_22 @ right_22) * (wanted / size) + centre_2


def measure(
    x_ND: np.ndarray, xy_N2: np.ndarray, label_N: np.ndarray, k: int = K
) -> tuple[float, float, float, np.ndarray]:
    """Trustworthiness of a map, kNN accuracy on it and among the features, and agreement.

    With U_i the k neighbours of i on the map and r(i, j) the rank of j among i's neighbours
    by the features:

        T = 1 - 2 / (N·k·(2N - 3k - 1)) · Σ_i Σ_{j in U_i} max(0, r(i, j) - k)

    1 for a map that keeps every neighbourhood, 0.5 expected of random ones. The accuracies are
    leave-one-out, by majority, the lowest class where votes are equal. Of more than
    MEASURED_MOST images, evenly spaced ones are asked, each against all.

    Reference: Venna & Kaski 2001, "Neighborhood preservation in nonlinear projection methods".
    """
    count = len(x_ND)
    k = min(k, (count - 1) // 2)
    asked_M = np.unique(np.linspace(0, count - 1, min(count, MEASURED_MOST)).astype(np.int64))
    on_map_Mk = map_neighbours(xy_N2, asked_M, k)
    penalty, features_Mk = 0, np.empty_like(on_map_Mk)
    square_N = (x_ND**2).sum(1)
    step = max(1, CHUNK // count)
    for begin in range(0, len(asked_M), step):
        rows = slice(begin, begin + step)
        itself_m = asked_M[rows]
        # Without |x_i|², which changes no order within a row.
        far_mN = square_N - 2 * (x_ND[itself_m] @ x_ND.T)
        far_mN[np.arange(len(itself_m)), itself_m] = np.inf
        features_Mk[rows] = np.argpartition(far_mN, k - 1, axis=1)[:, :k]
        far_mk = np.take_along_axis(far_mN, on_map_Mk[rows], axis=1)
        for column in range(k):
            rank_m = (far_mN < far_mk[:, column, None]).sum(1) + 1
            penalty += int(np.maximum(0, rank_m - k).sum())
    trust = 1 - penalty * 2 / (len(asked_M) * k * (2 * count - 3 * k - 1))
    label_M = label_N[asked_M]
    accuracy_2d, accuracy = (
        float((vote(label_N[chosen_Mk]) == label_M).mean())
        for chosen_Mk in (on_map_Mk, features_Mk)
    )
    agreement_N = np.full(count, np.nan, np.float32)
    agreement_N[asked_M] = (label_N[features_Mk] == label_M[:, None]).mean(1)
    return trust, accuracy_2d, accuracy, agreement_N


def map_neighbours(xy_N2: np.ndarray, asked_M: np.ndarray, k: int) -> np.ndarray:
    """[M, k] the nearest other points on the map of those at `asked_M`."""
    from scipy.spatial import cKDTree

    found_Mk = cKDTree(xy_N2).query(xy_N2[asked_M], k + 1)[1]
    # Where points coincide, a point need not be its own first neighbour, or one at all.
    other_Mk = found_Mk != asked_M[:, None]
    other_Mk[other_Mk.all(1), -1] = False
    return found_Mk[other_Mk].reshape(len(asked_M), k)


def vote(label_Mk: np.ndarray) -> np.ndarray:
    """[M] the most frequent label of each row; the lowest of equally frequent ones."""
    rows_M, classes = np.arange(len(label_Mk)), int(label_Mk.max(initial=0)) + 1
    votes_MK = np.zeros((len(label_Mk), classes), np.int32)
    for column in label_Mk.T:
        votes_MK[rows_M, column] += 1
    return votes_MK.argmax(1)


def _t_sne(
    x_ND: np.ndarray, seed: int, start: np.ndarray | None, perplexity: float, progress: Progress
) -> np.ndarray:
    """[N, 2]. Reference: van der Maaten & Hinton 2008; Barnes-Hut: van der Maaten 2014."""
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN

    # One job: while training runs, more made both several times slower.
    common: dict[str, Any] = {"n_jobs": 1, "random_state": seed}
    affinities = PerplexityBasedNN(
        x_ND,
        perplexity=perplexity,
        metric="euclidean",
        method="exact" if len(x_ND) <= EXACT_MOST else "annoy",
        **common,
    )
    first_N2 = principal_plane(x_ND) if start is None else np.float64(start) - start.mean(0)
    first_N2 = first_N2 * (START_DEVIATION / (first_N2.std() or 1))
    forces = "bh" if len(x_ND) <= BARNES_HUT_MOST else "fft"
    embedding = TSNEEmbedding(first_N2, affinities, negative_gradient_method=forces, **common)
    phases: list[tuple[int, dict[str, float]]] = [(FROM_START, {"momentum": 0.8})]
    if start is None:
        exaggerated = (EXAGGERATED, {"momentum": 0.5, "exaggeration": 12})
        phases = [exaggerated, (SETTLING, {"momentum": 0.8})]
    done, total = 0, sum(iterations for iterations, _ in phases)
    for iterations, how in phases:

        def look(iteration: int, *_of_the_map: Any, before: int = done) -> None:
            at = before + iteration
            progress(at, total, f"t-SNE, iteration {at} of {total}")

        # What `look` raises ends the optimisation and comes out here.
        embedding.optimize(
            iterations, inplace=True, callbacks=look, callbacks_every_iters=LOOK_EVERY, **how
        )
        done += iterations
    return np.asarray(embedding)
