"""Optimisers against their formulas by hand, schedules against their values."""

import itertools
import math

import pytest
import torch
from torch import nn

from engines.optimisation import (
    SGD,
    AdamW,
    Constant,
    Cosine,
    OneCycle,
    WarmUp,
    build_optimizer,
    set_learning_rate,
)

CPU = torch.device("cpu")
SCHEDULES = [Constant(), WarmUp(), Cosine(), OneCycle(), Cosine(warm_up=0.0), WarmUp(warm_up=0.0)]


class Two(nn.Module):
    """One matrix and one vector."""

    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(torch.tensor([[1.0, -2.0], [0.5, 3.0]]))
        self.vector = nn.Parameter(torch.tensor([1.0, 4.0]))


def updates(choice, gradients):
    """The two parameters after an update with each of these gradients."""
    model = Two()
    optimizer = build_optimizer(model, choice, CPU)
    for gradient in gradients:
        model.matrix.grad = torch.full_like(model.matrix, gradient)
        model.vector.grad = torch.full_like(model.vector, gradient)
        optimizer.step()
    return model.matrix[0, 0].item(), model.vector[0].item()


@pytest.mark.parametrize("nesterov", [False, True])
def test_that_sgd_follows_its_formula(nesterov):
    choice = SGD(learning_rate=0.1, momentum=0.9, nesterov=nesterov, weight_decay=0.01)
    results = []
    for decay in (0.01, 0.0):
        w, v = 1.0, 0.0
        for g in (0.5, -0.2, 0.3):
            g = g + decay * w
            v = 0.9 * v + g
            w -= 0.1 * (g + 0.9 * v if nesterov else v)
        results.append(w)
    assert updates(choice, (0.5, -0.2, 0.3)) == pytest.approx(results, rel=1e-6)


def test_that_adamw_follows_its_formula():
    choice = AdamW(learning_rate=0.01, beta1=0.8, beta2=0.95, weight_decay=0.1)
    results = []
    for decay in (0.1, 0.0):
        w, m, s = 1.0, 0.0, 0.0
        for t, g in enumerate((0.5, -0.2, 0.3), start=1):
            m, s = 0.8 * m + 0.2 * g, 0.95 * s + 0.05 * g * g
            step = (m / (1 - 0.8**t)) / (math.sqrt(s / (1 - 0.95**t)) + 1e-8)
            w = w * (1 - 0.01 * decay) - 0.01 * step
        results.append(w)
    assert updates(choice, (0.5, -0.2, 0.3)) == pytest.approx(results, rel=1e-5)


def test_that_frozen_parameters_are_left_out():
    model = Two()
    model.matrix.requires_grad_(False)
    groups = build_optimizer(model, AdamW(), CPU).param_groups
    assert [len(group["params"]) for group in groups] == [0, 1]


def test_that_nesterov_without_momentum_is_plain_descent():
    choice = SGD(learning_rate=0.1, momentum=0.0, nesterov=True, weight_decay=0.0)
    assert updates(choice, (1.0,)) == pytest.approx((0.9, 0.9))


def test_that_the_rate_is_set_in_place_where_it_is_a_tensor():
    optimizer = build_optimizer(Two(), SGD(), CPU)
    rate = torch.tensor(0.5)
    for group in optimizer.param_groups:
        group["lr"] = rate
    set_learning_rate(optimizer, 0.25)
    assert all(group["lr"] is rate for group in optimizer.param_groups)
    assert rate.item() == 0.25


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_that_schedules_stay_between_0_and_1_and_reach_the_full_rate(schedule):
    factors = [schedule.factor((step + 0.5) / 1000) for step in range(1000)]
    assert all(0 < factor <= 1 for factor in factors)
    assert max(factors) == pytest.approx(1, abs=1e-5)
    jumps = [abs(after - before) for before, after in itertools.pairwise(factors)]
    assert max(jumps) < 0.03  # no cliffs


def test_that_schedules_pass_through_their_known_values():
    assert WarmUp(warm_up=0.2).factor(0.1) == pytest.approx(0.5)
    assert WarmUp(warm_up=0.2).factor(0.2) == WarmUp(warm_up=0.2).factor(0.9) == 1
    cosine = Cosine(warm_up=0.2, final_share=0.1)
    assert cosine.factor(0.1) == pytest.approx(0.5)
    assert cosine.factor(0.2) == pytest.approx(1)
    assert cosine.factor(0.6) == pytest.approx((1 + 0.1) / 2)
    assert cosine.factor(1.0) == pytest.approx(0.1)
    cycle = OneCycle(peak=0.3, start_share=0.04)
    assert cycle.factor(0.0) == pytest.approx(0.04)
    assert cycle.factor(0.15) == pytest.approx((1 + 0.04) / 2)
    assert cycle.factor(0.3) == pytest.approx(1)
    assert cycle.factor(0.65) == pytest.approx((1 + 1e-4) / 2)
    assert cycle.factor(1.0) == pytest.approx(1e-4)


def test_that_one_cycle_is_torchs_with_the_same_ends():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    peer = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, total_steps=101, pct_start=0.3, div_factor=25, final_div_factor=400
    )
    # torch counts to the last step itself: its peak lies at 0.3 · 101 - 1 of 100.
    peak = (0.3 * 101 - 1) / 100
    for step in range(100):
        ours = OneCycle(peak=peak, start_share=0.04).factor(step / 100)
        assert ours == pytest.approx(peer.get_last_lr()[0], abs=1e-5)
        optimizer.step()
        peer.step()
