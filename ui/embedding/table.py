"""A map's dots as text for other programs."""

from ui.embedding.space import Space
from ui.predictions import csv_text
from workbench.maps import Map


def map_table(space: Space, map_: Map) -> str:
    """A line of CSV for each image: its place on the map and all that is known of it."""
    names = space.classes
    columns = [
        range(len(space)),
        *([f"{value:.4f}" for value in axis.tolist()] for axis in map_.xy_N2.T),
        [names[k] for k in space.label_N],
        [names[k] for k in space.predicted_N],
        [f"{share:.2f}" for share in map_.agreement_N.tolist()],
        *(factor.words for factor in space.factors),
    ]
    head = ["image", "x", "y", "class", "predicted", "neighbours agree"]
    head += [factor.title for factor in space.factors]
    return csv_text([head, *zip(*columns, strict=True)])
