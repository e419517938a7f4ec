"""Train the same CNN and ViT four ways, interleaved, and print ratios.

    python -m tests.benchmarks.bench [--steps 200] [--rounds 3] [--json FILE]

(i) a plain PyTorch script as a student writes it, (ii) the best plain script we can
write, (iii) headless through our loop with everything recorded, (iv) in the window's
worker thread with live curves. For (iv) also how late a 60 Hz timer of the GUI thread
was, and at the end the seconds to first paint and until torch is ready.
"""

import argparse
import gc
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from tests.benchmarks.lateness import Lateness
from tests.benchmarks.plain_scripts import best_plain, student, unpacked_for_torchvision

BATCH = 128
MODELS: dict[str, dict[str, Any]] = {
    "cnn": {"kind": "cnn"},
    "vit": {"kind": "vit"},
}


def spec_of(model: str, steps: int, precision: str) -> Any:
    """The experiment that the loop trains: the plain scripts' settings."""
    from workbench.spec import parse

    return parse(
        {
            "model": MODELS[model],
            "schedule": {"kind": "constant"},
            "training": {"batch_size": BATCH, "max_steps": steps, "epochs": 5},
            "watching": {"evaluate_every": 10**6, "checkpoint_seconds": 0.0},
            "precision": precision,
        }
    )


def per_step(history: Any, skip: int) -> float:
    """Milliseconds per step of a finished run, evaluations and the first steps left out."""
    speed = history.get("samples_per_second")
    steps = [skip, *speed.steps[speed.steps > skip].tolist()]
    weights = [after - before for before, after in itertools.pairwise(steps)]
    seconds = [BATCH / value for value in speed.values[speed.steps > skip].tolist()]
    return sum(w * s for w, s in zip(weights, seconds, strict=True)) / sum(weights) * 1e3


def headless(model: str, steps: int, precision: str) -> float:
    """(iii) our loop with its recorder, no window; ms per step."""
    from engines.control import Control
    from workbench.runner import perform
    from workbench.workspace import Workspace

    with tempfile.TemporaryDirectory() as root:
        workspace = Workspace(Path(root))
        folder = workspace.create(spec_of(model, steps, precision).model_dump(mode="json"))
        ended = perform(folder, workspace, Control(), lambda event: None)
        assert ended.reason == "finished", ended
        return per_step(folder.history(), skip=5)


def windowed(model: str, steps: int, precision: str) -> tuple[float, list[float]]:
    """(iv) the window's worker thread with its curves on screen; ms per step, and lateness."""
    from ui.app import make_application
    from ui.controller import Controller
    from ui.settings import Settings
    from ui.shell import Shell
    from ui.shot import wait, wait_until
    from workbench.workspace import Workspace

    with tempfile.TemporaryDirectory() as root:
        settings = Settings(workspace=root, theme="dark")
        make_application(settings)
        controller = Controller(Workspace(Path(root)), settings)
        shell = Shell(controller)
        shell.resize(1600, 900)
        shell.show()
        gc.freeze()  # as ui.loading does once torch is there
        controller.engine_loaded()
        shell.show_page("experiment")
        wait_until(lambda: not controller.background.busy, 30)
        wait(500)
        run = controller.start(spec_of(model, steps, precision).model_dump(mode="json"))
        controller.open_run(run)
        wait_until(lambda: controller.history(run).step > 5, 60)
        lateness = Lateness()
        wait_until(lambda: not controller.is_live(run), 600)
        late = lateness.stop()
        history = controller.history(run)
        assert history.status == "finished", history.ended
        shell.hide()
        controller.close()
        shell.deleteLater()
        wait(50)
        return per_step(history, skip=5), late


def start_up() -> dict[str, float]:
    """Seconds from the start of the process to first paint and to torch being ready."""
    with tempfile.TemporaryDirectory() as root:
        child = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.start_up", root],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
            env=os.environ | {"BENCH_BORN": str(time.time())},
        )
    return json.loads(child.stdout.strip().splitlines()[-1])


def measure(model: str, steps: int, rounds: int, root: Path) -> dict[str, Any]:
    """All four ways of training one model, interleaved; medians over the rounds."""
    import torch

    from engines.data import load
    from workbench.assembly import build_model, load_data

    load("fashion_mnist")
    spec = spec_of(model, steps, "fp32")
    dataset = load_data(spec)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    images = dataset.train.images_NCHW.to(device)
    labels = dataset.train.labels_N.to(device)

    def best(bf16: bool) -> float:
        made = build_model(spec, dataset)
        last = getattr(made, "channels_last", False)
        return best_plain(made, images, labels, steps, BATCH, bf16=bf16, channels_last=last)

    pays = best(True) < 0.9 * best(False)
    precision = "bf16" if pays else "fp32"
    ways: dict[str, Callable[[], Any]] = {
        "i": lambda: student(build_model(spec, dataset), root, steps, BATCH, device),
        "ii": lambda: best(pays),
        "iii": lambda: headless(model, steps, precision),
        "iv": lambda: windowed(model, steps, precision),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    late: list[float] = []
    for _ in range(rounds):
        for way, go in ways.items():
            result = go()
            if way == "iv":
                result, ticks = result
                late += ticks
            times[way].append(result)
    middle = {way: statistics.median(values) for way, values in times.items()}
    late.sort()
    return {
        "model": model,
        "precision": precision,
        "ms_per_step": middle,
        "all": times,
        "iii against i": middle["i"] / middle["iii"],
        "iii against ii": middle["ii"] / middle["iii"],
        "iv against iii": middle["iii"] / middle["iv"],
        "late_ms": {
            "median": statistics.median(late),
            "p99": late[int(0.99 * len(late))],
            "max": late[-1],
        },
    }


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    options = parser.parse_args()
    from workbench.environment import keep_freed_memory, processor, training_threads

    keep_freed_memory()
    import torch

    torch.set_num_threads(training_threads())
    report: dict[str, Any] = {
        "machine": f"{processor()}, {os.cpu_count()} cores, {platform.system()}",
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "start": start_up(),
        "models": [],
    }
    print(json.dumps({k: v for k, v in report.items() if k != "models"}))
    with tempfile.TemporaryDirectory() as root:
        unpacked_for_torchvision(Path(root))
        for model in options.models:
            result = measure(model, options.steps, options.rounds, Path(root))
            report["models"].append(result)
            print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
