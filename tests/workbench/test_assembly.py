"""A spec's parts put together, or refused with the fields that don't fit."""

import pytest
import torch

from engines import registry
from tests.workbench.runs import CNN, VIT
from workbench.assembly import (
    assemble,
    build_model,
    check,
    context_of,
    layers,
    load_data,
    resolve_device,
)
from workbench.spec import SpecError, parse


def spec(**changes):
    return parse(CNN | changes)


def refusal(**changes):
    chosen = spec(**changes)
    with pytest.raises(SpecError) as caught:
        check(chosen, load_data(chosen))
    return caught.value.faults


@pytest.mark.parametrize("raw", [CNN, VIT], ids=["cnn", "vit"])
def test_that_a_spec_becomes_a_task_that_trains(raw):
    made = assemble(parse(raw))
    made.task.prepare(0)
    values = made.task.update()
    assert all(value.isfinite() for value in values.values())
    assert made.facts["parameters"] == sum(p.numel() for p in made.task.model.parameters())
    assert made.facts["precision"] == "fp32"
    assert made.facts["device"] == "cpu"
    assert made.facts["context"]["classes"] == list("0123456789")


def test_that_one_seed_gives_one_model_whatever_else_draws_numbers():
    chosen = spec()
    dataset = load_data(chosen)
    torch.manual_seed(1)
    first = build_model(chosen, dataset).state_dict()
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = build_model(chosen, dataset).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    other = build_model(spec(seed=9), dataset).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_that_parts_that_do_not_fit_are_all_named_at_once():
    faults = refusal(
        model={"kind": "vit", "patch": 3},
        training={"batch_size": 500},
        loss={"kind": "distillation"},
        augmentation={"cutout": 8},
    )
    assert set(faults) == {"model.patch", "training.batch_size", "teacher", "augmentation"}
    assert "500 exceeds the 400 training images; try 256" in faults["training.batch_size"]
    assert "try" in faults["model.patch"]


def test_that_a_loss_for_two_classes_is_refused_for_ten():
    for entry in registry.loss:
        reason = entry.extra.get("compatible", lambda classes: "")(10)
        if reason:
            assert refusal(loss={"kind": entry.name})["loss.kind"] == reason
            break
    else:
        pytest.fail("no loss is for two classes")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_that_a_gpu_that_is_not_there_is_refused():
    assert "no CUDA device" in refusal(device="cuda")["device"]
    assert resolve_device("auto") == "cpu"


def test_that_data_that_cannot_be_read_is_refused_by_field():
    chosen = spec(data={"kind": "digits", "classes": ["0", "ten"]})
    with pytest.raises(SpecError, match="data: classes: 'ten' is unknown"):
        load_data(chosen)


def test_that_a_resumed_run_keeps_its_precision():
    made = assemble(spec(precision="auto"), decided={"precision": "bf16"})
    assert made.facts["precision"] == "bf16"
    assert made.task.setting.bf16
    assert assemble(spec(precision="auto")).facts["precision"] in ("fp32", "bf16")


def test_that_the_views_are_told_the_lines_of_theory():
    chosen = spec()
    context = context_of(chosen, load_data(chosen), registry.loss["cross_entropy"], None)
    lines = {line["metric"]: line["value"] for line in context["references"]}
    assert lines["loss"] == pytest.approx(2.302585, rel=1e-6)
    assert lines["accuracy"] == pytest.approx(0.1)
    assert context["batch_size"] == 50
    assert context["shape"] == [1, 8, 8]


def test_that_the_layer_table_ends_with_the_classes():
    chosen = spec()
    rows = layers(chosen, load_data(chosen))
    model = build_model(chosen, load_data(chosen))
    assert rows[-1].output_shape == (10,)
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in model.parameters())
