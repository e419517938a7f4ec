"""Artifacts of a contrastive run for the tests of its views: few pictures, each its own grey."""

import numpy as np

from engines.events import ArtifactReady, RunStarted, Scores
from workbench.artifacts import pack
from workbench.history import History

CLASSES = ("Shirt", "Coat", "Bag")
# Two views of four images. Images 0 and 1 are Shirts, 2 a Coat, 3 a Bag.
Z1 = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (-1.0, 0.0, 0.0))
Z2 = ((2.0, 0.5, 0.0), (0.0, 1.0, 0.25), (0.5, 0.0, 1.0), (-1.0, 0.0, 0.5))
LABELS = (0, 0, 1, 2)
TEMPERATURE = 0.5


def run_with(loss_kind="nt_xent", temperature=TEMPERATURE):
    """A contrastive history without artifacts."""
    history = History(
        {"classes": list(CLASSES), "loss_kind": loss_kind, "temperature": temperature}
    )
    history.add(RunStarted(0, 1000, 100))
    return history


def add(history, path, step, kind, arrays, **meta):
    """Write an artifact and tell the history."""
    path.write_bytes(pack(arrays))
    history.add(ArtifactReady(step, kind, str(path), meta))
    return history


def greys(count, side=4, channels=1):
    """Pictures; number i is filled with the grey 10·i."""
    return np.stack([np.full((side, side, channels), 10 * i % 256, np.uint8) for i in range(count)])


def pairs(z1=Z1, z2=Z2, labels=LABELS):
    """Arrays of a "pairs" artifact."""
    pictures = greys(2 * len(z1))
    return {
        "view1_BHWC": pictures[: len(z1)],
        "view2_BHWC": pictures[len(z1) :],
        "z1_BP": np.array(z1, np.float16),
        "z2_BP": np.array(z2, np.float16),
        "label_B": np.array(labels, np.int16),
    }


def triplets(rows, distances, pictures=6):
    """Arrays of a "triplets" artifact from (a, p, n) rows and (d_ap, d_an) squared distances."""
    rows_T3 = np.array(rows, np.int32).reshape(-1, 3)
    distances_T2 = np.array(distances, np.float32).reshape(-1, 2)
    return {
        "anchor_T": rows_T3[:, 0],
        "positive_T": rows_T3[:, 1],
        "negative_T": rows_T3[:, 2],
        "picture_BHWC": greys(pictures),
        "positive_distance_T": distances_T2[:, 0],
        "negative_distance_T": distances_T2[:, 1],
    }


def distances(positive, negative, edges=(-1, -0.5, 0, 0.5, 1)):
    """Arrays of a "distances" artifact."""
    return {
        "edges_E": np.array(edges, np.float32),
        "positive_H": np.array(positive, np.int32),
        "negative_H": np.array(negative, np.int32),
    }


def embedding(angles, labels):
    """Arrays of an "embedding" artifact: directions in the plane, in degrees."""
    angle_N = np.deg2rad(np.array(angles, float))
    feature_N2 = np.stack([np.cos(angle_N), np.sin(angle_N)], 1)
    return {
        "feature_ND": feature_N2.astype(np.float16),
        "projection_NP": feature_N2.astype(np.float16),
        "predicted_N": np.array(labels, np.int16),
        "label_N": np.array(labels, np.int16),
    }


def held_out(labels):
    """Arrays of a "pictures" artifact."""
    return {"picture_NHWC": greys(len(labels)), "label_N": np.array(labels, np.int16)}


def evaluate(history, step, **values):
    """Tell scores of the validation split."""
    history.add(Scores(step, {f"validation/{name}": value for name, value in values.items()}))
    return history
