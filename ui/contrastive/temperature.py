"""A slider for the temperature τ, equal distances being equal factors."""

import math

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from ui.widgets import PlainLabel, link, muted

LOW, HIGH, NOTCHES = 0.01, 2.0, 400


class TemperatureSlider(QWidget):
    """τ from 0.01 to 2, or as far as the run's own lies; a link goes back to the run's.

    Signals:
        moved: the temperature that the user chose.
    """

    moved = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high = LOW, HIGH
        self._own: float | None = None
        self.temperature = 0.5
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("temperature")
        self.slider.setRange(0, NOTCHES)
        self.slider.setPageStep(NOTCHES // 10)
        self.slider.valueChanged.connect(self._slid)
        self.value = PlainLabel("", "control")
        self.value.setObjectName("temperature-value")
        self.back = link("")
        self.back.setObjectName("own-temperature")
        self.back.clicked.connect(self._go_back)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(muted("Temperature τ"))
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.value)
        layout.addWidget(self.back)

    def start_at(self, own: float | None) -> None:
        """Offer the run's own temperature (None: the loss has none) and start there."""
        if own == self._own and self.value.text():
            return
        self._own = own
        self._low, self._high = min(LOW, own or LOW), max(HIGH, own or HIGH)
        self.back.setVisible(own is not None)
        self.back.setText(f"Run's: {own:g}" if own is not None else "")
        self._put(own if own is not None else 0.5)

    def set_temperature(self, temperature: float) -> None:
        """Choose as the user would; `moved` follows."""
        self._put(temperature)
        self.moved.emit(self.temperature)

    def _go_back(self) -> None:
        if self._own is not None:
            self.set_temperature(self._own)

    def _put(self, temperature: float) -> None:
        self.temperature = min(max(temperature, self._low), self._high)
        span = math.log(self._high / self._low)
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(NOTCHES * math.log(self.temperature / self._low) / span))
        self._say()

    def _slid(self, notch: int) -> None:
        self.temperature = self._low * (self._high / self._low) ** (notch / NOTCHES)
        self._say()
        self.moved.emit(self.temperature)

    def _say(self) -> None:
        self.value.setText(f"{self.temperature:.3g}")
        self.slider.setAccessibleName(f"Temperature {self.temperature:.3g}")
        self.value.setMinimumWidth(self.value.fontMetrics().horizontalAdvance("0.0000"))
