"""The bottom line: offline, device, threads, memory and disk."""

import os
import shutil

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from ui.controller import Controller
from ui.theme import theme
from ui.widgets import IconLabel, Panel, muted
from workbench.environment import training_threads

GIB = 1 << 30


class StatusBar(Panel):
    """Facts of the machine, read again every few seconds."""

    def __init__(self, controller: Controller, parent: QWidget | None = None):
        super().__init__("surface", horizontal=True, padding=0, parent=parent)
        self._controller = controller
        self._left = muted("Offline: everything is on this machine")
        self._right = muted("")
        self._right.setObjectName("status_facts")
        self.box.setContentsMargins(16, 0, 16, 0)
        self.box.addWidget(IconLabel("wifi-slash", "muted"))
        self.box.addWidget(self._left)
        self.box.addStretch(1)
        self.box.addWidget(self._right)
        self.setFixedHeight(theme().px(28))
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._refresh)
        self._timer.start(3000)
        controller.engine_ready.connect(self._refresh)
        QTimer.singleShot(0, self, self._refresh)

    def _refresh(self) -> None:
        ready = self._controller.is_engine_ready
        facts = [device_words(self._controller.settings.threads) if ready else "loading torch…"]
        facts.append(f"memory {memory_words()}")
        try:
            free = shutil.disk_usage(self._controller.workspace.root).free
            facts.append(f"disk {free / GIB:.0f} GB free")
        except OSError:
            facts.append("disk unknown")
        self._right.setText("  ·  ".join(facts))


def device_words(threads: int) -> str:
    """What trains here, such as "2 CPU threads" or the GPU's name."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    count = training_threads(threads)
    return f"{count} CPU thread{'s' if count != 1 else ''}"


def memory_words() -> str:
    """Memory of this process, of the machine's, such as "1.2 of 3.8 GB"."""
    import psutil

    used = psutil.Process(os.getpid()).memory_info().rss
    return f"{used / GIB:.1f} of {psutil.virtual_memory().total / GIB:.0f} GB"


def card_memory_words() -> str:
    """What torch holds of the graphics card's memory, such as "3.2 of 80 GB"."""
    import torch

    total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    return f"{torch.cuda.memory_reserved() / GIB:.1f} of {total / GIB:.0f} GB"
