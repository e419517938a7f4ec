"""`train` and `resume`: runs in this process, one after the other, until done or interrupted."""

import logging
import logging.handlers
import os
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from engines.control import Control
from engines.events import Event, Problem, StatusChanged
from workbench.cli.entry import BAD_INPUT, DONE, FAILED, INTERRUPTED, BadInput, Screen, say
from workbench.cli.report import Report, write_json
from workbench.environment import keep_freed_memory, training_threads
from workbench.presets import NoSuchPreset, preset
from workbench.run_folder import RunFolder
from workbench.runner import perform
from workbench.spec import ExperimentSpec, SpecError, assign, parse, read, with_kinds
from workbench.wording import digits, joined, percent
from workbench.workspace import NoSuchRun, Workspace

CODES = {"finished": DONE, "stopped": DONE, "failed": FAILED, "interrupted": INTERRUPTED}


def train_command(arguments: Namespace, _screen: Screen) -> int:
    """Train a preset or a spec file; a preset with variants trains them in turn."""
    group, raws = chosen(arguments.experiment)
    if arguments.title:
        several = len(raws) > 1
        for raw in raws:
            raw["title"] = f"{arguments.title}: {raw['title']}" if several else arguments.title
    specs = [spec_from(raw, arguments) for raw in raws]
    workspace = Workspace(arguments.workspace)
    set_up_torch(arguments.threads)
    for spec in specs:
        refuse_what_cannot_train(spec, workspace)
    control = Control()
    summaries: list[dict[str, Any]] = []
    with logged(workspace.root), interruptible(control):
        for spec in specs:
            folder = workspace.create(spec.model_dump(mode="json"), title=spec.title, group=group)
            summaries.append(_train(folder, workspace, control, arguments.json))
            if control.stopping:
                break
    for spec in specs[len(summaries) :]:
        say(f"{spec.title} was not started")
    return conclude(summaries, arguments.json)


def resume_command(arguments: Namespace, _screen: Screen) -> int:
    """Go on with a run from its last checkpoint, to the same numbers as if never interrupted."""
    workspace = Workspace(arguments.workspace)
    folder = workspace.folder(arguments.run)
    status = folder.status()
    if status in ("finished", "running", "paused", "queued"):
        say(f"run {arguments.run} is {status}: there is nothing to resume")
        return BAD_INPUT
    set_up_torch(arguments.threads)
    control = Control()
    with logged(workspace.root), interruptible(control):
        summary = _train(folder, workspace, control, arguments.json)
    return conclude([summary], arguments.json)


def chosen(experiment: str) -> tuple[str, list[dict[str, Any]]]:
    """The group and the plain specs that a preset's name or a TOML file stands for."""
    try:
        found = preset(experiment)
    except NoSuchPreset as error:
        path = Path(experiment)
        if path.suffix != ".toml" and not path.is_file():
            raise BadInput(f"{error}; nor is there a file of that name") from error
        raw = read(path)
        return "", [raw | {"title": raw.get("title") or path.stem}]
    raws = found.specs()
    return (f"{found.name}-{token_hex(3)}" if len(raws) > 1 else ""), raws


def spec_from(raw: dict[str, Any], arguments: Namespace) -> ExperimentSpec:
    """The spec of a run, with what the command line changes of it.

    Raises:
        SpecError: every fault at once.
    """
    if arguments.device:
        raw["device"] = arguments.device
    for setting in arguments.settings:
        assign(raw, setting)
    return parse(with_kinds(raw) if arguments.settings else raw)


def refuse_what_cannot_train(spec: ExperimentSpec, workspace: Workspace) -> None:
    """Check everything that can be checked before a run is made.

    Raises:
        SpecError: naming the fields.
    """
    from workbench.assembly import check, load_data

    check(spec, load_data(spec))
    if spec.teacher:
        try:
            workspace.folder(spec.teacher)
        except NoSuchRun as error:
            raise SpecError({"teacher": str(error)}) from error


def set_up_torch(threads: int) -> None:
    """Threads and memory of the process, before anything is computed.

    Raises:
        BadInput: `threads` is negative.
    """
    if threads < 0:
        raise BadInput(f"--threads {threads}: give a number of threads, or 0 to leave it to us")
    import torch

    torch.set_num_threads(training_threads(threads))
    keep_freed_memory()


class Trouble:
    """Ends a run that pauses by itself, as it does when saving fails: nobody is here to resume it.

    Attributes:
        why: the last problem's sentence, once the run was ended for it.
    """

    def __init__(self, control: Control):
        self.why = ""
        self._control, self._said = control, ""

    def take(self, event: Event) -> None:
        """Look at one event, on the recorder's thread."""
        if isinstance(event, Problem):
            self._said = event.sentence
        elif isinstance(event, StatusChanged) and event.status == "paused":
            self.why = self._said or "It paused by itself."
            self._control.stop("interrupted")


@contextmanager
def logged(root: Path) -> Iterator[None]:
    """Keep the log in the workspace, instead of tracebacks on stderr."""
    (root / "logs").mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        root / "logs" / "command-line.log", maxBytes=1 << 20, backupCount=3, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()


@contextmanager
def interruptible(control: Control) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a stop with a checkpoint; a second one ends the process.

    The end by force loses what came after the last checkpoint, and nothing else.
    """

    def interrupt(_number: int, _frame: object) -> None:
        if control.stopping:
            os.write(2, b"\nended by force; the last checkpoint is kept\n")
            os._exit(INTERRUPTED)
        control.stop("interrupted")
        os.write(2, b"\ninterrupted: saving a checkpoint; once more ends by force\n")

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def conclude(summaries: list[dict[str, Any]], as_json: bool) -> int:
    """Tell how the runs went, and give the exit code of the worst of them."""
    code = max((exit_code(summary) for summary in summaries), default=INTERRUPTED)
    if as_json:
        whole = {"event": "summary", "seconds": sum(summary["seconds"] for summary in summaries)}
        single = summaries[0] if len(summaries) == 1 else {}
        write_json(whole | single | {"exit_code": code, "runs": summaries})
        return code
    for summary in summaries:
        sys.stdout.write(sentence(summary) + "\n")
    return code


def exit_code(summary: dict[str, Any]) -> int:
    """A run that was interrupted because it could not be saved has failed: state wasn't kept."""
    if summary["status"] == "interrupted" and summary["sentence"]:
        return FAILED
    return CODES[summary["status"]]


def sentence(summary: dict[str, Any]) -> str:
    """How a run went, for people."""
    scores = [
        f"{name.replace('/', ' ')} {percent(value) if 'accuracy' in name else digits(value)}"
        for name, value in sorted(summary["metrics"].items())
    ]
    speed = f"{summary['steps_per_second']:.1f} steps/s" if summary["steps_per_second"] else ""
    where = f"step {summary['step']} of {summary['total_steps']}"
    head = f"run {summary['number']} ({summary['title']}) {summary['status']} at {where}"
    tail = summary["sentence"]
    if summary["status"] == "interrupted":
        tail = f"go on with: resume {summary['number']}"
    return joined(head, *scores, f"{summary['seconds']:.1f} s", speed, tail)


def _train(
    folder: RunFolder, workspace: Workspace, control: Control, as_json: bool
) -> dict[str, Any]:
    number = folder.read_json("run.json")["number"]
    report = Report(number, as_json)
    trouble = Trouble(control)

    def tell(event: Event) -> None:
        report.take(event)
        trouble.take(event)

    start = time.monotonic()
    ended = perform(folder, workspace, control, tell)
    seconds = time.monotonic() - start
    record = workspace.record(folder.id)
    if ended.reason == "failed":
        say(f"run {number} failed: {ended.sentence}\nDetails: {folder.path / 'log.txt'}")
    elif trouble.why:
        say(f"run {number} was stopped: {trouble.why}\nDetails: {folder.path / 'log.txt'}")
    return {
        "run": folder.id,
        "number": number,
        "title": record.title,
        "status": ended.reason,
        "sentence": ended.sentence or trouble.why,
        "step": record.step,
        "total_steps": record.total_steps,
        "metrics": dict(record.summary),
        "seconds": round(seconds, 3),
        "steps_per_second": report.steps / report.training_seconds if report.steps else 0.0,
        "folder": str(folder.path),
    }
