import math

import numpy as np
import pytest
import torch

from engines.losses.classification import cross_entropy
from engines.registry import loss


def scores_and_labels(batch=6, classes=5, seed=0):
    g = torch.Generator().manual_seed(seed)
    logits_BK = 3 * torch.randn(batch, classes, generator=g, dtype=torch.float64)
    return logits_BK, torch.randint(classes, (batch,), generator=g)


def smoothed(label, classes, smoothing):
    return [smoothing / classes + (1 - smoothing) * (j == label) for j in range(classes)]


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
