"""Open the window once in this process and print when it painted and when torch was ready."""

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from tests.benchmarks.lateness import Lateness

BORN = float(os.environ.get("BENCH_BORN", time.time()))  # the parent's clock, just before


def main(root: str) -> None:
    """Run the real application until torch is ready, then close it."""
    from PySide6.QtCore import QTimer

    import ui.app

    seen: dict[str, float] = {}

    class TimedShell(ui.app.Shell):
        def paintEvent(self, event):  # type: ignore[no-untyped-def]
            super().paintEvent(event)
            seen.setdefault("first_paint", time.time() - BORN)

        def show_page(self, name: str) -> None:
            super().show_page(name)
            QTimer.singleShot(0, lambda: seen.setdefault("start_page", time.time() - BORN))

    class TimedController(ui.app.Controller):
        def __init__(self, *given):  # type: ignore[no-untyped-def]
            super().__init__(*given)
            self.lateness = Lateness()

        def engine_loaded(self) -> None:
            super().engine_loaded()
            seen["ready"] = time.time() - BORN
            seen["latest_tick_ms"] = max(self.lateness.stop())
            shell.close()

    shells = []

    def make(controller):  # type: ignore[no-untyped-def]
        shells.append(TimedShell(controller))
        return shells[-1]

    class _Late:
        def close(self) -> None:
            shells[-1].close()

    shell = _Late()
    ui.app.Shell = make  # type: ignore[assignment, misc]
    ui.app.Controller = TimedController  # type: ignore[misc]
    ui.app.main(Path(root))
    print(json.dumps({name: round(value, 3) for name, value in seen.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
