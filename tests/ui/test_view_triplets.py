import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from tests.ui.contrastive_artifacts import add, run_with, triplets
from ui.contrastive.triples import EASY, HARD, SEMI_HARD
from ui.views.triplets import TripletsView

# Squared distances with a margin of 0.25: two easy, one semi-hard, one hard.
ROWS = ((0, 1, 2), (0, 1, 3), (1, 0, 2), (4, 5, 3))
DISTANCES = ((0.5, 1.5), (0.25, 1.0), (0.5, 0.75), (1.0, 0.5))


@pytest.fixture
def view(qtbot):
    view = TripletsView()
    qtbot.addWidget(view)
    view.resize(560, 600)
    view.show()
    return view


@pytest.fixture
def full(view, tmp_path):
    arrays = triplets(ROWS, DISTANCES)
    history = run_with("triplet", None)
    add(history, tmp_path / "t.npz", 40, "triplets", arrays, margin=0.25, mining="batch-all")
    view.show_history(history, None)
    return view


def over(view, place):
    return view.diagram.position(place).toPoint()


def test_that_other_losses_are_told_that_only_triplet_mines(view):
    view.show_history(run_with("nt_xent"), None)
    assert view.empty.sentence.text() == "No triplets here: only the triplet loss mines them."
    view.show_history(run_with("triplet"), None)
    assert view.empty.sentence.text().startswith("No triplets yet.")


def test_that_header_and_mining_are_in_words(full):
    assert full.header.where.full_text() == "training batch, 6 images, step 40"
    assert full.mining.full_text() == "4 triplets, mined: batch-all"


def test_that_regions_follow_the_order_of_the_distances_with_the_border_semi_hard(full):
    # The third lies exactly on the margin line: still within the margin, its loss is 0.
    assert full.triples.region_T.tolist() == [EASY, EASY, SEMI_HARD, HARD]
    assert [full.triples.share(region) for region in (EASY, SEMI_HARD, HARD)] == [0.5, 0.25, 0.25]
    name = full.diagram.accessibleName()
    assert name == "Margin diagram of 4 triplets: easy 50 %, semi-hard 25 %, hard 25 %"


def test_that_the_loss_is_how_far_the_margin_is_violated(full):
    expected = [max(0, positive - negative + 0.25) for positive, negative in DISTANCES]
    assert [full.triples.loss(place) for place in range(4)] == pytest.approx(expected)


def test_that_the_largest_loss_is_shown_first(full):
    assert full.diagram.chosen == 3
    assert full.sentence.full_text() == (
        "Hard: positive at 1.00, negative at 0.500, loss 0.750 with margin 0.25"
    )


def test_that_a_click_shows_the_pictures_of_that_triplet(full, qtbot):
    qtbot.mouseClick(full.diagram, Qt.MouseButton.LeftButton, pos=over(full, 1))
    assert full.picture_row.place == 1
    assert full.sentence.full_text().startswith("Easy: positive at 0.250, negative at 1.00, loss 0")
    image = full.picture_row.grab().toImage()
    middle = image.pixelColor(full.picture_row.width() // 2, 30)
    assert middle.red() == 0  # the anchor, picture 0, stands in the middle
    lightness = {image.pixelColor(x, 30).red() for x in range(image.width())}
    assert {10, 30} <= lightness  # positive 1 and negative 3 beside it


def test_that_hovering_shows_a_triplet_for_as_long_as_it_lasts(full, qtbot):
    qtbot.mouseMove(full.diagram, over(full, 0))
    assert full.picture_row.place == 0
    qtbot.mouseMove(full.diagram, QPoint(full.diagram.width() - 3, full.diagram.height() - 3))
    assert full.picture_row.place == 3


def test_that_equal_distances_lie_on_the_diagonal_and_a_farther_negative_above(view, tmp_path):
    arrays = triplets(ROWS[:2], ((0.5, 0.5), (1.0, 1.0)))
    history = add(run_with("triplet"), tmp_path / "t.npz", 1, "triplets", arrays, margin=0.25)
    view.show_history(history, None)
    first, second = view.diagram.position(0), view.diagram.position(1)
    area = view.diagram._area()
    for point in (first, second):
        across = (point.x() - area.left()) / area.width()
        up = (area.bottom() - point.y()) / area.height()
        assert across == pytest.approx(up, abs=0.01)
    assert second.y() < first.y()


def test_that_keys_walk_from_the_largest_loss_to_the_smallest(full, qtbot):
    full.diagram.setFocus()
    seen = [full.diagram.chosen]
    for _ in range(4):
        qtbot.keyClick(full.diagram, Qt.Key.Key_Right)
        seen.append(full.diagram.chosen)
    assert seen == [3, 2, 1, 0, 0]
    qtbot.keyClick(full.diagram, Qt.Key.Key_Home)
    assert full.diagram.chosen == 3


def test_that_a_batch_without_any_mined_triplet_is_still_a_diagram(view, tmp_path, each_theme):
    history = run_with("triplet")
    add(
        history, tmp_path / "t.npz", 1, "triplets", triplets((), ()), margin=0.2, mining="semi-hard"
    )
    view.show_history(history, None)
    view.grab()
    assert view.mining.full_text() == "Mining (semi-hard) found no triplet in this batch."
    assert view.sentence.full_text() == ""


def test_that_the_table_has_a_row_for_each_triplet(full, qtbot):
    qtbot.keyClick(full, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    data = QGuiApplication.clipboard().mimeData()
    lines = data.text().splitlines()
    assert data.hasImage()
    assert lines[0] == "anchor,positive,negative,d_ap^2,d_an^2,region,loss"
    assert lines[3] == "1,0,2,0.5,0.75,semi-hard,0"
    assert lines[4] == "4,5,3,1,0.5,hard,0.75"
