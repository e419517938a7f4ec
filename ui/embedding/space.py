"""One evaluation's embeddings as a value. N held-out images, D features, K classes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engines.events import ArtifactReady
from ui.widgets.label import clean
from workbench.artifacts import load

FACTOR = "factor_"


@dataclass(frozen=True)
class Factor:
    """Something known of every image besides its class.

    Attributes:
        value_N: numbers, or indices into `names`.
        names: of a factor that is a choice; empty for a quantity.
        colours: "#rrggbb" for each name where the names are colours.
    """

    title: str
    value_N: np.ndarray
    names: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The value of every image."""
        if self.names:
            return [self.names[k] for k in self.value_N]
        return [f"{value:.4g}" for value in self.value_N.tolist()]


@dataclass(frozen=True)
class Space:
    """What was embedded, and what is known of it.

    Attributes:
        ready: the artifact it was read from.
        feature_ND: as stored, float16.
        label_N, predicted_N: int64 classes.
        classes: K names.
        picture_NHWC: uint8, or None where a run kept no pictures.
        factors: of data sets that know more than the class.
    """

    ready: ArtifactReady
    feature_ND: np.ndarray
    label_N: np.ndarray
    predicted_N: np.ndarray
    classes: tuple[str, ...]
    picture_NHWC: np.ndarray | None = None
    factors: tuple[Factor, ...] = ()

    def __len__(self) -> int:
        return len(self.label_N)

    @property
    def wrong_N(self) -> np.ndarray:
        """Which images their neighbours call by another class."""
        return self.label_N != self.predicted_N


def read(
    ready: ArtifactReady, pictures: ArtifactReady | None, context: Mapping[str, object]
) -> Space:
    """The space of an embedding artifact; runs on a worker thread.

    Raises:
        OSError: a file is gone, damaged or lacks an array.
    """
    arrays = load(ready.path)
    try:
        feature_ND = arrays["feature_ND"]
        label_N, predicted_N = (
            arrays[name].astype(np.int64) for name in ("label_N", "predicted_N")
        )
    except KeyError as error:
        raise OSError(f"{ready.path} has no array {error}") from error
    known: object = context.get("classes") or ()
    names = tuple(clean(str(name)) for name in known)  # type: ignore[attr-defined]
    highest = int(max(label_N.max(initial=-1), predicted_N.max(initial=-1)))
    names += tuple(f"class {index}" for index in range(len(names), highest + 1))
    known_of = load(pictures.path) if pictures is not None else {}
    fitting = {name: array for name, array in known_of.items() if len(array) == len(label_N)}
    return Space(
        ready,
        feature_ND,
        label_N,
        predicted_N,
        names,
        fitting.get("picture_NHWC"),
        tuple(_factors(fitting)),
    )


def _factors(arrays: Mapping[str, np.ndarray]) -> list[Factor]:
    """Every `factor_<name>_N` that says more than a number of the image."""
    found = []
    for name, value_N in arrays.items():
        if not name.startswith(FACTOR):
            continue
        title = name.removeprefix(FACTOR).removesuffix("_N")
        if title == "index":  # a serial number is no property of a picture
            continue
        names = _value_names(title, value_N)
        colours = _real_colours(names)
        found.append(Factor(title.replace("_", " ").capitalize(), value_N, names, colours))
    return found


def _value_names(title: str, value_N: np.ndarray) -> tuple[str, ...]:
    """Names of a factor that counts choices, from the data set that draws them."""
    if not np.issubdtype(value_N.dtype, np.integer) or not len(value_N):
        return ()
    highest = int(value_N.max())
    # Here, since the engine imports torch.
    from engines.data.shapes import CLASSES

    names = tuple(CLASSES.get(title, ()))
    if len(names) > highest:
        return names
    return tuple(f"{title} {index}" for index in range(highest + 1)) if highest < 10 else ()


def _real_colours(names: tuple[str, ...]) -> tuple[str, ...]:
    """A dot named red should be red."""
    from engines.data.shapes import COLOURS

    if not names or any(name not in COLOURS for name in names):
        return ()
    return tuple(
        f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in (COLOURS[n] for n in names)
    )
