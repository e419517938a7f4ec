"""The Data page's facts, against counts by hand and files made for the purpose."""

import numpy as np
import pytest

from engines.data import DataError, Duplicate
from engines.opencv import cv2
from engines.registry import dataset
from workbench.data_summary import (
    augmented,
    balance,
    duplicate_verdict,
    offers,
    refusal,
    summarise,
)


def nothing(_done, _total, _words):
    pass


def knobs(name, **values):
    return dataset[name].knobs(**values)


def pictures(folder, **files):
    """Files by class: how many grey 12×12 pictures, each of one level of its own."""
    level = 0
    for name, count in files.items():
        (folder / name).mkdir()
        for number in range(count):
            level += 3
            picture = np.full((12, 12), level, np.uint8)
            assert cv2.imwrite(str(folder / name / f"{number:03}.png"), picture)
    return folder


def test_that_every_data_set_is_offered_once_and_bundled_ones_come_first():
    offered = offers()
    assert sorted(offer.name for offer in offered) == sorted(entry.name for entry in dataset)
    groups = [offer.group for offer in offered]
    assert groups == sorted(groups, key=["bundled", "drawn", "pictures", "files"].index)
    of = {offer.name: offer for offer in offered}
    assert (of["digits"].group, of["shapes"].group) == ("bundled", "drawn")
    assert (of["image_folder"].group, of["cifar10"].group) == ("pictures", "files")
    for offer in offered:
        assert offer.needs_folder == ("folder" in dataset[offer.name].knobs.model_fields)
    assert all(offer.summary and offer.licence for offer in offered)


def test_that_the_summary_of_digits_adds_up():
    said = []
    summary = summarise("digits", knobs("digits"), lambda *report: said.append(report))
    assert summary.shape_words == "8 × 8 grey"
    assert sum(len(part) for part in summary.splits.values()) == 1797
    for split, part in summary.splits.items():
        by_hand = [int((part.label_N == k).sum()) for k in range(10)]
        assert summary.counts[split].tolist() == by_hand
    sevens = summary.splits["train"].of_class(7)
    assert (summary.splits["train"].label_N[sevens] == 7).all()
    assert len(sevens) == summary.counts["train"][7]
    assert summary.digest[:8] in summary.facts_line
    assert said[-1][2] == "looked for exact duplicates"


def test_that_facts_of_shapes_name_their_factors():
    summary = summarise("shapes", knobs("shapes", images=120), nothing)
    part = summary.splits["test"]
    facts = dict(summary.facts("test", 3))
    assert facts["Class"] == facts["Shape"] == summary.classes[part.label_N[3]]
    colours = ("red", "orange", "yellow", "green", "blue", "violet")
    assert facts["Colour"] == colours[part.factors["colour"][3]]
    assert facts["Radius"] == f"{100 * part.factors['radius'][3]:.1f} % of the side"
    assert facts["Drawn as"] == f"number {part.factors['index'][3]}"


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([5, 5, 5], "Balanced: 5 images in every class."),
        ([8, 10, 9], "Nearly balanced: 8 to 10 images a class."),
        ([10, 40, 20], "Imbalanced: b has 40 images, 4 times as many as a (10)."),
        ([3, 0, 3], "Imbalanced: b has no image here."),
        ([3, 0, 0], "Imbalanced: 2 classes have no image here, such as b."),
    ],
)
def test_that_balance_is_said_in_words(counts, words):
    assert balance(np.array(counts), ("a", "b", "c")) == words


def test_that_duplicates_across_splits_are_a_leak_and_within_one_are_not():
    none = duplicate_verdict([])
    assert none.tone == "success"
    assert "neither across splits nor within" in none.sentence
    within = duplicate_verdict([Duplicate(("train", 0), ("train", 5), True)])
    assert within.tone == "muted"
    assert within.sentence == "No exact duplicates across splits."
    assert "1 in train" in within.meaning
    pairs = [Duplicate(("train", 0), ("test", n), True) for n in range(2)]
    across = duplicate_verdict([*pairs, Duplicate(("train", 1), ("validation", 0), False)])
    assert across.tone == "warn"
    assert across.sentence == (
        "2 test images repeat training images and 1 validation image repeats a training image."
    )
    assert "The test set leaks" in across.meaning
    assert "1 pair carries two different labels" in across.meaning


def test_that_copies_of_a_picture_are_found_and_those_across_splits_come_first(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
    pictures(tmp_path / "train", a=5, b=5)
    pictures(tmp_path / "test", c=0, b=1)
    (tmp_path / "test" / "a").mkdir()
    copied = (tmp_path / "train" / "a" / "001.png").read_bytes()
    (tmp_path / "test" / "a" / "same.png").write_bytes(copied)
    (tmp_path / "train" / "b" / "wrong.png").write_bytes(copied)
    summary = summarise("image_folder", knobs("image_folder", folder=str(tmp_path)), nothing)
    # The one picture of test/b is as grey as the first of train/a.
    assert len(summary.pairs) == 3
    assert [pair.crosses for pair in summary.pairs] == sorted(
        (pair.crosses for pair in summary.pairs), reverse=True
    )
    for pair in summary.pairs:
        first, second = (summary.splits[s].picture(i) for s, i in (pair.first, pair.second))
        assert (first == second).all()


def test_that_unreadable_files_are_refused_by_name_with_a_way_on(tmp_path):
    pictures(tmp_path, a=6, b=6)
    (tmp_path / "a" / "empty.png").write_bytes(b"")
    (tmp_path / "b" / "nonsense.jpg").write_bytes(b"\xff\xd8\xffnonsense")
    with pytest.raises(DataError) as caught:
        summarise("image_folder", knobs("image_folder", folder=str(tmp_path)), nothing)
    why = refusal(caught.value)
    assert why.unreadable == 2
    assert why.sentence.startswith("2 of 14 files can't be read")
    assert "skip_unreadable" not in why.sentence
    assert any(line.startswith("a/empty.png") for line in why.files)
    assert any(line.startswith("b/nonsense.jpg") for line in why.files)
    willing = knobs("image_folder", folder=str(tmp_path), skip_unreadable=True)
    summary = summarise("image_folder", willing, nothing)
    assert sum(len(part) for part in summary.splits.values()) == 12
    assert "empty.png" in summary.notes[0]


def test_that_a_refusal_names_the_setting_that_is_wrong():
    with pytest.raises(DataError) as caught:
        summarise("mnist", knobs("mnist"), nothing)
    why = refusal(caught.value)
    assert why.field == "folder"
    assert why.sentence == "Folder: none is chosen yet; choose a folder."
    assert why.unreadable == 0
    assert refusal(MemoryError()).sentence.startswith("There is not enough memory")
    assert refusal(OSError("disk gone")).sentence == "Disk gone."


def test_that_what_progress_raises_ends_the_work():
    def stop(*_report):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        summarise("shapes", knobs("shapes", images=60, seed=12345), stop)


def test_that_augmented_versions_depend_on_the_seed_alone():
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    first = augmented(picture, {"flip": True, "shift": 2}, 1)
    assert first.shape == (12, 16, 16, 3)
    assert (first == augmented(picture, {"flip": True, "shift": 2}, 1)).all()
    assert (first != augmented(picture, {"flip": True, "shift": 2}, 2)).any()
    assert (augmented(picture, {}, 1) == picture).all()
    flipped = augmented(picture, {"flip": True}, 3)
    kinds = {image.tobytes() for image in flipped}
    assert kinds == {picture.tobytes(), picture[:, ::-1].tobytes()}
    with pytest.raises(ValueError, match=r"^shift 16 is too large"):
        augmented(picture, {"shift": 16}, 0)
