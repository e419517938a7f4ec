"""How a run fails: in a sentence, with what it had kept."""

import gc
import math
import weakref

import pytest
import torch
from safetensors.torch import load_file

from engines.events import Problem, RunEnded, RunStarted
from engines.tasks.classification import Classification
from tests.workbench.runs import CNN, Scripted, create, measured, stopping_at, train, trained
from workbench.run_folder import DamagedFile
from workbench.spec import SpecError
from workbench.training import load_model, load_teacher, out_of_memory

pytestmark = pytest.mark.usefixtures("no_thread_left")


def spoil(monkeypatch, step, change):
    """Let the task's update number `step` return what `change` makes of its values."""
    real = Classification.update
    counter = iter(range(10**6))

    def update(self):
        values = real(self)
        if next(counter) == step:
            change(self, values)
        return values

    monkeypatch.setattr(Classification, "update", update)


def not_a_number(task, values):
    values["train/loss"] = torch.tensor(math.nan)
    with torch.no_grad():
        next(task.model.parameters()).fill_(math.nan)


def infinite_gradient(task, values):
    values["train/gradient_norm"] = torch.tensor(math.inf)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (not_a_number, "The loss became nan at step 13"),
        (infinite_gradient, "The gradient norm became inf at step 13"),
    ],
)
def test_that_a_diverged_run_names_the_step_and_keeps_sound_weights(
    workspace, monkeypatch, change, words
):
    folder = create(workspace, CNN)
    spoil(monkeypatch, 12, change)
    ended = train(folder, workspace)[-1]
    assert (ended.reason, ended.step) == ("failed", 13)
    assert words in ended.sentence
    assert "smaller learning rate" in ended.sentence
    assert "Traceback" in ended.error
    assert folder.status() == "failed"
    assert folder.history().ended.sentence == ended.sentence
    assert folder.files("resume")[-1][0] == 7
    for _, path in folder.files("weights"):
        assert all(values.isfinite().all() for values in load_file(path).values())
    steps, values = measured(folder)["train/loss"]
    assert steps[-1] >= 13
    if change is not_a_number:
        assert math.isnan(values[12])


def test_that_a_run_that_truly_diverges_keeps_finite_weights(workspace):
    wild = {"kind": "sgd", "learning_rate": 10.0, "momentum": 0.99}
    spec = CNN | {"optimizer": wild, "schedule": {"kind": "constant"}, "loss": {"kind": "hinge"}}
    spec |= {"training": {"epochs": 200, "batch_size": 50}, "model": {"kind": "mlp"}}
    folder = create(workspace, spec)
    ended = train(folder, workspace)[-1]
    assert ended.reason == "failed"
    assert "at step" in ended.sentence
    assert folder.files("weights")
    for _, path in folder.files("weights"):
        assert all(values.isfinite().all() for values in load_file(path).values())


def test_that_a_diverged_run_goes_on_with_a_smaller_rate(workspace, monkeypatch):
    folder = create(workspace, CNN)
    with monkeypatch.context() as patch:
        spoil(patch, 12, not_a_number)
        train(folder, workspace)
    control = Scripted({})
    control.set_learning_rate(1e-5)
    events = train(folder, workspace, control)
    assert next(e for e in events if isinstance(e, RunStarted)).step == 7
    assert events[-1].reason == "finished"


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
    ],
)
def test_that_too_little_memory_names_the_batch_size_and_a_smaller_one(
    workspace, monkeypatch, error
):
    assert out_of_memory(error)

    def update(self):
        raise error

    monkeypatch.setattr(Classification, "update", update)
    folder = create(workspace, CNN)
    ended = train(folder, workspace)[-1]
    assert ended.reason == "failed"
    assert ended.sentence == "Out of memory with batch size 50. Try 25."
    assert folder.files("resume")[-1][0] == 0


def test_that_the_smallest_batch_is_not_halved(workspace, monkeypatch):
    def update(self):
        raise MemoryError

    monkeypatch.setattr(Classification, "update", update)
    spec = CNN | {"training": {"epochs": 1, "batch_size": 2}}
    sentence = train(create(workspace, spec), workspace)[-1].sentence
    assert sentence == "Out of memory with batch size 2. Try a smaller model."


def test_that_other_errors_are_not_taken_for_too_little_memory():
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_that_a_failed_run_frees_its_task(workspace, monkeypatch):
    tasks = []
    real = Classification.__init__

    def remember(self, setting):
        tasks.append(weakref.ref(self))
        real(self, setting)

    def update(self):
        raise MemoryError

    monkeypatch.setattr(Classification, "__init__", remember)
    monkeypatch.setattr(Classification, "update", update)
    train(create(workspace, CNN), workspace)
    gc.collect()
    assert [task() for task in tasks] == [None]


def test_that_parts_that_do_not_fit_fail_the_run_with_the_fields_named(workspace):
    spec = CNN | {"augmentation": {"shift": 9}, "training": {"epochs": 1, "batch_size": 1000}}
    ended = train(create(workspace, spec), workspace)[-1]
    assert ended.reason == "failed"
    assert "training.batch_size: 1000 exceeds the 400" in ended.sentence
    assert "augmentation: shift 9 is too large" in ended.sentence


def test_that_an_unexpected_error_is_told_with_its_traceback(workspace, monkeypatch):
    def update(self):
        raise ZeroDivisionError("who divides?")

    monkeypatch.setattr(Classification, "update", update)
    events = train(create(workspace, CNN), workspace)
    ended = events[-1]
    assert isinstance(ended, RunEnded)
    assert ended.sentence == "ZeroDivisionError: who divides?"
    assert "in update" in ended.error


def test_that_a_run_without_a_checkpoint_says_that_it_starts_again(workspace):
    folder = create(workspace, CNN)
    state = folder.read_json("state.json") | {"status": "running", "step": 33}
    folder.write_json("state.json", state)
    events = train(folder, workspace)
    (problem,) = [e for e in events if isinstance(e, Problem)]
    assert "starts again from step 0" in problem.sentence
    assert events[-1].reason == "finished"


def test_that_a_kept_model_predicts_as_it_did(workspace):
    folder = trained(workspace, CNN)
    model, spec = load_model(folder)
    assert not model.training
    assert spec.model.kind == "cnn"
    from workbench.assembly import load_data

    images = load_data(spec).test
    with torch.no_grad():
        logits_NK = model(images.images_NCHW.float() / 127.5 - 1)
    accuracy = (logits_NK.argmax(1) == images.labels_N).double().mean().item()
    assert folder.history().get("test/accuracy").last() == pytest.approx(accuracy, abs=1e-6)
    early, _ = load_model(folder, 16)
    assert any(
        not torch.equal(a, b) for a, b in zip(early.parameters(), model.parameters(), strict=True)
    )


def test_that_weights_that_are_missing_or_damaged_are_refused(workspace):
    folder = create(workspace, CNN)
    train(folder, workspace, stopping_at(3))
    with pytest.raises(DamagedFile, match=r"no weights of step 99; it has \[0, 3\]"):
        load_model(folder, 99)
    path = folder.files("weights")[-1][1]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match="isn't what was written"):
        load_model(folder)


DISTIL = {"loss": {"kind": "distillation"}}


def test_that_a_student_learns_from_a_finished_run_even_when_it_is_deleted(workspace):
    teacher = trained(workspace, CNN)
    spec = CNN | DISTIL | {"teacher": "1"}
    whole, folder = trained(workspace, spec), create(workspace, spec)
    train(folder, workspace, stopping_at(5))
    workspace.trash([teacher.id])
    workspace.empty_trash()
    assert train(folder, workspace)[-1].reason == "finished"
    assert whole.files("weights")[-1][1].read_bytes() == folder.files("weights")[-1][1].read_bytes()


@pytest.mark.parametrize(
    ("teacher", "words"),
    [
        ("", "teacher: this loss learns from a finished run"),
        ("7", "no runs match '7'"),
        ("1", "has no weights"),
    ],
)
def test_that_a_teacher_that_cannot_teach_is_refused(workspace, teacher, words):
    create(workspace, CNN)
    ended = train(create(workspace, CNN | DISTIL | {"teacher": teacher}), workspace)[-1]
    assert ended.reason == "failed"
    assert words in ended.sentence


def test_that_a_teacher_of_other_classes_is_refused(workspace):
    few = CNN | {"data": {"kind": "digits", "classes": ["0", "1"]}}
    trained(workspace, few | {"training": {"epochs": 1, "batch_size": 50, "max_steps": 2}})
    folder = create(workspace, CNN | DISTIL | {"teacher": "1"})
    with pytest.raises(SpecError, match="other classes; choose a run on Digits"):
        load_teacher(folder, workspace, "1")


def test_that_a_teacher_nobody_listens_to_is_refused(workspace):
    ended = train(create(workspace, CNN | {"teacher": "1"}), workspace)[-1]
    assert "teacher: only distillation listens to a teacher" in ended.sentence
