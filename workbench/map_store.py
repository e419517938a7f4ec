"""Maps of a run's embeddings on disk, each started from the map of the evaluation before."""

import contextlib
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.events import ArtifactReady
from workbench.artifacts import load, pack
from workbench.durable import atomic_write
from workbench.maps import PERPLEXITY, Map, Method, Progress, layout, silent

FORMAT = 1  # raised when another program version would lay the same features out differently

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """What decides a map besides the features."""

    method: Method = "t-SNE"
    perplexity: float = PERPLEXITY
    seed: int = 0

    @property
    def ending(self) -> str:
        """Part of a map's file name: "t-sne-p30-s0"."""
        return f"t-sne-p{self.perplexity:g}-s{self.seed}" if self.method == "t-SNE" else "pca"


class MapStore:
    """The maps of embedding artifacts, kept in memory and as files beside the artifacts.

    A map's key is a digest of its features, labels, recipe and the key of the map before,
    so that a run that was resumed, and evaluated anew, never shows the map it had before.
    """

    def __init__(self) -> None:
        self._held: dict[str, Map] = {}

    def advance(
        self,
        artifacts: Sequence[ArtifactReady],
        recipe: Recipe,
        progress: Progress = silent,
    ) -> tuple[int, Map]:
        """The place and map of the last artifact, or of the first whose map had to be made.

        Call it again until the place is the last one. A chain of maps is made one a call, so
        that each can be shown, and a cancelled call loses one map and not all.

        Args:
            artifacts: of kind "embedding", ascending in step, at least one.
            progress: may raise to cancel; what it raises comes out of here.

        Raises:
            OSError: an artifact is gone or damaged.
            NoMap: the features can't be laid out.
        """
        key, held = "", None
        for place, artifact in enumerate(artifacts):
            feature_ND, label_N = features(artifact.path)
            key = _key(key, feature_ND, label_N, recipe)
            start_N2 = held.xy_N2 if held and len(held.xy_N2) == len(feature_ND) else None
            held = self._find(key, artifact.path, recipe)
            if held is None:
                made = layout(
                    feature_ND,
                    label_N,
                    recipe.method,
                    seed=recipe.seed,
                    start=start_N2,
                    perplexity=recipe.perplexity,
                    progress=_counted(progress, place, len(artifacts)),
                )
                self._keep(key, artifact.path, recipe, made)
                return place, made
        assert held is not None, "no artifact was given"
        return len(artifacts) - 1, held

    def _find(self, key: str, path: str, recipe: Recipe) -> Map | None:
        if key not in self._held:
            with contextlib.suppress(OSError, KeyError, ValueError):
                if found := _read(map_file(path, recipe), key):
                    self._held[key] = found
        return self._held.get(key)

    def _keep(self, key: str, path: str, recipe: Recipe, made: Map) -> None:
        self._held[key] = made
        arrays = {
            "xy_N2": made.xy_N2,
            "agreement_N": made.agreement_N,
            "measures": np.array([made.trustworthiness, made.knn_accuracy_2d, made.knn_accuracy]),
            "words": np.array(made.words),
            "key": np.array(key),
        }
        try:
            atomic_write(map_file(path, recipe), pack(arrays))
        except OSError as error:  # a folder to read only: the map is made again next time
            log.warning("The map of %s could not be kept: %s", path, error)


def features(path: str) -> tuple[np.ndarray, np.ndarray]:
    """feature_ND and label_N of an embedding artifact.

    Raises:
        OSError: it is gone, damaged or lacks an array.
    """
    arrays = load(path)
    try:
        return arrays["feature_ND"], arrays["label_N"].astype(np.int64)
    except KeyError as error:
        raise OSError(f"{path} has no array {error}") from error


def map_file(path: str, recipe: Recipe) -> Path:
    """Where the map of the artifact at `path` is kept."""
    artifact = Path(path)
    return artifact.with_name(f"{artifact.stem}.map-{recipe.ending}.npz")


def _counted(progress: Progress, place: int, count: int) -> Progress:
    """Say which map of how many it is, when there are several."""
    if count == 1:
        return progress
    return lambda done, total, words: progress(done, total, f"{words}, map {place + 1} of {count}")


def _key(before: str, feature_ND: np.ndarray, label_N: np.ndarray, recipe: Recipe) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((FORMAT, before, recipe, feature_ND.shape, feature_ND.dtype.str)).encode())
    digest.update(np.ascontiguousarray(feature_ND).tobytes())
    digest.update(label_N.tobytes())
    return digest.hexdigest()


def _read(path: Path, key: str) -> Map | None:
    # Past the cache of `load`, which knows files by name: a map's file can be replaced.
    arrays = load.__wrapped__(str(path))
    if str(arrays["key"]) != key:
        return None
    trust, accuracy_2d, accuracy = (float(value) for value in arrays["measures"])
    return Map(
        arrays["xy_N2"], trust, accuracy_2d, accuracy, arrays["agreement_N"], str(arrays["words"])
    )
