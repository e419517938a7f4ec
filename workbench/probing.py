"""Looking into a stored run's model again, at any step whose weights were kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_weights

from engines import registry
from workbench.artifacts import pack
from workbench.assembly import assemble
from workbench.confusion import confusion_matrix, row_shares
from workbench.durable import atomic_write
from workbench.export import weights_of
from workbench.run_folder import RunFolder
from workbench.spec import SpecError, parse
from workbench.training import load_teacher
from workbench.workspace import Workspace

SHEET = 1200  # pixels: about how wide a sheet of pictures may be
MAP, DOT = 900, 6  # pixels: a map's side, and about a dot's room
CELL = 24  # pixels a side of a confusion matrix's cell


def probe(
    folder: RunFolder,
    workspace: Workspace,
    name: str,
    *,
    step: int | None = None,
    split: str = "test",
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What the probe called `name` sees of a run's model, on the device of the run if it is there.

    Args:
        step: a step whose weights were kept; None takes the last.
        split: "train", "validation" or "test".

    Raises:
        KeyError: there is no such probe.
        DamagedFile: there are no such weights.
        SpecError: the run's data or teacher isn't there any more.
    """
    entry = registry.probe[name]
    spec = parse(folder.spec)
    family = registry.task[spec.task.kind].extra["family"]
    if entry.extra["family"] != family:
        fitting = ", ".join(one.name for one in registry.probe if one.extra["family"] == family)
        raise SpecError({"probe": f"{name} can't look into a {family} run; try {fitting}"})
    weights = load_weights(weights_of(folder, step))
    if spec.device == "cuda" and not torch.cuda.is_available():
        spec = spec.model_copy(update={"device": "cpu"})
    needs_teacher = registry.loss[spec.loss.kind].extra.get("needs_teacher")
    teacher = load_teacher(folder, workspace, spec.teacher) if needs_teacher else None
    decided = folder.read_json("state.json").get("facts", {})
    task = assemble(spec, decided=decided, teacher=teacher).task
    task.model.load_state_dict(weights)
    arrays, meta = entry.make(task, split)
    return arrays, meta


def write(arrays: Mapping[str, np.ndarray], name: str, out: Path, classes: int) -> list[Path]:
    """Write a probe's arrays as NAME.npz, and as PNG what of them is a picture.

    Raises:
        OSError: the folder `out` can't be made or written.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = {f"{name}.npz": pack(arrays)}
    for title, picture_HWC in pictures(arrays, classes).items():
        files[f"{name}-{title}.png"] = png(picture_HWC)
    for file, content in files.items():
        atomic_write(out / file, content)
    return [out / file for file in files]


def pictures(arrays: Mapping[str, np.ndarray], classes: int) -> dict[str, np.ndarray]:
    """uint8 [H, W, C] pictures by title: a sheet of each stack of images, a confusion matrix."""
    found = {}
    for name, values in arrays.items():
        if values.dtype == np.uint8 and values.ndim == 4 and len(values):
            found[name.partition("_")[0]] = sheet(values)
    if {"label_N", "predicted_N"} <= set(arrays):
        counts_KK = confusion_matrix(arrays["label_N"], arrays["predicted_N"], classes)
        grey_KK = np.nan_to_num(row_shares(counts_KK)) * 255
        cells = np.kron(grey_KK.round().astype(np.uint8), np.ones((CELL, CELL), np.uint8))
        found["confusion"] = cells[:, :, None]
    if {"feature_ND", "label_N"} <= set(arrays):
        found["map"] = scattered(arrays["feature_ND"].astype(np.float32), arrays["label_N"])
    return found


def scattered(feature_ND: np.ndarray, label_N: np.ndarray) -> np.ndarray:
    """The features' t-SNE map as dots in the colours of their classes, uint8 [H, W, 3]."""
    from engines.opencv import cv2
    from workbench.maps import layout

    xy_N2 = layout(feature_ND, label_N, "t-SNE", seed=0).xy_N2
    low, high = xy_N2.min(0), xy_N2.max(0)
    place_N2 = ((xy_N2 - low) / (high - low) * (MAP - 2 * DOT) + DOT).astype(int)
    canvas = np.full((MAP, MAP, 3), 255, np.uint8)
    for (x, y), label in zip(place_N2.tolist(), label_N.tolist(), strict=True):
        tone = [round(180 * (label % 10) / 10), 200, 60 + 40 * (label % 4)]
        hue = np.array([[tone]], np.uint8)
        colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
        cv2.circle(canvas, (x, MAP - y), DOT - 2, colour, -1, cv2.LINE_AA)
    return canvas


def sheet(picture_MHWC: np.ndarray) -> np.ndarray:
    """The pictures side by side, row by row, a pixel apart; uint8 [H, W, C]."""
    M, height, width, channels = picture_MHWC.shape
    columns = min(M, max(1, SHEET // (width + 1)))
    rows = -(-M // columns)
    result = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1, channels), np.uint8)
    for place, picture in enumerate(picture_MHWC):
        top, left = (place // columns) * (height + 1), (place % columns) * (width + 1)
        result[top : top + height, left : left + width] = picture
    return result


def png(picture_HWC: np.ndarray) -> bytes:
    """A PNG file of uint8 [H, W, 1] grey or [H, W, 3] RGB."""
    from engines.opencv import cv2

    if picture_HWC.shape[2] == 3:
        picture_HWC = cv2.cvtColor(picture_HWC, cv2.COLOR_RGB2BGR)
    good, content = cv2.imencode(".png", np.ascontiguousarray(picture_HWC))
    if not good:
        raise OSError("OpenCV could not encode the picture as PNG")
    return content.tobytes()
