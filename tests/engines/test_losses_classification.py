import math

import pytest
import scipy.stats
import torch
import torch.nn.functional as F
from sklearn.metrics import brier_score_loss, log_loss

from engines.losses.classification import (
    binary_squared_error,
    cross_entropy,
    distillation,
    hinge,
    kl_divergence,
    squared_error,
)

LECTURE_SCORES = torch.tensor(  # plane, dog, cat, car
    [[-3.45, 2.9, 3.2, -0.23], [-0.51, 3.58, -2.09, 3.33], [3.42, 1.5, 2.13, 1.21]],
    dtype=torch.float64,
)
LECTURE_LABELS = torch.tensor([2, 3, 1])


def scores_and_labels(batch=6, classes=5, seed=0):
    g = torch.Generator().manual_seed(seed)
    logits_BK = 3 * torch.randn(batch, classes, generator=g, dtype=torch.float64)
    return logits_BK, torch.randint(classes, (batch,), generator=g)


def softmax(row):
    top = max(row)
    exponentials = [math.exp(s - top) for s in row]
    return [e / sum(exponentials) for e in exponentials]


def smoothed(label, classes, smoothing):
    return [smoothing / classes + (1 - smoothing) * (j == label) for j in range(classes)]


def mean_over_rows(term, logits_BK, target_B):
    pairs = list(zip(logits_BK.tolist(), target_B.tolist(), strict=True))
    return sum(term(row, label) for row, label in pairs) / len(pairs)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_that_cross_entropy_equals_its_formula(smoothing):
    logits_BK, target_B = scores_and_labels()

    def by_hand(row, label):
        targets = smoothed(label, len(row), smoothing)
        return -sum(q * math.log(p) for q, p in zip(targets, softmax(row), strict=True))

    expected = mean_over_rows(by_hand, logits_BK, target_B)
    got = cross_entropy(logits_BK, target_B, label_smoothing=smoothing)
    assert got.item() == pytest.approx(expected, rel=1e-12)


def test_that_cross_entropy_equals_scikit_learns_log_loss():
    logits_BK, target_B = scores_and_labels()
    expected = log_loss(target_B.numpy(), logits_BK.softmax(1).numpy(), labels=range(5))
    assert cross_entropy(logits_BK, target_B).item() == pytest.approx(expected, rel=1e-12)


def test_that_cross_entropy_ignores_a_shift_of_all_scores():
    logits_BK, target_B = scores_and_labels()
    shifted = cross_entropy(logits_BK + 123.0, target_B)
    assert shifted.item() == pytest.approx(cross_entropy(logits_BK, target_B).item(), rel=1e-12)


@pytest.mark.parametrize("margin", [0.5, 1.0, 4.0])
def test_that_hinge_equals_its_formula(margin):
    logits_BK, target_B = scores_and_labels()

    def by_hand(row, label):
        return sum(max(0.0, s - row[label] + margin) for j, s in enumerate(row) if j != label)

    expected = mean_over_rows(by_hand, logits_BK, target_B)
    assert hinge(logits_BK, target_B, margin=margin).item() == pytest.approx(expected, rel=1e-12)


def test_that_hinge_is_torchs_margin_loss_times_the_classes():
    logits_BK, target_B = scores_and_labels()
    peer = 5 * F.multi_margin_loss(logits_BK, target_B)
    assert hinge(logits_BK, target_B).item() == pytest.approx(peer.item(), rel=1e-12)


def test_that_hinge_solves_the_lectures_example():
    rows = zip(LECTURE_SCORES, LECTURE_LABELS, strict=True)
    each = [hinge(scores[None], label[None]).item() for scores, label in rows]
    assert each == pytest.approx([0.70, 1.25, 5.26], abs=1e-9)
    assert hinge(LECTURE_SCORES, LECTURE_LABELS).item() == pytest.approx(2.4033, abs=5e-5)


def test_that_cross_entropy_of_the_lectures_example_is_as_printed():
    assert cross_entropy(LECTURE_SCORES, LECTURE_LABELS).item() == pytest.approx(1.2523, abs=5e-5)


@pytest.mark.parametrize("on", ["probabilities", "scores"])
def test_that_squared_error_equals_its_formula(on):
    logits_BK, target_B = scores_and_labels()

    def by_hand(row, label):
        guess = softmax(row) if on == "probabilities" else row
        return sum((p - (j == label)) ** 2 for j, p in enumerate(guess))

    expected = mean_over_rows(by_hand, logits_BK, target_B)
    assert squared_error(logits_BK, target_B, on=on).item() == pytest.approx(expected, rel=1e-12)


def test_that_squared_error_is_torchs_times_the_classes():
    logits_BK, target_B = scores_and_labels()
    peer = 5 * F.mse_loss(logits_BK.softmax(1), F.one_hot(target_B, 5).double())
    assert squared_error(logits_BK, target_B).item() == pytest.approx(peer.item(), rel=1e-12)


def test_that_no_constant_scores_beat_the_chance_of_squared_error():
    target_B = torch.arange(10)  # every class once
    constant_K = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        constant_K += 0.1
    value = squared_error(constant_K.expand(10, 10), target_B, on="scores")
    (gradient_K,) = torch.autograd.grad(value, constant_K)
    assert value.item() == pytest.approx(0.9)
    assert gradient_K.abs().max().item() < 1e-12


def test_that_binary_squared_error_equals_its_formula_and_scikit_learns_brier_score():
    g = torch.Generator().manual_seed(1)
    logits_B1 = 2 * torch.randn(9, 1, generator=g, dtype=torch.float64)
    target_B = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1, 1])
    expected = mean_over_rows(
        lambda row, label: (label - 1 / (1 + math.exp(-row[0]))) ** 2, logits_B1, target_B
    )
    got = binary_squared_error(logits_B1, target_B).item()
    assert got == pytest.approx(expected, rel=1e-12)
    probabilities_B = logits_B1.sigmoid().squeeze(1).numpy()
    assert got == pytest.approx(brier_score_loss(target_B.numpy(), probabilities_B), rel=1e-12)


@pytest.mark.parametrize(
    ("outputs", "targets"), [((4,), (4,)), ((4, 2), (4,)), ((4, 1), (4, 1)), ((1, 1), (4,))]
)
def test_that_binary_squared_error_refuses_shapes_that_would_broadcast(outputs, targets):
    with pytest.raises(ValueError, match="one output"):
        binary_squared_error(torch.zeros(outputs), torch.zeros(targets, dtype=torch.int64))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_that_kl_divergence_equals_scipys_relative_entropy(smoothing):
    logits_BK, target_B = scores_and_labels()
    expected = mean_over_rows(
        lambda row, label: scipy.stats.entropy(smoothed(label, 5, smoothing), softmax(row)),
        logits_BK,
        target_B,
    )
    got = kl_divergence(logits_BK, target_B, smoothing=smoothing)
    assert got.item() == pytest.approx(expected, rel=1e-9)


def test_that_kl_divergence_is_zero_at_the_smoothed_labels_themselves():
    target_B = torch.arange(4)
    p_BK = torch.tensor([smoothed(label, 4, 0.2) for label in range(4)], dtype=torch.float64)
    assert kl_divergence(p_BK.log(), target_B, smoothing=0.2).item() == pytest.approx(0, abs=1e-15)


def test_that_kl_divergence_without_smoothing_is_cross_entropy():
    logits_BK, target_B = scores_and_labels()
    expected = cross_entropy(logits_BK, target_B).item()
    assert kl_divergence(logits_BK, target_B, smoothing=0).item() == pytest.approx(expected)


@pytest.mark.parametrize(("temperature", "weight"), [(1.0, 0.5), (4.0, 0.9), (2.0, 0.0)])
def test_that_distillation_equals_its_formula(temperature, weight):
    logits_BK, target_B = scores_and_labels()
    teacher_BK, _ = scores_and_labels(seed=7)
    total = 0.0
    for student, teacher, label in zip(
        logits_BK.tolist(), teacher_BK.tolist(), target_B.tolist(), strict=True
    ):
        soft_teacher = softmax([t / temperature for t in teacher])
        soft_student = softmax([s / temperature for s in student])
        total += weight * temperature**2 * scipy.stats.entropy(soft_teacher, soft_student)
        total -= (1 - weight) * math.log(softmax(student)[label])
    got = distillation(logits_BK, target_B, teacher_BK, temperature=temperature, weight=weight)
    assert got.item() == pytest.approx(total / 6, rel=1e-9)


def test_that_the_gradient_of_distillation_keeps_its_size_as_the_temperature_grows():
    """Hinton et al. Eq. 4: for large T and centred scores it is (s - t) / K of one image."""
    student_BK = torch.tensor([[1.0, -1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    teacher_BK = torch.tensor([[0.0, 2.0, -2.0]], dtype=torch.float64)
    value = distillation(student_BK, torch.tensor([0]), teacher_BK, temperature=1e4, weight=1.0)
    (gradient_BK,) = torch.autograd.grad(value, student_BK)
    expected_BK = (student_BK - teacher_BK).detach() / 3
    torch.testing.assert_close(gradient_BK, expected_BK, rtol=1e-3, atol=1e-3)


def test_that_distillation_sends_no_gradient_to_the_teacher():
    logits_BK, target_B = scores_and_labels()
    logits_BK.requires_grad_()
    teacher_BK = torch.zeros_like(logits_BK, requires_grad=True)
    distillation(logits_BK, target_B, teacher_BK).backward()
    assert teacher_BK.grad is None
    assert logits_BK.grad is not None


def test_that_each_loss_gives_the_value_its_docstring_names():
    zeros, label = torch.zeros(1, 10), torch.tensor([3])
    assert cross_entropy(zeros, label).item() == pytest.approx(2.303, abs=5e-4)
    assert cross_entropy(zeros, label, label_smoothing=0.3).item() == pytest.approx(math.log(10))
    assert hinge(zeros, label, margin=2.0).item() == pytest.approx(18)
    assert hinge(LECTURE_SCORES[:1], torch.tensor([2])).item() == pytest.approx(0.70)
    assert squared_error(zeros, label).item() == pytest.approx(0.9)
    sure_and_wrong = torch.tensor([[1e4, 0.0, 0.0]])
    assert squared_error(sure_and_wrong, torch.tensor([1])).item() == pytest.approx(2)
    assert binary_squared_error(torch.zeros(1, 1), torch.tensor([1])).item() == 0.25
    two = kl_divergence(torch.zeros(1, 2), torch.tensor([0]), smoothing=0.0)
    assert two.item() == pytest.approx(0.693, abs=5e-4)
    assert distillation(zeros, label, zeros).item() == pytest.approx(0.230, abs=5e-4)
