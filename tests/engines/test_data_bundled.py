import gzip
import hashlib
import shutil
import struct

import numpy as np
import pytest
import torch

from engines.data import DataError
from engines.data.bundled import DATASETS, read_verified
from engines.data.digits import digits
from engines.data.fashion_mnist import fashion_mnist
from engines.data.idx import read_idx


@pytest.fixture(scope="module")
def fashion():
    return fashion_mnist()


def test_that_fashion_mnist_has_equal_classes_and_the_published_size(fashion):
    assert fashion.train.images_NCHW.shape == (60_000, 1, 28, 28)
    assert fashion.test.images_NCHW.shape == (10_000, 1, 28, 28)
    assert fashion.train.images_NCHW.dtype == torch.uint8
    assert torch.bincount(fashion.train.labels_N).tolist() == [6000] * 10
    assert torch.bincount(fashion.test.labels_N).tolist() == [1000] * 10
    assert fashion.classes[9] == "Ankle boot"
    assert fashion.train.labels_N[:5].tolist() == [9, 0, 0, 3, 0]  # as its README shows them


def test_that_fashion_mnist_equals_what_torchvision_reads(fashion, tmp_path):
    from torchvision.datasets.mnist import read_image_file

    raw = tmp_path / "images"
    packed = DATASETS / "fashion-mnist" / "t10k-images-idx3-ubyte.gz"
    raw.write_bytes(gzip.decompress(packed.read_bytes()))
    assert torch.equal(read_image_file(str(raw)), fashion.test.images_NCHW[:, 0])


def test_that_digits_equal_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    theirs, ours = load_digits(), digits()
    assert ours.train.labels_N.tolist() == theirs.target.tolist()
    expected = np.floor(theirs.images * 255 / 16 + 0.5)  # no value of 0..16 lies on a half but 8
    wrong = np.abs(ours.train.images_NCHW[:, 0].numpy() - expected)
    assert wrong[theirs.images != 8].max() == 0
    assert set(ours.train.images_NCHW[:, 0].numpy()[theirs.images == 8]) == {128}


def test_that_one_flipped_bit_is_noticed(tmp_path):
    for file in (DATASETS / "digits").iterdir():
        shutil.copy(file, tmp_path)
    name = "labels-idx1-ubyte.gz"
    assert hashlib.sha256(read_verified(tmp_path, name)).digest()
    content = bytearray((tmp_path / name).read_bytes())
    content[100] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"labels-idx1-ubyte\.gz is damaged.*install"):
        read_verified(tmp_path, name)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=r"labels-idx1-ubyte\.gz can't be read"):
        read_verified(tmp_path, name)


def test_that_every_bundled_set_has_a_licence_and_sums_for_all_its_files():
    for folder in filter(lambda path: path.is_dir(), DATASETS.iterdir()):
        names = {path.name for path in folder.iterdir()}
        assert {"LICENCE.txt", "SHA256SUMS"} <= names
        for name in names - {"LICENCE.txt", "SHA256SUMS"}:
            read_verified(folder, name)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        struct.pack(">HBBI", 0, 8, 1, 5) + b"1234",
        struct.pack(">HBBI", 0, 8, 1, 5) + b"123456",
        struct.pack(">HBBI", 0, 13, 1, 1) + b"1234",
        struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1) + b"1",
        gzip.compress(b"\0\0\x08\1" + struct.pack(">I", 4) + b"1234")[:-9],
        b"\x1f\x8bnothing",
    ],
)
def test_that_a_damaged_idx_file_is_a_data_error(content):
    with pytest.raises(DataError, match="some-file"):
        read_idx(content, "some-file")


def test_that_an_idx_file_reads_in_c_order():
    content = struct.pack(">HBB2I", 0, 8, 2, 2, 3) + bytes(range(6))
    assert read_idx(content, "x").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read_idx(gzip.compress(content), "x").tolist() == [[0, 1, 2], [3, 4, 5]]
