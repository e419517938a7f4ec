"""What a plot shows at one moment, ready to be painted."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF

from ui.plots.axis import Scale
from ui.plots.curve import Level, Moment, Shown
from workbench.curves import cell_size


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that a plot shows besides cursor and read-out.

    Attributes:
        area: where curves are drawn, in logical pixels; words may stand outside.
        factor: what values are multiplied with for people, such as 100 for percent.
        ratio: device pixels per logical pixel.
        vector: draw strokes of true width, for files; the screen gets faster ones.
    """

    area: QRectF
    x: Scale
    y: Scale
    shown: Sequence[Shown]
    levels: Sequence[Level] = ()
    moments: Sequence[Moment] = ()
    moment_words: bool = True
    factor: float = 1.0
    ratio: float = 1.0
    vector: bool = False

    @property
    def columns(self) -> int:
        """Pixel columns of the area on the device."""
        return max(1, round(self.area.width() * self.ratio))

    def cell(self, shown: Shown) -> int:
        """How many steps one cell of a curve's band covers."""
        # Logical pixels, so that files have the same band as the screen.
        return cell_size(self.x.high - self.x.low, round(self.area.width()), shown.spacing())
