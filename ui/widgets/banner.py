"""A band on warnsoft that says what happened and what can be done, such as a cut-off run."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget

from ui.widgets.label import IconLabel, PlainLabel
from ui.widgets.panel import Panel


class Banner(Panel):
    """Icon, a strong sentence, evidence, and buttons at the right."""

    def __init__(
        self,
        sentence: str,
        evidence: str = "",
        actions: Sequence[QPushButton] = (),
        *,
        icon_name: str = "warning",
        tone: str = "warn",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("banner", horizontal=True, padding=8, spacing=10, parent=parent)
        self.box.setContentsMargins(16, 7, 8, 7)
        self.box.addWidget(IconLabel(icon_name, tone))
        self.sentence = PlainLabel(sentence, "strong")
        self.evidence = PlainLabel(evidence, "body", "muted", wrap=True)
        self.box.addWidget(self.sentence, 0, Qt.AlignmentFlag.AlignVCenter)
        self.box.addWidget(self.evidence, 1)
        for action in actions:
            self.box.addWidget(action)
        self.setAccessibleName(f"{sentence} {evidence}".strip())
