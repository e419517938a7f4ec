import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from tests.ui.contrastive_artifacts import add, distances, run_with
from ui.contrastive.histograms import Histograms, span_of
from ui.views.base import NO_RUN
from ui.views.distances import DistancesView


@pytest.fixture
def view(qtbot):
    view = DistancesView()
    qtbot.addWidget(view)
    view.resize(560, 600)
    view.show()
    return view


@pytest.fixture
def history(tmp_path):
    history = run_with()
    add(history, tmp_path / "a.npz", 0, "distances", distances((0, 2, 2, 0), (0, 2, 2, 0)), count=5)
    add(
        history, tmp_path / "b.npz", 10, "distances", distances((0, 0, 2, 2), (0, 3, 1, 0)), count=5
    )
    return add(history, tmp_path / "c.npz", 20, "distances", distances((0, 0, 0, 4), (4, 0, 0, 0)))


def test_that_without_a_run_or_distances_the_view_says_so(view):
    view.show_history(None, None)
    assert view.empty.sentence.text() == NO_RUN
    view.show_history(run_with(), None)
    assert view.empty.sentence.text() == "No distances yet. The first evaluation brings them."


def test_that_the_overlap_at_the_cursor_is_in_words(view, history):
    view.show_history(history, 15)
    # Shares (0, 0, 1/2, 1/2) and (0, 3/4, 1/4, 0) have a quarter in common.
    assert view.sentence.text() == (
        "25 % of the two overlap: by similarity alone, some 12.5 % of pairs are mistaken."
    )
    assert view.moved.full_text() == "Overlap at step 0: 100 %, now 25 %"
    view.show_history(history, None)
    assert view.sentence.text() == "The two don't overlap: similarity alone tells them apart."


def test_that_the_header_counts_images_said_or_reckoned_from_the_pairs(view, history, tmp_path):
    view.show_history(history, 10)
    assert view.header.where.full_text() == "validation, 5 images, step 10"
    six = distances((1, 2, 3, 1), (2, 2, 2, 2))  # 15 pairs of 6 images
    view.show_history(add(history, tmp_path / "d.npz", 30, "distances", six), None)
    assert view.header.where.full_text() == "validation, 6 images, step 30"


def test_that_densities_have_an_area_of_one_and_means_are_of_the_bins():
    shown = Histograms(0, np.array([-1, 0, 0.5, 1]), np.array([1, 2, 1]), np.zeros(3, int))
    assert shown.density("positive").tolist() == pytest.approx([0.25, 1.0, 0.5])
    assert shown.mean("positive") == pytest.approx((-0.5 + 2 * 0.25 + 0.75) / 4)
    assert np.isnan(shown.mean("negative"))
    assert shown.density("negative").tolist() == [0, 0, 0]


def test_that_only_similarities_that_occur_are_shown():
    edges = np.linspace(-1, 1, 21)
    counts = np.zeros(20, int)
    counts[12:15] = 3  # from 0.2 to 0.5
    one = Histograms(0, edges, counts, np.zeros(20, int))
    assert span_of([one]) == (0.0, 0.5)
    nothing = Histograms(0, edges, np.zeros(20, int), np.zeros(20, int))
    assert span_of([nothing]) == (-1.0, 1.0)


def test_that_rows_go_up_to_the_cursor_only(view, history):
    view.show_history(history, 15)
    assert [row.step for row in view.rows] == [0, 10]
    view.show_history(history, None)
    assert [row.step for row in view.rows] == [0, 10, 20]


def test_that_many_evaluations_are_thinned_with_the_first_and_the_last_kept(view, tmp_path):
    history = run_with()
    for step in range(0, 300, 10):
        arrays = distances((0, 0, 2, 2), (0, 3, 1, 0))
        add(history, tmp_path / f"{step}.npz", step, "distances", arrays)
    view.show_history(history, None)
    steps = [row.step for row in view.rows]
    assert len(steps) == 12
    assert (steps[0], steps[-1]) == (0, 290)


def test_that_a_click_or_key_on_a_row_points_at_its_step(view, history, qtbot):
    view.show_history(history, None)
    with qtbot.waitSignal(view.step_picked) as told:
        place = QPoint(100, view.ridge.base(1) - 3)
        qtbot.mouseClick(view.ridge, Qt.MouseButton.LeftButton, pos=place)
    assert told.args == [10]
    view.show_history(history, 10)
    with qtbot.waitSignal(view.step_picked) as told:
        qtbot.keyClick(view.ridge, Qt.Key.Key_Up)
    assert told.args == [0]


def test_that_pairs_of_one_kind_alone_are_drawn(view, tmp_path, each_theme):
    arrays = distances((0, 0, 2, 2), (0, 0, 0, 0))
    view.show_history(add(run_with(), tmp_path / "a.npz", 1, "distances", arrays), None)
    view.grab()
    assert "missing" in view.sentence.text()


def test_that_copying_gives_a_picture_and_the_counts(view, history, qtbot):
    view.show_history(history, 10)
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    data = QGuiApplication.clipboard().mimeData()
    assert data.hasImage()
    assert data.text().splitlines() == [
        "from,to,same class,different class",
        "'-1,'-0.5,0,0",
        "'-0.5,0,0,3",
        "0,0.5,2,1",
        "0.5,1,2,0",
    ]
