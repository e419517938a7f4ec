"""`runs`, `show` and `export`: what is on disk; torch stays out of it."""

import math
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from workbench.cli.entry import DONE, BadInput, Screen
from workbench.wording import digits, percent
from workbench.workspace import RunRecord, Workspace


def runs_command(arguments: Namespace, _screen: Screen) -> int:
    """The table of runs, newest first."""
    records = Workspace(arguments.workspace).records()
    if arguments.json:
        from workbench.cli.report import write_json

        for record in records:
            write_json(asdict(record) | {"event": "run"})
        return DONE
    if not records:
        _write("No runs yet. `train mlp_digits` takes seconds.")
        return DONE
    heads = ("run", "title", "status", "step", "validation", "test", "seconds", "started", "id")
    rows = [heads, *(_row(record) for record in records)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        _write("  ".join(cells).rstrip())
    return DONE


def show_command(arguments: Namespace, _screen: Screen) -> int:
    """One run: how it stands, its scores, files and spec."""
    from workbench.diagnosis import diagnose
    from workbench.export import described, spec_toml

    folder = Workspace(arguments.workspace).folder(arguments.run)
    said = diagnose(folder.history())
    about = described(folder) | {"diagnosis": said.sentence, "evidence": said.evidence}
    if arguments.json:
        from workbench.cli.report import write_json

        write_json(about)
        return DONE
    title = about["labels"].get("title", "")
    _write(f"run {about['number']}  {title}  {about['status']}  ({about['run']})")
    _write(f"step {about['step']} of {about['total_steps']}, {about['seconds']:.1f} s of training")
    _write(f"{said.sentence}  {said.evidence}")
    if about["sentence"]:
        _write(about["sentence"])
    _write_list(about)
    _write("\n" + spec_toml(folder).rstrip())
    return DONE


def export_command(arguments: Namespace, _screen: Screen) -> int:
    """Write a run's metrics, weights or spec to a file."""
    from workbench.export import export

    if arguments.step is not None and arguments.what != "weights":
        raise BadInput(f"--step goes with --what weights, not with {arguments.what}")
    folder = Workspace(arguments.workspace).folder(arguments.run)
    what, out = arguments.what, arguments.out
    size = export(folder, what, out, step=arguments.step, force=arguments.force)
    _write(f"{out}  {size} bytes")
    return DONE


def _write_list(about: Mapping[str, Any]) -> None:
    for name, value in sorted(about["scores"].items()):
        known = math.nan if value is None else value
        shown = percent(known) if name.endswith("accuracy") else digits(known)
        _write(f"  {name:22} {shown}")
    _write(f"  {'checkpoints':22} {', '.join(map(str, about['checkpoints'])) or 'none'}")
    for kind, held in about["artifacts"].items():
        _write(f"  {kind:22} {', '.join(str(artifact['step']) for artifact in held)}")
    for told in [*about["marks"], *about["problems"]]:
        _write(f"  step {told['step']}: {told.get('text') or told.get('sentence')}")


def _row(record: RunRecord) -> tuple[str, ...]:
    return (
        str(record.number),
        record.title if len(record.title) <= 40 else record.title[:39] + "…",
        record.status,
        f"{record.step}/{record.total_steps}" if record.total_steps else str(record.step),
        percent(record.summary.get("validation/accuracy", math.nan)),
        percent(record.summary.get("test/accuracy", math.nan)),
        f"{record.seconds:.1f}",
        f"{datetime.fromtimestamp(record.created):%Y-%m-%d %H:%M}",
        record.id,
    )


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
