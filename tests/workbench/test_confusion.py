import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as sklearn_confusion

from workbench.confusion import (
    ConfusedPair,
    class_accuracy,
    confusion_matrix,
    most_confused,
    overall_accuracy,
    row_shares,
    wilson,
)


def by_hand(counts):
    return np.array(counts, np.int64)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=60))
def test_that_the_matrix_equals_scikit_learns(pairs):
    label_N = np.array([true for true, _ in pairs], np.int16)
    predicted_N = np.array([called for _, called in pairs], np.int16)
    counts_KK = confusion_matrix(label_N, predicted_N, 5)
    expected = (
        sklearn_confusion(label_N, predicted_N, labels=range(5)) if pairs else np.zeros((5, 5))
    )
    assert np.array_equal(counts_KK, expected)


def test_that_a_hundred_classes_do_not_overflow_the_labels_small_type():
    label_N = np.full(3, 99, np.int16)
    counts_KK = confusion_matrix(label_N, label_N, 400)
    assert counts_KK[99, 99] == 3
    assert counts_KK.sum() == 3


@pytest.mark.parametrize("label", [-1, 3])
def test_that_a_label_outside_the_classes_is_refused_by_its_number(label):
    with pytest.raises(ValueError, match=f"class {label} of 3"):
        confusion_matrix(np.array([label]), np.array([0]), 3)


def test_that_lengths_must_agree():
    with pytest.raises(ValueError, match="2 labels but 1"):
        confusion_matrix(np.zeros(2, int), np.zeros(1, int), 3)


def test_that_rows_become_shares_and_an_empty_row_is_nan():
    shares_KK = row_shares(by_hand([[3, 1], [0, 0]]))
    assert shares_KK[0].tolist() == [0.75, 0.25]
    assert np.isnan(shares_KK[1]).all()


@pytest.mark.parametrize(("correct", "count"), [(0, 10), (10, 10), (364, 512), (1, 3)])
def test_that_wilson_ends_solve_the_score_equation(correct, count):
    """The ends are the p with (p̂ - p)² = z²·p(1-p)/n: found here by bisection."""
    z, share = 1.959964, correct / count

    def solve(outside, inside):
        for _ in range(200):
            middle = (outside + inside) / 2
            if (share - middle) ** 2 > z * z * middle * (1 - middle) / count:
                outside = middle
            else:
                inside = middle
        return inside

    low, high = wilson(np.array(correct), np.array(count))
    assert float(low) == pytest.approx(solve(0.0, share), abs=1e-6)
    assert float(high) == pytest.approx(solve(1.0, share), abs=1e-6)


def test_that_ten_of_ten_has_the_interval_of_the_docstring():
    low, high = wilson(np.array([10]), np.array([10]))
    assert low[0] == pytest.approx(0.7225, abs=5e-4)
    assert high[0] == pytest.approx(1)


@given(st.integers(0, 10**6), st.data())
def test_that_wilson_contains_the_share_and_stays_a_share(count, data):
    correct = data.draw(st.integers(0, count))
    low, high = wilson(np.array(correct), np.array(count))
    assert 0 <= low <= high <= 1
    if count:
        assert low - 1e-12 <= correct / count <= high + 1e-12


def test_that_class_accuracy_counts_rows_and_says_nan_without_pictures():
    accuracy = class_accuracy(by_hand([[8, 2, 0], [1, 3, 0], [0, 0, 0]]))
    assert accuracy.correct_K.tolist() == [8, 3, 0]
    assert accuracy.count_K.tolist() == [10, 4, 0]
    assert accuracy.share_K[:2].tolist() == [0.8, 0.75]
    assert math.isnan(accuracy.share_K[2])
    assert (accuracy.low_K[2], accuracy.high_K[2]) == (0.0, 1.0)


def test_that_the_worst_pairs_come_first_without_the_diagonal_and_without_empty_cells():
    pairs = most_confused(by_hand([[90, 5, 0], [7, 80, 1], [0, 0, 9]]))
    assert pairs == [
        ConfusedPair(1, 0, 7, 88),
        ConfusedPair(0, 1, 5, 95),
        ConfusedPair(1, 2, 1, 88),
    ]


def test_that_the_limit_cuts_the_pairs_and_the_counts_stay_untouched():
    counts_KK = by_hand([[1, 2], [3, 4]])
    assert [pair.count for pair in most_confused(counts_KK, 1)] == [3]
    assert counts_KK.tolist() == [[1, 2], [3, 4]]


def test_that_overall_accuracy_is_the_diagonals_share():
    assert overall_accuracy(by_hand([[3, 1], [2, 4]])) == 0.7
    assert math.isnan(overall_accuracy(np.zeros((2, 2), np.int64)))
