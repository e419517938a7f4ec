"""An image as a query: its neighbours in feature space, and how many are of its class."""

import random

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from engines.events import ArtifactReady
from ui.contrastive.latest import Latest
from ui.contrastive.neighbours import Neighbours, neighbours
from ui.contrastive.precision import PrecisionCurve
from ui.contrastive.ranked import Ranked, RankedPictures
from ui.contrastive.view import Arrays, ArtifactView, class_names
from ui.predictions import csv_text, draw_pixels, to_image
from ui.theme import theme
from ui.widgets import PlainLabel, secondary
from workbench.artifacts import load
from workbench.history import History
from workbench.wording import THIN, percent, thousands

CHOICES = (1, 5, 10, 20, 50)
ANY = -1
QUERY = 104  # px


class RetrievalView(ArtifactView):
    """Query above, its nearest held-out images below; a click on one makes it the query."""

    title, order, side = "Retrieval", 34, "right"
    shows = ("embedding", "pictures")
    kind, export = "embedding", "neighbours"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found: Neighbours | None = None
        self.query = 0
        self.classes: tuple[str, ...] = ()
        self._label_N = np.zeros(0, np.int64)
        self._picture_NHWC = np.zeros((0, 1, 1, 1), np.uint8)
        self._random = random.Random(0)
        self.work = Latest(self)
        self.draw_one = secondary("Random query", "shuffle")
        self.draw_one.setObjectName("random")
        self.draw_one.clicked.connect(self.choose_random)
        self.of_class = QComboBox()
        self.of_class.setObjectName("class")
        self.of_class.setAccessibleName("Class of the query")
        self.of_class.activated.connect(self.choose_random)
        self.k = QComboBox()
        self.k.setObjectName("k")
        self.k.setAccessibleName("Number of neighbours")
        for number in CHOICES:
            self.k.addItem(f"k = {number}", number)
        self.k.setCurrentIndex(CHOICES.index(20))  # as the run's kNN accuracy
        self.k.currentIndexChanged.connect(self._show_query)
        self.query_picture = _Query()
        self.words = PlainLabel("", "control", wrap=True)
        self.words.setObjectName("words")
        self.mean = PlainLabel("", "why", "muted", wrap=True)
        self.mean.setObjectName("mean")
        self.curve = PrecisionCurve()
        self.curve.setObjectName("curve")
        self.ranked = RankedPictures()
        self.ranked.setObjectName("ranked")
        self.ranked.picked.connect(self.choose)
        self._lay_out()

    @property
    def busy(self) -> bool:
        """Whether what it shows is still being computed."""
        return self.work.busy

    def choose(self, query: int) -> None:
        """Make an image the query, by its number."""
        self.query = query
        self._show_query()

    def choose_random(self) -> None:
        """Draw a query of the chosen class."""
        wanted = self.of_class.currentData()
        fitting = np.flatnonzero((self._label_N == wanted) | (wanted == ANY))
        if len(fitting):
            self.choose(int(self._random.choice(fitting.tolist())))

    def key(self, history: History, ready: ArtifactReady) -> object:
        """See `ArtifactView`: the pictures may come later than the first embedding."""
        pictures = history.artifact_at("pictures", None)
        return ready.path, pictures.path if pictures else ""

    def draw(self, history: History, ready: ArtifactReady, arrays: Arrays) -> None:
        """Find the neighbours on a thread; the last ones stay until then."""
        label_N = arrays["label_N"].astype(np.int64)
        feature_ND = arrays["feature_ND"]
        pictures = history.artifact_at("pictures", None)
        if pictures is None:
            raise ValueError("the run kept no pictures of its held-out images")
        self._picture_NHWC = load(pictures.path)["picture_NHWC"]
        if len(self._picture_NHWC) != len(label_N):
            raise ValueError(f"{len(label_N)} embeddings of {len(self._picture_NHWC)} pictures")
        if not np.array_equal(label_N, self._label_N):
            self.found, self._label_N = None, label_N
        self.classes = class_names(history, label_N)
        _offer(self.of_class, self.classes)
        self.say_where(len(label_N), ready)
        self.query = min(self.query, max(0, len(label_N) - 1))
        self.work.ask(
            "Finding neighbours", lambda: neighbours(feature_ND, label_N), self._take, self._fail
        )
        self._show_query()

    def nothing(self, history: History) -> str:
        """See `ArtifactView`."""
        return "No embedding yet. The first evaluation brings it."

    def table(self) -> str:
        """The neighbours of the query as CSV."""
        names = ("rank", "image", "class", "cosine", "right")
        rows = (
            (rank, one.index, one.name, f"{one.similarity:.4f}", int(one.right))
            for rank, one in enumerate(self.ranked.ranked, start=1)
        )
        return csv_text([names, *rows])

    def forget(self) -> None:
        """See `ArtifactView`."""
        self.work.drop()
        self.found = None
        self._label_N = np.zeros(0, np.int64)

    def _lay_out(self) -> None:
        controls = QHBoxLayout()
        controls.setSpacing(8)
        for widget in (self.draw_one, self.of_class, self.k):
            controls.addWidget(widget)
        controls.addStretch()
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self.words)
        words.addWidget(self.mean)
        words.addStretch()
        above = QHBoxLayout()
        above.setSpacing(12)
        above.addWidget(self.query_picture, 0, Qt.AlignmentFlag.AlignTop)
        above.addLayout(words, 2)
        above.addWidget(self.curve, 3)
        area = QScrollArea()
        area.setWidget(self.ranked)
        self.ranked.setAutoFillBackground(False)  # setWidget turned it on
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.box.addLayout(controls)
        self.box.addLayout(above)
        self.box.addWidget(area, 1)

    def _take(self, found: Neighbours) -> None:
        self.found = found
        self._show_query()

    def _fail(self, error: Exception) -> None:
        self.show_failure(str(error))

    def _image(self, index: int) -> QImage:
        return to_image(self._picture_NHWC[index])

    def _show_query(self) -> None:
        found, query = self.found, self.query
        if not len(self._label_N):
            return
        name = self.classes[int(self._label_N[query])]
        self.query_picture.show_image(self._image(query), f"Query: {name}, image {query}")
        if found is None:
            self.words.setText(f"{name}, image {query}")
            self.mean.setText("Finding neighbours…")
            return
        k = min(int(self.k.currentData()), found.most)
        self.ranked.show_ranked(
            [
                Ranked(
                    int(index),
                    self._image(int(index)),
                    self.classes[int(self._label_N[index])],
                    float(similarity),
                    bool(right),
                )
                for index, similarity, right in zip(
                    found.index_NK[query, :k],
                    found.similarity_NK[query, :k],
                    found.right_NK[query, :k],
                    strict=True,
                )
            ]
        )
        count = int(found.right_NK[query, :k].sum())
        share = percent(count / k)
        words = f"{name}, image {query}: {count} of {k} neighbours right, {share}"
        self.words.setText(_unbroken(words))
        mean, total = percent(float(found.mean_K[k - 1])), thousands(len(self._label_N))
        words = f"Precision at {k} over all {total} queries: {mean}"
        self.mean.setText(_unbroken(f"{words}, by chance {percent(found.chance)}"))
        self.curve.show_curves(found.precision_NK[query], found.mean_K, found.chance, k)


def _unbroken(words: str) -> str:
    """No line may break inside a number or before its unit."""
    return words.replace(THIN, "\u202f").replace(" %", "\u00a0%")


class _Query(QWidget):
    """The query's picture, large."""

    def __init__(self) -> None:
        super().__init__()
        self._image: QImage | None = None
        self.setFixedSize(theme().px(QUERY), theme().px(QUERY))

    def show_image(self, image: QImage, words: str) -> None:
        self._image = image
        self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().color("raised"))
        if self._image is not None:
            draw_pixels(painter, QRect(self.rect()), self._image)


def _offer(box: QComboBox, classes: tuple[str, ...]) -> None:
    """Offer these classes and keep the choice."""
    if [box.itemText(place) for place in range(1, box.count())] == list(classes):
        return
    chosen = box.currentData()
    box.clear()
    box.addItem("Any class", ANY)
    for index, name in enumerate(classes):
        box.addItem(name, index)
    box.setCurrentIndex(max(0, box.findData(chosen)))
