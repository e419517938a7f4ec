import pytest
from PySide6.QtCore import Qt

from tests.ui.artifacts import ROWS, run_with, write
from ui.views.base import NO_RUN
from ui.views.mistakes import MistakesView
from ui.widgets.mistake import MistakeModel


@pytest.fixture
def view(qtbot):
    view = MistakesView()
    qtbot.addWidget(view)
    view.resize(700, 560)
    view.show()
    return view


@pytest.fixture
def full(view, tmp_path):
    view.show_history(run_with((100, "predictions", write(tmp_path / "a.npz"))), None)
    return view


def shown(view):
    return [mistake.index for mistake in view.model.mistakes]


def test_that_without_a_run_or_predictions_the_view_says_so(view):
    view.show_history(None, None)
    assert view.empty.sentence.text() == NO_RUN
    view.show_history(run_with(), None)
    assert "No predictions yet" in view.empty.sentence.text()


def test_that_the_most_confident_mistake_comes_first_and_the_switch_turns_it_round(full):
    by_confidence = [4, 1, 2]  # 0.875, 0.75, 0.5 in ROWS
    assert shown(full) == by_confidence
    full.order_switch._group.button(1).click()
    assert shown(full) == by_confidence[::-1]


def test_that_the_count_tells_mistakes_from_pictured_ones(full):
    assert full.count.full_text() == "3 of 4 mistakes are pictured"


def test_that_filters_choose_by_true_and_by_predicted_class(full):
    full.true.setCurrentIndex(full.true.findText("True: Shirt"))
    assert shown(full) == [1, 2]
    assert full.count.full_text() == "2 of 2 mistakes of this choice are pictured"
    full.predicted.setCurrentIndex(full.predicted.findText("Called: Shirt"))
    assert shown(full) == []
    assert full.count.full_text() == "No mistake of this choice."
    full.true.setCurrentIndex(full.true.findText("True: Bag"))
    assert full.count.full_text() == "0 of 1 mistakes of this choice are pictured"


def test_that_filters_survive_the_next_evaluation(full, tmp_path):
    full.true.setCurrentIndex(full.true.findText("True: Coat"))
    full.show_history(run_with((200, "predictions", write(tmp_path / "b.npz"))), None)
    assert full.true.currentText() == "True: Coat"
    assert shown(full) == [4]


def test_that_choosing_a_picture_shows_all_its_probabilities(full, qtbot):
    assert not full.detail_area.isVisible()
    full.gallery.setCurrentIndex(full.model.index(0))
    assert full.detail_area.isVisible()
    assert full.detail.words.text() == "Coat, called Shirt with 87.5 %"
    # 0.125 is left for two classes.
    expected = "Probabilities: Shirt 87.5 %, Coat 6.3 %, Bag 6.3 %"
    assert full.detail.bars.accessibleName().replace("6.2", "6.3") == expected
    qtbot.keyClick(full, Qt.Key.Key_Escape)
    assert not full.detail_area.isVisible()


def test_that_the_chosen_picture_stays_chosen_when_the_order_changes(full):
    full.gallery.setCurrentIndex(full.model.index(0))
    full.order_switch._group.button(1).click()
    assert full.gallery.currentIndex().row() == 2
    assert full.detail.words.text() == "Coat, called Shirt with 87.5 %"


def test_that_a_picture_is_drawn_with_the_artifacts_own_pixels(full):
    area = full.gallery.visualRect(full.model.index(0))
    image = full.gallery.viewport().grab().toImage()
    assert image.pixelColor(area.center().x(), area.y() + 40).getRgb()[:3] == (40, 40, 40)


def test_that_colour_pictures_keep_their_channels(view, tmp_path):
    view.show_history(run_with((1, "predictions", write(tmp_path / "c.npz", channels=3))), None)
    assert view.model.mistakes[0].image.pixelColor(1, 1).getRgb()[:3] == (40, 40, 40)


def test_that_a_model_without_mistakes_is_told_so(view, tmp_path):
    rows = tuple((true, true, 0.9, False) for true in (0, 1, 2))
    view.show_history(run_with((1, "predictions", write(tmp_path / "r.npz", rows))), None)
    assert view.count.full_text() == "No mistake among 3 validation images."
    assert shown(view) == []


def test_that_a_damaged_file_is_a_sentence(view, tmp_path):
    view.show_history(run_with((1, "predictions", str(tmp_path / "gone.npz"))), None)
    assert "can't be read" in view.empty.sentence.text()


def test_that_each_picture_can_be_read_aloud(full):
    model = full.gallery.model()
    assert isinstance(model, MistakeModel)
    text = model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert text == "Shirt, called Coat with 75 %"


def test_that_the_table_has_a_line_for_each_mistake_on_show(full):
    lines = full.table().splitlines()
    assert lines[1] == "4,Coat,Shirt,0.8750"
    assert len(lines) == 1 + sum(row[3] for row in ROWS)


def test_that_bars_take_the_class_colours_of_both_themes(each_theme, full, qtbot):
    full.gallery.setCurrentIndex(full.model.index(1))
    qtbot.waitUntil(lambda: full.detail.bars.height() >= 3 * 20)
    bars = full.detail.bars.grab().toImage()
    expected = each_theme.tokens.classes[1].lower()  # Coat, the class it was called
    found = {bars.pixelColor(x, 10).name() for x in range(bars.width())}
    assert expected in found
