import math

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from engines.contrastive.geometry import squared_distances, unit
from engines.keyed import generator
from engines.losses.contrastive import (
    nt_xent,
    pairwise_contrastive,
    supervised_contrastive,
    triplet,
)
from engines.registry import loss as registered
from engines.registry import own_knobs

MININGS = ("random", "semi-hard", "batch-hard", "batch-all")
LABELS = torch.tensor([0, 1, 0, 2, 1, 0, 2, 2])


def embeddings(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def squared(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def nt_xent_by_hand(z1, z2, tau):
    z, total = torch.cat([z1, z2]).tolist(), 0.0
    for i, anchor in enumerate(z):
        positive = z[(i + len(z1)) % len(z)]
        rivals = sum(math.exp(cosine(anchor, z[k]) / tau) for k in range(len(z)) if k != i)
        total -= math.log(math.exp(cosine(anchor, positive) / tau) / rivals)
    return total / len(z)


def sup_con_by_hand(z, labels, tau):
    per_anchor = []
    for i, anchor in enumerate(z):
        positives = [p for p in range(len(z)) if p != i and labels[p] == labels[i]]
        if not positives:
            continue
        rivals = sum(math.exp(cosine(anchor, z[k]) / tau) for k in range(len(z)) if k != i)
        logs = [math.log(math.exp(cosine(anchor, z[p]) / tau) / rivals) for p in positives]
        per_anchor.append(-sum(logs) / len(logs))
    return sum(per_anchor) / len(per_anchor)


def triplets_by_hand(z, labels, mining, margin):
    """(a, p, n) of a rule, in plain loops; the random ones aside."""
    rows, found = range(len(z)), []
    for a in rows:
        positives = [p for p in rows if p != a and labels[p] == labels[a]]
        negatives = [n for n in rows if labels[n] != labels[a]]
        if mining == "batch-hard":
            if positives and negatives:
                far = max(positives, key=lambda p: squared(z[a], z[p]))
                near = min(negatives, key=lambda n: squared(z[a], z[n]))
                found.append((a, far, near))
            continue
        for p in positives:
            for n in negatives:
                lead = squared(z[a], z[n]) - squared(z[a], z[p])
                if mining == "batch-all" or 0 < lead <= margin:
                    found.append((a, p, n))
    return found


def value_and_gradient(function, *tensors):
    """The value, and the gradients for each of the tensors."""
    leaves = [t.detach().clone().requires_grad_() for t in tensors]
    value = function(*leaves)
    return value.detach(), torch.autograd.grad(value, leaves)


def assert_same(one, other, tolerance=1e-5):
    """Values and gradients agree, in double precision or better than asked."""
    torch.testing.assert_close(one[0], other[0], rtol=tolerance, atol=tolerance)
    for mine, theirs in zip(one[1], other[1], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("tau", [0.07, 0.5, 3.0])
def test_that_nt_xent_equals_its_formula(tau):
    z1, z2 = embeddings(2, 5, 8)
    value = nt_xent(z1, z2, temperature=tau).item()
    assert value == pytest.approx(nt_xent_by_hand(z1, z2, tau), rel=1e-12)


@pytest.mark.parametrize("views", [1, 2])
def test_that_supervised_contrastive_equals_its_formula(views):
    z1, z2 = embeddings(2, 8, 5)
    if views == 1:
        labels = torch.tensor([0, 0, 1, 2, 1, 0, 3, 4])  # three anchors without a positive
        expected = sup_con_by_hand(z1.tolist(), labels.tolist(), 0.2)
        value = supervised_contrastive(z1, None, labels, temperature=0.2)
    else:
        expected = sup_con_by_hand(torch.cat([z1, z2]).tolist(), LABELS.tolist() * 2, 0.2)
        value = supervised_contrastive(z1, z2, LABELS, temperature=0.2)
    assert value.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("average", ["all", "violating"])
@pytest.mark.parametrize("mining", ["semi-hard", "batch-hard", "batch-all"])
def test_that_triplet_equals_its_formula(mining, average):
    z = embeddings(8, 3)
    mined = triplets_by_hand(z.tolist(), LABELS.tolist(), mining, 2.0)
    terms = [
        max(0.0, squared(z[a].tolist(), z[p].tolist()) - squared(z[a].tolist(), z[n].tolist()) + 2)
        for a, p, n in mined
    ]
    if average == "violating":
        terms = [term for term in terms if term > 0]
    value = triplet(z, LABELS, margin=2.0, mining=mining, average=average, normalise=False)
    assert len(terms) > 3
    assert value.item() == pytest.approx(sum(terms) / len(terms), rel=1e-12)


def test_that_random_triplets_average_to_the_mean_over_negatives():
    z = embeddings(8, 3)
    every = triplet(z, LABELS, margin=2.0, mining="batch-all")
    drawn = [
        triplet(z, LABELS, generator(n), margin=2.0, mining="random").item() for n in range(400)
    ]
    # Each class has as many negatives for every anchor here (5 or 6), so the means are close,
    # and equal if (a, p) pairs weigh alike; that mean is taken by hand.
    unit_z = (z / z.norm(dim=1, keepdim=True)).tolist()
    pairs = []
    for a in range(8):
        for p in range(8):
            if p != a and LABELS[p] == LABELS[a]:
                terms = [
                    max(0.0, squared(unit_z[a], unit_z[p]) - squared(unit_z[a], unit_z[n]) + 2)
                    for n in range(8)
                    if LABELS[n] != LABELS[a]
                ]
                pairs.append(sum(terms) / len(terms))
    error = torch.tensor(drawn).std().item() / math.sqrt(len(drawn))
    assert sum(drawn) / len(drawn) == pytest.approx(sum(pairs) / len(pairs), abs=4 * error)
    assert len(set(drawn)) > 100
    assert every.item() == pytest.approx(sum(pairs) / len(pairs), rel=0.1)


def test_that_pairwise_contrastive_equals_its_formula():
    z1, z2 = embeddings(2, 6, 3, seed=3)
    same = torch.tensor([True, False, True, False, False, False])
    terms = []
    for a, b, alike in zip(z1.tolist(), z2.tolist(), same.tolist(), strict=True):
        distance = math.sqrt(squared(a, b))
        terms.append(distance**2 if alike else max(0.0, 2.5 - distance) ** 2)
    assert sum(term == 0 for term in terms) < 3
    value = pairwise_contrastive(z1, z2, same, margin=2.5)
    assert value.item() == pytest.approx(sum(terms) / 6, rel=1e-12)
    assert pairwise_contrastive(z1, z2, same.long(), margin=2.5) == value


def test_that_nt_xent_equals_lightly_and_pytorch_metric_learning():
    pml = pytest.importorskip("pytorch_metric_learning.losses")
    lightly = pytest.importorskip("lightly.loss")
    z1, z2 = embeddings(2, 7, 6)
    ours = value_and_gradient(lambda a, b: nt_xent(a, b, temperature=0.2), z1, z2)
    assert_same(ours, value_and_gradient(lightly.NTXentLoss(temperature=0.2), z1, z2))
    numbers = torch.arange(7).repeat(2)
    peer = pml.NTXentLoss(temperature=0.2)
    theirs = value_and_gradient(lambda a, b: peer(torch.cat([a, b]), numbers), z1, z2)
    assert_same(ours, theirs)


def test_that_supervised_contrastive_equals_pytorch_metric_learning():
    pml = pytest.importorskip("pytorch_metric_learning.losses")
    z1, z2 = embeddings(2, 8, 6)
    peer = pml.SupConLoss(temperature=0.2)
    ours = value_and_gradient(
        lambda a, b: supervised_contrastive(a, b, LABELS, temperature=0.2), z1, z2
    )
    theirs = value_and_gradient(lambda a, b: peer(torch.cat([a, b]), LABELS.repeat(2)), z1, z2)
    assert_same(ours, theirs)


@pytest.mark.parametrize("mining", ["semi-hard", "batch-hard", "batch-all"])
def test_that_triplet_equals_pytorch_metric_learning(mining):
    pytest.importorskip("pytorch_metric_learning")
    from pytorch_metric_learning import distances, losses, miners, reducers

    distance = distances.LpDistance(normalize_embeddings=False, power=2)
    peer = losses.TripletMarginLoss(1.0, distance=distance, reducer=reducers.MeanReducer())
    miner = {
        "semi-hard": miners.TripletMarginMiner(1.0, "semihard", distance=distance),
        "batch-hard": miners.BatchHardMiner(distance=distance),
        "batch-all": miners.TripletMarginMiner(1.0, "all", distance=distance),
    }[mining]
    z = embeddings(8, 3)
    if mining == "batch-all":  # without a miner the loss takes all by itself
        theirs = value_and_gradient(lambda z: peer(z, LABELS), z)
    else:
        theirs = value_and_gradient(lambda z: peer(z, LABELS, miner(z, LABELS)), z)
    ours = value_and_gradient(
        lambda z: triplet(z, LABELS, margin=1.0, mining=mining, normalise=False), z
    )
    assert_same(ours, theirs)


@pytest.mark.parametrize("images", [2, 7, 256])
def test_that_equal_embeddings_score_a_blind_guess(images):
    z = torch.ones(images, 4)
    guess = math.log(2 * images - 1)
    assert nt_xent(z, z, temperature=0.1).item() == pytest.approx(guess, rel=1e-5)
    labels = torch.arange(images) % 3
    assert supervised_contrastive(z, z, labels).item() == pytest.approx(guess, rel=1e-5)


def test_that_supervised_contrastive_of_distinct_labels_is_nt_xent():
    z1, z2 = embeddings(2, 6, 4)
    value = supervised_contrastive(z1, z2, torch.arange(6), temperature=0.3)
    torch.testing.assert_close(value, nt_xent(z1, z2, temperature=0.3), rtol=1e-12, atol=0)


@pytest.mark.parametrize("mining", MININGS)
def test_that_triplets_of_one_point_score_the_margin(mining):
    z = torch.ones(8, 4)
    value = triplet(z, LABELS, generator(0), margin=0.3, mining=mining).item()
    assert value == pytest.approx(0.0 if mining == "semi-hard" else 0.3)


def test_that_a_batch_without_positives_gives_zero_and_no_gradient():
    z, labels = embeddings(4, 3), torch.arange(4)
    for mining in MININGS:
        loss = lambda z, mining=mining: triplet(z, labels, generator(0), mining=mining)  # noqa: E731
        value, (gradient,) = value_and_gradient(loss, z)
        assert value == 0
        assert (gradient == 0).all()
    value, (gradient,) = value_and_gradient(lambda z: supervised_contrastive(z, None, labels), z)
    assert value == 0
    assert (gradient == 0).all()


LOSSES = {
    "nt_xent": lambda z1, z2: nt_xent(z1, z2, temperature=0.1),
    "nt_xent, cold": lambda z1, z2: nt_xent(z1, z2, temperature=0.001),
    "supervised": lambda z1, z2: supervised_contrastive(z1, z2, LABELS),
    "supervised, lonely": lambda z1, z2: supervised_contrastive(z1, None, torch.arange(8) // 3 * 2),
    "pairwise": lambda z1, z2: pairwise_contrastive(z1, z2, LABELS == 0),
} | {
    f"triplet, {mining}, {how}": (
        lambda z1, z2, mining=mining, how=how: triplet(
            z1, LABELS, generator(0), mining=mining, margin=1.0, normalise=how == "unit"
        )
    )
    for mining in MININGS
    for how in ("unit", "free")
}
by_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


@by_loss
def test_that_the_gradient_of_a_loss_is_that_of_its_value(loss):
    z1, z2 = (z.requires_grad_() for z in embeddings(2, 8, 3, seed=4))
    assert torch.autograd.gradcheck(loss, (z1, z2))


@by_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("worst", ["zeros", "equal rows", "huge", "tiny", "one zero row"])
def test_that_value_and_gradient_are_finite_at_the_worst_embeddings(loss, dtype, worst):
    z1, z2 = embeddings(2, 8, 4)
    z1, z2 = {
        "zeros": (0 * z1, 0 * z2),
        "equal rows": (z1[:1].expand(8, 4), z1[:1].expand(8, 4)),
        "huge": (1e15 * z1, 1e15 * z2),
        "tiny": (1e-15 * z1, 1e-15 * z2),
        "one zero row": (z1 * (torch.arange(8) > 0)[:, None], z2),
    }[worst]
    leaves = [z.to(dtype).clone().requires_grad_() for z in (z1, z2)]
    value = loss(*leaves)
    value.backward()
    assert value.dtype == (torch.float32 if dtype == torch.bfloat16 else dtype)
    assert torch.isfinite(value)
    for leaf in leaves:
        assert leaf.grad is None or torch.isfinite(leaf.grad).all()
        if worst in ("zeros", "one zero row") and leaf.grad is not None:
            assert leaf.grad.abs().max() < 1e4  # not the 1e12 that F.normalize gives


@by_loss
def test_that_bfloat16_embeddings_are_compared_in_float32(loss):
    z1, z2 = (z.to(torch.bfloat16) for z in embeddings(2, 8, 4))
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(z1, z2)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(loss(z1.double(), z2.double()).item(), rel=1e-4)


@pytest.mark.parametrize("loss", [LOSSES["nt_xent"], LOSSES["supervised"]])
def test_that_the_length_of_embeddings_does_not_matter(loss):
    z1, z2 = embeddings(2, 8, 4)
    stretch = torch.linspace(0.1, 50, 8, dtype=torch.float64)[:, None]
    torch.testing.assert_close(loss(stretch * z1, z2), loss(z1, z2), rtol=1e-12, atol=0)


@by_loss
def test_that_turning_the_space_changes_nothing(loss):
    z1, z2 = embeddings(2, 8, 4)
    turn, _ = torch.linalg.qr(embeddings(4, 4, seed=9))
    torch.testing.assert_close(loss(z1 @ turn, z2 @ turn), loss(z1, z2), rtol=1e-10, atol=1e-10)


def test_that_shapes_and_batches_without_negatives_are_refused():
    z = torch.ones(4, 3)
    with pytest.raises(ValueError, match="a batch of 1 has no negatives; give 2"):
        nt_xent(z[:1], z[:1])
    with pytest.raises(ValueError, match="a batch of 1 has no negatives"):
        supervised_contrastive(z[:1], None, torch.zeros(1, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"views \(4, 3\) and \(2, 3\) don't match"):
        nt_xent(z, z[:2])
    with pytest.raises(ValueError, match="a batch of 2 holds no triplet"):
        triplet(z[:2], torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="needs a generator"):
        triplet(z, torch.tensor([0, 0, 1, 1]), mining="random")
    with pytest.raises(ValueError, match="don't match"):
        pairwise_contrastive(z, z, torch.ones(4, 1))


def test_that_a_dissimilar_pair_at_one_point_feels_no_force_but_scores_the_margin():
    z = torch.ones(4, 3)
    same = torch.tensor([True, False, False, False])
    value, gradients = value_and_gradient(
        lambda a, b: pairwise_contrastive(a, b, same, margin=2.0), z, z
    )
    assert value.item() == pytest.approx(4 * 0.75)
    assert all((gradient == 0).all() for gradient in gradients)


def test_that_every_loss_is_declared_and_its_reference_is_what_a_collapse_scores():
    entries = [entry for entry in registered if entry.extra["family"] == "contrastive"]
    functions = [nt_xent, supervised_contrastive, triplet, pairwise_contrastive]
    assert [entry.build for entry in entries] == functions
    for entry in entries:
        z, labels = torch.ones(6, 4), torch.arange(6) // 2
        supplied = {
            "nt_xent": (z, z),
            "supervised_contrastive": (z, z, labels),
            "triplet": (z, labels),
            "pairwise_contrastive": (z, z, torch.arange(6) < 3),
        }[entry.name]
        chosen = {"mining": "batch-hard"} if entry.name == "triplet" else {}
        knobs = entry.knobs(**chosen)
        named = {name: getattr(knobs, name) for name in own_knobs(entry)}
        (line,) = entry.extra["references"](6, **named)
        value = entry.make(*supplied, knobs=knobs).item()
        assert line.metric == "loss"
        assert line.value == pytest.approx(value, rel=1e-6)
        assert float(line.label.split("=")[-1]) == pytest.approx(value, abs=5e-4)


def test_that_unit_rows_keep_their_direction_at_any_length():
    z = embeddings(4, 5)
    expected = z / z.norm(dim=1, keepdim=True)
    for factor in (1e-30, 1.0, 1e30):
        torch.testing.assert_close(unit((factor * z).float()).double(), expected)
    assert unit(torch.zeros(2, 3)).eq(0).all()
    assert unit(z.to(torch.bfloat16)).dtype == torch.float32


def test_that_squared_distances_far_from_the_origin_keep_their_digits():
    z = embeddings(6, 4)
    far = (z + 1000).float()
    expected = [[squared(a, b) for b in far.tolist()] for a in far.tolist()]
    torch.testing.assert_close(
        squared_distances(far).double(),
        torch.tensor(expected, dtype=torch.float64),
        rtol=1e-4,
        atol=1e-5,
    )
    assert squared_distances(far).diagonal().eq(0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_that_no_value_is_read_back(name):
    """Under fake tensors, which have no values, any .item() or dynamic shape raises."""
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        z1, z2 = (mode.from_tensor(z).requires_grad_() for z in embeddings(2, 8, 4))
        gradients = torch.autograd.grad(LOSSES[name](z1, z2), [z1])
        assert gradients[0].shape == (8, 4)
        with pytest.raises(DataDependentOutputException):  # the check itself can fail
            z1[0, 0].item()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", ["nt_xent", "supervised", "batch-hard"])
def test_that_a_captured_loss_follows_its_inputs(name):
    leaf_28D = embeddings(2, 8, 4).float().cuda().requires_grad_()
    labels = LABELS.cuda()
    loss = {
        "nt_xent": lambda z: nt_xent(*z),
        "supervised": lambda z: supervised_contrastive(*z, labels),
    }.get(name, lambda z: triplet(z[0], labels, mining="batch-hard"))
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        torch.autograd.grad(loss(leaf_28D), leaf_28D)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        value = loss(leaf_28D)
        (gradient,) = torch.autograd.grad(value, leaf_28D)
    with torch.no_grad():
        leaf_28D.copy_(embeddings(2, 8, 4, seed=7))
    graph.replay()
    expected = value_and_gradient(loss, leaf_28D)
    assert_same((value, (gradient,)), expected)
