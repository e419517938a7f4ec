"""What a "predictions" artifact holds of a split."""

import numpy as np
import pytest
import torch

from engines.data.source import Images
from engines.probes.predictions import (
    PICTURE,
    SHOWN,
    SHOWN_PER_PAIR,
    Predictions,
    most_confident_mistakes,
    pictures,
    told,
)


def images(count, height=4, width=4, channels=1):
    pixels = torch.arange(count * channels * height * width) % 251
    return Images(
        pixels.to(torch.uint8).view(count, channels, height, width),
        torch.zeros(count, dtype=torch.int64),
    )


def test_that_mistakes_come_surest_first_and_few_of_each_pair():
    chance = np.random.default_rng(3)
    label_N = chance.integers(0, 4, 400)
    predicted_N = chance.integers(0, 4, 400)
    confidence_N = chance.random(400)
    shown_M = most_confident_mistakes(label_N, predicted_N, confidence_N)
    assert len(shown_M) == 12 * SHOWN_PER_PAIR
    assert (np.diff(confidence_N[shown_M]) <= 0).all()
    for true in range(4):
        for guess in range(4):
            members = np.flatnonzero((label_N == true) & (predicted_N == guess))
            best = sorted(members, key=lambda n: -confidence_N[n])[:SHOWN_PER_PAIR]
            mine = [n for n in shown_M if label_N[n] == true and predicted_N[n] == guess]
            assert sorted(mine) == (sorted(best) if true != guess else [])


def test_that_many_classes_do_not_show_more_than_the_limit():
    label_N = np.arange(1000)
    shown_M = most_confident_mistakes(label_N, (label_N + 1) % 1000, np.linspace(0, 1, 1000))
    assert shown_M.tolist() == list(range(999, 999 - SHOWN, -1))


def test_that_no_mistakes_give_empty_arrays_of_the_right_shape():
    outcome = Predictions(np.eye(3), np.arange(3), 0.1, 1.0)
    arrays, facts = told(outcome, images(3))
    assert arrays["shown_M"].shape == (0,)
    assert arrays["picture_MHWC"].shape == (0, 4, 4, 1)
    assert arrays["probability_MK"].shape == (0, 3)
    assert facts == {"count": 3, "accuracy": 1.0, "loss": 0.1}


def test_that_arrays_are_as_the_docstring_says():
    probability_NK = np.array([[0.7, 0.3], [0.4, 0.6], [0.1, 0.9]])
    arrays, _ = told(Predictions(probability_NK, np.array([1, 1, 0]), 1.0, 1 / 3), images(3))
    assert {name: values.dtype.name for name, values in arrays.items()} == {
        "label_N": "int16",
        "predicted_N": "int16",
        "confidence_N": "float16",
        "shown_M": "int32",
        "picture_MHWC": "uint8",
        "probability_MK": "float16",
    }
    assert arrays["predicted_N"].tolist() == [0, 1, 1]
    assert arrays["confidence_N"] == pytest.approx([0.7, 0.6, 0.9], abs=1e-3)
    assert arrays["shown_M"].tolist() == [2, 0]
    assert arrays["probability_MK"] == pytest.approx(probability_NK[[2, 0]], abs=1e-3)


def test_that_pictures_are_the_pixels_of_the_images():
    source = images(5, channels=3)
    picture_MHWC = pictures(source, np.array([4, 1]))
    assert picture_MHWC.shape == (2, 4, 4, 3)
    assert picture_MHWC[0, 2, 3, 1] == source.images_NCHW[4, 1, 2, 3]


def test_that_large_pictures_shrink_by_their_mean_and_keep_their_shape():
    source = Images(torch.zeros(1, 1, 256, 128, dtype=torch.uint8), torch.zeros(1).long())
    source.images_NCHW[0, 0, :4, :4] = torch.arange(16).view(4, 4)
    picture_MHWC = pictures(source, np.array([0]))
    assert picture_MHWC.shape == (1, PICTURE, PICTURE // 2, 1)
    assert picture_MHWC[0, 0, 0, 0] == round(15 / 2)
    assert picture_MHWC[0, 1:, 1:].sum() == 0
