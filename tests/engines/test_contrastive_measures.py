import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engines.contrastive.measures import (
    alignment,
    carrying_share,
    class_similarity,
    effective_rank,
    feature_deviation,
    negative_gradients,
    negative_shares,
    uniformity,
    view_similarity,
)
from engines.losses.contrastive import nt_xent


def embeddings(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rows(z):
    return (z / z.norm(dim=1, keepdim=True)).numpy()


def test_that_alignment_is_the_mean_squared_distance_of_the_views():
    z1, z2 = embeddings(2, 9, 4)
    expected = np.mean(np.sum((rows(z1) - rows(z2)) ** 2, axis=1))
    assert alignment(z1, z2) == pytest.approx(expected)
    assert alignment(z1, 3 * z1) == pytest.approx(0, abs=1e-12)
    assert alignment(z1, -z1) == pytest.approx(4)


@pytest.mark.parametrize("count", [2, 30, 1500])  # less and more than one chunk
def test_that_uniformity_equals_the_papers_code(count):
    z = embeddings(count, 6)
    unit = F.normalize(z, dim=1)
    expected = torch.pdist(unit).pow(2).mul(-2).exp().mean().log().item()
    assert uniformity(z) == pytest.approx(expected, rel=1e-9)


def test_that_uniformity_of_one_point_is_zero_and_of_a_sphere_is_that_of_the_docstring():
    assert uniformity(torch.ones(20, 4)) == pytest.approx(0, abs=1e-6)
    assert uniformity(embeddings(3000, 128)) == pytest.approx(-3.94, abs=0.02)


def test_that_similarities_of_views_equal_loops_over_pairs():
    z1, z2 = embeddings(2, 6, 3)
    both = np.concatenate([rows(z1), rows(z2)])
    positives, negatives = [], []
    for i in range(12):
        for k in range(12):
            if i != k:
                (positives if i % 6 == k % 6 else negatives).append(both[i] @ both[k])
    positive, negative = view_similarity(z1, z2)
    assert positive == pytest.approx(np.mean(positives))
    assert negative == pytest.approx(np.mean(negatives))
    assert view_similarity(torch.ones(4, 2), torch.ones(4, 2)) == pytest.approx((1, 1))


def test_that_similarities_of_classes_equal_loops_over_pairs():
    z, labels = embeddings(10, 3), [0, 2, 2, 0, 4, 0, 2, 4, 4, 5]
    unit, inside, between = rows(z), [], []
    for i in range(10):
        for k in range(10):
            if i != k:
                (inside if labels[i] == labels[k] else between).append(unit[i] @ unit[k])
    found = class_similarity(z, torch.tensor(labels))
    assert found == pytest.approx((np.mean(inside), np.mean(between)))
    within, apart = class_similarity(z, torch.zeros(10, dtype=torch.int64))
    assert math.isfinite(within)
    assert math.isnan(apart)


@pytest.mark.parametrize("shape", [(40, 7), (7, 40)])
def test_that_effective_rank_is_that_of_the_singular_values(shape):
    z = embeddings(*shape) * torch.linspace(0.01, 2, shape[1], dtype=torch.float64)
    sigma = np.linalg.svd(z.numpy(), compute_uv=False)
    p = sigma / sigma.sum()
    assert effective_rank(z) == pytest.approx(np.exp(-np.sum(p * np.log(p))), rel=1e-6)


def test_that_effective_rank_knows_a_collapse_and_an_even_spread():
    assert effective_rank(torch.ones(50, 8) * 3) == pytest.approx(1, abs=1e-5)
    assert effective_rank(torch.eye(6).repeat(5, 1)) == pytest.approx(6)
    assert effective_rank(torch.zeros(4, 3)) == 0
    line = embeddings(50, 1) * embeddings(1, 8, seed=1)
    assert effective_rank(line.float()) == pytest.approx(1, abs=1e-3)


def test_that_features_of_a_sphere_deviate_by_one_over_root_d_and_of_a_point_not():
    z = embeddings(4000, 128)
    assert feature_deviation(z) == pytest.approx(1 / math.sqrt(128), rel=0.01)
    assert feature_deviation(z) == pytest.approx(rows(z).std(axis=0).mean(), rel=1e-9)
    assert feature_deviation(torch.ones(9, 4)) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("tau", [0.05, 0.5])
def test_that_gradients_of_negatives_are_those_that_autograd_finds(tau):
    z1, z2 = embeddings(2, 5, 4)
    unit = F.normalize(torch.cat([z1, z2]), dim=1)
    similarity = (unit @ unit.T).requires_grad_()
    logits = similarity / tau
    logits = logits.masked_fill(torch.eye(10, dtype=torch.bool), -math.inf)
    loss = F.cross_entropy(logits, (torch.arange(10) + 5) % 10)
    assert loss.item() == pytest.approx(nt_xent(z1, z2, temperature=tau).item())
    (expected,) = torch.autograd.grad(loss, similarity)
    for i in range(10):
        expected[i, (i + 5) % 10] = 0
    torch.testing.assert_close(negative_gradients(z1, z2, temperature=tau), expected)


def test_that_shares_of_an_anchor_sum_to_one_and_ignore_itself_and_its_positive():
    shares = negative_shares(negative_gradients(*embeddings(2, 5, 4), temperature=0.1))
    np.testing.assert_allclose(shares.sum(1), np.ones(10))
    for i in range(10):
        assert shares[i, i] == 0
        assert shares[i, (i + 5) % 10] == 0
    assert negative_shares(torch.zeros(4, 4)).eq(0).all()


def test_that_few_pairs_carry_the_gradient_of_a_low_temperature_and_all_of_equal_rows():
    z = torch.ones(8, 3)
    assert carrying_share(negative_gradients(z, z, temperature=0.5)) == pytest.approx(0.9, abs=0.01)
    z1, z2 = embeddings(2, 40, 16)
    by_temperature = [
        carrying_share(negative_gradients(z1, z2, temperature=tau)) for tau in (10, 0.1, 0.001)
    ]
    assert by_temperature == sorted(by_temperature, reverse=True)
    assert by_temperature[0] > 0.85
    assert by_temperature[2] < 0.03
    assert math.isnan(carrying_share(torch.zeros(4, 4)))


def test_that_the_share_of_pairs_is_counted_by_hand():
    gradient = torch.zeros(4, 4)  # four rows, so 8 negative pairs
    gradient[0, 1], gradient[1, 0], gradient[2, 3] = 6.0, 3.0, 1.0
    assert carrying_share(gradient, mass=0.5) == 1 / 8
    assert carrying_share(gradient, mass=0.9) == 2 / 8
    assert carrying_share(gradient, mass=0.91) == 3 / 8


def test_that_one_embedding_is_refused():
    for measure in (uniformity, lambda z: view_similarity(z, z)):
        with pytest.raises(ValueError, match="give at least 2"):
            measure(torch.ones(1, 3))
