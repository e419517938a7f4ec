import math
import threading

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from tests.ui.contrastive_artifacts import LABELS, Z1, Z2, add, pairs, run_with
from ui.contrastive.batch import batch_of, push
from ui.contrastive.latest import Latest
from ui.theme import heatmap
from ui.views.base import NO_RUN
from ui.views.pairs import PairsView
from workbench.artifacts import load

N = 8


def cosine(i, k):
    """Of rows i and k of the eight views."""
    rows = [*Z1, *Z2]
    dot = sum(a * b for a, b in zip(rows[i], rows[k], strict=True))
    return dot / math.dist(rows[i], (0, 0, 0)) / math.dist(rows[k], (0, 0, 0))


def softmax(i, temperature):
    """Over the other rows, as {row: probability}."""
    weights = {k: math.exp(cosine(i, k) / temperature) for k in range(N) if k != i}
    return {k: weight / sum(weights.values()) for k, weight in weights.items()}


def settled(qtbot, view):
    qtbot.waitUntil(lambda: not view.work.busy, timeout=20000)


@pytest.fixture
def view(qtbot):
    view = PairsView()
    qtbot.addWidget(view)
    view.resize(560, 600)
    view.show()
    yield view
    settled(qtbot, view)


@pytest.fixture
def full(view, tmp_path, qtbot):
    view.show_history(
        add(run_with(), tmp_path / "a.npz", 30, "pairs", pairs(), temperature=0.5), None
    )
    settled(qtbot, view)
    return view


def test_that_without_a_run_or_a_batch_the_view_says_so(view):
    view.show_history(None, None)
    assert view.empty.sentence.text() == NO_RUN
    view.show_history(run_with(), None)
    assert view.empty.sentence.text().startswith("No batch yet.")
    view.show_history(run_with("rotation"), None)
    assert view.empty.sentence.text().startswith("No pairs here")
    assert not view.body.isVisible()


def test_that_the_header_gives_the_batch_and_the_artifacts_own_step(full):
    full.show_history(full.history, 900)
    assert full.header.where.full_text() == "training batch, 4 images, step 30"


def test_that_the_softmax_row_is_that_of_the_formula(full):
    for i in range(N):
        expected = softmax(i, 0.5)
        for k, probability in expected.items():
            assert full.push.probability_NN[i, k] == pytest.approx(probability, rel=1e-4)
        assert full.push.probability_NN[i].sum() == pytest.approx(1)


def test_that_each_negative_gets_its_share_of_the_push_and_the_positive_none(full):
    expected = softmax(0, 0.5)
    positive = expected.pop(4)
    for k, probability in expected.items():
        share = probability / (1 - positive)
        assert full.push.share_NN[0, k] == pytest.approx(share, rel=1e-4)
    assert full.push.share_NN[0, 4] == 0


def test_that_a_low_temperature_leaves_the_gradient_to_a_few(full, qtbot):
    def fewest(temperature):
        negatives = softmax(2, temperature)
        negatives.pop(6)
        total, carried, count = sum(negatives.values()), 0.0, 0
        for probability in sorted(negatives.values(), reverse=True):
            carried, count = carried + probability, count + 1
            if carried >= 0.9 * total:
                return count
        raise AssertionError

    full.choose(2)
    counts = []
    for temperature in (2.0, 0.05):
        full.temperature.set_temperature(temperature)
        settled(qtbot, full)
        counts.append(fewest(temperature))
        wanted = f"90 % of the gradient comes from {counts[-1]} of 6 negatives"
        assert full.sentence.text() == f"Coat, image 3, view 1: {wanted}"
    assert counts[1] < counts[0]


def test_that_the_slider_starts_at_the_runs_temperature_and_goes_back_to_it(full, qtbot):
    assert full.temperature.temperature == pytest.approx(0.5)
    full.temperature.slider.setFocus()
    qtbot.keyClick(full.temperature.slider, Qt.Key.Key_Home)
    assert full.temperature.temperature == pytest.approx(0.01)
    qtbot.keyClick(full.temperature.slider, Qt.Key.Key_End)
    assert full.temperature.temperature == pytest.approx(2.0)
    settled(qtbot, full)
    assert full.push.temperature == pytest.approx(2.0)
    qtbot.mouseClick(full.temperature.back, Qt.MouseButton.LeftButton)
    settled(qtbot, full)
    assert full.push.temperature == pytest.approx(0.5)


def test_that_a_temperature_beyond_the_usual_range_can_be_shown(view, tmp_path, qtbot):
    history = run_with(temperature=0.001)
    view.show_history(
        add(history, tmp_path / "a.npz", 1, "pairs", pairs(), temperature=0.001), None
    )
    settled(qtbot, view)
    assert view.push.temperature == pytest.approx(0.001)


def test_that_a_loss_without_temperature_is_not_said_to_have_one(view, tmp_path, qtbot):
    history = add(
        run_with("triplet", None), tmp_path / "a.npz", 1, "pairs", pairs(), temperature=None
    )
    view.show_history(history, None)
    settled(qtbot, view)
    assert not view.temperature.back.isVisible()
    assert "this run's loss has no temperature" in view.whole.text()


def test_that_a_click_on_a_row_of_the_matrix_or_a_picture_makes_it_the_anchor(full, qtbot):
    qtbot.mouseClick(full.matrix, Qt.MouseButton.LeftButton, pos=full.matrix.center(5, 2))
    assert full.anchor == full.grid.anchor == 5
    qtbot.mouseClick(full.grid, Qt.MouseButton.LeftButton, pos=full.grid.box(3).center())
    assert full.anchor == full.matrix.anchor == 3
    assert full.sentence.text().startswith("Bag, image 4, view 1")
    second = full.row.order()[1]
    qtbot.mouseClick(full.row, Qt.MouseButton.LeftButton, pos=full.row.column(1).center())
    assert full.anchor == second


def test_that_bars_stand_positive_first_then_negatives_by_probability(full):
    full.choose(1)
    expected = softmax(1, 0.5)
    negatives = sorted((k for k in expected if k != 5), key=lambda k: -expected[k])
    assert full.row.order() == [5, *negatives]


def test_that_keys_choose_the_anchor(full, qtbot):
    full.matrix.setFocus()
    for _ in range(3):
        qtbot.keyClick(full.matrix, Qt.Key.Key_Down)
    assert full.anchor == 3
    full.grid.setFocus()
    qtbot.keyClick(full.grid, Qt.Key.Key_Right)  # to the same image's other view
    assert full.anchor == 7
    assert "Bag, image 4, view 2" in full.grid.accessibleName()


def test_that_colours_run_from_minus_one_to_one(full):
    image = full.matrix.grab().toImage()
    for row, column in ((0, 3), (0, 1), (1, 5)):
        expected = heatmap("cividis")[round((cosine(row, column) + 1) * 127.5)]
        seen = image.pixelColor(full.matrix.center(row, column))
        assert np.abs(np.array([seen.red(), seen.green(), seen.blue()]) - expected).max() <= 2


def test_that_pointing_at_a_cell_reads_it_out(full, qtbot):
    qtbot.mouseMove(full.matrix, full.matrix.center(0, 3))
    assert full.read_out.full_text() == (
        "Shirt, image 1, view 1 and Bag, image 4, view 1: −1.00, negative"
    )
    qtbot.mouseMove(full.matrix, full.matrix.center(0, 4))
    assert full.read_out.full_text().endswith("0.97, positive")
    qtbot.mouseMove(full.matrix, QPoint(1, 1))
    assert full.read_out.full_text().startswith("Cosine similarity of all views")


def test_that_a_class_loss_counts_the_class_as_positives(tmp_path):
    history = add(run_with("supervised_contrastive"), tmp_path / "a.npz", 1, "pairs", pairs())
    ready = history.artifact_at("pairs")
    batch = batch_of(history, ready, load(ready.path))
    labels = LABELS * 2
    for i in range(N):
        for k in range(N):
            assert batch.positive_NN[i, k] == (labels[i] == labels[k] and i != k)
    shares = push(batch, 0.5).share_NN
    assert shares[0, [1, 4, 5]].tolist() == [0, 0, 0]
    assert shares[0].sum() == pytest.approx(1)
    assert [labels[row] for row in batch.order_N] == sorted(labels)


def test_that_a_result_of_an_older_batch_is_dropped(view, tmp_path, qtbot):
    history = add(run_with(), tmp_path / "a.npz", 1, "pairs", pairs())
    add(history, tmp_path / "b.npz", 2, "pairs", pairs(Z1[:2], Z2[:2], LABELS[:2]))
    view.show_history(history, 1)
    view.show_history(history, 2)
    settled(qtbot, view)
    assert view.push.probability_NN.shape == (4, 4)


def test_that_only_what_was_asked_last_is_handed_over(qapp, qtbot):
    latest, told, going = Latest(), [], threading.Event()
    latest.ask("a", lambda: going.wait(10) and "first", told.append)
    latest.ask("b", lambda: "second", told.append)
    qtbot.waitUntil(lambda: told == ["second"])
    going.set()
    qtbot.waitUntil(lambda: not latest.busy)
    assert told == ["second"]


def test_that_a_failure_is_handed_over_and_dropped_work_is_not(qapp, qtbot):
    latest, told, failures = Latest(), [], []
    latest.ask("a", lambda: 1 // 0, told.append, failures.append)
    qtbot.waitUntil(lambda: not latest.busy)
    assert [type(error) for error in failures] == [ZeroDivisionError]
    latest.ask("b", lambda: "dropped", told.append, failures.append)
    latest.drop()
    qtbot.waitUntil(lambda: not latest.busy)
    assert not told


def test_that_what_cannot_be_compared_is_a_sentence(view, tmp_path):
    history = add(run_with(), tmp_path / "a.npz", 1, "pairs", pairs(Z1[:1], Z2[:1], LABELS[:1]))
    view.show_history(history, None)
    assert "a batch of 1 has no negatives" in view.empty.sentence.text()
    broken = pairs((*Z1[:3], (math.nan, 0, 0)))
    view.show_history(add(history, tmp_path / "b.npz", 2, "pairs", broken), None)
    assert "not finite" in view.empty.sentence.text()
    (tmp_path / "c.npz").write_bytes(b"PK")
    incomplete = pairs()
    del incomplete["z2_BP"]
    view.show_history(add(history, tmp_path / "d.npz", 3, "pairs", incomplete), None)
    assert "no array 'z2_BP'" in view.empty.sentence.text()


def test_that_copying_gives_a_picture_and_the_row(full, qtbot):
    qtbot.keyClick(full, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    data = QGuiApplication.clipboard().mimeData()
    lines = data.text().splitlines()
    assert data.hasImage()
    assert lines[0] == "row,what,positive,cosine,softmax,gradient share"
    assert len(lines) == N
    assert lines[1].startswith('4,"Shirt, image 1, view 2",1,')


def test_that_both_themes_draw_a_narrow_and_a_wide_view(full, each_theme):
    for width in (360, 900):
        full.resize(width, 560)
        assert not full.grab().toImage().isNull()
