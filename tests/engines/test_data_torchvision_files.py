import gzip
import pickle
import struct
from contextlib import suppress

import numpy as np
import pytest
import torch

from engines.data import DataError
from engines.data.mat5 import read_mat5
from engines.data.safe_pickle import read_pickle
from engines.data.torchvision_files import STL10_CLASSES, cifar10, cifar100, mnist, stl10, svhn

RANDOM = np.random.default_rng(0)


def pixels(*shape: int) -> np.ndarray:
    return RANDOM.integers(0, 256, shape).astype(np.uint8)


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_mnist(folder, images, labels, part, packed=False):
    folder.mkdir(parents=True, exist_ok=True)
    for what, array in (("images-idx3", images), ("labels-idx1", labels)):
        path = folder / f"{part}-{what}-ubyte"
        if packed:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(idx(array)))
        else:
            path.write_bytes(idx(array))


def test_that_mnist_files_read_as_torchvision_reads_them(tmp_path):
    from torchvision.datasets import MNIST

    raw = tmp_path / "MNIST" / "raw"
    train, test = pixels(7, 28, 28), pixels(4, 28, 28)
    write_mnist(raw, train, np.arange(7), "train")
    write_mnist(raw, test, np.arange(4), "t10k")
    for folder in (tmp_path, tmp_path / "MNIST", raw):
        source = mnist(folder=str(folder))
        for images, theirs in (
            (source.train, MNIST(str(tmp_path), train=True)),
            (source.test, MNIST(str(tmp_path), train=False)),
        ):
            assert torch.equal(images.images_NCHW[:, 0], theirs.data)
            assert torch.equal(images.labels_N, theirs.targets)


def test_that_packed_mnist_files_are_read(tmp_path):
    images = pixels(5, 28, 28)
    write_mnist(tmp_path, images, np.arange(5), "train", packed=True)
    write_mnist(tmp_path, images[:2], np.arange(2), "t10k", packed=True)
    assert np.array_equal(mnist(folder=str(tmp_path)).train.images_NCHW[:, 0].numpy(), images)


def test_that_a_missing_file_is_named_with_the_places_looked_in(tmp_path):
    with pytest.raises(DataError) as error:
        mnist(folder=str(tmp_path))
    assert "train-images-idx3-ubyte" in str(error.value)
    assert str(tmp_path) in str(error.value)
    assert "raw" in str(error.value)
    for read in (cifar10, cifar100, stl10, svhn):
        with pytest.raises(DataError, match=r"is missing; looked in"):
            read(folder=str(tmp_path))


def test_that_more_labels_than_images_are_refused(tmp_path):
    write_mnist(tmp_path, pixels(5, 28, 28), np.arange(6), "train")
    with pytest.raises(DataError, match="does not hold what it should"):
        mnist(folder=str(tmp_path))


def python_2_pickle(value: dict) -> bytes:
    """As Python 2's numpy wrote CIFAR: protocol 2, old module name, text as byte strings."""
    content = pickle.dumps(value, protocol=2)
    return content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


@pytest.fixture
def cifar10_folder(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    names = [f"thing {number}" for number in range(10)]
    (folder / "batches.meta").write_bytes(python_2_pickle({"label_names": names}))
    data = pixels(24, 3072)
    for number, name in enumerate([f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]):
        batch = {"data": data[4 * number : 4 * number + 4], "labels": [number, 1, 2, 9]}
        (folder / name).write_bytes(python_2_pickle(batch))
    return tmp_path, data


def test_that_cifar10_batches_are_joined_in_order(cifar10_folder):
    folder, data = cifar10_folder
    for place in (folder, folder / "cifar-10-batches-py"):
        source = cifar10(folder=str(place))
        assert source.classes[3] == "thing 3"
        assert source.train.images_NCHW.shape == (20, 3, 32, 32)
        assert source.train.labels_N[::4].tolist() == [0, 1, 2, 3, 4]
        assert source.test.labels_N.tolist() == [5, 1, 2, 9]
        # A row of a file: 1,024 reds, 1,024 greens, 1,024 blues, each row by row.
        assert source.train.images_NCHW[5, 2, 3, 4].item() == data[5, 2 * 1024 + 3 * 32 + 4]


def test_that_cifar10_reads_as_torchvision_reads_it(cifar10_folder, monkeypatch):
    from torchvision.datasets import CIFAR10

    folder, _ = cifar10_folder
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    theirs, ours = CIFAR10(str(folder)), cifar10(folder=str(folder))
    assert np.array_equal(theirs.data, ours.train.images_NCHW.permute(0, 2, 3, 1).numpy())
    assert theirs.targets == ours.train.labels_N.tolist()
    assert theirs.classes == list(ours.classes)


def test_that_cifar100_has_its_fine_labels(tmp_path):
    names = [f"thing {number}" for number in range(100)]
    (tmp_path / "meta").write_bytes(python_2_pickle({"fine_label_names": names}))
    for part in ("train", "test"):
        batch = {"data": pixels(3, 3072), "fine_labels": [99, 0, 50], "coarse_labels": [1, 2, 3]}
        (tmp_path / part).write_bytes(python_2_pickle(batch))
    source = cifar100(folder=str(tmp_path))
    assert len(source.classes) == 100
    assert source.train.labels_N.tolist() == [99, 0, 50]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_that_arrays_survive_every_protocol_of_pickle(protocol):
    value = {"data": pixels(3, 5), "labels": [1, 2], "name": "x"}
    if protocol == 5:  # its arrays need a further function; CIFAR was written with protocol 2
        with pytest.raises(DataError, match="_frombuffer"):
            read_pickle(pickle.dumps(value, protocol), "file")
        return
    result = read_pickle(pickle.dumps(value, protocol), "file")
    assert np.array_equal(result["data"], value["data"])
    assert result["labels"] == [1, 2]


class Attack:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_that_a_pickle_cannot_call_anything(tmp_path):
    import os

    victim = tmp_path / "victim"
    for attack in (
        Attack(os.mkdir, str(victim)),
        Attack(eval, f"__import__('os').mkdir({str(victim)!r})"),
    ):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            content = pickle.dumps({"data": attack}, protocol)
            with pytest.raises(
                DataError, match=r"file is refused.*it asks for (posix|nt|builtins|__builtin__)"
            ):
                read_pickle(content, "file")
    assert not victim.exists()


@pytest.mark.parametrize("content", [b"", b"\x80", b"hello", pickle.dumps([1]), b"\x80\x02}q"])
def test_that_other_pickles_are_data_errors(content):
    with pytest.raises(DataError, match="file is refused"):
        read_pickle(content, "file")


def test_that_wrong_cifar_contents_are_refused(cifar10_folder):
    folder, data = cifar10_folder
    path = folder / "cifar-10-batches-py" / "data_batch_2"
    for batch in (
        {"labels": [1]},
        {"data": data[:2, :100], "labels": [1, 2]},
        {"data": data[:2], "labels": [1]},
        {"data": data[:2], "labels": [1, 10]},
        {"data": data[:2], "labels": ["1", "2"]},
        {"data": data[:2].astype(float), "labels": [1, 2]},
    ):
        path.write_bytes(python_2_pickle(batch))
        with pytest.raises(DataError, match="does not hold what it should"):
            cifar10(folder=str(folder))


def test_that_stl10_reads_as_torchvision_reads_it(tmp_path, monkeypatch):
    from torchvision.datasets import STL10

    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    for part, count in (("train", 4), ("test", 3)):
        (folder / f"{part}_X.bin").write_bytes(pixels(count, 3, 96, 96).tobytes())
        (folder / f"{part}_y.bin").write_bytes(bytes(range(10, 10 - count, -1)))
    (folder / "class_names.txt").write_text("\n".join(STL10_CLASSES) + "\n")
    monkeypatch.setattr(STL10, "_check_integrity", lambda self: True)
    source = stl10(folder=str(tmp_path))
    for ours, part in ((source.train, "train"), (source.test, "test")):
        theirs = STL10(str(tmp_path), split=part)
        assert np.array_equal(ours.images_NCHW.numpy(), theirs.data)
        assert ours.labels_N.tolist() == theirs.labels.tolist()
    (folder / "train_X.bin").write_bytes(b"123")
    with pytest.raises(DataError, match=r"train_X\.bin does not hold"):
        stl10(folder=str(tmp_path))


def write_svhn(folder, compressed):
    scipy_io = pytest.importorskip("scipy.io", reason="scipy writes the test's MAT-files")
    written = {}
    for part, count in (("train", 5), ("test", 3)):
        written[part] = pixels(32, 32, 3, count)
        labels = np.array([10, 1, 2, 3, 9][:count], np.uint8)[:, None]
        scipy_io.savemat(
            folder / f"{part}_32x32.mat",
            {"X": written[part], "y": labels},
            do_compression=compressed,
        )
    return written


@pytest.mark.parametrize("compressed", [False, True])
def test_that_svhn_reads_as_torchvision_reads_it(tmp_path, monkeypatch, compressed):
    from torchvision.datasets import SVHN

    write_svhn(tmp_path, compressed)
    monkeypatch.setattr(SVHN, "_check_integrity", lambda self: True)
    source = svhn(folder=str(tmp_path))
    for ours, part in ((source.train, "train"), (source.test, "test")):
        theirs = SVHN(str(tmp_path), split=part)
        assert np.array_equal(ours.images_NCHW.numpy(), theirs.data)
        assert ours.labels_N.tolist() == theirs.labels.tolist()


def test_that_damaged_mat_files_are_data_errors(tmp_path):
    write_svhn(tmp_path, compressed=True)
    content = (tmp_path / "train_32x32.mat").read_bytes()
    with pytest.raises(DataError, match="is no MATLAB 5 file"):
        read_mat5(b"hello", "file")
    with pytest.raises(DataError, match="file is damaged"):
        read_mat5(content[: len(content) // 2], "file")
    for place in range(128, len(content), len(content) // 50):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        with suppress(DataError):  # any other error would come through and fail the test
            read_mat5(bytes(damaged), "file")


def test_that_arrays_of_every_number_type_are_read(tmp_path):
    scipy_io = pytest.importorskip("scipy.io", reason="scipy writes the test's MAT-files")
    arrays = {
        f"v_{kind}": RANDOM.integers(0, 100, (2, 3, 4)).astype(kind)
        for kind in ("u1", "i2", "u4", "i8", "f4", "f8")
    }
    scipy_io.savemat(tmp_path / "a.mat", arrays | {"text": "words", "many": {"a": 1}})
    result = read_mat5((tmp_path / "a.mat").read_bytes(), "a.mat")
    assert set(result) == set(arrays)
    for name, array in arrays.items():
        assert np.array_equal(result[name], array)
