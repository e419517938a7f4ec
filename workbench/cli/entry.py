"""From words to a command, and from whatever goes wrong to a sentence and an exit code."""

import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeGuard

from workbench.cli.arguments import parser

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

OURS = ("engines", "workbench", "ui")

# Modules are imported when their command is given: the window must not wait for them.
COMMANDS = {
    "list": "listing",
    "train": "training",
    "resume": "training",
    "runs": "stored",
    "show": "stored",
    "export": "stored",
    "probe": "looking",
    "shot": "looking",
}


class BadInput(ValueError):
    """What was typed can't be done; the message says what could."""


class Screen(Protocol):
    """What the command line asks of the window's side."""

    def workspace(self) -> Path:
        """The folder of runs that the window's settings name."""

    def window(self, workspace: Path | None) -> int:
        """Open the window; returns the exit code when it has closed."""

    def shot(
        self,
        target: str,
        run: str | None,
        size: tuple[int, int],
        theme: str,
        folder: Path,
        out: Path,
    ) -> None:
        """Write a picture of the window; raises ValueError for an unknown target."""


def run(words: Sequence[str], screen: Screen) -> int:
    """Do what `words` say; returns the exit code and never raises an exception of a command."""
    arguments = parser().parse_args(words)
    given = getattr(arguments, "workspace", None)
    try:
        if arguments.command is None:
            return screen.window(given)
        arguments.workspace = (given or screen.workspace()).expanduser().absolute()
        code = _perform(arguments, screen)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader, such as `head`, has had enough; Python must not flush into it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - every failure ends as a sentence and a code
        return _explain(error)


def _perform(arguments: Namespace, screen: Screen) -> int:
    module = import_module(f"workbench.cli.{COMMANDS[arguments.command]}")
    command = getattr(module, f"{arguments.command}_command")
    code: int = command(arguments, screen)
    return code


def _explain(error: Exception) -> int:
    """Say what went wrong on stderr; returns the exit code."""
    if is_missing_package(error):
        say(f"The package {error.name} isn't installed. `sh .ci/start` sets everything up.")
        return FAILED
    from workbench.presets import NoSuchPreset
    from workbench.workspace import NoSuchRun

    if isinstance(error, BadInput | NoSuchRun | NoSuchPreset):
        say(str(error))
        return BAD_INPUT
    faults = getattr(error, "faults", None)  # a SpecError, whose module imports torch
    if isinstance(faults, dict):
        for path, words in faults.items():
            say(f"{path}: {words}")
        return BAD_INPUT
    if isinstance(error, OSError):
        say(str(error))
        return FAILED
    details = "".join(traceback.format_exception(error))
    if isinstance(error, ImportError) and error.__cause__ is not None:  # the file has been named
        remedy = "`sh .ci/start` installs what the program itself needs.\n"
        say(f"{error}\n{remedy if is_missing_package(error.__cause__) else ''}Details:\n{details}")
        return FAILED
    say(f"A fault of the program: {type(error).__name__}: {error}\nDetails:\n{details}")
    return FAILED


def is_missing_package(error: BaseException | None) -> TypeGuard[ModuleNotFoundError]:
    """Whether a package of others is missing, and no module of ours."""
    if not isinstance(error, ModuleNotFoundError):
        return False
    return (error.name or "").split(".")[0] not in OURS


def say(words: str) -> None:
    """A line for people, on stderr."""
    sys.stderr.write(words.rstrip("\n") + "\n")
    sys.stderr.flush()
