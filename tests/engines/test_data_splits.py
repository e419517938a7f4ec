from itertools import chain

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from engines.data import DataError, Images, Source
from engines.data.splits import split
from engines.registry import SplitKnobs


def numbered(counts: list[int], test: int = 0) -> Source:
    """A source whose image i is the number i, with `counts[k]` images of class k."""

    def stack(first: int, labels: list[int]) -> Images:
        number_N = torch.arange(first, first + len(labels))
        pixels_NCHW = torch.stack([number_N // 256, number_N % 256], 1).to(torch.uint8)
        return Images(pixels_NCHW.view(-1, 1, 1, 2), torch.tensor(labels), {"number": number_N})

    labels = [k for k, count in enumerate(counts) for _ in range(count)]
    own_test = stack(len(labels), [k % len(counts) for k in range(test)]) if test else None
    return Source(tuple("abcdefghij"[: len(counts)]), stack(0, labels), own_test)


def numbers(images: Images) -> list[int]:
    high_N, low_N = images.images_NCHW.view(-1, 2).long().T
    assert torch.equal(high_N * 256 + low_N, images.factors["number"])
    return (high_N * 256 + low_N).tolist()


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(10, 60), min_size=2, max_size=5),
    share=st.floats(0.05, 0.5),
    test=st.sampled_from([0, 7]),
    seed=st.integers(0, 1000),
)
def test_that_splits_are_disjoint_complete_and_stratified(counts, share, test, seed):
    source = numbered(counts, test)
    ready = split(source, SplitKnobs(validation_share=share, split_seed=seed), "n", "N")
    parts = [numbers(ready.split(name)) for name in ("train", "validation", "test")]
    assert sorted(chain.from_iterable(parts)) == list(range(sum(counts) + test))
    left = [count - (0 if test else count * 0.2) for count in counts]
    for k, count in enumerate(left):
        held_out = (ready.validation.labels_N == k).sum().item()
        assert abs(held_out - share * count) < 2  # one for each of the two roundings
    own_label = source.train.labels_N.tolist()
    assert [own_label[number] for number in parts[0]] == ready.train.labels_N.tolist()


def test_that_the_same_seed_gives_the_same_splits_and_another_one_others():
    source = numbered([50, 50])
    one, same, other = (split(source, SplitKnobs(split_seed=seed), "n", "N") for seed in (1, 1, 2))
    assert one.digest == same.digest != other.digest
    assert numbers(one.test) == numbers(same.test) != numbers(other.test)


def test_that_the_test_part_does_not_depend_on_the_other_knobs():
    source = numbered([50, 40])
    plain = split(source, SplitKnobs(), "n", "N")
    changed = split(source, SplitKnobs(validation_share=0.4, train_images=10), "n", "N")
    assert numbers(plain.test) == numbers(changed.test)


def test_that_fewer_training_images_are_a_stratified_part_of_more():
    source = numbered([400, 100])
    few, more = (split(source, SplitKnobs(train_images=n), "n", "N").train for n in (20, 40))
    assert torch.bincount(few.labels_N).tolist() == [16, 4]
    assert set(numbers(few)) < set(numbers(more))
    assert len(split(source, SplitKnobs(train_images=9999), "n", "N").train) == 360


def test_that_chosen_classes_are_kept_in_the_order_asked_for():
    ready = split(numbered([20, 30, 40], test=9), SplitKnobs(classes=("c", "a")), "n", "N")
    assert ready.classes == ("c", "a")
    first = ready.train.pick(torch.nonzero(ready.train.labels_N == 0)[:, 0])
    assert min(numbers(first)) >= 50  # class c is 50 to 89
    assert len(ready.train) + len(ready.validation) == 60
    assert ready.test.labels_N.tolist() == [1, 0, 1, 0, 1, 0]  # a b c a b c …


def test_that_an_unknown_class_is_refused_with_the_nearest_name():
    source = numbered([20, 20])
    source = Source(("Pullover", "Sneaker"), source.train)
    with pytest.raises(DataError, match="'sneakers' is unknown; did you mean 'Sneaker'"):
        split(source, SplitKnobs(classes=("sneakers",)), "n", "N")
    with pytest.raises(DataError, match="'Sneaker' is named twice"):
        split(source, SplitKnobs(classes=("Sneaker", "Sneaker")), "n", "N")


def test_that_given_validation_images_are_used_whole():
    source = numbered([30, 30], test=4)
    given_source = Source(
        source.classes, source.train, source.test, (), source.train.pick(torch.arange(5))
    )
    ready = split(given_source, SplitKnobs(), "n", "N")
    assert numbers(ready.validation) == [0, 1, 2, 3, 4]
    assert len(ready.train) == 60


def test_that_too_few_images_are_refused_by_split():
    with pytest.raises(DataError, match="no training images are left of 1"):
        split(numbered([1]), SplitKnobs(), "n", "N")


@pytest.mark.parametrize(
    "wrong", [{"validation_share": 0.6}, {"validation_share": 0.0}, {"train_images": -1}]
)
def test_that_split_knobs_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        SplitKnobs(**wrong)
