"""The classification step against the same step written out plainly."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engines import registry
from engines.data import load
from engines.data.augmentation import Augmentation
from engines.events import Artifact, Scores
from engines.keyed import generator
from engines.layers import initialise
from engines.optimisation import SGD, AdamW, Constant, Cosine
from engines.precision import faster_precision
from engines.tasks.classification import Classification
from engines.tasks.indexed import Setting, largest_power_of_two


def tiny_task(device="cpu", model="cnn", knobs=None, **changes):
    """A task on 200 digits."""
    entry = registry.dataset["digits"]
    dataset = load("digits", entry.knobs(train_images=200))
    chosen = registry.model[model]
    knobs = chosen.knobs(**(knobs or {"channels": (4,), "hidden": 0, "dropout": 0.2}))
    loss = changes.pop("loss", registry.loss["cross_entropy"])
    loss_knobs = changes.pop("loss_knobs", loss.knobs())
    outputs = loss.extra.get("outputs", lambda classes: classes)(len(dataset.classes))
    setting = {
        "dataset": dataset,
        "model": initialise(lambda: chosen.make(dataset.shape, outputs, knobs=knobs), 1),
        "loss": loss,
        "loss_knobs": loss_knobs,
        "augmentation": Augmentation(shift=1),
        "optimizer": AdamW(learning_rate=1e-2),
        "schedule": Cosine(),
        "batch_size": 32,
        "epochs": 3,
        "seed": 5,
        "device": torch.device(device),
    }
    return Classification(Setting(**setting | changes))


PLAIN = {
    "model": "mlp",
    "knobs": {"hidden": (8,), "dropout": 0.0},
    "augmentation": Augmentation(),
    "optimizer": SGD(learning_rate=0.1, momentum=0.0, weight_decay=0.0),
    "schedule": Constant(),
}


def step(task, number):
    task.prepare(number)
    return task.update()


def test_that_one_step_is_plain_gradient_descent():
    task = tiny_task(**PLAIN)
    model = copy.deepcopy(task.model)
    order_N = torch.randperm(200, generator=generator(5, "order", 0))
    chosen_B = order_N[32:64]  # the second batch
    train = task.setting.dataset.train
    x_BCHW = train.images_NCHW[chosen_B].double() / 127.5 - 1
    model.double()
    logits_BK = model(x_BCHW)
    loss = F.cross_entropy(logits_BK, train.labels_N[chosen_B])
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    values = step(task, 1)
    assert values["train/loss"].item() == pytest.approx(loss.item(), rel=1e-5)
    accuracy = (logits_BK.argmax(1) == train.labels_N[chosen_B]).double().mean().item()
    assert values["train/accuracy"].item() == pytest.approx(accuracy)
    norm = sum(float(g.square().sum()) for g in gradients) ** 0.5
    assert values["train/gradient_norm"].item() == pytest.approx(norm, rel=1e-5)
    assert values["learning_rate"].item() == pytest.approx(0.1)
    for after, before, g in zip(
        task.model.parameters(), model.parameters(), gradients, strict=True
    ):
        torch.testing.assert_close(after.double(), before - 0.1 * g, rtol=1e-5, atol=1e-6)


def test_that_the_values_are_named_in_order():
    assert tuple(step(tiny_task(), 0)) == Classification.metric_names


def test_that_clipping_shortens_the_gradient_and_reports_its_whole_length():
    free, clipped = tiny_task(**PLAIN), tiny_task(**PLAIN, clip_norm=0.01)
    before = copy.deepcopy(clipped.model)
    norm = step(free, 0)["train/gradient_norm"].item()
    assert norm > 0.01
    assert step(clipped, 0)["train/gradient_norm"].item() == pytest.approx(norm, rel=1e-5)
    moved = [a - b for a, b in zip(clipped.model.parameters(), before.parameters(), strict=True)]
    length = sum(float(m.detach().square().sum()) for m in moved) ** 0.5
    assert length == pytest.approx(0.1 * 0.01, rel=1e-3)


def test_that_an_epoch_shows_every_image_at_most_once_and_the_next_another_order():
    task = tiny_task()
    assert task.steps_per_epoch == 6
    seen = []
    for number in range(12):
        task.prepare(number)
        seen.append(task._index_B.clone())
    first, second = torch.cat(seen[:6]), torch.cat(seen[6:])
    assert len(first.unique()) == len(second.unique()) == 192
    assert not torch.equal(first, second)


def test_that_a_step_depends_only_on_its_number_and_the_seed():
    tasks = [tiny_task(), tiny_task()]
    step(tasks[0], 0)
    tasks[0].model.load_state_dict(tasks[1].model.state_dict())
    batches = []
    for task in tasks:
        task.prepare(7)
        batches.append(task.batch())
        torch.rand(9)
    assert torch.equal(*batches)
    other = tiny_task(seed=6)
    other.prepare(7)
    assert not torch.equal(other.batch(), batches[0])


def test_that_augmented_batches_stay_images_in_minus_one_to_one():
    task = tiny_task(augmentation=Augmentation(shift=2, flip=True, crop=0.5, cutout=3))
    task.prepare(0)
    x_BCHW = task.batch()
    assert x_BCHW.dtype == torch.float32
    assert -1 <= x_BCHW.min() < -0.9
    assert 0.5 < x_BCHW.max() <= 1
    background = (x_BCHW == -1).float().mean()
    assert background > 0.3  # what is moved in is black, as the digits' ground is


def test_that_the_channels_last_model_keeps_its_layout():
    task = tiny_task()
    task.prepare(0)
    assert task.batch().is_contiguous(memory_format=torch.channels_last)


def test_that_evaluation_counts_every_image_once():
    task = tiny_task()
    step(task, 0)
    scores, artifact = task.evaluate("test")
    model = copy.deepcopy(task.model).eval()
    images = task.setting.dataset.test
    with torch.no_grad():
        logits_NK = model(images.images_NCHW.float() / 127.5 - 1)
    loss = F.cross_entropy(logits_NK.double(), images.labels_N).item()
    accuracy = (logits_NK.argmax(1) == images.labels_N).double().mean().item()
    assert isinstance(scores, Scores)
    assert scores.values["test/loss"] == pytest.approx(loss, rel=1e-4)
    assert scores.values["test/accuracy"] == pytest.approx(accuracy, abs=1e-9)
    assert isinstance(artifact, Artifact)
    assert artifact.kind == "test"
    assert artifact.meta["count"] == len(images)
    assert artifact.arrays["predicted_N"].tolist() == logits_NK.argmax(1).tolist()


def test_that_looking_changes_no_later_update():
    watched, alone = tiny_task(), tiny_task()
    for number in range(3):
        step(watched, number)
        list(watched.evaluate())
        step(alone, number)
    for one, other in zip(watched.model.parameters(), alone.model.parameters(), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(watched.model.buffers(), alone.model.buffers(), strict=True):
        assert torch.equal(one, other)


def test_that_training_resumes_in_training_mode_after_a_look():
    task = tiny_task()
    list(task.evaluate())
    assert not task.model.training
    step(task, 0)
    assert task.model.training


def test_that_the_rate_follows_schedule_and_changes():
    task = tiny_task(schedule=Cosine(warm_up=0.0))
    assert task.total_steps == 18
    task.learning_rates[9] = 1.0
    factor = [0.5 * (1 + np.cos(np.pi * (s + 0.5) / 18)) for s in range(18)]
    rates = [task.learning_rate(s) for s in range(18)]
    assert rates == pytest.approx([(0.01 if s < 9 else 1.0) * factor[s] for s in range(18)])
    task.prepare(10)
    assert {group["lr"] for group in task.optimizer.param_groups} == {rates[10]}


def test_that_loading_a_state_keeps_the_optimisers_own_rate_tensor():
    # On CUDA the rate is a tensor that a captured graph reads: a copy would freeze it.
    task, other = tiny_task(), tiny_task()
    step(other, 0)
    rate = torch.tensor(0.5)
    for group in task.optimizer.param_groups:
        group["lr"] = rate
    task.load_state_dict(copy.deepcopy(other.state_dict()))
    assert all(group["lr"] is rate for group in task.optimizer.param_groups)
    (state, *_) = task.optimizer.state_dict()["state"].values()
    assert state["step"].item() == 1


def test_that_max_steps_ends_the_run_early():
    assert tiny_task(max_steps=7).total_steps == 7
    assert tiny_task(max_steps=700).total_steps == 18


def test_that_a_batch_larger_than_the_data_is_refused_with_what_fits():
    with pytest.raises(ValueError, match=r"batch_size 201 exceeds the 200 .* try 128"):
        tiny_task(batch_size=201)
    assert [largest_power_of_two(n) for n in (1, 2, 3, 200, 256)] == [1, 2, 2, 128, 256]


def test_that_probabilities_are_those_of_the_loss():
    task = tiny_task()
    logits_BK = torch.randn(4, 10, generator=generator(1, "x"))
    assert torch.allclose(task.predict(logits_BK), logits_BK.softmax(1))
    for entry in registry.loss:
        if entry.extra["family"] != "classification" or entry.extra.get("needs_teacher"):
            continue
        if entry.extra.get("compatible", lambda k: "")(10):
            continue
        chosen = tiny_task(loss=entry)
        width = entry.extra.get("outputs", lambda classes: classes)(10)
        probability_BK = chosen.predict(torch.randn(6, width, generator=generator(2, "x")))
        assert probability_BK.shape == (6, 10)
        assert torch.allclose(probability_BK.sum(1), torch.ones(6), atol=1e-5), entry.name
        assert np.isfinite(step(chosen, 0)["train/loss"].item())


def test_that_a_teacher_looks_at_the_same_images():
    entry = registry.loss["distillation"]
    seen = []

    class Teacher(torch.nn.Module):
        def forward(self, x_BCHW):
            seen.append(x_BCHW)
            return torch.zeros(len(x_BCHW), 10)

    task = tiny_task(loss=entry, loss_knobs=entry.knobs(), teacher=Teacher().eval())
    task.prepare(0)
    expected = task.batch()
    task.prepare(0)
    task.update()
    assert torch.equal(seen[0], expected)
    assert seen[0].requires_grad is False


def test_that_bf16_trains_nearly_like_fp32():
    exact, narrow = tiny_task(**PLAIN), tiny_task(**PLAIN, bf16=True)
    losses = [step(task, 0)["train/loss"].item() for task in (exact, narrow)]
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert all(p.dtype == torch.float32 for p in narrow.model.parameters())


def test_that_timing_precisions_leaves_the_model_alone():
    task = tiny_task()
    before = copy.deepcopy(task.model.state_dict())
    chosen = faster_precision(task.model, (1, 8, 8), 8, torch.device("cpu"))
    assert chosen in ("fp32", "bf16")
    after = task.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.grad is None for p in task.model.parameters())
