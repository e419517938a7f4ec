"""The only entry: without a command the window, with one the command line."""

import sys
from pathlib import Path


class Screen:
    """What the command line needs of `ui`, which `workbench` may not import."""

    def workspace(self) -> Path:
        """The folder of runs that the window's settings name."""
        from ui.settings import load

        return load().workspace_path

    def window(self, workspace: Path | None) -> int:
        """Open the window; returns the exit code when it has closed."""
        from workbench.environment import qt_refusal

        if refusal := qt_refusal():
            print(refusal, file=sys.stderr)  # noqa: T201 - there is no window to say it in
            return 1
        _torch_before_qt()
        from ui.app import main as window

        return window(workspace)

    def shot(
        self,
        target: str,
        run: str | None,
        size: tuple[int, int],
        theme: str,
        folder: Path,
        out: Path,
    ) -> None:
        """Write a picture of the window, drawn in memory."""
        _torch_before_qt()
        from ui.shot import take

        take(target, run=run, size=size, theme=theme, workspace=folder, out=out)


def _torch_before_qt() -> None:
    """On Windows torch 2.9 and newer can't be imported after Qt (WinError 1114 on c10.dll)."""
    if sys.platform == "win32":
        import torch  # noqa: F401


def main() -> int:
    """Do what the command line says; returns the exit code."""
    from workbench.cli import run

    return run(sys.argv[1:], Screen())


if __name__ == "__main__":
    sys.exit(main())
