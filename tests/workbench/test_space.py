import math

import numpy as np
import pytest

from engines.events import RunStarted, Scores
from workbench.history import History
from workbench.space import baselines, gain_sentence, overlap, overlap_sentence

BOTH = {"pixels": 0.835, "untrained": 0.821}


def test_that_a_gain_too_small_to_speak_of_is_called_so():
    assert gain_sentence(0.841, BOTH) == (
        "kNN 84.1 %: 0.6 points above raw pixels, 2.0 above the untrained encoder: hardly a gain."
    )


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [
        (0.800, "worse than raw pixels."),
        (0.8249, "worse than raw pixels."),
        (0.830, "no gain."),
        (0.835, "no gain."),
        (0.844, "hardly a gain."),
        (0.846, "a small gain."),
        (0.864, "a small gain."),
        (0.866, "a gain."),
    ],
)
def test_that_the_verdict_goes_by_the_better_baseline(accuracy, verdict):
    sentence = gain_sentence(accuracy, BOTH)
    assert sentence.rpartition(": ")[2] == verdict


def test_that_the_worse_half_is_named_when_training_did_harm():
    sentence = gain_sentence(0.7, {"pixels": 0.68, "untrained": 0.75})
    assert sentence == (
        "kNN 70 %: 2.0 points above raw pixels, 5.0 below the untrained encoder: "
        "worse than the untrained encoder."
    )


def test_that_equal_and_single_points_are_worded_as_such():
    sentence = gain_sentence(0.8, {"pixels": 0.8, "untrained": 0.79}, "linear")
    assert sentence.startswith("Linear probe 80 %: the same as raw pixels, 1.0 above the untrained")
    assert "1.0 point above raw pixels" in gain_sentence(0.81, {"pixels": 0.8})


def test_that_nothing_is_claimed_before_an_evaluation_or_without_a_baseline():
    assert gain_sentence(None, BOTH) == "Too early to say: no evaluation yet."
    assert gain_sentence(math.nan, BOTH) == "Too early to say: no evaluation yet."
    assert "nothing to compare it with" in gain_sentence(0.9, {})


def test_that_the_untrained_encoder_is_taken_from_step_0_if_the_context_lacks_it():
    history = History({"baselines": {"pixels": {"knn": 0.8, "linear": 0.7}}})
    history.add(RunStarted(0, 10, 10))
    history.add(Scores(0, {"validation/accuracy": 0.5, "validation/linear_accuracy": 0.25}))
    history.add(Scores(5, {"validation/accuracy": 0.9, "validation/linear_accuracy": 0.9}))
    assert baselines(history, "knn") == {"pixels": 0.8, "untrained": 0.5}
    assert baselines(history, "linear") == {"pixels": 0.7, "untrained": 0.25}


def test_that_the_written_baseline_comes_before_the_evaluation_at_step_0():
    history = History({"baselines": {"untrained": {"knn": 0.75}, "pixels": {"knn": math.nan}}})
    history.add(Scores(0, {"validation/accuracy": 0.5}))
    assert baselines(history, "knn") == {"untrained": 0.75}
    assert baselines(history, "linear") == {}


def test_that_overlap_is_what_two_histograms_share():
    first, second = np.array([2, 2, 0, 0]), np.array([0, 30, 10, 0])
    assert overlap(first, second) == pytest.approx(0.5)  # min of 1/2 and 3/4
    assert overlap(first, 7 * first) == pytest.approx(1)
    assert overlap(first, np.array([0, 0, 1, 1])) == 0
    assert math.isnan(overlap(first, np.zeros(4, int)))


def test_that_overlap_in_words_gives_the_error_it_means():
    assert overlap_sentence(0.5) == (
        "50 % of the two overlap: by similarity alone, some 25 % of pairs are mistaken."
    )
    assert "don't overlap" in overlap_sentence(0.0)
    assert "missing" in overlap_sentence(math.nan)
