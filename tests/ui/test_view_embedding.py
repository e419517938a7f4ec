import gc
import re
import threading
from dataclasses import replace

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest

from engines.events import ArtifactReady, RunStarted
from ui import settings
from ui.embedding.colouring import AGREEMENT, PREDICTED, RIGHT, colouring
from ui.embedding.pointing import inside
from ui.views.base import NO_RUN
from ui.views.embedding import NOTHING, EmbeddingView
from workbench.artifacts import pack
from workbench.history import History
from workbench.map_store import MapStore, Recipe
from workbench.maps import Map

COUNT = 120
STEPS = (0, 40, 80)
NAMES = [str(digit) for digit in range(10)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Artifacts of 120 digits: pixels behind a random projection, drifting from step to step.

    The maps are made once here, so that most tests find them on disk.
    """
    from engines.data.digits import digits

    folder = tmp_path_factory.mktemp("run")
    train = digits().train
    images_NHWC = train.images_NCHW[:COUNT].permute(0, 2, 3, 1).numpy()
    label_N = train.labels_N[:COUNT].numpy().astype(np.int16)
    random = np.random.default_rng(0)
    feature_ND = images_NHWC.reshape(COUNT, -1) @ random.normal(size=(64, 16))
    drift_ND = random.normal(size=feature_ND.shape) * np.abs(feature_ND).mean()
    predicted_N = label_N.copy()
    predicted_N[:6] = (label_N[:6] + 1) % 10
    pictures = {
        "picture_NHWC": np.ascontiguousarray(images_NHWC),
        "label_N": label_N,
        "factor_ink_N": images_NHWC.reshape(COUNT, -1).mean(1),
        "factor_colour_N": (label_N % 6).astype(np.int64),
        "factor_index_N": np.arange(COUNT),
    }
    (folder / "pictures-00000000.npz").write_bytes(pack(pictures))
    for step in STEPS:
        arrays = {
            "feature_ND": (feature_ND + step * 1e-3 * drift_ND).astype(np.float16),
            "predicted_N": predicted_N,
            "label_N": label_N,
        }
        (folder / f"embedding-{step:08d}.npz").write_bytes(pack(arrays))
    store, chain = MapStore(), run(folder).artifacts["embedding"]
    while store.advance(chain, Recipe())[0] < len(chain) - 1:
        pass
    return folder


def run(folder, steps=STEPS):
    history = History({"classes": NAMES, "family": "contrastive"})
    history.add(RunStarted(0, 100, 20))
    pictures = str(folder / "pictures-00000000.npz")
    history.add(ArtifactReady(0, "pictures", pictures, {"count": COUNT}))
    for step in steps:
        path = str(folder / f"embedding-{step:08d}.npz")
        meta = {"effective_rank": 9.5 + step, "knn": 0.75}
        history.add(ArtifactReady(step, "embedding", path, meta))
    return history


@pytest.fixture
def view(qtbot):
    view = EmbeddingView()
    qtbot.addWidget(view)
    view.resize(700, 620)
    view.show()
    yield view
    view.follower.drop()
    qtbot.waitUntil(lambda: not view.follower._latest.busy and not view._near.busy, timeout=10000)


@pytest.fixture
def full(view, folder, qtbot):
    """The last step's map on show."""
    view.show_history(run(folder), None)
    settled(view, qtbot)
    return view


def settled(view, qtbot):
    qtbot.waitUntil(
        lambda: not view.follower.busy and not view.scatter.gliding and not view._near.busy,
        timeout=20000,
    )


def mouse(widget, kind, at, button=Qt.MouseButton.NoButton, keys=Qt.KeyboardModifier.NoModifier):
    """A mouse event at a place; QTest's moves depend on where the real pointer is."""
    at = QPointF(at)
    held = button if kind == QEvent.Type.MouseMove else Qt.MouseButton.NoButton
    sent = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else button
    event = QMouseEvent(kind, at, widget.mapToGlobal(at), sent, held, keys)
    QGuiApplication.sendEvent(widget, event)


def drag(widget, places, keys=Qt.KeyboardModifier.NoModifier):
    left = Qt.MouseButton.LeftButton
    mouse(widget, QEvent.Type.MouseButtonPress, places[0], left, keys)
    for at in places[1:]:
        mouse(widget, QEvent.Type.MouseMove, at, left, keys)
    mouse(widget, QEvent.Type.MouseButtonRelease, places[-1], left, keys)


def click(widget, at):
    drag(widget, [at])


def alone(view):
    """A dot at which the pointer means no other one."""
    at_N2 = view.scatter._pixels()
    far_NN = np.linalg.norm(at_N2[:, None] - at_N2[None], axis=2) + 1e9 * np.eye(COUNT)
    return int(far_NN.min(1).argmax())


# What is shown


def test_that_without_a_run_or_an_embedding_the_view_says_so(view, folder):
    view.show_history(None, None)
    assert view.empty.sentence.text() == NO_RUN
    view.show_history(run(folder, ()), None)
    assert view.empty.sentence.text() == NOTHING
    assert not view.again.isVisible()


def test_that_a_map_never_stands_without_its_numbers(full):
    numbers = full.numbers
    assert full.scatter.isVisible()
    assert numbers.trust.number.text() == f"{full.map.trustworthiness:.3f}"
    assert numbers.on_map.number.text().endswith("%")
    assert numbers.in_space.number.text().endswith("%")
    assert numbers.rank.number.text() == "89.5"
    assert numbers.rank.third.text() == "of 16"
    assert full.header.where.full_text().endswith("perplexity 30, seed 0 · step 80")


def test_that_a_lying_map_carries_a_warning(full):
    assert not full.numbers.warning.isVisible()
    lying = Map(full.map.xy_N2, 0.7, 0.5, 0.5, full.map.agreement_N, "")
    full.numbers.show_numbers(full.space, lying)
    assert full.numbers.warning.isVisible()
    assert "trustworthiness 0.70" in full.numbers.warning.text()


def test_that_two_views_show_the_same_picture(full, folder, qtbot):
    other = EmbeddingView()
    qtbot.addWidget(other)
    other.resize(700, 620)
    other.show()
    other.show_history(run(folder), None)
    settled(other, qtbot)
    assert full.picture().toImage() == other.picture().toImage()


def test_that_dots_have_their_classes_colours(full, each_theme, qtbot):
    index = alone(full)
    qtbot.waitUntil(lambda: full.scatter.isVisible())
    at = full.scatter.place(index).toPoint()
    expected = each_theme.tokens.classes[int(full.space.label_N[index])]
    assert full.picture().toImage().pixelColor(at).name().upper() == expected


def test_that_every_meaning_of_colours_can_be_chosen(full):
    box = full.controls._colour
    offered = [box.itemData(place) for place in range(box.count())]
    assert offered == ["Class", PREDICTED, RIGHT, AGREEMENT, "Ink", "Colour"]  # never the index
    seen = set()
    for meaning in offered:
        box.setCurrentIndex(box.findData(meaning))
        seen.add(full.picture().toImage().bits().tobytes())
    assert len(seen) == len(offered)


def test_that_colours_group_dots_by_what_they_mean(full):
    space, map_ = full.space, full.map
    assert colouring(space, map_, PREDICTED).group_N.tolist() == space.predicted_N.tolist()
    assert colouring(space, map_, RIGHT).group_N.sum() == 6  # wrong on purpose
    colours = colouring(space, map_, "Colour")
    assert colours.names[:2] == ("red", "orange")
    assert colours.fills[0].name() == "#e23c34"  # the red of Shapes
    ink = colouring(space, map_, "Ink")
    order = np.argsort(ink.value_N, kind="stable")
    assert (np.diff(ink.group_N[order]) >= 0).all()
    assert (ink.group_N[order[0]], ink.group_N[order[-1]]) == (0, 63)


def test_that_more_classes_than_colours_are_grey(full):
    many = replace(full.space, classes=tuple(f"kind {k}" for k in range(11)))
    assert len({fill.name() for fill in colouring(many, full.map, "Class").fills}) == 1


# Pointer


def test_that_hovering_shows_the_picture_the_class_and_the_prediction(full):
    index = alone(full)
    before = full.scatter.grab().toImage()
    with_signal = []
    full.scatter.pointed.connect(with_signal.append)
    mouse(full.scatter, QEvent.Type.MouseMove, full.scatter.place(index))
    assert with_signal == [index]
    card = full.scatter.card_of(index)
    label, predicted = full.space.label_N[index], full.space.predicted_N[index]
    assert card.lines == (f"{label} · image {index}", f"predicted {predicted}")
    assert card.image.pixelColor(3, 4).red() == full.space.picture_NHWC[index, 4, 3, 0]
    assert full.scatter.grab().toImage() != before
    assert f"image {index}" in full.scatter.accessibleName()
    mouse(full.scatter, QEvent.Type.MouseMove, QPointF(1, 1))
    assert full.scatter.hovered == -1


def test_that_a_click_shows_the_nearest_images_by_the_features(full, qtbot):
    index = alone(full)
    click(full.scatter, full.scatter.place(index))
    settled(full, qtbot)
    x_ND = full.space.feature_ND.astype(np.float64)
    x_ND /= np.linalg.norm(x_ND, axis=1, keepdims=True)
    by_cosine = [int(i) for i in np.argsort(-(x_ND @ x_ND[index])) if i != index][:8]
    assert [entry.index for entry in full.strip.row.shown] == [index, *by_cosine]
    label = full.space.label_N[index]
    same = sum(full.space.label_N[i] == label for i in by_cosine)
    assert f"{same} of the 8 nearest are {label}" in full.strip.words.full_text()


def test_that_a_click_on_a_neighbour_goes_on_from_it(full, qtbot):
    click(full.scatter, full.scatter.place(alone(full)))
    settled(full, qtbot)
    neighbour = full.strip.row.shown[2].index
    click(full.strip.row, full.strip.row.box(2).center())
    settled(full, qtbot)
    assert full.scatter.chosen.tolist() == [neighbour]
    assert full.strip.row.shown[0].index == neighbour


def test_that_escape_and_a_click_beside_let_the_choice_go(full, qtbot):
    for let_go in (
        lambda: QTest.keyClick(full.scatter, Qt.Key.Key_Escape),
        lambda: click(full.scatter, QPointF(2, 2)),
        lambda: full.strip.closed.emit(),
    ):
        click(full.scatter, full.scatter.place(alone(full)))
        settled(full, qtbot)
        assert full.strip.isVisible()
        let_go()
        assert not full.strip.isVisible()
        assert not len(full.scatter.chosen)


@pytest.mark.parametrize("by_button", [True, False])
def test_that_the_lasso_counts_what_it_circles(full, by_button):
    scatter = full.scatter
    corners = [QPointF(0, 0), QPointF(scatter.width() / 2, 0)]
    corners += [QPointF(scatter.width() / 2, scatter.height()), QPointF(0, scatter.height())]
    left = np.flatnonzero(scatter._pixels()[:, 0] < scatter.width() / 2)
    keys = Qt.KeyboardModifier.NoModifier if by_button else Qt.KeyboardModifier.ShiftModifier
    if by_button:
        full.lasso.click()
    drag(scatter, corners, keys)
    assert scatter.chosen.tolist() == left.tolist()
    words = full.strip.words.full_text()
    assert words.startswith(f"{len(left)} images: ")
    counts = dict(re.findall(r"(\d) (\d+)(?: ·|$)", words))
    expected = np.bincount(full.space.label_N[left], minlength=10)
    assert {int(k): int(v) for k, v in counts.items()} == {
        k: int(v) for k, v in enumerate(expected) if v
    }


def test_that_a_lasso_has_an_inside_by_the_even_odd_rule():
    square = [QPointF(0, 0), QPointF(4, 0), QPointF(4, 4), QPointF(0, 4)]
    assert inside(np.array([[2.0, 2], [5, 2], [-1, 2], [1, 3.5]]), square).tolist() == [0, 3]


def test_that_dragging_moves_the_map_with_the_pointer(full):
    before = full.scatter._pixels()
    drag(full.scatter, [QPointF(100, 100), QPointF(130, 110), QPointF(160, 120)])
    assert full.scatter._pixels() == pytest.approx(before + np.array([60, 20]))
    assert not len(full.scatter.chosen)
    mouse(full.scatter, QEvent.Type.MouseButtonDblClick, QPointF(90, 90), Qt.MouseButton.LeftButton)
    assert full.scatter._pixels() == pytest.approx(before)


def test_that_the_wheel_zooms_around_the_pointer(full):
    scatter, index = full.scatter, alone(full)
    at, other = scatter.place(index), scatter.place((index + 1) % COUNT)
    event = QWheelEvent(
        at,
        scatter.mapToGlobal(at),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QGuiApplication.sendEvent(scatter, event)
    assert (scatter.place(index) - at).manhattanLength() < 1e-6
    after = scatter.place((index + 1) % COUNT) - at
    assert after.x() / (other - at).x() == pytest.approx(1.0015**240)


def test_that_the_map_can_be_read_by_keyboard(full, qtbot):
    scatter = full.scatter
    scatter.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(scatter, Qt.Key.Key_Right)
    first = scatter.hovered
    assert first >= 0
    QTest.keyClick(scatter, Qt.Key.Key_Right)
    assert scatter.place(scatter.hovered).x() > scatter.place(first).x()
    QTest.keyClick(scatter, Qt.Key.Key_Return)
    settled(full, qtbot)
    assert scatter.chosen.tolist() == [scatter.hovered]
    fitted = scatter._frame.scale
    QTest.keyClick(scatter, Qt.Key.Key_Plus)
    assert scatter._frame.scale == pytest.approx(1.25 * fitted)
    QTest.keyClick(scatter, Qt.Key.Key_0)
    assert scatter.fitted


def test_that_searching_a_label_fades_the_others(full, qtbot):
    full.controls.search.setText("7")
    sevens = full.space.label_N == 7
    qtbot.waitUntil(lambda: full.controls.found.text() == f"{int(sevens.sum())} of {COUNT}")
    assert full.scatter._wanted_N.tolist() == sevens.tolist()
    full.controls.search.clear()
    qtbot.waitUntil(lambda: full.scatter._wanted_N is None)


# Over the run


def test_that_the_timeline_chooses_the_map_and_dots_glide(full, qtbot):
    last = full.map.xy_N2
    moved = []
    full.scatter._glide.moved.connect(lambda part, _xy: moved.append(part))
    full.show_history(full._history, 60)
    settled(full, qtbot)
    assert full.space.ready.step == 40
    assert not np.array_equal(full.map.xy_N2, last)
    assert len(moved) >= 3
    assert moved == sorted(moved)
    assert moved[-1] == 1.0


def test_that_reduced_motion_jumps(full, qtbot):
    settings.save(settings.Settings(reduce_motion=True))
    moved = []
    full.scatter._glide.moved.connect(lambda part, _xy: moved.append(part))
    full.show_history(full._history, 0)
    settled(full, qtbot)
    assert full.space.ready.step == 0
    assert moved == [1.0]


def test_that_playing_walks_the_timeline_from_the_first_map_to_the_last(full, qtbot, monkeypatch):
    full.player._turn.setInterval(20)
    history, steps, shown = full._history, [], []
    full.step_picked.connect(steps.append)
    full.step_picked.connect(lambda step: full.show_history(history, step))
    full.follower.arrived.connect(lambda arrival: shown.append(arrival.space.ready.step))
    full.play.click()
    qtbot.waitUntil(lambda: not full.play.isChecked(), timeout=20000)
    assert steps == list(STEPS)
    assert shown == list(STEPS)


def test_that_one_map_alone_cannot_be_played(view, folder, qtbot):
    view.show_history(run(folder, (0,)), None)
    settled(view, qtbot)
    assert not view.play.isEnabled()


def test_that_missing_maps_are_made_on_the_way_and_kept(view, folder, tmp_path, qtbot):
    for file in folder.glob("*-*.npz"):
        if ".map-" not in file.name:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    arrived = []
    view.follower.arrived.connect(lambda a: arrived.append((a.space.ready.step, a.final)))
    view.show_history(run(tmp_path), None)
    settled(view, qtbot)
    assert arrived == [(0, False), (40, False), (80, True)]
    assert len(list(tmp_path.glob("*.map-t-sne-p30-s0.npz"))) == 3


class Gate:
    """Stands in for the layout: tells progress until it is opened, then gives a flat map."""

    def __init__(self):
        self.begun, self.opened = threading.Event(), threading.Event()
        self.made = 0

    def __call__(self, feature_ND, label_N, method, *, progress, **_how):
        self.begun.set()
        while not self.opened.wait(0.01):
            progress(310, 700, f"{method}, iteration 310 of 700")
        self.made += 1
        return Map(np.zeros((len(label_N), 2)), 1.0, 1.0, 1.0, np.ones(len(label_N)), method)


@pytest.fixture
def gate(monkeypatch):
    gate = Gate()
    monkeypatch.setattr("workbench.map_store.layout", gate)
    monkeypatch.setattr("workbench.map_store.atomic_write", lambda path, content: "")
    yield gate
    gate.opened.set()


def test_that_progress_has_words_and_the_old_picture_is_dimmed(full, gate, qtbot):
    full.controls._switch._group.button(1).click()  # PCA: no map of it yet
    qtbot.waitUntil(full.progress.isVisible)
    words = full.progress._words.full_text()
    assert words == "PCA, iteration 310 of 700, map 1 of 3"
    assert full.scatter._layer.dimmed
    gate.opened.set()
    settled(full, qtbot)
    assert not full.progress.isVisible()
    assert not full.scatter._layer.dimmed
    assert full.header.where.full_text() == f"{COUNT} held-out images · PCA · step 80"


def test_that_cancel_ends_the_work_and_keeps_the_old_picture(full, gate, qtbot):
    picture = full.picture().toImage()
    full.controls._switch._group.button(1).click()
    qtbot.waitUntil(full.progress.isVisible)
    full.progress.cancel.click()
    qtbot.waitUntil(lambda: not full.follower._latest.busy)
    assert gate.made == 0
    assert not full.progress.isVisible()
    assert full.cancelled_words.full_text() == "Cancelled: no map of step 80 was made."
    assert full.picture().toImage() == picture
    full.show_history(full._history, None)  # as the page does, again and again
    assert not full.follower.busy
    gate.opened.set()
    full.retry.click()
    settled(full, qtbot)
    assert full.map.words == "PCA"


def test_that_cancelling_the_first_map_leaves_a_way_to_make_it(view, folder, gate, qtbot):
    view.controls._switch.choose(1)
    view.show_history(run(folder), None)
    qtbot.waitUntil(view.progress.isVisible)
    view.progress.cancel.click()
    assert view.again.isVisible()
    assert "no map of step 80" in view.empty.sentence.text()
    gate.opened.set()
    view.again.click()
    settled(view, qtbot)
    assert view.scatter.isVisible()


def test_that_a_map_of_another_run_is_dropped(full, folder, gate, qtbot):
    full.controls._switch._group.button(1).click()
    qtbot.waitUntil(full.progress.isVisible)
    arrived = []
    full.follower.arrived.connect(arrived.append)
    full.show_history(None, None)
    gate.opened.set()
    qtbot.waitUntil(lambda: not full.follower._latest.busy)
    assert arrived == []
    assert full.space is None
    assert full.empty.isVisible()


def test_that_a_view_deleted_in_the_middle_leaves_no_work_behind(qtbot, folder, gate):
    view = EmbeddingView()
    view.controls._switch.choose(1)
    view.show_history(run(folder), None)
    qtbot.waitUntil(gate.begun.is_set)
    shiboken6.delete(view)
    del view

    def no_thread():
        gc.collect()  # a pool's threads end with the pool
        return not any(t.name.startswith("background") for t in threading.enumerate())

    qtbot.waitUntil(no_thread)
    assert gate.made == 0


def test_that_work_towards_a_later_step_is_kept(full, gate, qtbot):
    full.controls._switch.choose(1)
    full.show_history(full._history, 0)
    full.show_history(full._history, 40)  # the first map is needed for it too
    full.show_history(full._history, 80)
    gate.opened.set()
    settled(full, qtbot)
    assert gate.made == len(STEPS)
    assert full.space.ready.step == 80


def test_that_a_picked_image_keeps_its_choice_from_step_to_step(full, qtbot):
    index = alone(full)
    click(full.scatter, full.scatter.place(index))
    settled(full, qtbot)
    full.show_history(full._history, 0)
    settled(full, qtbot)
    assert full.scatter.chosen.tolist() == [index]
    assert full.strip.row.shown[0].index == index
    assert len(full.strip.row.shown) == 9


# Trouble, and out of here


def test_that_a_damaged_artifact_is_told_in_words(view, folder, tmp_path, qtbot):
    (tmp_path / "embedding-00000000.npz").write_bytes(b"not an archive")
    history = History({"classes": NAMES})
    path = str(tmp_path / "embedding-00000000.npz")
    history.add(ArtifactReady(0, "embedding", path))
    view.show_history(history, None)
    settled(view, qtbot)
    assert view.empty.sentence.text().startswith("These embeddings can't be read:")


def test_that_a_diverged_run_has_no_map_and_says_why(view, tmp_path, qtbot):
    path = tmp_path / "embedding-00000007.npz"
    label_N = np.zeros(20, np.int16)
    feature_ND = np.full((20, 4), np.nan, np.float16)
    arrays = {"feature_ND": feature_ND, "label_N": label_N, "predicted_N": label_N}
    path.write_bytes(pack(arrays))
    history = History({"classes": NAMES})
    history.add(ArtifactReady(7, "embedding", str(path)))
    view.show_history(history, None)
    settled(view, qtbot)
    assert "20 of 20 embeddings aren't finite" in view.empty.sentence.text()


def test_that_a_run_without_pictures_has_a_map_all_the_same(view, folder, qtbot):
    history = run(folder)
    del history.artifacts["pictures"]
    view.show_history(history, None)
    settled(view, qtbot)
    assert view.scatter.card_of(0).image is None
    click(view.scatter, view.scatter.place(alone(view)))
    settled(view, qtbot)
    assert view.strip.isVisible()


def test_that_copy_gives_the_picture_and_a_line_for_each_image(full):
    full.scatter.setFocus()
    QTest.keyClick(full.scatter, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "image,x,y,class,predicted,neighbours agree,Ink,Colour"
    assert len(lines) == COUNT + 1
    place = lines[6].split(",")
    assert [float(value) for value in place[1:3]] == pytest.approx(full.map.xy_N2[5], abs=1e-4)
    assert place[3:5] == [str(full.space.label_N[5]), str(full.space.predicted_N[5])]
    assert QGuiApplication.clipboard().image().size() == full.picture().size()
