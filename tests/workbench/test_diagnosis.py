import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.events import (
    ArtifactReady,
    Metrics,
    RunEnded,
    RunStarted,
    Scores,
    StatusChanged,
)
from engines.registry import Reference
from workbench.confusion import wilson
from workbench.diagnosis import diagnose
from workbench.history import History

STEPS = 5000
X = np.arange(1, STEPS + 1)
FALLING = 0.3 + 2 / (1 + X / 300)
SETTLED = 0.3 + 2 * np.exp(-X / 300)
CHANCE = math.log(10)


def history(
    train=FALLING,
    validation=None,
    *,
    accuracy=0.6,
    gradient=None,
    noise=0.08,
    validation_noise=0.01,
    total=STEPS,
    seed=0,
    references=True,
):
    """A run with these curves; noise is a share of the value, an evaluation each 100 steps."""
    random = np.random.default_rng(seed)
    count = len(train)
    lines = [Reference("loss", CHANCE, "chance  ln 10 = 2.303")] if references else []
    run = History({"classes": list("abcdefghij"), "batch_size": 128, "references": lines})
    run.add(RunStarted(0, total, 500))
    values = np.stack(
        [
            train * (1 + noise * random.standard_normal(count)),
            random.binomial(128, accuracy, count) / 128,
            (np.ones(count) if gradient is None else gradient) * random.uniform(0.9, 1.1, count),
        ],
        1,
    )
    names = ("train/loss", "train/accuracy", "train/gradient_norm")
    run.add(Metrics(1, names, values.astype(np.float32), 1.0))
    if validation is not None:
        for step in range(100, count + 1, 100):
            jitter = 1 + validation_noise * random.standard_normal()
            loss = float(validation[step - 1] * jitter)
            run.add(
                Scores(step, {"validation/loss": loss, "validation/accuracy": 0.5 + step / 1e5})
            )
    return run


def kinds(seeds=20, **how):
    return [diagnose(history(**how, seed=seed)).kind for seed in range(seeds)]


def test_that_nothing_is_said_before_there_are_enough_steps():
    diagnosis = diagnose(history(FALLING[:40], total=5000))
    assert diagnosis.kind == "too early"
    assert diagnosis.sentence == "Too early to say: 40 of 200 steps."


def test_that_a_short_run_needs_a_tenth_of_its_steps_and_twenty():
    assert diagnose(history(FALLING[:60], total=300)).kind != "too early"
    assert "12 of 20 steps" in diagnose(history(FALLING[:12], total=60)).sentence


def test_that_falling_together_is_learning_whatever_the_noise():
    found = kinds(validation=FALLING + 0.02)
    assert found.count("learning") >= 19
    assert "overfitting" not in found


def test_that_learning_names_the_gap_between_the_two_losses():
    diagnosis = diagnose(history(FALLING, FALLING + 0.5, noise=0.0, validation_noise=0.0))
    assert diagnosis.sentence == "Learning. Training and validation loss fall together."
    # Validation at step 5 000 against the mean of training over the half window before it.
    expected = FALLING[-1] + 0.5 - FALLING[-500:].mean()
    assert f"gap {expected:.2f}" in diagnosis.evidence


def test_that_without_evaluations_learning_says_so():
    diagnosis = diagnose(history(FALLING[:600]))
    assert diagnosis.kind == "learning"
    assert "not enough evaluations" in diagnosis.sentence


def test_that_a_loss_at_the_chance_line_with_accuracy_one_in_ten_is_at_chance():
    flat = np.full(1000, CHANCE)
    assert set(kinds(train=flat, accuracy=0.1, noise=0.03)) == {"at chance"}
    diagnosis = diagnose(history(flat, accuracy=0.1, noise=0.01))
    assert "loss 2.30, chance 2.30" in diagnosis.evidence
    assert "chance 10 %" in diagnosis.evidence


def test_that_a_loss_at_chance_is_not_chance_when_accuracy_is_above_it():
    flat = np.full(1000, CHANCE)
    assert "at chance" not in kinds(train=flat, accuracy=0.2, noise=0.03)


def test_that_without_a_chance_line_accuracy_alone_decides():
    flat = np.full(1000, 0.09)
    assert set(kinds(train=flat, accuracy=0.1, references=False)) == {"at chance"}


def overfit(rise):
    return 0.4 + np.exp(-X / 400) + rise * np.maximum(0, X - 2000) / 3000


def test_that_rising_validation_under_falling_training_is_overfitting():
    falling = 0.02 + 1.5 * np.exp(-X / 1500)
    found = kinds(train=falling, validation=overfit(0.2), validation_noise=0.03)
    assert found == ["overfitting"] * len(found)


def test_that_overfitting_names_the_step_of_the_smoothed_minimum():
    falling = 0.02 + 1.5 * np.exp(-X / 1500)
    diagnosis = diagnose(history(falling, overfit(0.3), validation_noise=0.0))
    lowest = 100 * (1 + int(np.argmin(overfit(0.3)[99::100])))
    assert diagnosis.step_span[0] == pytest.approx(lowest, abs=100)
    words = f"since step {diagnosis.step_span[0]:,} while training loss falls".replace(
        ",", "\u2009"
    )
    assert words in diagnosis.sentence


def test_that_level_validation_with_noise_is_never_called_overfitting():
    falling = 0.02 + 1.5 * np.exp(-X / 1500)
    found = kinds(60, train=falling, validation=overfit(0.0), validation_noise=0.05)
    assert found.count("overfitting") <= 1


def test_that_one_bad_evaluation_is_not_overfitting():
    run = history(FALLING, FALLING, validation_noise=0.005)
    run.add(Scores(STEPS, {"validation/loss": 3.0}))
    assert diagnose(run).kind != "overfitting"


def test_that_a_settled_loss_is_a_plateau():
    found = kinds(train=SETTLED, validation=SETTLED, noise=0.03)
    assert found.count("plateau") >= 18
    diagnosis = diagnose(history(SETTLED, noise=0.0))
    assert "stays at 0.300 over the last 1\u2009000 steps" in diagnosis.sentence


def test_that_a_loss_above_its_start_is_diverging():
    found = kinds(train=2.3 * np.exp(X / 4000), gradient=np.exp(X / 900))
    assert set(found) == {"diverging"}


def test_that_giving_back_the_gain_while_gradients_grow_is_diverging_before_the_start_is_reached():
    loss = np.where(X < 3000, SETTLED, SETTLED + (X - 3000) / 1400)[:4900]
    gradient = np.where(X < 3000, 1.0, 1.0 + (X - 3000) / 60)[:4900]
    diagnosis = diagnose(history(loss, gradient=gradient, noise=0.02))
    assert diagnosis.kind == "diverging"
    assert "gradient norm rose" in diagnosis.evidence
    calm = diagnose(history(loss, noise=0.02))
    assert calm.kind == "rising"


def test_that_a_loss_that_is_not_a_number_is_named_with_its_step():
    train = FALLING[:500].copy()
    train[-1] = np.nan
    diagnosis = diagnose(history(train))
    assert diagnosis.kind == "diverging"
    assert "not a number at step 500" in diagnosis.sentence
    assert "last finite at step 499" in diagnosis.evidence


def test_that_a_finished_run_gives_test_accuracy_with_its_interval_and_the_best_step():
    run = history(FALLING, FALLING)
    run.add(Scores(STEPS, {"test/accuracy": 0.907, "test/loss": 0.3}))
    run.add(ArtifactReady(STEPS, "test", "nowhere.npz", {"split": "test", "count": 10000}))
    run.add(RunEnded(STEPS, "finished"))
    diagnosis = diagnose(run)
    low, high = wilson(np.array(9070), np.array(10000))
    half = 50 * float(high - low)
    assert diagnosis.sentence == f"Finished. Test accuracy 90.7 ± {half:.1f} %."
    assert "best validation accuracy 55 % at step 5\u2009000" in diagnosis.evidence


def test_that_a_finished_run_that_overfitted_still_says_so():
    run = history(0.02 + 1.5 * np.exp(-X / 1500), overfit(0.3))
    run.add(RunEnded(STEPS, "finished"))
    assert "validation loss rising since step" in diagnose(run).evidence


def test_that_a_failed_run_says_the_engines_sentence():
    run = history(FALLING[:212])
    run.add(RunEnded(212, "failed", "The loss became NaN at step 212.", "Traceback"))
    diagnosis = diagnose(run)
    assert (diagnosis.kind, diagnosis.sentence) == ("failed", "The loss became NaN at step 212.")
    assert diagnosis.tone == "bad"


def test_that_a_paused_run_names_its_step_and_what_was_going_on():
    run = history(FALLING, FALLING)
    run.add(StatusChanged(STEPS, "paused"))
    diagnosis = diagnose(run)
    assert diagnosis.kind == "paused"
    assert diagnosis.sentence.startswith("Paused at step 5\u2009000. Learning.")


def test_that_a_queued_run_has_not_started():
    assert diagnose(History()).sentence == "Not started yet."


def test_that_the_cursor_hides_everything_after_it():
    falling = 0.02 + 1.5 * np.exp(-X / 1500)
    run = history(falling, overfit(0.3))
    run.add(RunEnded(STEPS, "finished"))
    early = diagnose(run, 1500)
    assert early.kind == "learning"
    assert early.evidence.startswith("as of step 1\u2009500")
    assert early.step_span[1] == 1500


def test_that_no_sentence_praises_or_shouts():
    curves = [FALLING, SETTLED, np.full(STEPS, CHANCE), 2.3 * np.exp(X / 4000)]
    for curve in curves:
        text = diagnose(history(curve, curve)).sentence
        assert "!" not in text
        assert text.endswith(".")


anything = st.floats(allow_nan=True, allow_infinity=True, width=32)
events = st.one_of(
    st.builds(RunStarted, st.integers(0, 50), st.integers(0, 10**6), st.integers(0, 1000)),
    st.builds(
        lambda first, rows: Metrics(
            first,
            ("train/loss", "train/accuracy", "train/gradient_norm"),
            np.array(rows, np.float32).reshape(-1, 3),
            0.1,
        ),
        st.integers(1, 400),
        st.lists(st.tuples(anything, anything, anything), max_size=60),
    ),
    st.builds(
        lambda step, loss, accuracy: Scores(
            step, {"validation/loss": loss, "validation/accuracy": accuracy}
        ),
        st.integers(0, 400),
        anything,
        anything,
    ),
    st.builds(lambda step, a: Scores(step, {"test/accuracy": a}), st.integers(0, 400), anything),
    st.builds(
        lambda step, count: ArtifactReady(step, "test", "x", {"count": count}),
        st.integers(0, 400),
        st.integers(0, 10**6),
    ),
    st.builds(StatusChanged, st.integers(0, 400), st.sampled_from(["running", "paused"])),
    st.builds(RunEnded, st.integers(0, 400), st.sampled_from(["finished", "stopped", "failed"])),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(events, max_size=12),
    st.none() | st.integers(-5, 500),
    st.sampled_from([{}, {"classes": ["a"]}, {"classes": ["a", "b"], "batch_size": 4}]),
)
def test_that_no_history_whatsoever_raises(said, cursor, context):
    run = History(context)
    for event in said:
        run.add(event)
    diagnosis = diagnose(run, cursor)
    assert diagnosis.sentence
    assert "nan" not in (diagnosis.sentence + diagnosis.evidence).lower().split()
    assert diagnosis.step_span[0] <= diagnosis.step_span[1]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(200, 600),
    st.sampled_from([0.0, 1e-30, 1e30, -1.0, 5e37]),
    st.integers(0, 2**32 - 1),
)
def test_that_long_histories_at_any_scale_do_not_raise(count, scale, seed):
    random = np.random.default_rng(seed)
    values = (scale * random.standard_normal((count, 3))).astype(np.float32)
    run = History({"classes": ["a", "b"]})
    run.add(RunStarted(0, count, 10))
    run.add(Metrics(1, ("train/loss", "train/accuracy", "train/gradient_norm"), values, 1.0))
    for step in range(10, count, 10):
        run.add(Scores(step, {"validation/loss": float(values[step, 1])}))
    assert diagnose(run).sentence
