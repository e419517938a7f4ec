"""What a page is: one job behind one word of the rail."""

from PySide6.QtWidgets import QWidget

from ui.controller import Controller


class Page(QWidget):
    """A page of the window, made when it is first shown.

    Attributes:
        controller: all it may ask and hear.
    """

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__(parent)
        self.controller = controller

    def entered(self) -> None:
        """Called each time the page comes to the front."""
