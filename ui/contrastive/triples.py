"""The triplets of an artifact as values. T triplets."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QImage

from engines.events import ArtifactReady
from ui.contrastive.view import Arrays
from ui.predictions import to_image
from workbench.wording import digits

REGIONS = ("easy", "semi-hard", "hard")
TONES = ("success", "warn", "danger")  # one for each region
EASY, SEMI_HARD, HARD = range(3)


@dataclass(frozen=True, eq=False)
class Triples:
    """Anchor, positive and negative with their squared distances.

    Attributes:
        rows_T3: int64, indices into `images`: anchor, positive, negative.
        positive_T, negative_T: float64 squared distances from the anchor.
        region_T: int, `EASY`, `SEMI_HARD` or `HARD`, as `engines.contrastive.mining.Hardness`
            divides them.
        mining: the rule in words.
    """

    images: list[QImage]
    rows_T3: np.ndarray
    positive_T: np.ndarray
    negative_T: np.ndarray
    region_T: np.ndarray
    margin: float
    mining: str

    def __len__(self) -> int:
        return len(self.rows_T3)

    def loss(self, place: int) -> float:
        """What the triplet adds to the sum: how far the margin is violated, at least 0."""
        lead = self.negative_T[place] - self.positive_T[place]
        return max(0.0, float(self.margin - lead))

    def share(self, region: int) -> float:
        """The part of the triplets in a region; 0 of none."""
        return float((self.region_T == region).mean()) if len(self) else 0.0

    def sentence(self, place: int) -> str:
        """ "Hard: positive 0.52, negative 0.31, loss 0.41 with margin 0.2"."""
        name = REGIONS[int(self.region_T[place])]
        return (
            f"{name[0].upper()}{name[1:]}: positive at {digits(float(self.positive_T[place]))}, "
            f"negative at {digits(float(self.negative_T[place]))}, "
            f"loss {digits(self.loss(place))} with margin {self.margin:g}"
        )


def triples_of(ready: ArtifactReady, arrays: Arrays) -> Triples:
    """The triplets in an artifact.

    Raises:
        KeyError: an array is missing.
    """
    positive_T = arrays["positive_distance_T"].astype(np.float64)
    negative_T = arrays["negative_distance_T"].astype(np.float64)
    rows_T3 = np.stack(
        [arrays[f"{name}_T"].astype(np.int64) for name in ("anchor", "positive", "negative")], 1
    )
    margin = float(ready.meta.get("margin", 0))
    lead_T = negative_T - positive_T
    region_T = np.where(lead_T <= 0, HARD, np.where(lead_T <= margin, SEMI_HARD, EASY))
    images = [to_image(picture) for picture in arrays["picture_BHWC"]]
    mining = str(ready.meta.get("mining", ""))
    return Triples(images, rows_T3, positive_T, negative_T, region_T, margin, mining)
