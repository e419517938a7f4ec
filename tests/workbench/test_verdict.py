import statistics

import pytest

from workbench.verdict import Contender, clear, contenders, student_t, verdict
from workbench.workspace import RunRecord


def record(number, model="cnn", accuracy=None, *, seed=0, status="finished", sentence="", **spec):
    summary = {} if accuracy is None else {"validation/accuracy": accuracy}
    spec = {"model": {"kind": model}, "data": {"kind": "digits"}, "seed": seed} | spec
    return RunRecord(
        f"run-{number}",
        number,
        float(number),
        status=status,
        sentence=sentence,
        spec=spec,
        summary=summary,
    )


def test_that_one_seed_each_is_not_to_be_believed():
    words = verdict([record(1, "vit", 0.876), record(2, "resnet", 0.912)])
    assert words == (
        "ResNet is 3.6 points ahead of ViT in validation accuracy (91.2 % against 87.6 %). "
        "One seed each: run more seeds before you believe it."
    )


def test_that_a_single_run_says_that_it_has_one_seed():
    assert verdict([record(1, accuracy=0.881)]) == (
        "88.1 % validation accuracy. One seed: run more seeds before you believe it."
    )


def test_that_seeds_of_one_recipe_are_averaged():
    values = (0.90, 0.92, 0.97)
    words = verdict([record(n, accuracy=v, seed=n) for n, v in enumerate(values)])
    mean, spread = 100 * sum(values) / 3, 100 * statistics.stdev(values)
    assert words.startswith(f"{mean:.1f} ± {spread:.1f} % validation accuracy")
    assert "3 seeds" in words


def test_that_the_same_seed_twice_counts_once():
    (only,) = contenders([record(1, accuracy=0.9), record(2, accuracy=0.9)])
    assert only.values == (0.9,)


def test_that_a_lead_within_the_seeds_spread_is_called_chance():
    close = [record(n, "cnn", v, seed=n) for n, v in enumerate((0.90, 0.94, 0.92))]
    close += [record(9 + n, "mlp", v, seed=n) for n, v in enumerate((0.91, 0.93, 0.89))]
    assert verdict(close).endswith("3 seeds each: no more than chance between seeds can make.")


def test_that_a_lead_far_beyond_the_spread_is_called_real():
    far = [record(n, "cnn", v, seed=n) for n, v in enumerate((0.90, 0.905, 0.91))]
    far += [record(9 + n, "mlp", v, seed=n) for n, v in enumerate((0.80, 0.805, 0.81))]
    assert verdict(far).endswith("3 seeds each: more than seeds explain.")


def test_that_one_lone_seed_is_named():
    records = [record(1, "cnn", 0.9), record(2, "cnn", 0.91, seed=1), record(3, "mlp", 0.8)]
    assert "MLP has one seed only: run more seeds" in verdict(records)


def test_that_different_validation_images_are_not_compared():
    other = record(2, "vit", 0.99, data={"kind": "digits", "split_seed": 3})
    assert "different images" in verdict([record(1, accuracy=0.9), other])


def test_that_fewer_training_images_still_compare():
    fewer = record(2, accuracy=0.8, data={"kind": "digits", "train_images": 100})
    assert "10.0 points ahead" in verdict([record(1, accuracy=0.9), fewer])


def test_that_failed_and_unfinished_runs_are_named():
    records = [
        record(1, "cnn", 0.9),
        record(2, "mlp", 0.8, status="running"),
        record(
            3, "vit", 0.99, status="failed", sentence="The loss became nan at step 4. Try less."
        ),
    ]
    words = verdict(records)
    assert words.startswith("CNN is 10.0 points ahead of MLP")
    assert words.endswith("0002 is not finished. 0003 failed: The loss became nan at step 4.")


def test_that_equal_models_are_told_apart_by_what_differs():
    slow = record(1, accuracy=0.7, optimizer={"learning_rate": 1e-4})
    fast = record(2, accuracy=0.9, optimizer={"learning_rate": 1e-2})
    assert verdict([slow, fast]).startswith("Learning rate 0.01 is 20.0 points ahead")


def test_that_nothing_selected_says_nothing():
    assert verdict([]) == ""
    assert verdict([record(1, status="queued")]) == (
        "No validation accuracy yet. 0001 is not finished."
    )


@pytest.mark.parametrize("gap", [0.001, 0.004, 0.01, 0.02, 0.05])
@pytest.mark.parametrize("count", [2, 3, 5, 12])
def test_that_the_test_agrees_with_scipy_s_welch(gap, count):
    stats = pytest.importorskip("scipy.stats")
    worse = [0.8 + 0.01 * (k % 3) for k in range(count)]
    better = [0.8 + gap + 0.012 * ((k + 1) % 2) for k in range(count)]
    found = stats.ttest_ind(better, worse, equal_var=False)
    low, _ = found.confidence_interval(0.95)
    assert clear(Contender("a", tuple(better)), Contender("b", tuple(worse))) == (low > 0)


@pytest.mark.parametrize("freedom", [1, 1.2, 1.5, 1.9, 2.4, 3.7, 8.5, 10, 14, 25, 80, 1000])
def test_that_student_s_t_is_within_four_percent_of_scipy_s(freedom):
    stats = pytest.importorskip("scipy.stats")
    assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.04)


def test_that_one_seed_gives_no_test():
    assert clear(Contender("a", (0.9,)), Contender("b", (0.1, 0.2))) is None
