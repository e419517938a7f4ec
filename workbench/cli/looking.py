"""`probe` and `shot`: pictures of a model's inside, and of the window."""

import os
import sys
from argparse import Namespace

from workbench.cli.entry import DONE, BadInput, Screen


def probe_command(arguments: Namespace, _screen: Screen) -> int:
    """Run a probe on a stored model; writes its arrays (npz) and pictures (png)."""
    from engines import registry
    from workbench.cli.report import write_json
    from workbench.cli.training import logged, set_up_torch
    from workbench.probing import probe, write
    from workbench.workspace import Workspace

    known = [entry.name for entry in registry.probe]
    if arguments.probe not in known:
        raise BadInput(f"no probe is called {arguments.probe!r}; there are {', '.join(known)}")
    workspace = Workspace(arguments.workspace)
    folder = workspace.folder(arguments.run)
    kept = [step for step, _ in folder.files("weights")]
    if arguments.step is not None and arguments.step not in kept:
        steps = ", ".join(str(step) for step in kept) or "none"
        raise BadInput(f"--step {arguments.step}: weights were kept of {steps}")
    set_up_torch(0)
    where = {"step": arguments.step, "split": arguments.split}
    with logged(workspace.root):
        arrays, meta = probe(folder, workspace, arguments.probe, **where)
    classes = len(folder.history().context.get("classes", ()))
    paths = [str(path) for path in write(arrays, arguments.probe, arguments.out, classes)]
    if arguments.json:
        step = kept[-1] if arguments.step is None else arguments.step
        shapes = {name: list(values.shape) for name, values in arrays.items()}
        write_json(meta | {"run": folder.id, "step": step, "arrays": shapes, "files": paths})
    else:
        sys.stdout.write("".join(f"{path}\n" for path in paths))
    return DONE


def shot_command(arguments: Namespace, screen: Screen) -> int:
    """Draw the window into a PNG."""
    # Without a screen, and not on one that happens to be there.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    words = arguments.target, arguments.run, arguments.size, arguments.theme
    try:
        screen.shot(*words, arguments.workspace, arguments.out)
    except ValueError as error:
        raise BadInput(str(error)) from error
    return DONE
