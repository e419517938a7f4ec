"""Formulas: LaTeX typeset on a worker thread, drawn in the theme's text colour."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.theme import theme

logger = logging.getLogger(__name__)

_TYPESET_SIZE = 32.0
_INK = "#010203"  # stands in the cached SVG for whatever colour the theme has


class FormulaLabel(QWidget):
    """One formula at its natural size, smaller where the width doesn't suffice.

    Args:
        latex: the formula without dollar signs; empty takes no room.
        plain: words shown until, and instead if, it can't be typeset; default: the LaTeX.
        size: height of the letters in pixels at 100 % text, 15 to 19.
        tone: token of its colour.
    """

    typeset = Signal()
    """The formula has its final size."""

    def __init__(
        self,
        latex: str = "",
        plain: str = "",
        *,
        size: int = 17,
        tone: str = "text",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._size, self._tone = size, tone
        self._latex = self._plain = ""
        self._svg: str | None = None
        self._renderer: QSvgRenderer | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        _typesetter().done.connect(self._take)
        theme().changed.connect(self._tint)
        self.set_formula(latex, plain)

    def set_formula(self, latex: str, plain: str = "") -> None:
        """Show another formula, as soon as it is typeset."""
        self._latex, self._plain = latex, plain or latex
        self._svg = self._renderer = None
        self.setAccessibleName(self._plain)
        if not latex:
            self.hide()
        elif self.parentWidget() is not None:  # without one, show() would open a window
            self.show()
        if latex:
            known = _typesetter().ask(latex)
            if known is not None:
                self._show(known)
        self.updateGeometry()
        self.update()

    @property
    def latex(self) -> str:
        """The formula as it was given."""
        return self._latex

    @property
    def drawn(self) -> bool:
        """True if the typeset formula is on screen, False while or if it is plain words."""
        return self._renderer is not None

    def sizeHint(self) -> QSize:
        natural = self._natural()
        return QSize(round(natural.width() + 0.5), round(natural.height() + 0.5))

    def minimumSizeHint(self) -> QSize:
        return QSize(24, 0 if not self._latex else theme().px(16))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        natural = self._natural(width)
        shrink = min(1.0, width / natural.width()) if natural.width() else 1.0
        return round(natural.height() * shrink + 0.5)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._renderer is None:
            painter.setFont(theme().font(13))
            painter.setPen(theme().color("muted"))
            flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(self.rect(), int(flags), self._plain)
            return
        natural = self._natural()
        shrink = min(1.0, self.width() / natural.width(), self.height() / natural.height())
        height = natural.height() * shrink
        place = QRectF(0, (self.height() - height) / 2, natural.width() * shrink, height)
        self._renderer.render(painter, place)

    def _natural(self, width: int = 320) -> QSizeF:
        """Size without shrinking; plain words wrap at `width`."""
        if self._renderer is not None:
            return self._renderer.viewBoxF().size() * (theme().px(self._size) / _TYPESET_SIZE)
        if not self._latex:
            return QSizeF(0, 0)
        metrics = QFontMetrics(theme().font(13))
        flags = int(Qt.TextFlag.TextWordWrap)
        return QSizeF(metrics.boundingRect(0, 0, width, 10_000, flags, self._plain).size())

    def _take(self, latex: str) -> None:
        if latex == self._latex and self._svg is None:
            self._show(_typesetter().ask(latex) or "")

    def _show(self, svg: str) -> None:
        self._svg = svg
        self._tint()
        self.typeset.emit()

    def _tint(self) -> None:
        if self._svg:
            coloured = self._svg.replace(_INK, theme().color(self._tone).name())
            self._renderer = QSvgRenderer(QByteArray(coloured.encode()))
        self.updateGeometry()
        self.update()


class _Typesetter(QObject):
    """Typesets each formula once, in the background; lives on the GUI thread."""

    done = Signal(str)
    _finished = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        # One worker: formulas are quick, and ziamath doesn't say that it is thread-safe.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="formula")
        self._svgs: dict[str, str] = {}
        self._asked: set[str] = set()
        self._finished.connect(self._keep)

    def ask(self, latex: str) -> str | None:
        """The SVG, "" if it can't be typeset, or None now and `done` later."""
        if latex not in self._svgs and latex not in self._asked:
            self._asked.add(latex)
            self._pool.submit(lambda: self._finished.emit(latex, typeset_svg(latex)))
        return self._svgs.get(latex)

    def _keep(self, latex: str, svg: str) -> None:
        self._svgs[latex] = svg
        self.done.emit(latex)


@cache
def _typesetter() -> _Typesetter:
    return _Typesetter()


def typeset_svg(latex: str) -> str:
    """`latex` as an SVG in a placeholder colour, or "" if it can't be typeset.

    Runs on a worker thread: reads and computes, touches no widget.
    """
    try:
        import ziamath
        from ziamath.tex import tex2mml

        ziamath.config.svg2 = False  # QtSvg can't draw <symbol>
        known = latex.replace(r"\operatorname*", r"\operatorname")  # it would print the star
        if unknown := re.search(r">(\\[A-Za-z]+)", tex2mml(known)):
            raise ValueError(f"unknown command {unknown[1]}")
        return str(ziamath.Latex(known, size=_TYPESET_SIZE, color=_INK).svg())
    except Exception as error:  # noqa: BLE001  a parser of free text; its errors have no base class
        logger.warning("formula not typeset, shown as text: %s: %r", latex, error)
        return ""
