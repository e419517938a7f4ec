"""What a set-up would be, looked at before anything trains. Runs on a background thread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.wording import thousands


@dataclass(frozen=True, slots=True)
class Preview:
    """What the set-up panel shows of plain values.

    Attributes:
        faults: path of a field to what is wrong with it.
        layers: rows of `engines.summary.LayerRow`, empty when the model can't be built.
        examples: one training image per class, uint8 [K, H, W, C].
        impossible_losses: kind of a loss to the reason why this data forbids it.
    """

    faults: Mapping[str, str] = field(default_factory=dict)
    data_words: str = ""
    model_words: str = ""
    layers: tuple[Any, ...] = ()
    examples: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    impossible_losses: Mapping[str, str] = field(default_factory=dict)


def preview(raw: Mapping[str, Any]) -> Preview:
    """Look at plain values: valid, loadable, buildable? Never raises for the user's mistakes."""
    from engines import registry
    from engines.summary import totals
    from workbench.assembly import check, layers, load_data, loss_refusal
    from workbench.spec import SpecError, parse

    try:
        spec = parse(raw)
        dataset = load_data(spec)
    except SpecError as error:
        return Preview(error.faults)
    faults: Mapping[str, str] = {}
    try:
        check(spec, dataset)
    except SpecError as error:
        faults = error.faults
    channels, height, width = dataset.shape
    colour = "grey" if channels == 1 else "RGB"
    counts = [len(dataset.train), len(dataset.validation), len(dataset.test)]
    data_words = " · ".join(
        [
            *(f"{thousands(n)} {w}" for n, w in zip(counts, ("train", "val", "test"), strict=True)),
            f"{width} × {height} {colour}",
        ]
    )
    table: tuple[Any, ...] = ()
    model_words = ""
    if not any(path.partition(".")[0] == "model" for path in faults):
        table = tuple(layers(spec, dataset))
        total = totals(table)
        model_words = (
            f"{short(total.parameters)} weights · {short(total.multiply_adds)} multiply-adds"
        )
    impossible = {
        entry.name: reason
        for entry in registry.loss
        if (reason := loss_refusal(entry, len(dataset.classes), registry.task[spec.task.kind]))
    }
    return Preview(
        faults, data_words, model_words, table, examples_of(dataset), dataset.classes, impossible
    )


def examples_of(dataset: Any) -> np.ndarray:
    """The first training image of each class, uint8 [K, H, W, C], at most 10."""
    labels_N = dataset.train.labels_N.numpy()
    firsts = [int(np.argmax(labels_N == k)) for k in range(min(10, len(dataset.classes)))]
    return dataset.train.images_NCHW[firsts].permute(0, 2, 3, 1).numpy()


def short(count: int) -> str:
    """A large count in three digits: 421738 as "0.42 M", 9610 as "9.6 k"."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= 0.1 * size and (size > 1e3 or count >= size):
            return f"{count / size:.3g} {unit}"
    return str(count)
