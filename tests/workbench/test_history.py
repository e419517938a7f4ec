"""Series that grow and are replaced, and what a history makes of events."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.events import (
    ArtifactReady,
    CheckpointReady,
    Mark,
    Metrics,
    Problem,
    RunEnded,
    RunStarted,
    Scores,
    StatusChanged,
)
from engines.registry import Reference
from workbench.history import History, Series


def series(*pairs):
    made = Series()
    for step, value in pairs:
        made.extend(np.array([step]), np.array([value]))
    return made


def test_that_a_series_grows_past_its_first_room():
    made = Series()
    for start in range(0, 3000, 7):
        made.extend(np.arange(start, start + 7), np.arange(start, start + 7) / 2)
    assert len(made) == 3003
    assert made.steps.tolist() == list(range(3003))
    assert made.values.tolist() == [step / 2 for step in range(3003)]
    assert made.last() == 1501


@settings(deadline=None, database=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=20))
def test_that_an_overlap_replaces_everything_from_its_first_step(blocks):
    made, expected = Series(), {}
    for number, (first, count) in enumerate(blocks):
        steps = np.arange(first, first + count)
        made.extend(steps, np.full(count, number))
        expected = {step: v for step, v in expected.items() if step < first}
        expected |= dict.fromkeys(steps.tolist(), number)
    assert dict(zip(made.steps.tolist(), made.values.tolist(), strict=True)) == expected
    assert made.steps.tolist() == sorted(expected)


def test_that_a_value_is_found_at_or_before_a_step():
    made = series((2, 0.5), (5, 0.25))
    assert [made.at(step) for step in (1, 2, 4, 5, 99)] == [
        None,
        (2, 0.5),
        (2, 0.5),
        (5, 0.25),
        (5, 0.25),
    ]
    assert Series().last() is None


def test_that_forgetting_keeps_the_step_itself():
    made = series((2, 0.5), (5, 0.25), (7, 0.1))
    made.forget_after(5)
    assert made.steps.tolist() == [2, 5]
    made.extend(np.array([6]), np.array([9.0]))
    assert made.values.tolist() == [0.5, 0.25, 9.0]


def ready(step, kind="predictions"):
    return ArtifactReady(step, kind, f"{kind}-{step}")


def test_that_an_artifact_is_found_at_or_before_a_step():
    history = History()
    for step in (10, 0, 20, 10):
        history.add(ready(step))
    assert [a.step for a in history.artifacts["predictions"]] == [0, 10, 20]
    found = [history.artifact_at("predictions", step) for step in (0, 9, 10, 99, None)]
    assert [artifact.step for artifact in found] == [0, 0, 10, 20, 20]
    assert history.artifact_at("predictions", -1) is None
    assert history.artifact_at("attention") is None


def test_that_speed_is_images_per_second():
    history = History({"batch_size": 64})
    history.add(Metrics(1, ("train/loss",), np.ones((10, 1), np.float32), 0.5))
    assert history.get("samples_per_second").at(10) == (10, 10 * 64 / 0.5)
    history.add(Metrics(11, ("train/loss",), np.ones((10, 1), np.float32), 0.0))
    assert len(history.get("samples_per_second")) == 1


def test_that_a_resumed_run_forgets_what_it_will_measure_again():
    history = History()
    history.add(RunStarted(0, 30, 10))
    history.add(Metrics(1, ("train/loss",), np.arange(20, dtype=np.float32)[:, None], 1.0))
    for event in (
        Scores(10, {"validation/loss": 1.0}),
        Scores(20, {"validation/loss": 0.5}),
        ready(10),
        ready(20),
        CheckpointReady(10),
        CheckpointReady(20),
        Mark(15, "learning_rate", "lr", 0.1),
        Mark(16, "resumed", "resumed"),
        Problem(17, "disk"),
        RunEnded(20, "stopped"),
        RunStarted(10, 30, 10, {"device": "cpu"}),
    ):
        history.add(event)
    assert history.get("train/loss").steps[-1] == 10
    assert history.get("validation/loss").last() == 1.0
    assert [a.step for a in history.artifacts["predictions"]] == [10]
    assert history.checkpoints == [10]
    assert [m.kind for m in history.marks] == ["learning_rate"]
    assert history.problems == []
    assert (history.step, history.status, history.ended) == (10, "running", None)
    assert history.facts == {"device": "cpu"}


def test_that_dropped_weights_are_no_longer_offered():
    history = History()
    for event in (CheckpointReady(0), CheckpointReady(5), CheckpointReady(10, dropped=(5,))):
        history.add(event)
    assert history.checkpoints == [0, 10]


def test_that_a_new_rate_undoes_later_ones():
    history = History()
    for step, rate in ((5, 0.1), (20, 0.2), (10, 0.3)):
        history.add(Mark(step, "learning_rate", "lr", rate))
    history.add(Mark(4, "resumed", "resumed"))
    assert [(m.step, m.value) for m in history.marks] == [(5, 0.1), (10, 0.3), (4, None)]


def test_that_status_follows_the_events():
    history = History()
    assert history.status == "queued"
    for event, status in (
        (RunStarted(0, 10, 5), "running"),
        (StatusChanged(3, "paused"), "paused"),
        (StatusChanged(3, "running"), "running"),
        (RunEnded(10, "finished"), "finished"),
    ):
        before = history.revision
        history.add(event)
        assert history.status == status
        assert history.revision > before
    assert history.ended == RunEnded(10, "finished")


@pytest.mark.parametrize("plain", [True, False])
def test_that_reference_lines_may_come_as_plain_values(plain):
    line = Reference("loss", 2.3, "chance")
    history = History()
    values = {"metric": "loss", "value": 2.3, "label": "chance"} if plain else line
    history.take_context({"references": [values], "classes": ["a"]})
    assert history.context["references"] == [line]
