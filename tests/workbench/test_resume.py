"""The central promise: interrupted and resumed, a run ends as if it had never been."""

import copy

import pytest
import torch

from engines.control import Control
from engines.events import (
    Mark,
    Metrics,
    Problem,
    RunStarted,
    StatusChanged,
)
from tests.workbench.runs import (
    CNN,
    VIT,
    Scripted,
    assert_same_end,
    create,
    measured,
    stopping_at,
    train,
    train_in_new_process,
    trained,
)
from workbench.artifacts import load
from workbench.history import History
from workbench.workspace import Workspace

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The CNN's and the ViT's run, never interrupted, by name."""
    workspace = Workspace(tmp_path_factory.mktemp("whole"))
    return {"cnn": trained(workspace, CNN), "vit": trained(workspace, VIT)}


@pytest.fixture(params=["cnn", "vit"])
def name(request):
    return request.param


SPECS = {"cnn": CNN, "vit": VIT}


def resume_when_paused(control):
    """A listener that lets the run go on as soon as it pauses."""

    def listen(event):
        if isinstance(event, StatusChanged) and event.status == "paused":
            control.resume()

    return listen


def test_that_a_paused_run_ends_as_one_never_paused(workspace, whole, name):
    folder = create(workspace, SPECS[name])
    control = Scripted(dict.fromkeys((0, 5, 16, 31), Control.pause))
    events = train(folder, workspace, control, resume_when_paused(control))
    paused = [e.step for e in events if isinstance(e, StatusChanged) and e.status == "paused"]
    assert paused == [0, 5, 16, 31]
    assert_same_end(whole[name], folder)


def test_that_a_run_stopped_again_and_again_ends_as_one_never_stopped(workspace, whole, name):
    folder, start = create(workspace, SPECS[name]), 0
    for step in (0, 5, 16, 19):
        ended = train(folder, workspace, stopping_at(step, start))[-1]
        assert (ended.reason, ended.step) == ("stopped", step)
        torch.rand(3)  # other users of the process's generator change nothing
        start = step
    assert train(folder, workspace)[-1].reason == "finished"
    assert_same_end(whole[name], folder)


def test_that_a_run_resumed_in_a_new_process_ends_as_one_never_stopped(workspace, whole):
    folder = create(workspace, CNN)
    train(folder, workspace, stopping_at(13))
    assert train_in_new_process(folder, workspace) == "finished"
    assert_same_end(whole["cnn"], folder)


def test_that_the_resumed_history_has_every_step_once(workspace):
    folder = create(workspace, CNN)
    train(folder, workspace, stopping_at(13))
    train(folder, workspace)
    steps, values = measured(folder)["train/loss"]
    assert steps.tolist() == list(range(1, 41))
    assert measured(folder)["validation/loss"][0].tolist() == [0, 16, 32, 40]
    assert len(set(values.tolist())) > 30


def test_that_a_changed_learning_rate_survives_stopping(workspace, whole):
    def change(control):
        control.set_learning_rate(1e-4)

    changed, folder = create(workspace, CNN), create(workspace, CNN)
    train(changed, workspace, Scripted({10: change}))
    train(folder, workspace, Scripted({10: change, 20: Control.stop}))
    assert train(folder, workspace)[-1].reason == "finished"
    assert_same_end(changed, folder)
    rates, plain = (measured(run)["learning_rate"][1] for run in (changed, whole["cnn"]))
    assert rates[:10].tolist() == plain[:10].tolist()
    assert rates[10:] / plain[10:] == pytest.approx(1e-4 / 3e-3, rel=1e-5)
    assert rate_marks(folder) == [(10, 1e-4)]


def rate_marks(folder):
    return [(m.step, m.value) for m in folder.history().marks if m.kind == "learning_rate"]


def test_that_a_new_learning_rate_undoes_later_ones(workspace, whole):
    folder = create(workspace, CNN)
    early, late = (lambda c: c.set_learning_rate(1e-4)), (lambda c: c.set_learning_rate(2e-3))
    train(folder, workspace, Scripted({12: early, 13: Control.stop}))
    (older, _), (newest, path) = folder.files("resume")
    assert (older, newest) == (7, 13)
    flip(path)  # so that it goes on before the change
    train(folder, workspace, Scripted({9: late}, start=7))
    rates, plain = (measured(run)["learning_rate"][1] for run in (folder, whole["cnn"]))
    assert rates[9:] / plain[9:] == pytest.approx(2e-3 / 3e-3, rel=1e-5)
    assert rate_marks(folder) == [(9, 2e-3)]


def flip(path, place=-5):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["weights", "resume"])
def test_that_a_damaged_checkpoint_is_passed_over_with_a_word(workspace, whole, kind):
    folder = create(workspace, CNN)
    train(folder, workspace, stopping_at(13))
    (older, _), (newest, _) = folder.files("resume")
    flip(dict(folder.files(kind))[newest])
    events = train(folder, workspace)
    problem = next(e for e in events if isinstance(e, Problem))
    assert f"step {newest} is damaged" in problem.sentence
    assert f"step {older} is used" in problem.sentence
    assert next(e for e in events if isinstance(e, RunStarted)).step == older
    assert_same_end(whole["cnn"], folder)
    assert any(f"step {newest} is damaged" in p.sentence for p in folder.history().problems)


def test_that_a_run_without_a_sound_checkpoint_refuses_and_keeps_what_it_has(workspace):
    folder = create(workspace, CNN)
    train(folder, workspace, stopping_at(13))
    before, kept = measured(folder), folder.files("weights")
    for _, path in folder.files("resume"):
        flip(path)
    events = train(folder, workspace)
    assert events[-1].reason == "failed"
    assert "is damaged and there is no other" in events[-1].sentence
    assert not any(isinstance(e, Metrics | RunStarted) for e in events)
    after = measured(folder)
    assert all((before[name][1] == after[name][1]).all() for name in before)
    assert folder.files("weights") == kept


def test_that_other_data_at_resume_is_told(workspace, monkeypatch):
    folder = create(workspace, CNN)
    train(folder, workspace, stopping_at(3))
    state = folder.read_json("state.json")
    state["facts"]["data_digest"] = "0" * 64
    folder.write_json("state.json", state)
    problems = [e.sentence for e in train(folder, workspace) if isinstance(e, Problem)]
    assert problems == [
        "The resumed run will not be bit-identical: the data set's content changed."
    ]


def test_that_an_unchanged_resume_tells_no_problem(workspace):
    folder = create(workspace, CNN)
    train(folder, workspace, stopping_at(3))
    events = train(folder, workspace)
    assert not [e for e in events if isinstance(e, Problem)]
    assert [e.text for e in events if isinstance(e, Mark)] == ["resumed"]


def test_that_a_resumed_run_uses_its_first_number_of_threads(workspace):
    folder = create(workspace, CNN)
    train(folder, workspace, stopping_at(3))
    torch.set_num_threads(2)
    try:
        events = train(folder, workspace)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert next(e for e in events if isinstance(e, RunStarted)).facts["threads"] == 1
    assert not [e for e in events if isinstance(e, Problem)]


def test_that_only_two_resume_states_and_the_kept_weights_remain(workspace):
    spec = copy.deepcopy(CNN)
    spec["watching"]["checkpoint_steps"] = 3
    folder = trained(workspace, spec)
    assert [step for step, _ in folder.files("resume")] == [39, 40]
    assert [step for step, _ in folder.files("weights")] == [0, 16, 32, 39, 40]
    assert len(list((folder.path / "resume").iterdir())) == 2
    assert len(list((folder.path / "weights").iterdir())) == 5
    assert folder.history().checkpoints == [0, 16, 32, 39, 40]


def test_that_weights_of_the_start_are_kept_when_paused_there(workspace):
    folder, control = create(workspace, CNN), Scripted({0: Control.pause})
    train(folder, workspace, control, resume_when_paused(control))
    assert next(step for step, _ in folder.files("weights")) == 0


def test_that_live_and_stored_histories_agree(workspace):
    live = History()
    folder = create(workspace, CNN)
    change = Scripted({5: lambda c: c.set_learning_rate(1e-3), 18: Control.stop})
    for event in train(folder, workspace, change):
        live.add(event)
    flip(folder.files("resume")[-1][1])
    for event in train(folder, workspace):
        live.add(event)
    stored = folder.history()
    assert live.series.keys() == stored.series.keys()
    for name, series in live.series.items():
        assert series.steps.tolist() == stored.series[name].steps.tolist(), name
        assert series.values.tolist() == stored.series[name].values.tolist(), name
    assert live.artifacts == stored.artifacts
    assert live.checkpoints == stored.checkpoints
    assert live.marks == stored.marks
    assert [p.sentence for p in live.problems] == [p.sentence for p in stored.problems]
    for name in ("step", "total_steps", "steps_per_epoch", "status", "ended", "context"):
        assert getattr(live, name) == getattr(stored, name), name
    artifact = load(stored.artifact_at("predictions", 20).path)
    assert len(artifact["label_N"]) == stored.artifact_at("predictions", 20).meta["count"]
