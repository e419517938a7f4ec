"""What the Settings page tells of folders and packages, read on a worker thread."""

import os
import platform
import tomllib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from workbench.wording import THIN
from workbench.workspace import Workspace

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
PACKAGES = ("torch", "PySide6-Essentials", "numpy", "opencv-python", "pyqtgraph", "pydantic")
UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Content:
    """What lies in a workspace.

    Attributes:
        runs: outside the trash.
        trashed: in it.
        size: of all files, in bytes.
        trash_size: of the files in the trash.
    """

    runs: int
    trashed: int
    size: int
    trash_size: int


def content_of(workspace: Workspace) -> Content:
    """Count runs and bytes. Runs on a worker thread: reads, touches no widget."""
    records = workspace.records(trashed=None)
    trashed = [record for record in records if record.trashed]
    trash_size = sum(size_of(workspace.runs_folder / record.id) for record in trashed)
    return Content(len(records) - len(trashed), len(trashed), size_of(workspace.root), trash_size)


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`; links aren't followed, what vanishes counts 0."""
    total, folders = 0, [os.fspath(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


def size_words(count: int) -> str:
    """Bytes for people, by thousands: "340 MB", "1.2 GB"."""
    size, unit = float(count), 0
    while size >= 999.5 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    number = f"{size:.1f}" if unit and size < 9.95 else f"{size:.0f}"
    return f"{number}{THIN}{UNITS[unit]}"


def versions() -> list[tuple[str, str]]:
    """Name and version of the program, Python and the packages that decide most."""
    found = [("CV Experiment Workbench", _version("cv-experiment-workbench") or _version_here())]
    found.append(("Python", platform.python_version()))
    return found + [(name, _version(name) or "not installed") for name in PACKAGES]


def licences() -> list[tuple[str, Path]]:
    """What ships with the program, and the file of its licence."""
    files = [(path.parent.name, path) for path in RESOURCES.glob("datasets/*/LICENCE.txt")]
    fonts = RESOURCES.glob("fonts/*-LICENCE.txt")
    files += [(path.name.removesuffix("-LICENCE.txt"), path) for path in fonts]
    files += [(path.stem, path) for path in RESOURCES.glob("licences/*.txt")]
    return sorted(files, key=lambda entry: entry[0].casefold())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _version_here() -> str:
    """The version of a checkout that was not installed."""
    try:
        text = (RESOURCES.parent / "pyproject.toml").read_text(encoding="utf-8")
        return str(tomllib.loads(text)["project"]["version"])
    except (OSError, ValueError, KeyError):
        return "unknown"
