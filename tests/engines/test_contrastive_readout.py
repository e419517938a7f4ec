import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from engines.contrastive.readout import (
    knn_accuracy,
    logistic_probe,
    nearest,
    neighbour_votes,
    ridge_probe,
)
from engines.keyed import generator


def clusters(count, seed, classes=5, features=8, spread=1.5):
    """Overlapping clouds around fixed centres, of uneven scale and off the origin."""
    centres = torch.randn(classes, features, generator=generator(0), dtype=torch.float64)
    labels = torch.randint(classes, (count,), generator=generator(seed))
    noise = torch.randn(count, features, generator=generator(seed, "x"), dtype=torch.float64)
    scale = torch.linspace(0.2, 3, features, dtype=torch.float64)
    return (centres[labels] + spread * noise) * scale + 2, labels


@pytest.mark.parametrize("k", [1, 20, 200])
def test_that_knn_equals_scikit_learn_with_the_papers_weights(k):
    (bank, bank_label), (query, label) = clusters(400, 1), clusters(700, 2)
    peer = KNeighborsClassifier(
        k, metric="cosine", algorithm="brute", weights=lambda d: np.exp((1 - d) / 0.07)
    ).fit(bank.numpy(), bank_label.numpy())
    expected = peer.score(query.numpy(), label.numpy())
    assert 0.3 < expected < 0.95
    assert knn_accuracy(bank, bank_label, query, label, k=k) == pytest.approx(expected)
    similarity, numbers = nearest(bank, query, k=k)
    votes = neighbour_votes(similarity, bank_label[numbers], 5)
    np.testing.assert_allclose(votes, peer.predict_proba(query.numpy()), atol=1e-9)


def test_that_neighbours_come_nearest_first_and_length_does_not_matter():
    bank = torch.tensor([[1.0, 0.0], [0.0, 5.0], [-2.0, 0.0], [3.0, 3.0]])
    similarity, numbers = nearest(bank, torch.tensor([[9.0, 0.1]]), k=3)
    assert numbers.tolist() == [[0, 3, 1]]
    assert (similarity.diff(dim=1) < 0).all()


def test_that_a_small_bank_votes_as_a_whole_and_too_many_neighbours_are_refused():
    bank, query = torch.eye(3), torch.eye(3)
    assert knn_accuracy(bank, torch.tensor([2, 0, 1]), query, torch.tensor([2, 0, 1])) == 1
    with pytest.raises(ValueError, match="k 20 neighbours of 3 images; try 3"):
        nearest(bank, query, k=20)


def test_that_features_of_one_point_leave_chance_to_every_reader():
    bank, label = torch.ones(100, 4), torch.arange(100) % 5
    accuracies = [
        knn_accuracy(bank, label, bank, label),
        ridge_probe(bank, label, 5).accuracy(bank, label),
        logistic_probe(bank, label, 5).accuracy(bank, label),
    ]
    assert accuracies == pytest.approx([0.2] * 3)


def scaled(x):
    """The probe's scaling, by hand: one mean per feature, one divisor for all."""
    mean = x.mean(axis=0)
    return mean, np.sqrt(((x - mean) ** 2).mean())


def test_that_the_ridge_probe_equals_scikit_learn():
    (bank, label), (query, _) = clusters(300, 5), clusters(50, 6)
    mean, scale = scaled(bank.numpy())
    peer = Ridge(alpha=0.01 * 300, solver="cholesky")
    peer.fit((bank.numpy() - mean) / scale, np.eye(5)[label.numpy()])
    expected = peer.predict((query.numpy() - mean) / scale)
    probe = ridge_probe(bank.float(), label, 5, ridge=0.01)
    np.testing.assert_allclose(probe.scores(query), expected, atol=1e-5)
    assert probe.iterations == 0


def test_that_the_logistic_probe_equals_scikit_learn():
    (bank, label), (query, query_label) = clusters(300, 5), clusters(400, 6)
    mean, scale = scaled(bank.numpy())
    peer = LogisticRegression(C=1 / (1e-3 * 300), tol=1e-9, max_iter=2000)
    peer.fit((bank.numpy() - mean) / scale, label.numpy())
    expected = peer.predict_log_proba((query.numpy() - mean) / scale)
    probe = logistic_probe(bank, label, 5, penalty=1e-3)
    found = probe.scores(query).log_softmax(1)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-3)
    accuracy = np.mean(expected.argmax(1) == query_label.numpy())
    assert 0.3 < accuracy < 0.95
    assert probe.accuracy(query, query_label) == pytest.approx(accuracy, abs=1 / 400)
    assert 5 < probe.iterations < 300


@pytest.mark.parametrize("fit", [ridge_probe, logistic_probe])
def test_that_a_probe_does_not_depend_on_the_unit_of_the_features(fit):
    (bank, label), (query, _) = clusters(200, 7), clusters(50, 8)
    one, other = (fit(factor * bank, label, 5).scores(factor * query) for factor in (1, 1e4))
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


def test_that_the_logistic_probe_fits_in_single_precision_without_gradients_around_it():
    bank, label = clusters(500, 9, spread=0.3)
    with torch.no_grad():
        probe = logistic_probe(bank.float(), label, 5)
    assert probe.weight_DK.dtype == torch.float32
    assert not probe.weight_DK.requires_grad
    assert probe.accuracy(bank.float(), label) > 0.97
    assert probe.iterations < 300


@pytest.mark.parametrize("fit", [ridge_probe, logistic_probe])
def test_that_a_probe_is_the_same_every_time(fit):
    bank, label = clusters(100, 10)
    assert torch.equal(fit(bank, label, 5).weight_DK, fit(bank, label, 5).weight_DK)


def test_that_progress_is_told_and_may_cancel():
    class Cancelled(Exception):
        pass

    def cancel(done, total, words):
        told.append((done, total, words))
        raise Cancelled

    bank, label = clusters(50, 11)
    for call in (
        lambda: nearest(bank, bank, k=3, progress=cancel),
        lambda: logistic_probe(bank, label, 5, progress=cancel),
    ):
        told = []
        with pytest.raises(Cancelled):
            call()
        assert told[0][0] == 0 < told[0][1]
