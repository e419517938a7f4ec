import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from engines.events import Mark, Metrics, RunEnded, RunStarted, Scores
from engines.registry import Reference
from ui.views.curves import CurvesView
from ui.views.optimisation import OptimisationView
from ui.views.speed import SpeedView
from workbench.history import History

VIEWS = (CurvesView, OptimisationView, SpeedView)
NAMES = ("train/loss", "train/accuracy", "learning_rate", "train/gradient_norm")


def history_of(steps, *, bad_from=None):
    history = History(
        {
            "references": [Reference("loss", 2.303, "chance  ln 10 = 2.303")],
            "batch_size": 32,
            "loss_unit": "nats",
        }
    )
    history.add(RunStarted(0, 400, 100))
    for first in range(1, steps + 1, 20):
        s = np.arange(first, first + 20)
        loss = 2 / s + 0.5
        if bad_from is not None:
            loss[s >= bad_from] = np.nan
        values = np.stack([loss, 1 - 1 / s, 0.001 + 0 * s, 3 / s], 1).astype(np.float32)
        history.add(Metrics(first, NAMES, values, 0.5))
    for step in range(100, steps + 1, 100):
        history.add(Scores(step, {"validation/loss": 0.6, "validation/accuracy": 0.9}))
    history.add(Mark(150, "learning_rate", "lr 1e-3 → 3e-4", 3e-4))
    return history


@pytest.fixture(params=VIEWS, ids=lambda view: view.__name__)
def view(request, qtbot):
    view = request.param()
    qtbot.addWidget(view)
    view.resize(700, 560)
    view.show()
    return view


@pytest.fixture
def curves(qtbot):
    view = CurvesView()
    qtbot.addWidget(view)
    view.resize(700, 560)
    view.show_history(history_of(200), None)
    view.show()
    view.grab()
    return view


def plots(view):
    return [
        plot
        for name in ("loss", "accuracy", "rate", "norm", "speed")
        if (plot := getattr(view, name, None))
    ]


def test_that_without_a_run_or_values_the_view_says_so(view):
    for history in (None, History()):
        view.show_history(history, None)
        assert plots(view)[0].empty.isVisible()


@pytest.mark.parametrize("reason", [None, "finished", "failed"])
def test_that_a_run_is_drawn_live_finished_and_failed(view, reason, each_theme):
    history = history_of(200, bad_from=150 if reason == "failed" else None)
    if reason:
        history.add(Scores(200, {"test/loss": 0.7, "test/accuracy": 0.8}))
        history.add(RunEnded(200, reason))
    for cursor in (None, 120, 0):
        view.show_history(history, cursor)
        view.grab()
    for plot in plots(view):
        assert plot.canvas.isVisible()
        assert plot.canvas.repaints >= 1


def test_that_nothing_is_drawn_again_while_the_history_stays_the_same(view):
    history = history_of(200)
    view.show_history(history, None)
    view.grab()
    before = [plot.canvas.repaints for plot in plots(view)]
    for cursor in (None, 50, 60):
        view.show_history(history, cursor)
        view.grab()
    assert [plot.canvas.repaints for plot in plots(view)] == before
    history.add(Mark(180, "resumed", "resumed"))
    view.show_history(history, None)
    view.grab()
    assert all(
        plot.canvas.repaints > count for plot, count in zip(plots(view), before, strict=True)
    )


def test_that_curves_hold_what_the_history_says(curves):
    train, validation = curves.loss.canvas.shown
    assert [train.curve.name, validation.curve.name] == ["train", "val"]
    assert train.curve.values[9] == pytest.approx(2 / 10 + 0.5)
    assert validation.curve.steps.tolist() == [100, 200]
    assert curves.loss.unit.text() == "nats"
    assert [level.words for level in curves.loss.canvas.levels] == ["chance  ln 10 = 2.303"]
    assert [moment.step for moment in curves.accuracy.canvas.moments] == [150]


def test_that_accuracy_is_told_in_percent(curves):
    assert curves.accuracy.canvas.accessibleDescription().endswith("val 90.0")
    assert curves.accuracy.canvas.picture().y.high == 1


def test_that_a_run_without_accuracy_has_one_plot(curves):
    history = History()
    history.add(RunStarted(0, 10, 10))
    history.add(Scores(5, {"validation/loss": 1.0}))
    curves.show_history(history, None)
    assert not curves.accuracy.isVisible()
    assert curves.loss.canvas.isVisible()


def test_that_the_cursor_of_both_plots_stands_at_the_timelines_step(curves):
    curves.show_history(history_of(200), 77)
    assert curves.loss.canvas.cursor_step == 77
    assert curves.accuracy.canvas.cursor_step == 77
    curves.show_history(history_of(200), None)
    assert curves.loss.canvas.cursor_step == 200


def test_that_a_click_in_either_plot_picks_a_step(curves, qtbot):
    for plot in (curves.loss, curves.accuracy):
        x = round(plot.canvas.picture().x.pixel(60))
        with qtbot.waitSignal(curves.step_picked) as picked:
            qtbot.mouseClick(plot.canvas, Qt.MouseButton.LeftButton, pos=QPoint(x, 40))
        assert abs(picked.args[0] - 60) <= 1


def test_that_smoothing_and_zoom_are_shared(curves):
    curves.loss.canvas.zoom((20, 60))
    assert curves.accuracy.canvas.picture().x.high == 60
    curves.loss.smoothing_changed.emit(0.0)
    shown = curves.accuracy.canvas.shown[0]
    assert shown.smooth is shown.curve.values


def test_that_the_gradient_norm_starts_logarithmic_and_the_rate_does_not(qtbot):
    view = OptimisationView()
    qtbot.addWidget(view)
    view.show_history(history_of(200), None)
    assert view.norm.canvas.picture().y.log
    assert not view.rate.canvas.picture().y.log


def test_that_speed_is_samples_over_seconds_and_starts_at_zero(qtbot):
    view = SpeedView()
    qtbot.addWidget(view)
    view.show_history(history_of(200), None)
    shown = view.speed.canvas.shown[0]
    assert shown.curve.values == pytest.approx(np.full(10, 20 * 32 / 0.5))
    assert view.speed.canvas.picture().y.low == 0
