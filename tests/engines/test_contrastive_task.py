"""Contrastive learning and the rotation pretext: what a step looks at, and what is measured."""

import numpy as np
import pytest
import torch

from engines import registry
from engines.contrastive.held_out import flat, subset
from engines.events import Artifact, Scores
from engines.tasks.rotation import turned
from workbench.assembly import assemble
from workbench.spec import SpecError, parse

LOSSES = ("nt_xent", "supervised_contrastive", "triplet", "pairwise_contrastive")


def task_of(loss="nt_xent", **changes):
    raw = {
        "task": {"kind": "contrastive", "projection_hidden": 16, "projection": 8},
        "data": {"kind": "digits"},
        "model": {"kind": "cnn", "channels": [8], "hidden": 16},
        "loss": {"kind": loss},
        "training": {"epochs": 2, "batch_size": 32},
    }
    return assemble(parse(raw | changes)).task


def scores_of(task, split="validation"):
    found = {}
    for event in task.evaluate(split):
        if isinstance(event, Scores):
            found |= event.values
    return found


def artifacts_of(task):
    return {e.kind: e for e in task.evaluate("validation") if isinstance(e, Artifact)}


@pytest.mark.parametrize("loss", LOSSES)
def test_that_training_lowers_every_contrastive_loss(loss):
    task = task_of(loss)
    values = []
    for step in range(40):
        task.prepare(step)
        values.append(task.update()["train/loss"].item())
    assert np.isfinite(values).all()
    assert np.mean(values[-8:]) < np.mean(values[:8])


@pytest.mark.parametrize("loss", LOSSES)
def test_that_a_step_is_a_function_of_seed_and_step(loss):
    first, second = task_of(loss), task_of(loss)
    second.noise.manual_seed(99)
    for task in (first, second):
        task.prepare(5)
        task.update()
    for one, two in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("loss", LOSSES)
def test_that_scores_are_plain_numbers_of_known_range(loss):
    task = task_of(loss)
    for split in ("validation", "test"):
        for name, value in scores_of(task, split).items():
            assert type(value) is float, name
            assert np.isfinite(value), name
            if name.endswith(("accuracy", "share")):
                assert 0 <= value <= 1, name
    found = scores_of(task)
    shares = [found[f"validation/{part}_share"] for part in ("hard", "semi_hard", "easy")]
    assert sum(shares) == pytest.approx(1, abs=1e-6)


def test_that_raw_pixels_are_read_as_scikit_learn_reads_them():
    from sklearn.linear_model import Ridge

    task = task_of()
    bank, held_out = task.held_out.bank, subset(task.setting.dataset.validation, 2000, 0)
    x_MD, x_ND = flat(bank).double(), flat(held_out).double()
    scale = (x_MD - x_MD.mean(0)).square().mean().sqrt()
    one_hot = torch.eye(10, dtype=torch.float64)[bank.labels_N]
    fitted = Ridge(alpha=1e-3 * len(bank)).fit(x_MD / scale, one_hot)
    right = fitted.predict(x_ND / scale).argmax(1) == held_out.labels_N.numpy()
    assert task.held_out.pixels.linear == pytest.approx(right.mean(), abs=0.003)
    assert task.held_out.pixels.knn > 0.9


def test_that_artifacts_hold_what_the_views_are_promised():
    task = task_of("triplet")
    kept = artifacts_of(task)
    assert set(kept) == {"pictures", "embedding", "pairs", "distances", "triplets"}
    count = kept["pictures"].meta["count"]
    embedding = kept["embedding"].arrays
    assert embedding["feature_ND"].shape == (count, 16)
    assert embedding["projection_NP"].shape == (count, 8)
    assert (embedding["label_N"] == kept["pictures"].arrays["label_N"]).all()
    assert kept["pairs"].arrays["view1_BHWC"].dtype == np.uint8
    triplets = kept["triplets"].arrays
    labels = kept["pairs"].arrays["label_B"]
    assert (labels[triplets["anchor_T"]] == labels[triplets["positive_T"]]).all()
    assert (labels[triplets["anchor_T"]] != labels[triplets["negative_T"]]).all()
    pairs = kept["distances"].arrays
    total = pairs["positive_H"].sum() + pairs["negative_H"].sum()
    few = min(1000, count)
    assert total == few * (few - 1) // 2


def test_that_pictures_are_kept_once_and_not_after_training():
    task = task_of()
    assert "pictures" in artifacts_of(task)
    task.prepare(0)
    task.update()
    assert "pictures" not in artifacts_of(task)


def test_that_evaluating_changes_no_weight_and_no_draw():
    task, other = task_of(), task_of()
    for step in range(3):
        for one in (task, other):
            one.prepare(step)
            one.update()
        scores_of(task)
    for one, two in zip(task.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(one, two)


def test_that_a_batch_that_cannot_be_balanced_is_refused_with_what_fits():
    with pytest.raises(SpecError, match="try 80"):
        task_of("triplet", training={"batch_size": 100, "epochs": 1})


def test_that_a_loss_of_another_family_is_refused():
    with pytest.raises(SpecError, match="takes contrastive losses"):
        task_of("cross_entropy")


def test_that_the_projection_head_is_behind_the_features():
    task = task_of()
    x_BCHW = torch.randn(3, *task.setting.dataset.shape)
    task.model.eval()
    features = task.model.embed(x_BCHW)
    assert features.shape == (3, 16)
    assert torch.allclose(task.model.head(features), task.model(x_BCHW))


def test_that_rotations_are_counter_clockwise_quarter_turns():
    image_BCHW = torch.arange(4.0).reshape(1, 1, 2, 2).repeat(4, 1, 1, 1)
    made = turned(image_BCHW, torch.arange(4))
    for turn in range(4):
        assert (made[turn, 0].numpy() == np.rot90(image_BCHW[0, 0].numpy(), turn)).all()


def test_that_rotation_is_learnt_without_labels():
    task = task_of("cross_entropy", task={"kind": "rotation"})
    assert task.model.head.out_features == 4
    accuracies = []
    for step in range(80):
        task.prepare(step)
        accuracies.append(task.update()["train/turn_accuracy"].item())
    assert np.mean(accuracies[-10:]) > np.mean(accuracies[:10]) + 0.1
    assert scores_of(task)["validation/turn_accuracy"] > 0.3


def test_that_rotation_takes_cross_entropy_only():
    with pytest.raises(SpecError, match="cross_entropy only"):
        task_of("hinge", task={"kind": "rotation"})


def test_that_every_task_says_what_it_takes():
    for entry in registry.task:
        default = registry.loss[entry.extra["loss"]]
        assert default.extra["family"] == entry.extra["losses"], entry.name
        assert entry.extra["counted"](10, 128) >= 2
