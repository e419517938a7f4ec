"""The ring around the widget that the keyboard is at."""

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QFocusFrame, QWidget
from shiboken6 import isValid

from ui.theme import theme


class FocusRing(QObject):
    """A 2-px accent ring outside the focused widget, after keyboard moves only.

    Make one per application; it lives as long as that.
    """

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._frame: _Frame | None = None
        app.focusChanged.connect(self._follow)

    def widget(self) -> QWidget | None:
        """The widget that has the ring now."""
        alive = self._frame is not None and isValid(self._frame)
        return self._frame.widget() if alive and self._frame is not None else None

    def frame(self) -> QWidget | None:
        """The ring itself, while there is one."""
        return self._frame if self.widget() is not None else None

    def _follow(self, old: QWidget | None, now: QWidget | None) -> None:
        if now is None:
            self._clear()
            return
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            now.window().setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange, False)
        if not now.window().testAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange):
            self._clear()
            return
        # A frame is a child of the widget's window or scroll area, and dies with it.
        if self._frame is None or not isValid(self._frame):
            self._frame = _Frame()
        self._frame.setWidget(now)

    def _clear(self) -> None:
        if self._frame is not None and isValid(self._frame):
            self._frame.deleteLater()
        self._frame = None


class _Frame(QFocusFrame):
    """Follows its widget's place, and is clipped by the scroll area that it stands in."""

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().color("accent"), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 7, 7)
