"""A switch of a few words side by side, of which one is chosen."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from ui.theme import theme
from ui.widgets.button import tooltip


class Segments(QWidget):
    """Two or three words to choose from; `picked` tells the index after the user chose.

    Args:
        words: what the buttons say.
        name: accessible name of the choice, such as "Sort by".
        tips: a tooltip for each word.
    """

    picked = Signal(int)

    def __init__(
        self,
        words: Sequence[str],
        name: str,
        tips: Sequence[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._group = QButtonGroup(self)
        for place, word in enumerate(words):
            button = QToolButton(self)
            button.setText(word)
            button.setCheckable(True)
            # The stylesheet gives tool buttons no padding, and hints don't count what they lack.
            wide = QFontMetrics(theme().font(13, 500)).horizontalAdvance(word) + theme().px(18)
            button.setFixedSize(wide, theme().px(28))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(f"{name}: {word}")
            if tips:
                button.setToolTip(tooltip(tips[place]))
            self._group.addButton(button, place)
            layout.addWidget(button)
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(self.picked)

    @property
    def chosen(self) -> int:
        """Index of the chosen word."""
        return self._group.checkedId()

    def choose(self, place: int) -> None:
        """Choose without telling."""
        self._group.button(place).setChecked(True)
