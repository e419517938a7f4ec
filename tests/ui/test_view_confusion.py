import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from engines.events import ArtifactReady
from tests.ui.artifacts import ROWS, run_with, write
from ui.predictions import save_as
from ui.theme import contrast
from ui.views.base import NO_RUN
from ui.views.confusion import ConfusionView
from ui.widgets.matrix import readable_on
from workbench.history import History

RIGHT = tuple((true, true, 0.9, False) for true in (0, 0, 1, 2))


@pytest.fixture
def view(qtbot):
    view = ConfusionView()
    qtbot.addWidget(view)
    view.resize(700, 560)
    view.show()
    return view


@pytest.fixture
def full(view, tmp_path):
    view.show_history(run_with((100, "predictions", write(tmp_path / "a.npz"))), None)
    return view


def center(view, row, column):
    """The middle of a cell in the matrix's coordinates."""
    return view.matrix._places().box(row, column).center()


def pixel(view, row, column):
    """The colour near a cell's upper left corner, where no number stands."""
    corner = center(view, row, column)
    side = center(view, 0, 1).x() - center(view, 0, 0).x()
    offset = side // 2 - 5
    return view.matrix.grab().toImage().pixelColor(corner - QPoint(offset, offset))


def test_that_without_a_run_or_predictions_the_view_says_so(view):
    view.show_history(None, None)
    assert view.empty.isVisible()
    assert view.empty.sentence.text() == NO_RUN
    view.show_history(History(), None)
    assert "No predictions yet" in view.empty.sentence.text()


def test_that_the_header_gives_split_number_of_images_and_the_artifacts_own_step(full, tmp_path):
    assert full.header.where.full_text() == "validation, 8 images, step 100"
    history = run_with(
        (100, "predictions", write(tmp_path / "a.npz")),
        (1638, "predictions", write(tmp_path / "b.npz", RIGHT)),
    )
    full.show_history(history, 1700)
    assert full.header.where.full_text() == "validation, 4 images, step 1\u2009638"
    full.show_history(history, 1637)
    assert full.header.where.full_text() == "validation, 8 images, step 100"


def test_that_the_counts_are_those_of_the_rows(full):
    expected = np.zeros((3, 3), int)
    for true, predicted, _, _ in ROWS:
        expected[true, predicted] += 1
    assert np.array_equal(full.matrix.counts_KK, expected)


def test_that_a_fuller_cell_is_brighter(full):
    full.matrix.show_counts(np.array([[50, 0, 0], [0, 20, 0], [0, 0, 0]]), ("a", "b", "c"))
    lightness = [pixel(full, k, k).lightnessF() for k in range(3)]
    assert lightness[0] > lightness[1] > lightness[2]


def test_that_row_shares_colour_equal_shares_alike_whatever_the_counts(full, qtbot):
    full.matrix.show_counts(np.array([[50, 50, 0], [1, 1, 0], [0, 0, 4]]), ("a", "b", "c"))
    assert pixel(full, 0, 0) != pixel(full, 1, 0)
    full.unit.findChildren(type(full.unit._group.button(1)))[1].click()
    assert pixel(full, 0, 0) == pixel(full, 1, 0)


@pytest.mark.parametrize("ground", ["#00224E", "#7D7C78", "#FEE838"])
def test_that_numbers_are_black_or_white_and_legible(ground):
    assert contrast(readable_on(ground), ground) >= 4.5


def test_that_pointing_at_a_cell_reads_it_out(full, qtbot):
    qtbot.mouseMove(full.matrix, center(full, 0, 1))
    assert full.read_out.full_text() == "Shirt called Coat: 2 of 3, 66.7 %"
    qtbot.mouseMove(full.matrix, center(full, 1, 1))
    assert full.read_out.full_text() == "Coat recognised: 1 of 2, 50 %"
    qtbot.mouseMove(full.matrix, QPoint(2, 2))
    assert full.read_out.full_text() == "4 of 8 on the diagonal, accuracy 50 %"


def test_that_a_click_shows_the_pictures_of_that_cell_alone(full, qtbot):
    qtbot.mouseClick(full.matrix, Qt.MouseButton.LeftButton, pos=center(full, 0, 1))
    assert full.strip.count() == 2
    assert full.cell_words.text() == "Shirt called Coat: 2 of 3, 66.7 %"
    assert full.strip_words.text() == "2 of 2 pictured, most confident first"
    qtbot.mouseClick(full.matrix, Qt.MouseButton.LeftButton, pos=center(full, 2, 0))
    assert full.strip.count() == 0
    assert full.strip_words.text() == "0 of 1 pictured, most confident first"


def test_that_arrow_keys_move_the_cell_and_stop_at_the_edge(full, qtbot):
    full.matrix.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Up):
        qtbot.keyClick(full.matrix, key)
    assert full.matrix.selected == (0, 1)  # the first key chooses (0, 0)
    for _ in range(5):
        qtbot.keyClick(full.matrix, Qt.Key.Key_Right)
    assert full.matrix.selected == (0, 2)
    assert "Shirt called Bag: 0 of 3" in full.matrix.accessibleName()


def test_that_the_worst_pairs_are_listed_and_choose_their_cell(full, qtbot):
    assert full.pairs.count() == 3
    first = full.pairs.item(0)
    assert first.text().split() == ["2", "Shirt", "→", "Coat"]
    full.pairs.itemClicked.emit(first)
    assert full.matrix.selected == (0, 1)


def test_that_the_chosen_cell_stays_when_a_new_evaluation_arrives(full, tmp_path):
    full.matrix.select(0, 1)
    full.show_history(run_with((200, "predictions", write(tmp_path / "b.npz", RIGHT))), None)
    assert full.matrix.selected == (0, 1)
    assert full.cell_words.text() == "Shirt called Coat: 0 of 2, 0 %"


def test_that_the_split_can_be_switched_only_when_both_exist(full, tmp_path, qtbot):
    assert not full.header.split.isVisible()
    full.show_history(
        run_with(
            (100, "predictions", write(tmp_path / "a.npz")),
            (100, "test", write(tmp_path / "t.npz", RIGHT)),
        ),
        None,
    )
    assert full.header.split.isVisible()
    full.header.split._group.button(1).click()
    assert full.header.where.full_text() == "test, 4 images, step 100"


def test_that_the_same_artifact_is_not_drawn_again(full, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(full.matrix, "show_counts", lambda *given: calls.append(given))
    history = run_with((100, "predictions", str(tmp_path / "a.npz")))
    full.show_history(history, None)
    full.show_history(history, 500)
    assert not calls


def test_that_a_damaged_file_is_a_sentence(view, tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"PK not a zip")
    view.show_history(run_with((1, "predictions", str(tmp_path / "bad.npz"))), None)
    assert view.empty.isVisible()
    assert "can't be read" in view.empty.sentence.text()


def test_that_copying_gives_a_picture_and_a_table(full, qtbot):
    qtbot.keyClick(full, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    data = QGuiApplication.clipboard().mimeData()
    assert data.hasImage()
    assert data.text().splitlines()[1] == "Shirt,1,2,0"


def test_that_saving_writes_what_the_name_ends_in(full, tmp_path):
    save_as(tmp_path / "m.csv", full.picture, full.table)
    save_as(tmp_path / "m.png", full.picture, full.table)
    assert (tmp_path / "m.csv").read_text().startswith("true \\ predicted,Shirt,Coat,Bag\n")
    assert (tmp_path / "m.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(OSError, match="can't be written"):
        save_as(tmp_path / "nowhere" / "m.png", full.picture, full.table)


def test_that_a_class_name_never_becomes_a_spreadsheets_formula(full):
    full.matrix.show_counts(np.eye(2, dtype=int), ("=1+1", 'a "b", c'))
    header = full.table().splitlines()[0]
    assert header == 'true \\ predicted,\'=1+1,"a ""b"", c"'


def test_that_a_hundred_classes_are_drawn_without_numbers(view, tmp_path, each_theme):
    rows = tuple((k, (k * 7) % 100, 0.5, False) for k in range(100))
    history = run_with((1, "predictions", write(tmp_path / "k.npz", rows, 100)))
    view.show_history(history, None)
    image = view.matrix.grab().toImage()
    # (0, 0) is full and (0, 1) empty: two cells, two colours, no number over either.
    colors = {image.pixelColor(center(view, 0, k)).name() for k in range(6)}
    assert len(colors) == 2
    assert len(view.matrix.classes) == 100
    assert view.matrix.classes[99] == "class 99"


def test_that_no_pictures_at_all_is_still_a_matrix(view, tmp_path):
    history = run_with()
    history.add(ArtifactReady(1, "predictions", write(tmp_path / "e.npz", ()), {}))
    view.show_history(history, None)
    view.grab()
    assert view.read_out.full_text() == "0 of 0 on the diagonal, accuracy –"


def test_that_a_narrow_view_puts_the_pictures_below_the_matrix(full, qtbot):
    full.matrix.select(0, 1)
    full.resize(500, 640)

    def stands_below():
        matrix_end = full.matrix.mapTo(full, full.matrix.rect().bottomLeft()).y()
        return full.strip.mapTo(full, QPoint(0, 0)).y() > matrix_end

    qtbot.waitUntil(stands_below)
    assert full.pairs.isHidden()
    full.resize(800, 640)
    assert not full.pairs.isHidden()
