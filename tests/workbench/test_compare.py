import math

import numpy as np
import pytest

from engines.events import Mark, Metrics, RunStarted, Scores
from workbench.compare import (
    clock,
    fresh_seeds,
    live_record,
    recipe,
    results,
    seconds_of,
    settings,
    short_name,
    value_words,
)
from workbench.history import History
from workbench.workspace import RunRecord

CNN = {
    "title": "one",
    "model": {"depth": 3, "dropout": 0.1, "kind": "cnn"},
    "optimizer": {"learning_rate": 1e-3, "kind": "adamw"},
    "seed": 0,
}
MLP = {
    "title": "two",
    "model": {"hidden": [64, 32], "dropout": 0.1, "kind": "mlp"},
    "optimizer": {"learning_rate": 3e-4, "kind": "adamw"},
    "seed": 0,
}


def record(number=1, spec=CNN, status="finished", **values):
    return RunRecord(f"run-{number}", number, float(number), spec=spec, status=status, **values)


def by_title(lines):
    return {line.title: line for line in lines}


def test_that_only_settings_with_two_values_differ():
    lines = by_title(settings([CNN, MLP]))
    assert [line.title for line in lines.values() if line.differs] == ["Model", "Learning rate"]
    assert lines["Model"].values == ("CNN", "MLP")
    assert lines["Learning rate"].values == ("1e-3", "3e-4")


def test_that_a_knob_of_one_model_only_does_not_differ_but_is_listed():
    lines = by_title(settings([CNN, MLP]))
    assert lines["Model: depth"].values == ("3", "–")
    assert not lines["Model: depth"].differs
    assert lines["Model: hidden"].values == ("–", "64, 32")


def test_that_a_knob_differs_when_two_of_three_runs_have_it_and_disagree():
    deeper = {**CNN, "model": {**CNN["model"], "depth": 4}}
    line = by_title(settings([CNN, MLP, deeper]))["Model: depth"]
    assert line.differs
    assert line.values == ("3", "–", "4")


def test_that_a_run_s_title_is_no_setting():
    assert "Title" not in by_title(settings([CNN, MLP]))


def test_that_the_odd_value_stands_out_and_all_do_when_none_is_common():
    other = {**CNN, "seed": 5}
    odd = by_title(settings([CNN, other, CNN]))["Seed"]
    assert [odd.stands_out(place) for place in range(3)] == [False, True, False]
    both = by_title(settings([CNN, other]))["Seed"]
    assert [both.stands_out(place) for place in range(2)] == [True, True]
    equal = by_title(settings([CNN, CNN]))["Seed"]
    assert not equal.stands_out(0)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (False, "no"),
        (0.0003, "3e-4"),
        (2.5e-3, "2.5e-3"),
        (0.05, "0.05"),
        (10.0, "10"),
        (0.0, "0"),
        (1e6, "1e6"),
        (128, "128"),
        ([3, 0.5], "3, 0.5"),
        ([], "–"),
        ("", "–"),
        (None, "–"),
        ("class_token", "class token"),
        ("/data/my_runs", "/data/my_runs"),
    ],
)
def test_that_values_read_as_people_write_them(value, words):
    assert value_words(value) == words


def test_that_two_close_rates_never_read_alike():
    assert value_words(0.00123456789) != value_words(0.00123456788)


def test_that_unknown_kinds_get_readable_names():
    assert short_name("squared_error") == "Squared error"
    assert short_name("vit") == "ViT"
    assert short_name("") == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "–"), (0.2, "0:01"), (7, "0:07"), (59.6, "1:00"), (760, "12:40"), (3723, "1:02:03")],
)
def test_that_times_are_minutes_and_seconds(seconds, words):
    assert clock(seconds) == words


def test_that_results_show_scores_weights_and_later_rates():
    history = History({"batch_size": 4})
    history.add(RunStarted(0, 10, 5, {"parameters": 1_234_567}))
    history.add(Mark(3, "learning_rate", "lr", 3e-4))
    history.add(Mark(4, "resumed", "resumed"))
    one = record(summary={"validation/accuracy": 0.881, "validation/loss": 0.37251})
    two = record(2, status="running", summary={"validation/accuracy": math.nan})
    lines = by_title(results([one, two], {"run-1": history}))
    assert lines["Weights"].values == ("1.23 M", "–")
    assert lines["Rate changed"].values == ("to 3e-4", "–")
    assert lines["Val. accuracy"].values == ("88.1 %", "–")
    assert lines["Val. loss"].values == ("0.373", "–")
    assert "Test accuracy" not in lines


def test_that_a_score_of_a_running_run_is_so_far():
    one = record(status="running", summary={"validation/accuracy": 0.5})
    assert by_title(results([one], {}))["Val. accuracy"].values == ("50 % so far",)


def test_that_fresh_seeds_avoid_those_of_the_same_recipe_only():
    taken = [record(1, {**CNN, "seed": 1}), record(2, {**MLP, "seed": 2})]
    assert fresh_seeds(CNN, taken, 3) == [2, 3, 4]


def test_that_title_and_seed_are_no_part_of_the_recipe():
    assert recipe(CNN) == recipe({**CNN, "seed": 9, "title": "other"})
    assert recipe(CNN) != recipe(MLP)


def test_that_training_seconds_add_up_over_blocks():
    history = History({"batch_size": 32})
    for first, steps, seconds in ((1, 10, 2.0), (11, 5, 0.5), (16, 1, 0.25)):
        values_SM = np.zeros((steps, 1), np.float32)
        history.add(Metrics(first, ("train/loss",), values_SM, seconds))
    assert seconds_of(history) == pytest.approx(2.75, rel=1e-5)
    assert seconds_of(History()) == 0


def test_that_a_live_row_takes_what_its_history_says():
    history = History({"batch_size": 4})
    history.add(RunStarted(0, 40, 20))
    history.add(Scores(10, {"validation/accuracy": 0.75}))
    history.add(Metrics(1, ("train/loss",), np.zeros((10, 1), np.float32), 3.0))
    row = live_record(record(status="interrupted", summary={"test/loss": 1.0}), history)
    assert (row.status, row.step, row.total_steps) == ("running", 10, 40)
    assert row.summary == {"test/loss": 1.0, "validation/accuracy": 0.75}
    assert row.seconds == pytest.approx(3.0, rel=1e-5)
