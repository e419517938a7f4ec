"""The margin diagram of triplets: distance of the positive across, of the negative upwards."""

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.contrastive.triples import EASY, HARD, REGIONS, SEMI_HARD, TONES, Triples
from ui.plots.axis import Scale, ticks
from ui.theme import theme
from workbench.wording import digits, percent

DOT, REACH = 5.0, 14.0  # px of a dot; how far the mouse may be from one
TINT = 22  # of 255, of a region's ground


class MarginDiagram(QWidget):
    """Dots over three regions. One dot can be chosen by mouse, or by Left and Right.

    Left and Right go through the triplets by their loss, Home to the largest.

    Signals:
        pointed: the triplet under the mouse, -1 if none.
        picked: the triplet that the user chose.
    """

    pointed = Signal(int)
    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(220, 180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.chosen = self.hovered = -1
        self._triples: Triples | None = None
        self._order_T = np.zeros(0, np.int64)
        self._ground: QPixmap | None = None
        theme().changed.connect(self._repaint)

    def show_triples(self, triples: Triples) -> None:
        """Show these; nothing is chosen."""
        self._triples, self.chosen, self.hovered = triples, -1, -1
        lead_T = triples.negative_T - triples.positive_T
        self._order_T = np.argsort(lead_T, kind="stable")
        shares = ", ".join(
            f"{name} {percent(triples.share(place))}" for place, name in enumerate(REGIONS)
        )
        self.setAccessibleName(f"Margin diagram of {len(triples)} triplets: {shares}")
        self.setAccessibleDescription("Left and Right choose a triplet, the largest loss first.")
        self._repaint()

    def choose(self, place: int) -> None:
        """Choose a triplet as the user would; `picked` follows."""
        self.chosen = place
        if self._triples is not None:
            self.setAccessibleDescription(self._triples.sentence(place))
        self.update()
        self.picked.emit(place)

    def position(self, place: int) -> QPointF:
        """Where a triplet's dot stands, in this widget's coordinates."""
        across, up = self._scales()
        assert self._triples is not None
        return QPointF(
            across.pixel(float(self._triples.positive_T[place])),
            up.pixel(float(self._triples.negative_T[place])),
        )

    def sizeHint(self) -> QSize:
        return QSize(420, 340)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._triples is None:
            return
        if self._ground is None:
            self._ground = self._painted()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._ground)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, token, size in ((self.hovered, "text", 5.0), (self.chosen, "accent", 6.0)):
            if 0 <= place < len(self._triples):
                painter.setPen(QPen(theme().color("surface"), 5))
                painter.drawEllipse(self.position(place), size, size)
                painter.setPen(QPen(theme().color(token), 2))
                painter.drawEllipse(self.position(place), size, size)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ground = None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._nearest(event.position()))

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._nearest(event.position())
        if place >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.choose(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home)
        if key not in keys or not len(self._order_T):
            super().keyPressEvent(event)
            return
        rank = 0
        if self.chosen >= 0 and key != Qt.Key.Key_Home:
            rank = int(np.flatnonzero(self._order_T == self.chosen)[0])
            rank += 1 if key == Qt.Key.Key_Right else -1
        self.choose(int(self._order_T[min(max(rank, 0), len(self._order_T) - 1)]))

    def _hover(self, place: int) -> None:
        if place != self.hovered:
            self.hovered = place
            self.pointed.emit(place)
            self.update()

    def _repaint(self) -> None:
        self._ground = None
        self.update()

    def _area(self) -> QRect:
        px = theme().px
        return QRect(px(52), 6, max(20, self.width() - px(52) - 8), max(20, self.height() - px(46)))

    def _scales(self) -> tuple[Scale, Scale]:
        """One length for both axes in data, so that the diagonal is where both are equal."""
        area, triples = self._area(), self._triples
        most = 1e-6
        if triples is not None and len(triples):
            both = np.concatenate([triples.positive_T, triples.negative_T])
            finite = both[np.isfinite(both)]
            most = max(float(finite.max()) if len(finite) else 0.0, 1.5 * triples.margin, most)
        return (
            Scale(0, 1.04 * most, area.left(), area.right()),
            Scale(0, 1.04 * most, area.bottom(), area.top()),
        )

    def _nearest(self, point: QPointF) -> int:
        triples = self._triples
        if triples is None or not len(triples):
            return -1
        across, up = self._scales()
        x_T = across.place(across.forward(triples.positive_T))
        y_T = up.place(up.forward(triples.negative_T))
        away_T = np.nan_to_num((x_T - point.x()) ** 2 + (y_T - point.y()) ** 2, nan=np.inf)
        nearest = int(away_T.argmin())
        return nearest if away_T[nearest] <= REACH**2 else -1

    def _painted(self) -> QPixmap:
        assert self._triples is not None
        ratio = self.devicePixelRatioF()
        result = QPixmap(self.size() * ratio)
        result.setDevicePixelRatio(ratio)
        result.fill(theme().color("surface"))
        painter = QPainter(result)
        painter.setFont(theme().font(11, 500))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        across, up = self._scales()
        painter.setClipRect(self._area())
        self._paint_regions(painter, across, up)
        self._paint_dots(painter, across, up)
        self._paint_shares(painter, across, up)
        painter.setClipping(False)
        self._paint_axes(painter, across, up)
        painter.end()
        return result

    def _paint_regions(self, painter: QPainter, across: Scale, up: Scale) -> None:
        assert self._triples is not None
        margin, end = self._triples.margin, 3 * across.high

        def at(x: float, y: float) -> QPointF:
            return QPointF(across.pixel(x), up.pixel(y))

        shapes = {
            EASY: (at(0, margin), at(end, end + margin), at(0, end + margin)),
            SEMI_HARD: (at(0, 0), at(end, end), at(end, end + margin), at(0, margin)),
            HARD: (at(0, 0), at(end, 0), at(end, end)),
        }
        painter.setPen(Qt.PenStyle.NoPen)
        for region, corners in shapes.items():
            ground = QColor(theme().color(TONES[region]))
            ground.setAlpha(TINT)
            painter.setBrush(ground)
            painter.drawPolygon(QPolygonF(corners))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme().color("strong"), 1))
        painter.drawLine(at(0, 0), at(end, end))
        painter.setPen(QPen(theme().color("strong"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(at(0, margin), at(end, end + margin))

    def _paint_dots(self, painter: QPainter, across: Scale, up: Scale) -> None:
        triples = self._triples
        assert triples is not None
        x_T = across.place(across.forward(triples.positive_T))
        y_T = up.place(up.forward(triples.negative_T))
        painter.setPen(Qt.PenStyle.NoPen)
        many = len(triples) > 600
        size = DOT - 1 if many else DOT
        for region, tone in enumerate(TONES):
            color = QColor(theme().color(tone))
            color.setAlpha(150 if many else 220)
            painter.setBrush(color)
            of_region = np.flatnonzero((triples.region_T == region) & np.isfinite(x_T + y_T))
            for x, y in zip(x_T[of_region].tolist(), y_T[of_region].tolist(), strict=True):
                painter.drawEllipse(QRectF(x - size / 2, y - size / 2, size, size))

    def _paint_shares(self, painter: QPainter, across: Scale, up: Scale) -> None:
        """Name and share of each region, where there is room for its words."""
        triples, area = self._triples, self._area()
        assert triples is not None
        painter.setFont(theme().font(12, 600))
        metrics, line = painter.fontMetrics(), painter.fontMetrics().height()
        words = [f"{name} {percent(triples.share(place))}" for place, name in enumerate(REGIONS)]
        places = {
            EASY: QPoint(area.left() + 8, area.top() + 6),
            SEMI_HARD: QPoint(
                area.right() - metrics.horizontalAdvance(words[SEMI_HARD]) - 8, area.top() + 6
            ),
            HARD: QPoint(
                area.right() - metrics.horizontalAdvance(words[HARD]) - 8,
                area.bottom() - line - 6,
            ),
        }
        for region, corner in places.items():
            box = QRect(corner, QSize(metrics.horizontalAdvance(words[region]), line))
            patch = QColor(theme().color("surface"))
            patch.setAlpha(215)
            painter.fillRect(box.adjusted(-4, -2, 4, 2), patch)
            painter.setPen(theme().color(TONES[region]))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words[region])

    def _paint_axes(self, painter: QPainter, across: Scale, up: Scale) -> None:
        area, flag = self._area(), Qt.AlignmentFlag
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(theme().color("border"))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.drawLine(area.topLeft(), area.bottomLeft())
        painter.setFont(theme().font(11, 500))
        painter.setPen(theme().color("muted"))
        line = painter.fontMetrics().height()
        for value in ticks(across, 5):
            x = round(across.pixel(value))
            below = QRect(x - 40, area.bottom() + 4, 80, line)
            painter.drawText(below, flag.AlignHCenter, digits(value) if value else "0")
        for value in ticks(up, 5):
            beside = QRect(0, round(up.pixel(value)) - line // 2, area.left() - 6, line)
            painter.drawText(beside, flag.AlignRight, digits(value) if value else "")
        words = QRect(area.left(), area.bottom() + 4 + line, area.width(), line)
        painter.drawText(words, flag.AlignHCenter, "squared distance anchor to positive")
        painter.save()
        painter.translate(0, area.center().y() + 120)
        painter.rotate(-90)
        upright = QRect(0, 0, 240, line)
        painter.drawText(upright, flag.AlignCenter, "squared distance to negative")
        painter.restore()
