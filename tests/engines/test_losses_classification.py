import math

import numpy as np
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
from engines.registry import loss

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


CLASSIFICATION = [entry for entry in loss if entry.extra["family"] == "classification"]
by_name = pytest.mark.parametrize("entry", CLASSIFICATION, ids=lambda entry: entry.name)


def supplied(entry, logits_BK, target_B):
    """The arguments of a loss: one output and two classes where it wants them, a teacher too."""
    if "outputs" in entry.extra:
        return logits_BK[:, : entry.extra["outputs"](2)], target_B % 2
    if entry.extra.get("needs_teacher"):
        return logits_BK, target_B, logits_BK.detach().flip(1)
    return logits_BK, target_B


@by_name
def test_that_the_gradient_of_a_loss_is_that_of_its_value(entry):
    logits_BK, *rest = supplied(entry, *scores_and_labels())
    logits_BK = logits_BK.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda z_BK: entry.make(z_BK, *rest), (logits_BK,))


@by_name
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("worst", ["zeros", "equal rows", "huge"])
def test_that_value_and_gradient_are_finite_at_the_worst_scores(entry, dtype, worst):
    logits_BK, target_B = scores_and_labels()
    if worst == "zeros":
        logits_BK = torch.zeros_like(logits_BK)
    elif worst == "equal rows":
        logits_BK = logits_BK[:1].repeat(len(logits_BK), 1)
    else:
        logits_BK = 1e4 * logits_BK.sign()
    logits_BK, *rest = supplied(entry, logits_BK.to(dtype), target_B)
    logits_BK = logits_BK.clone().requires_grad_()
    value = entry.make(logits_BK, *rest)
    value.backward()
    assert value.dtype == dtype
    assert torch.isfinite(value)
    assert torch.isfinite(logits_BK.grad).all()


@by_name
def test_that_a_loss_does_not_depend_on_the_order_of_images(entry):
    arguments = supplied(entry, *scores_and_labels())
    turned = [argument.flip(0) for argument in arguments]
    assert entry.make(*turned).item() == pytest.approx(entry.make(*arguments).item(), rel=1e-12)


@by_name
def test_that_a_loss_does_not_depend_on_the_names_of_classes(entry):
    logits_BK, target_B, *teacher = supplied(entry, *scores_and_labels())
    if logits_BK.shape[1] == 1:  # swapping the two classes turns the sign of the one output
        swapped = (-logits_BK, 1 - target_B)
    else:
        order_K = torch.tensor([3, 0, 4, 1, 2])  # new place k holds the old class order_K[k]
        swapped = (logits_BK[:, order_K], order_K.argsort()[target_B])
        swapped += tuple(t_BK[:, order_K] for t_BK in teacher)
    expected = entry.make(logits_BK, target_B, *teacher).item()
    assert entry.make(*swapped).item() == pytest.approx(expected, rel=1e-12)


@by_name
def test_that_a_loss_of_bfloat16_scores_is_computed_in_float32(entry):
    logits_BK, *rest = supplied(entry, *scores_and_labels())
    narrow_BK = logits_BK.to(torch.bfloat16)
    rest = [r.to(torch.bfloat16) if r.is_floating_point() else r for r in rest]
    with torch.autocast("cpu", torch.bfloat16):
        value = entry.make(narrow_BK, *rest)
    exact = [r.double() if r.is_floating_point() else r for r in rest]
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(entry.make(narrow_BK.double(), *exact).item(), rel=1e-5)


@by_name
def test_that_the_first_reference_line_is_what_equal_scores_score(entry):
    classes = 2 if entry.extra.get("outputs") else 7
    outputs = entry.extra.get("outputs", lambda classes: classes)(classes)
    target_B = torch.arange(classes)
    zeros_BK = torch.zeros(classes, outputs, dtype=torch.float64)
    if entry.extra.get("needs_teacher"):
        assert entry.extra["references"](classes, temperature=4.0, weight=0.9) == ()
        knobs, rest = {"weight": 0.0, "temperature": 4.0}, (zeros_BK,)
    else:
        knobs, rest = entry.knobs().model_dump(), ()
    if knobs.get("on"):
        zeros_BK = zeros_BK + 1 / classes  # for raw scores these are the best constant ones
    line = entry.extra["references"](classes, **knobs)[0]
    value = entry.make(zeros_BK, target_B, *rest, knobs=entry.knobs(**knobs)).item()
    assert line.metric == "loss"
    assert line.value == pytest.approx(value, rel=1e-12)
    assert float(line.label.split("=")[-1]) == pytest.approx(value, abs=5e-4)


def test_that_smoothing_draws_the_floor_which_the_smoothed_labels_reach():
    floor = loss["cross_entropy"].extra["references"](4, label_smoothing=0.2)[1].value
    p_BK = torch.tensor([smoothed(label, 4, 0.2) for label in range(4)], dtype=torch.float64)
    reached = cross_entropy(p_BK.log(), torch.arange(4), label_smoothing=0.2)
    assert floor == pytest.approx(reached.item(), rel=1e-12)


def test_that_one_sigmoid_output_is_shown_as_two_probabilities():
    entry = loss["binary_squared_error"]
    shown_B2 = entry.extra["predict"](torch.tensor([[0.0], [math.log(3)]]))
    np.testing.assert_allclose(shown_B2.numpy(), [[0.5, 0.5], [0.25, 0.75]], rtol=1e-6)
    assert entry.extra["compatible"](2) == ""
    assert "10" in entry.extra["compatible"](10)


def test_that_scores_trained_towards_one_hot_are_shown_as_the_nearest_probabilities():
    predict = loss["squared_error"].extra["predict"]
    logits_BK, _ = scores_and_labels(batch=30, classes=3)
    p_BK = predict(logits_BK, on="scores")
    torch.testing.assert_close(p_BK.sum(1), torch.ones(30, dtype=torch.float64))
    assert (p_BK >= 0).all()
    assert torch.equal(p_BK.argmax(1), logits_BK.argmax(1))
    side = torch.linspace(0, 1, 101, dtype=torch.float64)
    grid_M3 = torch.cartesian_prod(side, side, side)
    grid_M3 = grid_M3[(grid_M3.sum(1) - 1).abs() < 1e-9]  # all probabilities to two digits
    distance = (p_BK - logits_BK).square().sum(1)
    least_on_grid = torch.cdist(logits_BK, grid_M3).square().amin(1)
    assert (distance <= least_on_grid + 1e-9).all()


def test_that_the_nearest_probabilities_of_the_docstring_are_right():
    shown_BK = loss["squared_error"].extra["predict"](torch.tensor([[1.2, 0.4, 0.0]]), on="scores")
    assert shown_BK[0].tolist() == pytest.approx([0.9, 0.1, 0.0], abs=1e-6)
