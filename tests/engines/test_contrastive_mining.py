import time

import numpy as np
import pytest
import torch

from engines.contrastive.geometry import squared_distances
from engines.contrastive.mining import hardness, mine, pairs_of_views, violation_counts
from engines.contrastive.sampling import balanced_order
from engines.keyed import generator
from tests.engines.test_contrastive_losses import LABELS, embeddings, triplets_by_hand


def listed(*arguments, **knobs):
    return [tuple(row) for row in mine(*arguments, **knobs).listed().tolist()]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mining", ["semi-hard", "batch-hard", "batch-all"])
def test_that_mined_triplets_are_those_of_the_rule(mining, seed):
    z = embeddings(8, 2, seed=seed)
    labels = torch.tensor([0, 1, 0, 2, 1, 0, 2, 3])  # row 7 has no positive
    found = listed(squared_distances(z), labels, mining=mining, margin=1.5)
    expected = triplets_by_hand(z.tolist(), labels.tolist(), mining, 1.5)
    assert found == expected
    assert len(found) >= 3


@pytest.mark.parametrize("kind", ["semihard", "hard", "easy"])
def test_that_semi_hard_and_shares_are_those_of_pytorch_metric_learning(kind):
    pytest.importorskip("pytorch_metric_learning")
    from pytorch_metric_learning import distances, miners

    z = embeddings(8, 2)
    distance = distances.LpDistance(normalize_embeddings=False, power=2)
    miner = miners.TripletMarginMiner(1.5, kind, distance=distance)
    theirs = torch.stack(miner(z, LABELS), 1)
    shares = hardness(squared_distances(z), LABELS, margin=1.5)
    name = {"semihard": "semi_hard"}.get(kind, kind)
    assert round(float(getattr(shares, name) * shares.triplets)) == len(theirs) > 0
    if kind == "semihard":
        ours = mine(squared_distances(z), LABELS, mining="semi-hard", margin=1.5).listed()
        assert sorted(ours.tolist()) == sorted(theirs.tolist())


@pytest.mark.parametrize("mining", ["semi-hard", "batch-all"])
def test_that_violations_are_counted_as_in_loops_where_distances_tie_with_the_margin(mining):
    z = torch.randint(4, (14, 2), generator=generator(3)).float()  # few distances, many ties
    labels = torch.arange(14) % 4
    every = triplets_by_hand(z.tolist(), labels.tolist(), mining, 2.0)
    squared = squared_distances(z).round()
    positive, negative = torch.zeros(2, 14, 14, dtype=torch.float64)
    for a, p, n in every:
        if squared[a, n] < squared[a, p] + 2:
            positive[a, p] += 1
            negative[a, n] += 1
    found = violation_counts(squared, labels, mining=mining, margin=2.0)
    assert torch.equal(found.positive_BB, positive)
    assert torch.equal(found.negative_BB, negative)
    assert int(found.mined) == len(every) > int(found.violating) == int(positive.sum()) > 9


def test_that_random_negatives_are_of_another_class_and_equally_likely():
    labels = torch.tensor([0, 0, 1, 1, 1, 2])
    counts = np.zeros((6, 6))
    for n in range(500):
        found = listed(torch.zeros(6, 6), labels, generator(n), mining="random", margin=1.0)
        pairs = {(a, p) for a, p, _ in found}
        assert pairs == {
            (a, p) for a in range(5) for p in range(5) if a != p and labels[a] == labels[p]
        }
        for a, _, negative in found:
            assert labels[negative] != labels[a]
            counts[a, negative] += 1
    share = counts[0] / counts[0].sum()  # one pair, so 500 draws of the four negatives
    np.testing.assert_allclose(share, [0, 0, 0.25, 0.25, 0.25, 0.25], atol=0.08)


def test_that_a_seed_decides_the_random_triplets():
    distances = torch.zeros(8, 8)
    one, same, other = (
        listed(distances, LABELS, generator(seed), mining="random", margin=1.0)
        for seed in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize("margin", [0.1, 1.0, 8.0])
def test_that_shares_of_hardness_equal_counting(margin):
    z = embeddings(12, 2, seed=5)
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 0, 0])
    squared = squared_distances(z)
    every = triplets_by_hand(z.tolist(), labels.tolist(), "batch-all", margin)
    leads = [float(squared[a, n] - squared[a, p]) for a, p, n in every]
    shares = hardness(squared, labels, margin=margin)
    assert int(shares.triplets) == len(every)
    assert float(shares.hard) == pytest.approx(np.mean([x <= 0 for x in leads]))
    assert float(shares.semi_hard) == pytest.approx(np.mean([0 < x <= margin for x in leads]))
    assert float(shares.easy) == pytest.approx(np.mean([x > margin for x in leads]))


def test_that_a_batch_of_one_class_has_no_triplets_and_shares_of_zero():
    shares = hardness(torch.rand(4, 4), torch.zeros(4, dtype=torch.int64), margin=1.0)
    assert [float(shares.hard), float(shares.semi_hard), float(shares.easy)] == [0, 0, 0]
    assert int(shares.triplets) == 0


def test_that_pairs_of_views_are_half_similar_and_spare_neighbours_of_one_class():
    z1, z2 = embeddings(2, 4, 3)
    one, two, same = pairs_of_views(z1, z2)
    assert same.tolist() == [True] * 4 + [False] * 4
    partners = [0, 1, 2, 3, 1, 2, 3, 0]
    assert torch.equal(one, z1[[0, 1, 2, 3, 0, 1, 2, 3]])
    assert torch.equal(two, z2[partners])
    *_, same = pairs_of_views(z1, z2, torch.tensor([0, 0, 1, 0]))
    assert same.tolist() == [True] * 4 + [True, False, False, True]


def uneven_labels():
    labels = np.repeat([0, 2, 3, 7], [50, 9, 20, 33])
    return torch.from_numpy(np.random.default_rng(0).permutation(labels))


def test_that_every_batch_holds_the_same_number_of_images_of_different_classes():
    labels = uneven_labels()
    order = balanced_order(labels, classes_per_batch=3, images_per_class=4, seed=1, epoch=0)
    assert order.shape == (112 // 12, 12)
    assert order.dtype == torch.int64
    for batch in order:
        assert len(batch.unique()) == 12
        groups = labels[batch].view(3, 4)
        assert (groups == groups[:, :1]).all()
        assert len(groups[:, 0].unique()) == 3


def test_that_classes_take_turns_evenly_and_images_before_they_come_again():
    labels = torch.arange(200) % 5
    order = balanced_order(labels, classes_per_batch=2, images_per_class=4, seed=1, epoch=0)
    turns = torch.bincount(labels[order][:, ::4].flatten(), minlength=5)
    assert turns.tolist() == [10] * 5
    assert sorted(order.flatten().tolist()) == list(range(200))  # sizes fit: all exactly once
    labels = uneven_labels()
    order = balanced_order(labels, classes_per_batch=3, images_per_class=4, seed=1, epoch=0)
    counts = torch.bincount(labels[order][:, ::4].flatten())[[0, 2, 3, 7]]
    assert counts.max() - counts.min() <= 1


def test_that_seed_and_epoch_decide_the_order_and_nothing_else():
    def order(seed, epoch):
        return balanced_order(
            uneven_labels(), classes_per_batch=2, images_per_class=3, seed=seed, epoch=epoch
        )

    np.random.seed(0)  # noqa: NPY002 - the global states must not matter
    torch.manual_seed(0)
    first = order(1, 0)
    assert torch.equal(first, order(1, 0))
    assert not torch.equal(first, order(1, 1))
    assert not torch.equal(first, order(2, 0))


def test_that_batches_that_cannot_be_made_are_refused_with_a_remedy():
    labels = uneven_labels()
    for sizes, words in (
        ((5, 2), "classes_per_batch 5 exceeds the 4 classes; try 4"),
        ((2, 10), "images_per_class 10 exceeds the 9 images of class 2; try 9"),
        ((1, 4), "give at least 2"),
        ((4, 1), "give at least 2"),
    ):
        with pytest.raises(ValueError, match=words):
            balanced_order(
                labels, classes_per_batch=sizes[0], images_per_class=sizes[1], seed=0, epoch=0
            )


def test_that_an_epoch_of_sixty_thousand_images_takes_a_moment():
    labels = torch.arange(60_000) % 10
    start = time.thread_time()
    balanced_order(labels, classes_per_batch=10, images_per_class=12, seed=0, epoch=0)
    assert time.thread_time() - start < 0.5
