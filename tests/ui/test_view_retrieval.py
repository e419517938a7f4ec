import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from tests.ui.contrastive_artifacts import add, embedding, held_out, run_with
from ui.contrastive.neighbours import neighbours
from ui.views.retrieval import RetrievalView

# Directions in degrees: the nearest of an image are those with the next angles.
ANGLES = (0, 10, 25, 90, 100, 180, 195)
LABELS = (0, 0, 1, 1, 1, 2, 0)


def by_hand(query):
    """Other images by the angle between them, nearest first."""
    others = [i for i in range(len(ANGLES)) if i != query]
    away = {
        i: min(abs(ANGLES[i] - ANGLES[query]), 360 - abs(ANGLES[i] - ANGLES[query])) for i in others
    }
    return sorted(others, key=lambda i: away[i])


def settled(qtbot, view):
    qtbot.waitUntil(lambda: not view.work.busy, timeout=20000)


@pytest.fixture
def view(qtbot):
    view = RetrievalView()
    qtbot.addWidget(view)
    view.resize(560, 600)
    view.show()
    yield view
    settled(qtbot, view)


@pytest.fixture
def history(tmp_path):
    history = add(run_with(), tmp_path / "p.npz", 0, "pictures", held_out(LABELS))
    return add(history, tmp_path / "e.npz", 50, "embedding", embedding(ANGLES, LABELS))


@pytest.fixture
def full(view, history, qtbot):
    view.show_history(history, None)
    settled(qtbot, view)
    return view


def test_that_without_an_embedding_the_view_says_so(view):
    view.show_history(run_with(), None)
    assert view.empty.sentence.text() == "No embedding yet. The first evaluation brings it."


def test_that_the_header_gives_the_artifacts_own_step(full):
    assert full.header.where.full_text() == "validation, 7 images, step 50"


def test_that_neighbours_come_nearest_first_and_never_the_query_itself(full):
    for query in range(len(ANGLES)):
        full.choose(query)
        assert [one.index for one in full.ranked.ranked] == by_hand(query)
        similarity = full.ranked.ranked[0].similarity
        away = abs(ANGLES[by_hand(query)[0]] - ANGLES[query])
        assert similarity == pytest.approx(np.cos(np.deg2rad(away)), abs=1e-3)


def test_that_right_and_wrong_are_told_by_class(full):
    full.choose(0)
    expected = [LABELS[i] == LABELS[0] for i in by_hand(0)]
    assert [one.right for one in full.ranked.ranked] == expected
    assert full.ranked.ranked[0].words(1) == "1. Shirt, cosine 0.985, right"
    assert full.ranked.ranked[1].words(2).endswith("wrong")


def test_that_precision_is_counted_for_the_query_and_for_all(full, qtbot):
    k = 5
    full.k.setCurrentIndex(full.k.findData(k))
    full.choose(3)
    counts = [
        sum(LABELS[i] == LABELS[query] for i in by_hand(query)[:k]) for query in range(len(ANGLES))
    ]
    share = f"{100 * counts[3] / k:.0f}\u00a0%"
    assert full.words.text() == f"Coat, image 3: {counts[3]} of 5 neighbours right, {share}"
    mean = f"{100 * sum(counts) / len(counts) / k:.1f}\u00a0%"
    # 3 Shirts, 3 Coats, 1 Bag: 2 of 6, 2 of 6 and 0 of 6 others are right by chance.
    chance = f"{100 * (3 * 2 / 6 + 3 * 2 / 6) / 7:.1f}\u00a0%"
    assert full.mean.text() == f"Precision at 5 over all 7 queries: {mean}, by chance {chance}"


def test_that_equal_embeddings_still_leave_the_query_out():
    found = neighbours(np.ones((60, 3), np.float16), np.zeros(60, np.int64))
    assert found.index_NK.shape == (60, 50)
    for query in range(60):
        assert query not in found.index_NK[query]
        assert len(set(found.index_NK[query])) == 50
    assert found.mean_K.tolist() == [1] * 50


def test_that_a_click_on_a_neighbour_makes_it_the_query(full, qtbot):
    full.choose(0)
    second = full.ranked.ranked[1].index
    qtbot.mouseClick(full.ranked, Qt.MouseButton.LeftButton, pos=full.ranked.box(1).center())
    assert full.query == second


def test_that_keys_walk_the_neighbours_and_enter_picks_one(full, qtbot):
    full.choose(5)
    third = full.ranked.ranked[2].index
    full.ranked.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Return):
        qtbot.keyClick(full.ranked, key)
    assert full.query == third


def test_that_a_random_query_is_of_the_chosen_class(full, qtbot):
    full.of_class.setCurrentIndex(full.of_class.findText("Coat"))
    seen = set()
    for _ in range(20):
        qtbot.mouseClick(full.draw_one, Qt.MouseButton.LeftButton)
        seen.add(full.query)
    assert seen == {i for i, label in enumerate(LABELS) if label == 1}


def test_that_a_later_step_keeps_the_query_and_ranks_anew(full, history, tmp_path, qtbot):
    full.choose(0)
    turned = (0, 90, 5, 100, 110, 180, 195)
    add(history, tmp_path / "f.npz", 90, "embedding", embedding(turned, LABELS))
    full.show_history(history, None)
    settled(qtbot, full)
    assert full.query == 0
    assert full.ranked.ranked[0].index == 2
    full.show_history(history, 60)
    settled(qtbot, full)
    assert full.ranked.ranked[0].index == 1


def test_that_missing_pictures_and_broken_features_are_sentences(view, tmp_path, qtbot):
    history = add(run_with(), tmp_path / "e.npz", 1, "embedding", embedding(ANGLES, LABELS))
    view.show_history(history, None)
    assert "kept no pictures" in view.empty.sentence.text()
    add(history, tmp_path / "p.npz", 0, "pictures", held_out(LABELS))
    broken = embedding(ANGLES, LABELS)
    broken["feature_ND"][2] = np.inf
    view.show_history(add(history, tmp_path / "f.npz", 2, "embedding", broken), None)
    settled(qtbot, view)
    assert "not finite" in view.empty.sentence.text()
    view.show_history(history, None)  # and it isn't tried again
    assert not view.work.busy


def test_that_copying_gives_a_picture_and_the_neighbours(full, qtbot, each_theme):
    full.choose(0)
    qtbot.keyClick(full, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    data = QGuiApplication.clipboard().mimeData()
    lines = data.text().splitlines()
    assert data.hasImage()
    assert lines[0] == "rank,image,class,cosine,right"
    assert lines[1].startswith("1,1,Shirt,0.98")
    assert len(lines) == len(ANGLES)
