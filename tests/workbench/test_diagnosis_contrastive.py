import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.events import ArtifactReady, Metrics, RunEnded, RunStarted, Scores, StatusChanged
from engines.registry import Reference
from workbench.confusion import wilson
from workbench.diagnosis import diagnose
from workbench.evidence_contrastive import attainable
from workbench.history import History

STEPS, EVERY = 3000, 250
X = np.arange(1, STEPS + 1)
FALLING = 2.0 + 3 / (1 + X / 400)
RISING = 0.9 - 0.5 * np.exp(-X / 2000)
OTHERS = 2 * 128 - 1
CHANCE = math.log(OTHERS)
BASELINES = {
    "pixels": {"knn": 0.81, "linear": 0.80},
    "untrained": {"knn": 0.70, "linear": 0.75},
}
HEALTHY = {
    "effective_rank": 60.0,
    "feature_deviation": 0.05,
    "positive_similarity": 0.9,
    "negative_similarity": 0.5,
    "carrying_share": 0.2,
    "violated_share": 0.1,
}
POINT = HEALTHY | {
    "effective_rank": 1.3,
    "feature_deviation": 0.002,
    "positive_similarity": 0.9995,
    "negative_similarity": 0.999,
}


def history(
    train=FALLING, knn=RISING, *, scores=HEALTHY, noise=0.03, jitter=0.004, seed=0, **context
):
    """A contrastive run with these curves, an evaluation each 250 steps."""
    random = np.random.default_rng(seed)
    run = History(
        {
            "family": "contrastive",
            "classes": list("abcdefghij"),
            "batch_size": 128,
            "dimension": 128,
            "temperature": 0.1,
            "loss_kind": "nt_xent",
            "baselines": BASELINES,
            "references": [
                Reference("loss", CHANCE, f"chance or collapse  ln {OTHERS} = {CHANCE:.3f}")
            ],
        }
        | context
    )
    run.add(RunStarted(0, STEPS, 500))
    count = len(train)
    values = np.stack([train * (1 + noise * random.standard_normal(count)), np.ones(count)], 1)
    names = ("train/loss", "train/gradient_norm")
    run.add(Metrics(1, names, values.astype(np.float32), 1.0))
    for step in range(EVERY, count + 1, EVERY) if knn is not None else ():
        said = {name: value * random.uniform(0.99, 1.01) for name, value in scores.items()}
        said["accuracy"] = float(knn[step - 1]) + jitter * random.standard_normal()
        run.add(Scores(step, {f"validation/{name}": value for name, value in said.items()}))
        run.add(ArtifactReady(step, "embedding", "x", {"count": 2000, "dimension": 128}))
    return run


def kinds(seeds=20, **how):
    return [diagnose(history(**how, seed=seed)).kind for seed in range(seeds)]


def flat(value):
    return np.full(STEPS, value)


def test_that_other_families_keep_their_own_rules():
    run = history(family="classification")
    assert diagnose(run).sentence.startswith("Learning. Training loss falls;")


def test_that_nothing_is_said_before_there_are_enough_steps():
    assert diagnose(history(FALLING[:30])).sentence == "Too early to say: 30 of 200 steps."


def test_that_a_loss_of_a_blind_guess_is_named_by_its_formula():
    train = flat(CHANCE)
    assert set(kinds(train=train, knn=flat(0.5), noise=0.002)) == {"at chance"}
    diagnosis = diagnose(history(train, flat(0.5), noise=0.002))
    assert diagnosis.sentence == "At chance: the loss is ln 255 = 5.541, a blind guess."
    assert "raw pixels 81 %" in diagnosis.evidence


def test_that_a_high_temperature_narrows_what_counts_as_chance():
    # τ = 1: positives at 1 and 254 negatives at 0 give ln(e + 254) - 1, all there is to gain.
    best = math.log(math.e + 254) - 1
    assert attainable(CHANCE, 1.0) == pytest.approx(CHANCE - best)
    part = flat(CHANCE - 0.1 * (CHANCE - best))  # within 3 % of the line, yet a tenth is gained
    assert part[0] > 0.97 * CHANCE
    assert "at chance" not in kinds(train=part, noise=0.002, temperature=1.0)
    assert set(kinds(train=part, noise=0.002, knn=flat(0.5))) == {"at chance"}


def test_that_a_triplet_loss_at_rest_on_its_margin_is_a_single_point():
    lines = [Reference("loss", 0.2, "collapse  margin = 0.2")]
    how = {"references": lines, "loss_kind": "triplet", "temperature": None, "margin": 0.2}
    diagnosis = diagnose(history(flat(0.2), flat(0.5), noise=0.01, **how))
    assert (
        diagnosis.sentence == "The loss rests at margin = 0.2, as if all embeddings were one point."
    )
    passing = 0.2 + (X[::-1] - 300) / 3e4
    assert "at chance" not in kinds(train=passing, noise=0.01, **how)


def test_that_one_point_is_a_collapse_named_by_its_rank():
    assert set(kinds(scores=POINT)) == {"collapsed"}
    diagnosis = diagnose(history(scores=POINT))
    assert diagnosis.sentence == "Collapsed: effective rank 1.3 of 128."
    assert "0.0884 when spread" in diagnosis.evidence  # 1/√128
    assert diagnosis.tone == "bad"


@pytest.mark.parametrize("healthy", ["effective_rank", "feature_deviation", "negative_similarity"])
def test_that_one_measure_of_three_against_it_is_no_collapse(healthy):
    assert "collapsed" not in kinds(5, scores=POINT | {healthy: HEALTHY[healthy]})


def test_that_two_tight_clusters_are_no_collapse():
    # Two classes at right angles: rank 2, half of all pairs unlike, deviation of features high.
    scores = POINT | {"effective_rank": 1.95, "negative_similarity": 0.1, "feature_deviation": 0.06}
    assert "collapsed" not in kinds(5, scores=scores, knn=flat(0.99))


def test_that_one_bad_evaluation_is_no_collapse_and_two_are():
    run = history(FALLING[:2800])
    point = {f"validation/{name}": value for name, value in POINT.items()}
    run.add(Scores(2790, point))
    assert diagnose(run).kind != "collapsed"
    run.add(Scores(2800, point))
    assert diagnose(run).kind == "collapsed"


def test_that_an_untrained_encoder_is_not_called_collapsed():
    run = history(FALLING[:249], None)
    for step in (0, 100):
        run.add(Scores(step, {f"validation/{name}": value for name, value in POINT.items()}))
    assert diagnose(run).kind != "collapsed"


def test_that_a_low_temperature_is_named_by_its_share_of_pairs():
    scores = HEALTHY | {"carrying_share": 0.004}
    assert set(kinds(scores=scores, temperature=0.001)) == {"temperature"}
    run = history(scores=scores, temperature=0.001)
    run.add(Scores(STEPS, {"validation/carrying_share": 0.004}))
    run.add(Scores(STEPS - EVERY, {"validation/carrying_share": 0.004}))
    run.add(Scores(STEPS, {"validation/carrying_share": 0.004}))
    diagnosis = diagnose(run)
    assert diagnosis.sentence == "Temperature too low: gradient comes from 0.4 % of the pairs."
    assert "temperature 0.00100" in diagnosis.evidence


def test_that_few_pairs_at_a_usual_temperature_are_no_fault():
    assert "temperature" not in kinds(5, scores=HEALTHY | {"carrying_share": 0.004})


def test_that_a_low_temperature_is_named_even_while_its_loss_climbs():
    scores = HEALTHY | {"carrying_share": 0.004}
    climbing = 5 * np.exp(X / 1000)
    assert set(kinds(5, train=climbing, scores=scores, temperature=0.001)) == {"temperature"}
    assert set(kinds(5, train=climbing)) == {"diverging"}


def test_that_a_margin_nobody_violates_leaves_nothing_to_learn():
    how = {"loss_kind": "triplet", "margin": 0.2, "temperature": None, "references": []}
    scores = HEALTHY | {"violated_share": 0.002}
    diagnosis = diagnose(history(flat(0.01), flat(0.9), scores=scores, **how))
    assert diagnosis.kind == "margin"
    assert diagnosis.sentence.startswith("Nothing left to learn from: 0.2 % of the held-out")
    # Batch-hard mining still finds triplets that teach.
    assert diagnose(history(flat(0.15), flat(0.9), scores=scores, **how)).kind != "margin"
    assert diagnose(history(flat(0.01), flat(0.9), **how)).kind != "margin"
    how["loss_kind"] = "nt_xent"
    assert diagnose(history(flat(0.01), flat(0.9), scores=scores, **how)).kind != "margin"


def test_that_rising_knn_accuracy_is_learning_whatever_the_loss_noise():
    low = {"untrained": {"knn": 0.3, "linear": 0.4}}
    assert kinds(noise=0.1, baselines=low).count("learning") >= 19
    knn = 0.4 + 0.4 * X / STEPS
    diagnosis = diagnose(history(knn=knn, jitter=0.0, baselines=low))
    assert diagnosis.sentence == "Learning. kNN accuracy 80 %, 43.3 % at the start."
    assert diagnosis.tone == "good"


def test_that_learning_below_raw_pixels_says_so():
    knn = 0.4 + 0.4 * X / STEPS
    sentence = diagnose(history(knn=knn, jitter=0.0, baselines=BASELINES)).sentence
    assert sentence.endswith("at the start; not yet clearly above raw pixels, 81 %.")


def test_that_level_knn_accuracy_is_hardly_ever_called_rising():
    found = kinds(60, knn=flat(0.9), jitter=0.01)
    assert found.count("learning") <= 3


def test_that_knn_accuracy_of_raw_pixels_is_no_gain():
    found = kinds(knn=flat(0.812), jitter=0.002)
    assert found.count("no gain") >= 18
    diagnosis = diagnose(history(knn=flat(0.812), jitter=0.0))
    assert diagnosis.sentence == "kNN 81.2 %, raw pixels 81 %: nothing gained yet."


def test_that_no_gain_names_the_baseline_that_is_harder_to_beat():
    better = {"pixels": {"knn": 0.5}, "untrained": {"knn": 0.83}}
    sentence = diagnose(history(knn=flat(0.82), jitter=0.0, baselines=better)).sentence
    assert sentence == "kNN 82 %, untrained encoder 83 %: nothing gained yet."


def test_that_a_gain_beyond_the_error_of_its_images_is_one():
    # √(0.83·0.17/2000) = 0.84 %: 2 points above 81 % are more than 1 % and that.
    assert diagnose(history(knn=flat(0.83), jitter=0.0)).kind == "train only"
    few = history(knn=flat(0.83), jitter=0.0)
    few.add(ArtifactReady(STEPS, "embedding", "x", {"count": 200}))
    assert diagnose(few).kind == "no gain"  # of 200 images the error is 2.7 %


def test_that_knn_accuracy_that_falls_while_the_loss_falls_is_named_with_its_step():
    knn = 0.9 - 0.1 * np.maximum(0, X - 1000) / 2000
    found = kinds(knn=knn, jitter=0.003)
    assert found.count("falling") >= 19
    diagnosis = diagnose(history(knn=knn, jitter=0.0))
    assert diagnosis.step_span[0] == pytest.approx(1000, abs=EVERY)
    assert "while training loss falls" in diagnosis.sentence


def test_that_jitter_of_knn_accuracy_is_not_falling():
    found = kinds(60, knn=flat(0.9), jitter=0.01)
    assert found.count("falling") <= 1


def test_that_without_evaluations_learning_says_so():
    diagnosis = diagnose(history(knn=None))
    assert diagnosis.kind == "learning"
    assert "not enough evaluations" in diagnosis.sentence


def test_that_held_out_classes_unknown_to_training_give_no_verdict():
    zero = {"pixels": {"knn": 0.0, "linear": 0.0}}
    run = history(knn=flat(0.0), jitter=0.0, baselines=zero)
    assert "kNN" not in diagnose(run).sentence
    run.add(Scores(STEPS, {"test/accuracy": 0.0}))
    run.add(RunEnded(STEPS, "finished"))
    diagnosis = diagnose(run)
    assert diagnosis.sentence == "Finished."
    assert "don't occur in training" in diagnosis.evidence


def ended(run, accuracy=0.86, reason="finished"):
    run.add(Scores(STEPS, {"test/accuracy": accuracy, "test/linear_accuracy": 0.875}))
    run.add(ArtifactReady(STEPS, "test", "x", {"count": 1000}))
    run.add(RunEnded(STEPS, reason))
    return diagnose(run)


def test_that_a_finished_run_stands_beside_pixels_and_an_untrained_encoder():
    low, high = wilson(np.array(860), np.array(1000))
    diagnosis = ended(history())
    assert diagnosis.sentence == (
        f"Finished. kNN accuracy on test 86.0 ± {50 * float(high - low):.1f} %, "
        "linear probe 87.5 %; raw pixels 81 %, untrained 70 %."
    )
    assert diagnosis.tone == "good"
    assert "linear probe of raw pixels 80 %, untrained encoder 75 %" in diagnosis.evidence


def test_that_a_finished_run_without_a_gain_is_not_flattered():
    diagnosis = ended(history(), accuracy=0.80)
    assert diagnosis.sentence.endswith("untrained 70 %. Nothing gained in kNN.")
    assert diagnosis.tone == "warn"


def test_that_a_finished_run_names_its_fault():
    diagnosis = ended(history(scores=POINT), accuracy=0.3)
    assert diagnosis.sentence.startswith("Finished. Collapsed: effective rank 1.3 of 128. kNN ")
    assert diagnosis.tone == "bad"
    low = history(scores=HEALTHY | {"carrying_share": 0.004}, temperature=0.001)
    assert "Temperature too low" in ended(low, accuracy=0.3).sentence


def test_that_without_a_test_the_last_evaluation_stands_in():
    run = history(knn=flat(0.9), jitter=0.0)
    run.add(RunEnded(STEPS, "finished"))
    assert "kNN accuracy on validation 90.0 ± 1.3 %" in diagnose(run).sentence


def test_that_failed_and_paused_runs_are_told_as_before():
    run = history(FALLING[:212], None)
    run.add(RunEnded(212, "failed", "The loss became NaN at step 212.", "Traceback"))
    assert diagnose(run).sentence == "The loss became NaN at step 212."
    run = history(scores=POINT)
    run.add(StatusChanged(STEPS, "paused"))
    diagnosis = diagnose(run)
    assert diagnosis.sentence == "Paused at step 3\u2009000. Collapsed: effective rank 1.3 of 128."


def test_that_the_cursor_hides_everything_after_it():
    run = history(FALLING[:2000], knn=RISING)
    point = {f"validation/{name}": value for name, value in POINT.items()}
    run.add(Scores(1999, point))
    run.add(Scores(2000, point))
    assert diagnose(run).kind == "collapsed"
    early = diagnose(run, 1800)
    assert early.kind != "collapsed"
    assert early.evidence.startswith("as of step 1\u2009800")


def test_that_all_measures_are_among_the_numbers():
    numbers = dict(diagnose(history()).numbers)
    assert numbers["kNN accuracy, raw pixels"] == "81 %"
    assert float(numbers["Effective rank"]) == pytest.approx(60, rel=0.01)
    assert len(numbers) == len(diagnose(history()).numbers)  # no row twice


anything = st.floats(allow_nan=True, allow_infinity=True, width=32)
odd = (
    st.none()
    | st.booleans()
    | st.text(max_size=3)
    | st.floats()
    | st.integers()
    | st.lists(st.none())
)
scored = st.dictionaries(
    st.sampled_from(
        ["validation/accuracy", "test/accuracy", "test/linear_accuracy"]
        + [f"validation/{name}" for name in HEALTHY]
    ),
    anything,
)
events = st.one_of(
    st.builds(RunStarted, st.integers(0, 50), st.integers(0, 10**6), st.integers(0, 1000)),
    st.builds(
        lambda first, rows: Metrics(
            first,
            ("train/loss", "train/gradient_norm"),
            np.array(rows, np.float32).reshape(-1, 2),
            0.1,
        ),
        st.integers(1, 400),
        st.lists(st.tuples(anything, anything), max_size=60),
    ),
    st.builds(Scores, st.integers(0, 400), scored),
    st.builds(
        lambda step, kind, count: ArtifactReady(step, kind, "x", {"count": count}),
        st.integers(0, 400),
        st.sampled_from(["test", "embedding"]),
        st.integers(0, 10**6),
    ),
    st.builds(StatusChanged, st.integers(0, 400), st.sampled_from(["running", "paused"])),
    st.builds(RunEnded, st.integers(0, 400), st.sampled_from(["finished", "stopped", "failed"])),
)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "temperature": odd,
        "margin": odd,
        "dimension": odd,
        "test_count": odd,
        "loss_kind": odd | st.just("triplet"),
        "baselines": odd
        | st.dictionaries(
            st.sampled_from(["pixels", "untrained"]),
            odd | st.dictionaries(st.sampled_from(["knn", "linear"]), odd),
        ),
        "references": st.lists(
            st.builds(
                Reference,
                st.just("loss"),
                st.floats(),
                st.sampled_from(["chance  ln 3", "collapse  margin", "chance", "floor"]),
            )
        ),
    },
)


@settings(max_examples=400, deadline=None)
@given(st.lists(events, max_size=14), st.none() | st.integers(-5, 500), contexts)
def test_that_no_history_whatsoever_raises(said, cursor, context):
    run = History({"family": "contrastive"} | context)
    for event in said:
        run.add(event)
    diagnosis = diagnose(run, cursor)
    assert diagnosis.sentence
    assert "nan" not in (diagnosis.sentence + diagnosis.evidence).lower().split()
    assert diagnosis.step_span[0] <= diagnosis.step_span[1]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([0.0, 1e-30, 1e30, -1.0, 5e37, 1.0]),
    st.integers(0, 2**32 - 1),
    contexts,
    st.sampled_from(["running", "finished"]),
)
def test_that_long_histories_at_any_scale_do_not_raise(scale, seed, context, status):
    random = np.random.default_rng(seed)
    run = History({"family": "contrastive"} | context)
    run.add(RunStarted(0, 400, 10))
    values = (scale * random.standard_normal((400, 2))).astype(np.float32)
    run.add(Metrics(1, ("train/loss", "train/gradient_norm"), values, 1.0))
    for step in range(10, 400, 10):
        names = [*HEALTHY, "accuracy"]
        scores = dict(zip(names, scale * random.standard_normal(len(names)), strict=True))
        run.add(Scores(step, {f"validation/{name}": value for name, value in scores.items()}))
    if status == "finished":
        run.add(RunEnded(400, "finished"))
    assert diagnose(run).sentence
