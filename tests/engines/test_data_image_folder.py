import io
import os
import shutil
import struct
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from engines.data import DataError, load
from engines.data.exif import orientation_of, upright
from engines.data.image_file import Unreadable, read_square
from engines.data.image_folder import image_folder
from engines.registry import dataset

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="needs names and links of Unix")


def picture(height: int = 16, width: int = 16, seed: int = 0) -> np.ndarray:
    """Smooth enough for JPEG, and with no symmetry."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR))


def save(path: Path, image: np.ndarray | Image.Image, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, **options)
    return path


def read(path: Path, side: int = 16, colour: str = "rgb") -> np.ndarray:
    return read_square(str(path), os.path.realpath(path.parent), side, colour)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


@pytest.fixture
def animals(tmp_path):
    for number in range(12):
        save(tmp_path / "cat" / f"{number}.png", picture(seed=number))
        save(tmp_path / "dog" / "more" / f"{number}.bmp", picture(seed=100 + number))
    return tmp_path


def test_that_subfolders_are_classes_and_pixels_are_kept(animals):
    source = image_folder(folder=str(animals), image_size=16)
    assert source.classes == ("cat", "dog")
    assert source.train.labels_N.tolist() == [0] * 12 + [1] * 12
    assert source.test is None
    assert source.notes == ()
    expected = picture(seed=100)  # dog/more/0.bmp comes first
    assert np.array_equal(source.train.images_NCHW[12].permute(1, 2, 0).numpy(), expected)


def test_that_grey_is_one_channel_of_luma(animals):
    source = image_folder(folder=str(animals), image_size=16, colour="grey")
    assert source.train.images_NCHW.shape == (24, 1, 16, 16)
    expected = picture(seed=0) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(source.train.images_NCHW[0, 0].numpy() - expected).max() <= 1


@pytest.mark.parametrize(
    ("ending", "options", "error"),
    [
        (".png", {}, 0),
        (".bmp", {}, 0),
        (".tif", {}, 0),
        (".tiff", {"compression": "tiff_deflate"}, 0),
        (".webp", {"lossless": True}, 0),
        (".jpg", {"quality": 95, "subsampling": 0}, 12),
        (".JPEG", {"quality": 95, "subsampling": 0}, 12),
    ],
)
def test_that_each_format_reads_as_pillow_reads_it(tmp_path, ending, options, error):
    path = save(tmp_path / f"a{ending}", picture(), **options)
    assert np.abs(read(path).astype(int) - picture()).max() <= error


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("ending", "options"),
    [(".jpg", {"quality": 95}), (".png", {}), (".webp", {"lossless": True}), (".tif", {})],
)
def test_that_exif_turns_the_image_as_pillow_does(tmp_path, ending, options, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    path = save(tmp_path / f"a{ending}", picture(16, 24), exif=exif, **options)
    turned = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    left, top = (turned.width - 16) // 2, (turned.height - 16) // 2
    expected = np.asarray(turned.crop((left, top, left + 16, top + 16))).astype(int)
    assert np.abs(read(path) - expected).max() <= (12 if ending == ".jpg" else 0)


def test_that_exif_turns_an_image_with_alpha_too(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    alpha = Image.fromarray(picture(seed=9)[..., 0])
    image = Image.fromarray(picture())
    image.putalpha(alpha)
    for name in ("a.png", "a.webp"):
        path = save(tmp_path / name, image, exif=exif, lossless=True, exact=True)
        white = Image.new("RGBA", image.size, "white")
        expected = Image.alpha_composite(white, image).convert("RGB").rotate(-90)
        assert np.abs(read(path).astype(int) - np.asarray(expected)).max() <= 1


def test_that_orientation_is_one_where_none_is_given_or_the_header_is_cut():
    image = Image.fromarray(picture())
    for kind in ("JPEG", "PNG", "WEBP"):
        exif = Image.Exif()
        exif[274] = 8
        file = io.BytesIO()
        image.save(file, kind, exif=exif)
        assert orientation_of(file.getvalue()) == 8
        for length in range(0, len(file.getvalue()), 7):
            assert orientation_of(file.getvalue()[:length]) in (1, 8)
        file = io.BytesIO()
        image.save(file, kind)
        assert orientation_of(file.getvalue()) == 1
    assert upright(picture(2, 3), 6).shape == (3, 2, 3)


def test_that_sixteen_bits_become_eight_by_rounding(tmp_path):
    levels = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    path = save(tmp_path / "a.png", Image.fromarray(levels))
    expected = np.floor(levels / 257 + 0.5)
    assert np.array_equal(read(path, colour="grey")[..., 0], expected)
    assert np.array_equal(read(path), np.repeat(expected[..., None], 3, 2))
    path = save(tmp_path / "a.tif", Image.fromarray(levels))
    assert np.array_equal(read(path, colour="grey")[..., 0], expected)


def test_that_palettes_bits_and_grey_with_alpha_are_read(tmp_path):
    image = Image.fromarray(picture())
    for mode in ("P", "1", "L", "LA"):
        path = save(tmp_path / f"{mode}.png", image.convert(mode))
        expected = np.asarray(image.convert(mode).convert("RGB")).astype(int)
        assert np.abs(read(path) - expected).max() == 0


def test_that_large_images_lose_their_sides_and_shrink_by_averaging(tmp_path):
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, 16:80] = np.kron(np.arange(64).reshape(8, 8) * 4, np.ones((8, 8)))[..., None]
    image[::2, 16:80] = 0
    path = save(tmp_path / "a.png", image)
    expected = np.arange(64).reshape(8, 8) * 2  # half of the rows are black
    assert np.array_equal(read(path, side=8, colour="grey")[..., 0], expected)


def test_that_each_kind_of_bad_file_has_its_reason(tmp_path):
    good = save(tmp_path / "good.png", picture(64, 64)).read_bytes()
    jpeg = save(tmp_path / "good.jpg", picture(64, 64)).read_bytes()
    noise = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    floating = save(tmp_path / "float.tif", Image.fromarray(noise)).read_bytes()
    cmyk = save(tmp_path / "cmyk.tif", Image.fromarray(picture()).convert("CMYK")).read_bytes()
    webp = save(tmp_path / "good.webp", picture(64, 64)).read_bytes()
    cases = {
        "a.png": (b"", "is empty"),
        "b.png": (b"hello", "is no PNG image"),
        "c.jpg": (good, "is a PNG image with the ending of JPEG"),
        "d.png": (good[: len(good) // 2], "is cut off"),
        "e.jpg": (jpeg[: len(jpeg) // 2], "is cut off"),
        "f.webp": (webp[: len(webp) // 2], "is cut off"),
        "g.png": (png_claiming(60_000, 60_000), "has more than 64 million pixels"),
        "h.png": (png_claiming(8192, 8193), "has more than 64 million pixels"),
        "i.png": (png_claiming(64, 64), "is damaged"),
        "j.tif": (floating, "holds float32 values"),
        "k.tif": (cmyk, "has CMYK colours"),
    }
    for name, (content, reason) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Unreadable, match=reason):
            read(tmp_path / name)


def test_that_bad_files_stop_the_reading_by_name_or_are_noted_with_consent(animals):
    (animals / "cat" / "broken.png").write_bytes(b"no image")
    (animals / "dog" / "empty.jpg").touch()
    with pytest.raises(DataError) as error:
        image_folder(folder=str(animals), image_size=16)
    text = str(error.value)
    assert text.startswith("2 of 26 files can't be read")
    assert f"cat{os.sep}broken.png is no PNG image" in text
    assert f"dog{os.sep}empty.jpg is empty" in text
    source = image_folder(folder=str(animals), image_size=16, skip_unreadable=True)
    assert len(source.train) == 24
    assert source.notes[0].startswith("2 files were skipped")
    assert "broken.png is no PNG image" in source.notes[0]
    assert source.train.labels_N.tolist() == [0] * 12 + [1] * 12


def test_that_a_long_list_of_bad_files_is_cut_after_twenty_names(animals):
    for number in range(23):
        (animals / "cat" / f"bad{number:02}.png").touch()
    with pytest.raises(DataError) as error:
        image_folder(folder=str(animals))
    assert "bad19.png" in str(error.value)
    assert "bad20.png" not in str(error.value)
    assert str(error.value).endswith("and 3 more")
    assert "23 is empty" in str(error.value)


@UNIX
def test_that_links_out_of_the_folder_are_refused_and_links_within_are_read(
    animals, tmp_path_factory
):
    outside = save(tmp_path_factory.mktemp("outside") / "secret.png", picture())
    (animals / "cat" / "inner.png").symlink_to(animals / "cat" / "0.png")
    assert len(image_folder(folder=str(animals)).train) == 25
    (animals / "cat" / "outer.png").symlink_to(outside)
    (animals / "dog" / "folder").symlink_to(outside.parent)
    (animals / "dog" / "loop.png").symlink_to(animals / "dog" / "loop.png")
    (animals / "dog" / "gone.png").symlink_to(animals / "nowhere.png")
    os.mkfifo(animals / "dog" / "pipe.png")
    source = image_folder(folder=str(animals), skip_unreadable=True)
    assert len(source.train) == 25
    for words in (
        "outer.png is a link that leads out of the folder",
        "folder is a link to a folder",
        "gone.png can't be opened",
        "loop.png can't be opened",
        "pipe.png is no regular file",
    ):
        assert words in source.notes[0]


@UNIX
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses names that are not UTF-8")
def test_that_names_that_are_not_utf_8_are_read_and_shown(animals):
    folder = os.fsencode(animals / "cat")
    shutil.copy(animals / "cat" / "0.png", os.path.join(folder, b"caf\xe9.png"))
    with open(os.path.join(folder, b"bad\xe9\n.png"), "wb") as file:
        file.write(b"x")
    os.rename(animals / "dog", os.path.join(os.fsencode(animals), b"d\xf6g"))
    source = image_folder(folder=str(animals), skip_unreadable=True)
    assert len(source.train) == 25
    assert source.classes == ("cat", "d\ufffdg")
    assert "bad\ufffd\ufffd.png is no PNG image" in source.notes[0]
    source.notes[0].encode()  # text that can be stored


def test_that_other_files_are_counted_not_refused(animals):
    (animals / "readme.txt").write_text("hello")
    (animals / "cat" / "list.csv").write_text("1,2")
    (animals / "cat" / ".DS_Store").write_text("x")
    (animals / "empty").mkdir()
    source = image_folder(folder=str(animals))
    assert source.notes == (
        "2 files are no images of a class: 1 outside the class folders, 1 .csv",
    )
    assert source.classes == ("cat", "dog")


def test_that_train_val_and_test_folders_are_given_splits(tmp_path):
    for split, count in (("train", 10), ("Val", 3), ("test", 4)):
        for name in ("cat", "dog"):
            for number in range(count):
                save(tmp_path / split / name / f"{number}.png", picture(seed=number))
    knobs = dataset["image_folder"].knobs(folder=str(tmp_path), image_size=16)
    ready = load("image_folder", knobs)
    assert (len(ready.train), len(ready.validation), len(ready.test)) == (20, 6, 8)
    assert ready.classes == ("cat", "dog")
    save(tmp_path / "test" / "horse" / "1.png", picture())
    with pytest.raises(DataError, match="no training image can be read of horse"):
        load("image_folder", knobs)


def test_that_a_class_may_be_called_train(tmp_path):
    for name in ("train", "test", "bicycle"):
        save(tmp_path / name / "1.png", picture())
    assert image_folder(folder=str(tmp_path)).classes == ("bicycle", "test", "train")
    shutil.rmtree(tmp_path / "bicycle")
    assert image_folder(folder=str(tmp_path)).classes == ("test", "train")


def test_that_a_changed_folder_is_read_again(animals):
    knobs = dataset["image_folder"].knobs(folder=str(animals), image_size=16)
    first = load("image_folder", knobs)
    assert load("image_folder", knobs) is first
    save(animals / "cat" / "new.png", picture(seed=55))
    again = load("image_folder", knobs)
    assert sum(len(again.split(name)) for name in ("train", "validation", "test")) == 25


def test_that_wrong_folders_are_refused_in_words(tmp_path):
    with pytest.raises(DataError, match="choose a folder"):
        image_folder()
    with pytest.raises(DataError, match="is no folder"):
        image_folder(folder=str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="one subfolder per class"):
        image_folder(folder=str(tmp_path))


def test_that_more_than_the_memory_is_refused_with_a_size_that_fits(animals, monkeypatch):
    import psutil

    class Little:
        available = 24 * 2 * 3 * 100**2

    monkeypatch.setattr(psutil, "virtual_memory", Little)
    with pytest.raises(DataError, match=r"image_size: 24 images of 200×200 need .* try 100"):
        image_folder(folder=str(animals), image_size=200)


def test_that_reading_reports_progress_and_can_be_cancelled(animals):
    told = []
    image_folder(lambda done, total, words: told.append((done, total)), folder=str(animals))
    assert told[0] == (0, 24)
    assert told[-1] == (24, 24)

    def cancel(done, total, words):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        image_folder(cancel, folder=str(animals))


def test_that_random_damage_never_escapes_as_another_error(tmp_path):
    random = np.random.default_rng(0)
    for ending, options in ((".png", {}), (".jpg", {}), (".webp", {}), (".tif", {}), (".bmp", {})):
        path = save(tmp_path / f"a{ending}", picture(), **options)
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            places = random.integers(0, len(whole), 4)
            damaged[places] = random.integers(0, 256, 4)
            path.write_bytes(damaged[: random.integers(len(whole) // 2, len(whole) + 1)].tobytes())
            with suppress(Unreadable):  # any other error would come through and fail the test
                assert read(path).shape == (16, 16, 3)


def test_that_the_bytes_become_a_tensor_in_channel_order(tmp_path):
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    save(tmp_path / "red" / "1.png", red)
    image_CHW = image_folder(folder=str(tmp_path), image_size=8).train.images_NCHW[0]
    assert torch.equal(image_CHW.amax((1, 2)), torch.tensor([255, 0, 0], dtype=torch.uint8))
