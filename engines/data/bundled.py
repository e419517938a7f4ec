"""Files of the data sets that ship with the program, checked against their SHA-256 sums."""

import hashlib
from pathlib import Path

import torch

from engines.data.idx import read_idx
from engines.data.source import DataError, Images

DATASETS = Path(__file__).resolve().parents[2] / "resources" / "datasets"


def read_verified(folder: Path, name: str) -> bytes:
    """The content of `folder/name`, whose sum must stand in `folder/SHA256SUMS`.

    Raises:
        DataError: the file or its sum is missing, or they disagree.
    """
    try:
        content = (folder / name).read_bytes()
        lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(
            f"{error.filename} can't be read ({error.strerror}); install the program again"
        ) from error
    sums = {line.split()[1]: line.split()[0] for line in lines if line.strip()}
    if name not in sums:
        raise DataError(f"{folder / 'SHA256SUMS'} has no line for {name}")
    if hashlib.sha256(content).hexdigest() != sums[name]:
        raise DataError(
            f"{folder / name} is damaged: its SHA-256 is not the one in SHA256SUMS; "
            "install the program again"
        )
    return content


def grey_images(folder: Path, images_file: str, labels_file: str) -> Images:
    """Grey images [N, 1, H, W] and labels from two verified idx files."""
    images_NHW = read_idx(read_verified(folder, images_file), images_file)
    labels_N = read_idx(read_verified(folder, labels_file), labels_file)
    return Images(
        torch.from_numpy(images_NHW).unsqueeze(1), torch.from_numpy(labels_N).to(torch.int64)
    )
