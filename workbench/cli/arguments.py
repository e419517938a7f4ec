"""What can be typed: commands and their options. Quick to import, as the window starts here too."""

import argparse
from pathlib import Path

LISTS = (
    "tasks",
    "models",
    "losses",
    "datasets",
    "probes",
    "optimizers",
    "schedules",
    "settings",
    "presets",
)
FORMATS = ("csv", "json", "weights", "spec")
EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted (state kept)."


def parser() -> argparse.ArgumentParser:
    """The parser of everything after `python main.py`."""
    top = argparse.ArgumentParser(
        prog="workbench",
        description="Deep-learning experiments on images. Without a command, the window.",
        epilog=EXIT_CODES,
    )
    _add_workspace(top)
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    _add_list(commands)
    _add_training(commands)
    _add_runs(commands)
    _add_looking(commands)
    return top


def size(text: str) -> tuple[int, int]:
    """Width and height from "1600x900".

    Raises:
        argparse.ArgumentTypeError: it isn't two numbers from 200 to 8192.
    """
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 1600x900")
    if not all(200 <= int(side) <= 8192 for side in (width, height)):
        raise argparse.ArgumentTypeError(f"{text!r}: each side must be 200 to 8192 pixels")
    return int(width), int(height)


def _add_workspace(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--workspace",
        type=Path,
        # Suppressed, or a command's default would undo what stood before the command.
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="folder of the runs (default: the window's)",
    )


def _add_list(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("list", help="what can be chosen, and its settings")
    command.add_argument("what", nargs="?", choices=LISTS, help="one kind only (default: all)")
    command.add_argument("--json", action="store_true", help="one JSON object a line")


def _add_training(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    train = commands.add_parser("train", help="train a preset or a spec file", epilog=EXIT_CODES)
    train.add_argument("experiment", metavar="PRESET_OR_SPEC.toml")
    train.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="a.b=value",
        help="change a field of the spec, such as training.epochs=3; may be repeated",
    )
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), help="where to train")
    train.add_argument("--title", default="", help="name of the run")
    resume = commands.add_parser("resume", help="go on with an interrupted run", epilog=EXIT_CODES)
    resume.add_argument("run", metavar="RUN", help="number or id, as `runs` shows them")
    for command in (train, resume):
        _add_workspace(command)
        command.add_argument(
            "--threads",
            type=int,
            default=0,
            metavar="N",
            help="for torch (default: all cores but one where there are more than two)",
        )
        command.add_argument(
            "--json", action="store_true", help="events as JSON lines on stdout, a summary last"
        )


def _add_runs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    runs = commands.add_parser("runs", help="table of runs, newest first")
    show = commands.add_parser("show", help="spec, scores and files of a run")
    export = commands.add_parser("export", help="write a run's results to a file")
    for command in (show, export):
        command.add_argument("run", metavar="RUN", help="number or id, as `runs` shows them")
    for command in (runs, show):
        command.add_argument("--json", action="store_true", help="one JSON object a line")
    export.add_argument(
        "--what",
        choices=FORMATS,
        required=True,
        help="csv: metrics; json: everything; weights: .safetensors; spec: TOML that `train` takes",
    )
    export.add_argument("--step", type=int, metavar="N", help="weights of this step, not the last")
    export.add_argument("--out", type=Path, required=True, metavar="PATH")
    export.add_argument("--force", action="store_true", help="overwrite PATH")
    for command in (runs, show, export):
        _add_workspace(command)


def _add_looking(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    probe = commands.add_parser("probe", help="look into a run's model again")
    probe.add_argument("run", metavar="RUN")
    probe.add_argument("probe", metavar="PROBE", help="as `list probes` shows them")
    probe.add_argument("--step", type=int, metavar="N", help="weights of this step, not the last")
    probe.add_argument(
        "--split", choices=("train", "validation", "test"), default="test", help="default: test"
    )
    probe.add_argument("--out", type=Path, required=True, metavar="DIR")
    probe.add_argument("--json", action="store_true", help="facts as one JSON object on stdout")
    shot = commands.add_parser("shot", help="draw the window into a PNG, without a screen")
    shot.add_argument("target", metavar="PAGE_OR_VIEW", help='such as "start" or "Confusion"')
    shot.add_argument("--run", metavar="RUN", help="the run to open")
    shot.add_argument("--size", type=size, default=(1600, 900), metavar="WxH")
    shot.add_argument("--theme", choices=("dark", "light"), default="light")
    shot.add_argument("--out", type=Path, required=True, metavar="PNG")
    for command in (probe, shot):
        _add_workspace(command)
