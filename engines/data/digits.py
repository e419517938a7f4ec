"""Digits: 1,797 handwritten digits, 8x8, the smallest set here; ships with the program."""

import torch

from engines.data.bundled import DATASETS, grey_images
from engines.data.source import Images, Progress, Source, silent
from engines.registry import dataset

INK = 16  # the files count the inked pixels of a 4x4 block: 0 to 16


@dataset("Digits 8×8", licence="CC BY 4.0", images=1_797)
def digits(progress: Progress = silent) -> Source:
    """Handwritten digits, grey, 8×8, 1,797 in all: an experiment takes seconds.

    The ink counts 0 to 16 of the original become grey levels 0 to 255. There are no test
    images of their own: a fifth is held out.

    Raises:
        DataError: a file is missing or its SHA-256 is wrong.

    Reference: Alpaydin and Kaynak 1998, UCI Machine Learning Repository,
    doi:10.24432/C50P49 (its test part, as scikit-learn's `load_digits` has it).
    """
    progress(0, 1, "reading")
    raw = grey_images(DATASETS / "digits", "images-idx3-ubyte.gz", "labels-idx1-ubyte.gz")
    images_NCHW = (raw.images_NCHW.float() * 255 / INK).round().to(torch.uint8)
    progress(1, 1, "read")
    return Source(tuple("0123456789"), Images(images_NCHW, raw.labels_N))
