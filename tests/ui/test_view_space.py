import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from tests.ui.contrastive_artifacts import add, embedding, evaluate, run_with
from ui.views.base import NO_RUN
from ui.views.space import NOTHING, SpaceView

MEASURES = {
    "accuracy": 0.841,
    "linear_accuracy": 0.75,
    "alignment": 0.4,
    "uniformity": -2.5,
    "positive_similarity": 0.7,
    "negative_similarity": 0.1,
    "effective_rank": 31.5,
    "feature_deviation": 0.08,
    "easy_share": 0.5,
    "semi_hard_share": 0.3,
    "hard_share": 0.2,
}


@pytest.fixture
def view(qtbot):
    view = SpaceView()
    qtbot.addWidget(view)
    view.resize(560, 600)
    view.show()
    return view


@pytest.fixture
def history():
    history = run_with()
    history.context["baselines"] = {
        "pixels": {"knn": 0.835, "linear": 0.8},
        "untrained": {"knn": 0.821, "linear": 0.7},
    }
    history.context["dimension"] = 64
    evaluate(history, 0, **MEASURES | {"accuracy": 0.8})
    return evaluate(history, 200, **MEASURES)


def words(plot):
    return [level.words for level in plot.canvas.levels]


def test_that_without_a_run_or_an_evaluation_the_view_says_so(view):
    view.show_history(None, None)
    assert view.empty.sentence.text() == NO_RUN
    view.show_history(run_with(), None)
    assert view.empty.sentence.text() == NOTHING


def test_that_the_sentence_compares_the_step_of_the_cursor_with_the_baselines(view, history):
    view.show_history(history, None)
    assert view.sentence.text() == (
        "kNN 84.1 %: 0.6 points above raw pixels, 2.0 above the untrained encoder: hardly a gain."
    )
    assert view.linear.text().startswith("Linear probe 75 %: 5.0 points below raw pixels")
    view.show_history(history, 150)
    assert view.sentence.text().startswith("kNN 80 %: 3.5 points below raw pixels")
    assert view.header.where.full_text() == "validation, step 0"


def test_that_the_header_counts_the_images_once_they_are_known(view, history, tmp_path):
    arrays = embedding((0, 10, 20), (0, 0, 1))
    add(history, tmp_path / "e.npz", 200, "embedding", arrays, count=3, dimension=2)
    view.show_history(history, None)
    assert view.header.where.full_text() == "validation, 3 images, step 200"


def test_that_the_baselines_are_dashed_lines_at_their_values(view, history):
    view.show_history(history, None)
    for key, kind in (("knn", "knn"), ("linear", "linear")):
        values = [level.value for level in view.plots[key].canvas.levels]
        known = history.context["baselines"]
        assert sorted(values) == sorted(known[name][kind] for name in known)
    assert words(view.plots["linear"]) == ["raw pixels", "untrained"]


def test_that_lines_that_lie_close_share_their_words(view, history):
    history.context["baselines"]["untrained"]["knn"] = 0.8349
    view.show_history(history, None)
    assert words(view.plots["knn"]) == ["pixels · untrained", ""]


def test_that_every_measure_is_drawn_and_the_rank_says_of_how_many(view, history):
    view.show_history(history, None)
    ends = {
        metric: float(shown.curve.values[-1])
        for key, plot in view.plots.items()
        for shown in plot.canvas.shown
        for metric in MEASURES
        if abs(shown.curve.values[-1] - MEASURES[metric]) < 1e-6
    }
    assert set(ends) == set(MEASURES)
    assert view.plots["rank"].unit.text() == "of 64"
    assert view.plots["deviation"].canvas.levels[0].value == pytest.approx(1 / 8)


def test_that_a_measure_the_run_lacks_leaves_its_plot_empty(view):
    view.show_history(evaluate(run_with(), 0, accuracy=0.5), None)
    assert not view.plots["hardness"].canvas.isVisible()
    assert view.plots["knn"].canvas.isVisible()
    assert view.linear.isHidden()


def test_that_pointing_at_a_step_in_any_plot_is_told(view, history, qtbot):
    view.show_history(history, None)
    with qtbot.waitSignal(view.step_picked) as told:
        view.plots["rank"].step_picked.emit(200)
    assert told.args == [200]


def test_that_a_narrow_view_puts_plots_below_each_other(view, history):
    view.show_history(history, None)
    knn, linear = view.plots["knn"], view.plots["linear"]
    assert knn.y() == linear.y()
    assert knn.x() < linear.x()
    view.resize(400, 600)
    view._grid.activate()
    assert knn.x() == linear.x()
    assert knn.y() < linear.y()


def test_that_copying_gives_a_picture_and_every_measure(view, history, qtbot):
    view.show_history(history, None)
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    data = QGuiApplication.clipboard().mimeData()
    assert data.hasImage()
    header, first, second = data.text().splitlines()
    assert set(header.split(",")) == {"step", *MEASURES}
    assert first.startswith("0,0.8")
    assert second.startswith("200,0.84")
