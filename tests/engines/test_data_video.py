import os
import sys
import time

import numpy as np
import pytest

from engines.data import DataError, load
from engines.data.video import video
from engines.data.video_file import chosen_file, file_stamp, is_video, read_frames
from engines.registry import dataset

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="needs names and links of Unix")
RATE = 10.0


def frame(number: int, height: int = 32, width: int = 48) -> np.ndarray:
    """BGR: a blue square that moves right within the middle, on grey that gets lighter."""
    pixels = np.full((height, width, 3), 100 + number % 90, np.uint8)
    left = 8 + 2 * number % 24
    pixels[12:20, left : left + 8] = (255, 40, 20)
    return pixels


def write(path, frames) -> str:
    from engines.opencv import cv2

    frames = list(frames)
    height, width = frames[0].shape[:2]
    code = cv2.VideoWriter_fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, RATE, (width, height))
    assert writer.isOpened()
    for pixels in frames:
        writer.write(pixels)
    writer.release()
    return str(path)


@pytest.fixture(scope="module")
def eighty(tmp_path_factory):
    return write(tmp_path_factory.mktemp("video") / "moving.avi", map(frame, range(80)))


def test_that_classes_are_segments_and_factors_are_frame_and_time(eighty):
    source = video(file=eighty, stride=2, segment=4, image_size=32)
    # 80 frames, every 2nd: 40, in segments of 4: 10, of which round(1.5) = 2 are held out twice.
    assert len(source.classes) == 10
    assert source.classes[:3] == ("1 at 0:00.0", "2 at 0:00.8", "3 at 0:01.6")
    assert source.train.factors["frame"].tolist() == list(range(0, 48, 2))
    assert source.train.labels_N.tolist() == [k for k in range(6) for _ in range(4)]
    assert source.train.factors["time"].tolist() == pytest.approx([0.2 * n for n in range(24)])


def test_that_whole_blocks_of_time_are_held_out(eighty):
    source = video(file=eighty, stride=1, segment=8, image_size=16)
    parts = source.train, source.validation, source.test
    spans = [(p.factors["frame"].min().item(), p.factors["frame"].max().item()) for p in parts]
    assert spans == [(0, 47), (48, 63), (64, 79)]
    labels = [set(part.labels_N.tolist()) for part in parts]
    assert labels == [set(range(6)), {6, 7}, {8, 9}]


def test_that_the_registry_splits_nothing_at_random(eighty):
    knobs = dataset["video"].knobs(file=eighty, stride=1, segment=8, validation_share=0.5)
    ready = load("video", knobs)
    assert ready.train.factors["frame"].tolist() == list(range(48))
    assert ready.validation.factors["frame"].tolist() == list(range(48, 64))
    assert ready.shape == (3, 64, 64)


def test_that_frames_are_the_central_square_in_rgb(eighty):
    source = video(file=eighty, stride=1, segment=8, image_size=32)
    expected = frame(10)[:, 8:40, ::-1].astype(float)
    found = source.train.images_NCHW[10].permute(1, 2, 0).numpy().astype(float)
    assert np.abs(found - expected).mean() < 4  # JPEG
    assert found[15, 24].argmax() == 2  # the square is blue: 28 to 36 of 48, so 20 to 28 of 32


def test_that_grey_frames_have_one_channel_of_luma(eighty):
    source = video(file=eighty, stride=1, segment=8, image_size=32, colour="grey")
    red, green, blue = frame(10)[0, 8, ::-1].astype(float)
    assert source.train.images_NCHW.shape == (48, 1, 32, 32)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    assert float(source.train.images_NCHW[10, 0, 0, 0]) == pytest.approx(luma, abs=3)


def test_that_reading_ends_after_the_wanted_frames_and_says_so(eighty):
    source = video(file=eighty, stride=1, frames=40, segment=8)
    parts = source.train, source.validation, source.test
    assert sum(map(len, parts)) == 40
    assert "Reading ended after 40 frames, as set" in source.notes


def test_that_black_and_repeated_frames_are_left_out_and_counted(tmp_path):
    frames = [frame(number) for number in range(64)]
    frames[5] = np.zeros_like(frames[5])
    frames[20] = frames[19]
    frames[60] = frames[2]  # a picture of the training part again in the test part
    source = video(file=write(tmp_path / "a.avi", frames), stride=1, segment=8)
    kept = [n for p in (source.train, source.validation, source.test) for n in p.factors["frame"]]
    assert sorted(set(range(64)) - set(map(int, kept))) == [5, 20, 60]
    assert any(note.startswith("1 frames of one plain colour and 2 rep") for note in source.notes)
    # Places are counted with what is left out, so no segment reaches over a gap.
    assert source.train.labels_N.tolist()[:8] == [0] * 7 + [1]


def test_that_a_segment_that_is_mostly_black_is_dropped(tmp_path):
    frames = [frame(number) for number in range(48)]
    frames[8:13] = [np.zeros_like(frames[0])] * 5
    source = video(file=write(tmp_path / "a.avi", frames), stride=1, segment=8)
    assert len(source.classes) == 5
    assert source.train.factors["frame"].tolist() == [*range(8), *range(16, 32)]
    assert source.train.labels_N.tolist() == [0] * 8 + [1] * 8 + [2] * 8


@pytest.mark.parametrize(
    ("frames", "knobs", "field", "try_"),
    [
        (range(80), {"segment": 40, "stride": 1}, "segment", "try 20"),
        (range(80), {"segment": 16, "stride": 3}, "segment", "try 6"),
        (range(80), {"segment": 8, "stride": 20}, "stride", "try 2"),
        (range(80), {"segment": 8, "stride": 1, "frames": 16}, "frames", "try 32"),
        (range(5), {"segment": 2, "stride": 1}, "file", "longer video"),
        ([7] * 40, {"segment": 4, "stride": 1}, "file", "more happens"),
    ],
)
def test_that_too_few_segments_are_refused_with_a_remedy(tmp_path, frames, knobs, field, try_):
    path = write(tmp_path / "a.avi", map(frame, frames))
    with pytest.raises(DataError, match=f"^{field}: .*{try_}"):
        video(file=path, **knobs)


def test_that_the_remedies_for_too_few_segments_help(eighty):
    assert len(video(file=eighty, segment=20, stride=1).classes) == 4
    assert len(video(file=eighty, segment=6, stride=3).classes) == 5
    assert len(video(file=eighty, segment=8, stride=2).classes) == 5
    assert len(video(file=eighty, segment=8, stride=1, frames=32).classes) == 4


def test_that_a_black_video_is_refused(tmp_path):
    path = write(tmp_path / "a.avi", [np.zeros((32, 48, 3), np.uint8)] * 30)
    with pytest.raises(DataError, match=r"^file: all 10 frames read are of one plain colour"):
        video(file=path)


def test_that_what_is_no_video_is_refused_by_name(tmp_path, eighty):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    (tmp_path / "header.avi").write_bytes(b"RIFF\0\0\0\0AVI LIST" + b"\0" * 100)
    for file, said in (
        ("", "none is chosen yet"),
        ("  ", "none is chosen yet"),
        ("http://example.org/a.mp4", "is an address"),
        (tmp_path / "no.mp4", "is no file"),
        ("a\0b", "is no file"),
        ("\ud800.avi", "is no file"),
        (tmp_path, "no regular file"),
        (tmp_path / "empty.mp4", "is empty"),
        (tmp_path / "list.mp4", "does not start like a video"),
        (tmp_path / "header.avi", "can be decoded"),
    ):
        with pytest.raises(DataError, match=f"^file: .*{said}"):
            video(file=str(file))


@UNIX
def test_that_a_pipe_is_refused_without_opening_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.avi")
    with pytest.raises(DataError, match="no regular file"):
        chosen_file(str(tmp_path / "pipe.avi"))


@UNIX
@pytest.mark.parametrize("name", [b"100%02d.avi", b"a\xff\xfe.avi", "Fähre 日.avi".encode()])
def test_that_odd_names_are_read_as_they_are(tmp_path, eighty, name):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    os.link(eighty, path)
    if b"%" in name:  # what OpenCV would read in its place
        (tmp_path / "10000.avi").write_bytes(b"nothing")
    source = video(file=path, stride=1, segment=8)
    assert source.train.factors["frame"].tolist() == list(range(48))


def test_that_only_containers_count_as_video(eighty):
    with open(eighty, "rb") as stream:
        assert is_video(stream.read(512))
    assert is_video(b"\0\0\0\x20ftypisom" + b"\0" * 100)
    assert is_video(bytes([0x47] + [0] * 187) * 2 + b"\0" * 20) is True
    for head in (b"ffconcat version 1.0\nfile x", b"#EXTM3U", b"v=0\no=", b"\x89PNG\r\n", b"<svg"):
        assert not is_video(head)


def test_that_a_truncated_video_gives_what_is_left_and_says_so(tmp_path, eighty):
    with open(eighty, "rb") as stream:
        content = stream.read()
    path = tmp_path / "half.avi"
    path.write_bytes(content[: len(content) // 2])
    source = video(file=str(path), stride=1, segment=4)
    last = int(source.test.factors["frame"].max())
    assert 20 < last < 60
    assert any("announces 80 frames" in note for note in source.notes)


def test_that_progress_is_told_and_may_cancel(eighty):
    told = []
    video(lambda *what: told.append(what), file=eighty, stride=1, segment=8)
    assert told[0] == (0, 80, "reading frames")
    assert told[-1][:2] == (80, 80)

    class Cancelled(Exception):
        pass

    def cancel(done, _total, _words):
        if done >= 32:
            raise Cancelled

    with pytest.raises(Cancelled):
        video(cancel, file=eighty, stride=1, segment=8)


def test_that_a_file_that_changed_is_read_again(tmp_path):
    path = write(tmp_path / "a.avi", map(frame, range(40)))
    knobs = dataset["video"].knobs(file=path, stride=1, segment=8)
    first, stamp = load("video", knobs), file_stamp(path)
    assert load("video", knobs) is first
    time.sleep(0.02)
    write(tmp_path / "a.avi", map(frame, range(64)))
    assert file_stamp(path) != stamp
    assert len(load("video", knobs).classes) == 8


def test_that_memory_that_does_not_suffice_is_said_before_it_is_taken(eighty, monkeypatch):
    import psutil

    class Little:
        available = 2**20

    monkeypatch.setattr(psutil, "virtual_memory", Little)
    with pytest.raises(DataError, match=r"^frames: .* GB are free"):
        video(file=eighty, stride=1, segment=8, image_size=128)


def test_that_frames_are_read_lazily(eighty):
    reader = read_frames(eighty, 16, "rgb", 1, 80)
    assert [next(reader).index for _ in range(3)] == [0, 1, 2]
    reader.close()
