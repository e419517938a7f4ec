"""The ring around the widget that the keyboard is at."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QFocusFrame, QWidget

from ui.theme import theme


class FocusRing(QFocusFrame):
    """A 2-px accent ring outside the focused widget, after keyboard moves only.

    Make one per application. QFocusFrame follows the widget's place and is
    clipped by the scroll area it stands in.
    """

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        app.focusChanged.connect(self._follow)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().color("accent"), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 7, 7)

    def _follow(self, old: QWidget | None, now: QWidget | None) -> None:
        by_mouse = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        if now is not None and by_mouse:
            now.window().setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange, False)
        wanted = now is not None and now.window().testAttribute(
            Qt.WidgetAttribute.WA_KeyboardFocusChange
        )
        self.setWidget(now if wanted else None)  # type: ignore[arg-type]
