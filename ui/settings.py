"""What the user chose for the window; a damaged file never keeps it from starting."""

import json
import logging
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import platformdirs

from workbench.durable import atomic_write
from workbench.workspace import default_root

log = logging.getLogger(__name__)


@dataclass
class Settings:
    """Everything on the Settings page, and where the window was.

    Attributes:
        theme: "system", "dark" or "light".
        text_scale: 0.8 to 1.5.
        device: where new experiments train unless they say otherwise.
        threads: for training; 0 takes all cores but one where there are more than two.
    """

    workspace: str = ""
    theme: str = "system"
    text_scale: float = 1.0
    device: str = "auto"
    threads: int = 0
    reduce_motion: bool = False
    geometry: str = ""

    @property
    def workspace_path(self) -> Path:
        """The folder of the runs."""
        return Path(self.workspace).expanduser() if self.workspace else default_root()


def settings_file() -> Path:
    """Where the settings are kept."""
    return Path(platformdirs.user_config_dir("cv-experiment-workbench", appauthor=False)) / (
        "settings.json"
    )


def load(path: Path | None = None) -> Settings:
    """The stored settings; what is missing or of the wrong type keeps its default."""
    try:
        stored = json.loads((path or settings_file()).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Settings()
    return Settings(**_usable(stored)) if isinstance(stored, dict) else Settings()


def save(settings: Settings, path: Path | None = None) -> None:
    """Store the settings; a failure is logged, for nothing else depends on it."""
    target = path or settings_file()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(target, json.dumps(asdict(settings), indent=1).encode())
    except OSError as error:
        log.warning("The settings could not be saved to %s: %s", target, error)


def _usable(stored: dict[str, Any]) -> dict[str, Any]:
    defaults = asdict(Settings())
    return {
        entry.name: stored[entry.name]
        for entry in fields(Settings)
        if entry.name in stored and type(stored[entry.name]) is type(defaults[entry.name])
    }
