import pytest
from PySide6.QtCore import QPoint, Qt

from tests.ui.artifacts import run_with, write
from ui.theme import theme
from ui.views.base import NO_RUN
from ui.views.class_accuracy import ClassAccuracyView
from workbench.confusion import wilson

BETTER = ((0, 0, 0.9, False), (0, 0, 0.9, False), (1, 1, 0.9, False), (2, 1, 0.9, True))


@pytest.fixture
def view(qtbot):
    view = ClassAccuracyView()
    qtbot.addWidget(view)
    view.resize(700, 560)
    view.show()
    return view


@pytest.fixture
def full(view, tmp_path, qtbot):
    history = run_with(
        (100, "predictions", write(tmp_path / "a.npz", BETTER)),
        (200, "predictions", write(tmp_path / "b.npz")),
    )
    view.show_history(history, None)
    qtbot.waitUntil(lambda: not view._later.isActive())
    return view


def test_that_without_a_run_or_predictions_the_view_says_so(view):
    view.show_history(None, None)
    assert view.empty.sentence.text() == NO_RUN
    view.show_history(run_with(), None)
    assert "No predictions yet" in view.empty.sentence.text()


def test_that_bars_stand_in_class_order_or_best_first(full):
    # ROWS: Shirt 1 of 3, Coat 1 of 2, Bag 2 of 3.
    assert full.bars.order == [0, 1, 2]
    full.sort._group.button(1).click()
    assert full.bars.order == [2, 1, 0]


def test_that_a_class_without_pictures_comes_last_and_says_so(view, tmp_path, qtbot):
    rows = ((0, 1, 0.9, True), (1, 1, 0.9, False))
    view.show_history(run_with((1, "predictions", write(tmp_path / "n.npz", rows))), None)
    view.sort._group.button(1).click()
    assert view.bars.order == [1, 0, 2]
    assert view.bars.sentence(2) == "Bag: no picture in this split"
    view.grab()
    qtbot.waitUntil(lambda: not view._later.isActive())


def test_that_pointing_at_a_row_reads_out_share_interval_and_number(full, qtbot):
    y = theme().px(28) + theme().px(32) + 10  # the second row
    qtbot.mouseMove(full.bars, QPoint(50, y))
    low, high = (100 * float(end) for end in wilson(1, 2))
    expected = f"Coat: 50 %, 95 % interval {low:.1f} to {high:.1f} %, 1 of 2"
    assert full.read_out.full_text() == expected
    qtbot.mouseMove(full.bars, QPoint(50, 2))
    assert full.read_out.full_text().startswith("All classes: 50 %, 95 % interval ")


def test_that_up_and_down_walk_the_rows(full, qtbot):
    full.bars.setFocus()
    for _ in range(5):
        qtbot.keyClick(full.bars, Qt.Key.Key_Down)
    assert "Bag: 66.7 %" in full.bars.accessibleName()
    qtbot.keyClick(full.bars, Qt.Key.Key_Up)
    assert "Coat: 50 %" in full.bars.accessibleName()


def test_that_a_bar_is_as_long_as_the_accuracy_in_its_classs_colour(full):
    column = full.bars._columns()["bar"]
    image = full.bars.grab().toImage()
    y = theme().px(28) + theme().px(32) // 2 + 4  # below the whisker, in the first row
    color = theme().tokens.classes[0].lower()
    pixels = [image.pixelColor(x, y).name() == color for x in range(image.width())]
    inside = sum(pixels[column.x() : column.right() + 1])
    assert inside == pytest.approx(column.width() / 3, abs=2)


def test_that_the_small_curves_hold_every_evaluation_up_to_the_cursor(full):
    steps = [step for step, _ in full.bars._trail]
    shares = [share_K[0] for _, share_K in full.bars._trail]
    assert steps == [100, 200]
    assert shares == [1.0, pytest.approx(1 / 3)]
    full.show_history(full._history, 150)
    assert [step for step, _ in full.bars._trail] == [100]
    assert full.header.where.full_text() == "validation, 4 images, step 100"


def test_that_one_damaged_evaluation_leaves_a_gap(view, tmp_path, qtbot):
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    history = run_with(
        (100, "predictions", write(tmp_path / "a.npz", BETTER)),
        (200, "predictions", str(tmp_path / "bad.npz")),
        (300, "predictions", write(tmp_path / "c.npz")),
    )
    view.show_history(history, None)
    qtbot.waitUntil(lambda: not view._later.isActive())
    assert [step for step, _ in view.bars._trail] == [100, 300]


def test_that_the_table_has_the_order_and_numbers_on_screen(full):
    full.sort._group.button(1).click()
    lines = full.table().splitlines()
    assert lines[0] == "class,correct,count,accuracy,low,high"
    assert lines[1].startswith("Bag,2,3,0.6667,")
    assert len(lines) == 4


def test_that_both_themes_and_a_narrow_view_are_drawn(each_theme, full):
    full.resize(380, 300)
    image = full.picture().toImage()
    assert image.pixelColor(1, image.height() - 1).name() == each_theme.tokens.surface.lower()
    assert "interval" not in full.bars._columns()
