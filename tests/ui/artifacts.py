"""Predictions on disk for the tests of views: few pictures, each telling its own index."""

import numpy as np

from engines.events import ArtifactReady, RunStarted
from workbench.artifacts import pack
from workbench.history import History

CLASSES = ("Shirt", "Coat", "Bag")
# (true, predicted, confidence, pictured): 8 pictures, 4 mistakes, 3 of them pictured.
ROWS = (
    (0, 0, 0.9, False),
    (0, 1, 0.75, True),
    (0, 1, 0.5, True),
    (1, 1, 0.8, False),
    (1, 0, 0.875, True),
    (2, 2, 0.7, False),
    (2, 0, 0.25, False),
    (2, 2, 0.6, False),
)


def write(path, rows=ROWS, classes=3, channels=1):
    """An artifact at `path`; picture i of the split is filled with the grey 10·i."""
    label_N, predicted_N, confidence_N = (
        np.array([row[k] for row in rows], kind)
        for k, kind in ((0, np.int16), (1, np.int16), (2, np.float16))
    )
    shown = [index for index, row in enumerate(rows) if row[3]]
    shown.sort(key=lambda index: -rows[index][2])
    probability_MK = np.zeros((len(shown), classes), np.float16)
    for place, index in enumerate(shown):
        probability_MK[place] = (1 - rows[index][2]) / max(1, classes - 1)
        probability_MK[place, rows[index][1]] = rows[index][2]
    arrays = {
        "label_N": label_N,
        "predicted_N": predicted_N,
        "confidence_N": confidence_N,
        "shown_M": np.array(shown, np.int32),
        "picture_MHWC": np.stack([np.full((4, 4, channels), 10 * i, np.uint8) for i in shown])
        if shown
        else np.zeros((0, 4, 4, channels), np.uint8),
        "probability_MK": probability_MK,
    }
    path.write_bytes(pack(arrays))
    return str(path)


def run_with(*artifacts):
    """A history with (step, kind, path) artifacts."""
    history = History({"classes": list(CLASSES)})
    history.add(RunStarted(0, 1000, 100))
    for step, kind, path in artifacts:
        split = "test" if kind == "test" else "validation"
        history.add(ArtifactReady(step, kind, path, {"split": split}))
    return history
