import inspect
import threading
import time

import pytest
import torch

from engines import data
from engines.data import DataError, ImageDataset, Images, class_counts, duplicates, load
from engines.registry import SplitKnobs, dataset


def hand_made() -> ImageDataset:
    def stack(*values: int) -> Images:
        pixels_NCHW = torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
        return Images(pixels_NCHW, torch.tensor([value % 2 for value in values]))

    test = stack(4, 9, 1)
    wrong = Images(test.images_NCHW, torch.tensor([0, 1, 0]))
    return ImageDataset("h", "H", ("even", "odd"), stack(1, 2, 1), stack(2, 3), wrong, "")


def test_that_duplicates_are_found_within_and_across_splits():
    found = [(pair.first, pair.second, pair.same_label) for pair in duplicates(hand_made())]
    assert found == [
        (("train", 0), ("train", 2), True),
        (("train", 1), ("validation", 0), True),
        (("train", 0), ("test", 2), False),
    ]
    assert [pair.crosses for pair in duplicates(hand_made())] == [False, True, True]


def test_that_class_counts_name_every_class_of_every_split():
    assert class_counts(hand_made()) == {
        "train": {"even": 1, "odd": 2},
        "validation": {"even": 1, "odd": 1},
        "test": {"even": 2, "odd": 1},
    }


def test_that_duplicates_of_fashion_mnist_are_found_within_two_seconds():
    ready = load("fashion_mnist")
    start = time.thread_time()
    pairs = duplicates(ready)
    assert time.thread_time() - start < 2
    rows = torch.cat([ready.split(name).images_NCHW.flatten(1) for name in data.inspection.SPLITS])
    weights = torch.rand(784, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sums = rows.double() @ weights  # equal rows have equal sums, others hardly ever
    assert len(pairs) == len(sums) - len(sums.unique())


def test_that_the_same_request_is_answered_from_memory():
    knobs = dataset["digits"].knobs(split_seed=5)
    first = load("digits", knobs)
    assert load("digits", dataset["digits"].knobs(split_seed=5)) is first
    assert load("digits", dataset["digits"].knobs(split_seed=6)) is not first


def test_that_two_threads_share_one_reading(monkeypatch):
    calls = []
    entry = dataset["digits"]
    original = entry.build

    def slow(*supplied, **knobs):
        calls.append(threading.get_ident())
        time.sleep(0.1)
        return original(*supplied, **knobs)

    monkeypatch.setitem(dataset._entries, "digits", _with_build(entry, slow))
    results = []
    knobs = entry.knobs(split_seed=77)
    threads = [
        threading.Thread(target=lambda: results.append(load("digits", knobs))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert all(result is results[0] for result in results)
    assert len(results) == 4


def _with_build(entry, build):
    from dataclasses import replace

    build.__signature__ = inspect.signature(entry.build)
    return replace(entry, build=build)


def test_that_what_progress_raises_cancels_and_is_not_remembered():
    class Cancelled(Exception):
        pass

    def cancel(done, total, words):
        raise Cancelled

    knobs = dataset["digits"].knobs(split_seed=4242)
    with pytest.raises(Cancelled):
        load("digits", knobs, cancel)
    assert load("digits", knobs).name == "digits"


def test_that_an_unknown_name_lists_the_known_ones():
    with pytest.raises(KeyError, match="fashion_mnist"):
        load("fashion")


@pytest.mark.parametrize("entry", list(dataset), ids=lambda entry: entry.name)
def test_that_every_data_set_can_be_made_from_its_defaults_or_asks_for_a_path(entry):
    knobs = entry.knobs()
    assert isinstance(knobs, SplitKnobs)
    for name, field in type(knobs).model_fields.items():
        assert field.description, f"{entry.name}.{name} has no description"
    if {"folder", "file"} & type(knobs).model_fields.keys():
        with pytest.raises(DataError, match=r"choose a (folder|video file)"):
            load(entry.name, knobs)
    else:
        ready = load(entry.name, knobs)
        assert len(ready.train) > len(ready.validation) > 0
        assert len(ready.digest) == 64
