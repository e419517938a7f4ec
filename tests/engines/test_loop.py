"""The loop with a task of one weight: what it says, when, and what it refuses to save."""

import math
import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

import engines.loop
from engines.control import Control
from engines.events import (
    Artifact,
    Checkpoint,
    Mark,
    Metrics,
    RunEnded,
    RunStarted,
    Scores,
    StatusChanged,
)
from engines.executor import GraphExecutor
from engines.loop import Cadence, Diverged, check_finite, on_cpu, run


class Counting:
    """A task whose weight counts its updates; `bad` maps a step to the loss it gives."""

    metric_names = ("train/loss", "train/gradient_norm")
    device = torch.device("cpu")

    def __init__(self, total_steps=20, bad=None, wait=0.0):
        self.total_steps, self.steps_per_epoch = total_steps, 5
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)
        self.learning_rates = {0: 1.0}
        self.bad, self.wait = bad or {}, wait
        self.prepared, self.looks = [], []
        self.infinite_weights_at = -1

    def learning_rate(self, step):
        return self.learning_rates[max(s for s in self.learning_rates if s <= step)]

    def prepare(self, step):
        self.prepared.append(step)
        self._step = step

    def update(self):
        time.sleep(self.wait)
        with torch.no_grad():
            self.model.weight += 1
            if self._step == self.infinite_weights_at:
                self.model.weight.fill_(math.inf)
        loss, norm = self.bad.get(self._step, (self._step / 10, 1.0))
        return {"train/loss": torch.tensor(loss), "train/gradient_norm": torch.tensor(norm)}

    def evaluate(self, split="validation"):
        self.looks.append((split, int(self.model.weight)))
        yield Scores(0, {f"{split}/loss": 0.5})
        yield Artifact(0, split, {"a": np.zeros(1)})

    def state_dict(self):
        return {"count": self.model.weight.detach()}


def hear(task, control=None, cadence=None, start=0, act=lambda event: None):
    """Every event of a run; `act` is called with each before the loop goes on."""
    events = []
    for event in run(task, control or Control(), cadence or Cadence(10, 0, 0), start=start):
        events.append(event)
        act(event)
    return events


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_that_a_run_says_what_happens_in_order():
    events = hear(Counting())
    assert isinstance(events[0], RunStarted)
    assert (events[0].total_steps, events[0].steps_per_epoch) == (20, 5)
    assert events[-1] == RunEnded(20, "finished")
    spoken = [(type(e).__name__, e.step) for e in events if not isinstance(e, Metrics)]
    look = ["Scores", "Artifact", "Checkpoint"]
    assert spoken == [
        ("RunStarted", 0),
        *((name, 0) for name in look),
        *((name, 10) for name in look),
        *((name, 20) for name in look),
        *((name, 20) for name in look),
        ("RunEnded", 20),
    ]


def test_that_every_step_is_measured_once_and_in_order():
    blocks = of(Metrics, hear(Counting(total_steps=3000), cadence=Cadence(999, 7, 0)))
    steps = np.concatenate([np.arange(b.first_step, b.last_step + 1) for b in blocks])
    losses = np.concatenate([b.values_SM[:, 0] for b in blocks])
    assert steps.tolist() == list(range(1, 3001))
    assert losses == pytest.approx((steps - 1) / 10)


def test_that_a_block_never_outgrows_its_ring(monkeypatch):
    monkeypatch.setattr(engines.loop, "FETCH_SECONDS", 1e9)
    blocks = of(Metrics, hear(Counting(total_steps=2500), cadence=Cadence(10_000)))
    assert [len(b.values_SM) for b in blocks] == [1024, 1024, 452]


def test_that_the_model_is_looked_at_before_during_and_after():
    task = Counting(total_steps=25)
    hear(task)
    assert task.looks == [
        ("validation", 0),
        ("validation", 10),
        ("validation", 20),
        ("validation", 25),
        ("test", 25),
    ]


def test_that_a_resumed_run_does_not_look_again_at_its_start():
    task = Counting()
    events = hear(task, start=10)
    assert task.prepared == list(range(10, 20))
    assert [look for look, _ in task.looks] == ["validation", "test"]
    assert of(Metrics, events)[0].first_step == 11


def test_that_a_run_resumed_at_its_end_only_finishes():
    task = Counting()
    assert hear(task, start=20)[-1].reason == "finished"
    assert task.prepared == []


def test_that_checkpoints_follow_the_steps():
    steps = [e.step for e in of(Checkpoint, hear(Counting(), cadence=Cadence(100, 6, 0)))]
    assert steps == [0, 6, 12, 18, 20, 20]


def test_that_checkpoints_follow_the_clock():
    task = Counting(total_steps=30, wait=0.01)
    events = of(Checkpoint, hear(task, cadence=Cadence(100, 0, 0.1)))
    assert 3 <= len({e.step for e in events}) <= 6


def test_that_checkpoints_of_looks_are_kept_and_others_are_not():
    events = of(Checkpoint, hear(Counting(), cadence=Cadence(10, 4, 0)))
    assert {e.step for e in events if e.keep} == {0, 10, 20}
    assert {e.step for e in events if not e.keep} == {4, 8, 12, 16}


def test_that_a_checkpoint_is_a_copy_that_training_cannot_change():
    (first, *_) = of(Checkpoint, hear(Counting()))
    assert first.weights["weight"].item() == 0
    assert first.state["count"].item() == 0


def test_that_metrics_come_before_the_checkpoint_of_their_step():
    events = hear(Counting(), cadence=Cadence(100, 5, 0))
    for place, event in enumerate(events):
        if isinstance(event, Checkpoint) and event.step:
            heard = [e.last_step for e in events[:place] if isinstance(e, Metrics)]
            assert heard[-1] == event.step


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("column", [0, 1])
def test_that_a_number_that_is_not_finite_ends_the_run_at_its_step(bad, column):
    values = [1.0, 1.0]
    values[column] = bad
    task, events = Counting(bad={12: tuple(values)}), []
    with pytest.raises(Diverged, match="at step 13") as error:
        hear(task, cadence=Cadence(10, 4, 0), act=events.append)
    assert error.value.step == 13
    assert ("loss", "gradient norm")[column] in str(error.value)
    assert str(bad) in str(error.value)
    assert max(e.step for e in of(Checkpoint, events)) <= 12
    assert of(Metrics, events)[-1].last_step >= 13


def test_that_the_first_bad_step_is_named_whatever_the_column():
    values = np.ones((4, 2), np.float32)
    values[3, 0], values[1, 1] = math.nan, math.inf
    with pytest.raises(Diverged, match="gradient norm became inf at step 8"):
        check_finite(Metrics(7, Counting.metric_names, values, 1.0))


def test_that_weights_that_are_not_finite_are_never_saved():
    task, events = Counting(), []
    task.infinite_weights_at = 7  # the loss of that step is still finite
    with pytest.raises(Diverged, match="weights became inf at step 8"):
        hear(task, cadence=Cadence(100, 4, 0), act=events.append)
    assert [e.step for e in of(Checkpoint, events)] == [0, 4]
    assert all(e.weights["weight"].isfinite().all() for e in of(Checkpoint, events))


def test_that_stopping_takes_effect_before_the_next_update():
    task, control = Counting(total_steps=10_000, wait=0.002), Control()
    ended = []
    thread = threading.Thread(target=lambda: ended.extend(hear(task, control)))
    thread.start()
    time.sleep(0.1)
    done = len(task.prepared)
    control.stop()
    thread.join(5)
    assert len(task.prepared) <= done + 1 + 1  # the one under way, and one begun meanwhile
    assert ended[-1] == RunEnded(len(task.prepared), "stopped")
    assert ended[-2].step == ended[-1].step
    assert ended[-2].keep


def test_that_an_interrupted_run_says_so():
    control = Control()
    control.stop("interrupted")
    events = hear(Counting(), control)
    assert events[-1] == RunEnded(0, "interrupted")


def paused_script(control, *acts):
    """A listener that does the next act each time the run has paused."""
    rest = list(acts)

    def act(event):
        if isinstance(event, StatusChanged) and event.status == "paused":
            rest.pop(0)()

    return act


def test_that_a_paused_run_saves_waits_and_steps_once():
    task, control = Counting(), Control()
    control.pause()
    seen = []
    act = paused_script(
        control,
        lambda: (seen.append(len(task.prepared)), control.step_once()),
        lambda: (seen.append(len(task.prepared)), control.step_once(), control.step_once()),
        lambda: (seen.append(len(task.prepared)), control.resume()),
    )
    events = hear(task, control, act=act)
    assert seen == [0, 1, 3]
    assert events[-1].reason == "finished"
    paused = [e.step for e in of(StatusChanged, events) if e.status == "paused"]
    assert paused == [0, 1, 3]
    assert {1, 3} <= {e.step for e in of(Checkpoint, events)}


def test_that_probing_a_paused_run_looks_and_stays_paused():
    task, control = Counting(), Control()
    control.pause()
    act = paused_script(
        control,
        control.step_once,
        lambda: (control.probe_now(), threading.Timer(0.3, control.resume).start()),
    )
    events = hear(task, control, act=act)
    assert ("validation", 1) in task.looks
    place = next(i for i, e in enumerate(events) if isinstance(e, Scores) and e.step == 1)
    before = [e.status for e in of(StatusChanged, events[:place])]
    assert before[-1] == "paused"
    after = [e for e in events[place:] if isinstance(e, StatusChanged | Metrics)]
    assert after[0].status == "running"


def test_that_a_probe_of_a_running_run_is_a_look_at_that_step():
    task, control = Counting(), Control()
    control.probe_now()
    hear(task, control, cadence=Cadence(7, 0, 0), start=3)
    assert task.looks[0] == ("validation", 0)


def test_that_a_rate_set_while_paused_is_marked_and_used_from_there():
    task, control = Counting(), Control()
    control.pause()
    act = paused_script(
        control, control.step_once, lambda: (control.set_learning_rate(0.5), control.resume())
    )
    events = hear(task, control, act=act)
    (mark,) = of(Mark, events)
    assert (mark.step, mark.kind, mark.value) == (1, "learning_rate", 0.5)
    assert task.learning_rates == {0: 1.0, 1: 0.5}


def test_that_stopping_a_paused_run_ends_it():
    control = Control()
    control.pause()
    events = hear(Counting(), control, act=paused_script(control, control.stop))
    assert events[-1] == RunEnded(0, "stopped")
    assert [e.status for e in of(StatusChanged, events)] == ["paused"]


def test_that_many_threads_may_command_at_once():
    task, control = Counting(total_steps=400, wait=0.0005), Control()
    done = threading.Event()

    def hammer(seed):
        chance = np.random.default_rng(seed)
        acts = [
            control.pause,
            control.resume,
            control.step_once,
            control.probe_now,
            lambda: control.set_learning_rate(float(chance.uniform(0.1, 1))),
        ]
        while not done.is_set():
            acts[chance.integers(len(acts))]()
            time.sleep(0.001)

    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    events = []
    loop = threading.Thread(target=lambda: events.extend(hear(task, control)))
    loop.start()
    loop.join(3)
    done.set()
    for thread in threads:
        thread.join()
    control.resume()
    loop.join(20)
    assert not loop.is_alive()
    assert events[-1] == RunEnded(400, "finished")
    assert task.prepared == list(range(400))
    blocks = of(Metrics, events)
    assert np.concatenate([b.values_SM for b in blocks]).shape == (400, 2)


def test_that_copies_share_no_memory():
    tensor = torch.zeros(2)
    copy = on_cpu({"a": [tensor, (tensor, 1)], "b": "x"})
    tensor += 1
    assert copy["a"][0].tolist() == copy["a"][1][0].tolist() == [0, 0]
    assert copy["a"][1][1:] == (1,)
    assert copy["b"] == "x"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="captures a CUDA graph")
def test_that_three_replays_equal_eager_updates():
    from engines.executor import WARM_UP, EagerExecutor
    from tests.engines.test_classification_task import tiny_task

    results = []
    for executor in (EagerExecutor, GraphExecutor):
        task = tiny_task(device="cuda")
        launch = executor(task)
        values = [launch.step(step).clone() for step in range(WARM_UP + 3)]
        results.append((torch.stack(values).cpu(), on_cpu(task.model.state_dict())))
    (eager, eager_weights), (graph, graph_weights) = results
    torch.testing.assert_close(graph, eager)
    for name, weights in eager_weights.items():
        torch.testing.assert_close(graph_weights[name], weights)
