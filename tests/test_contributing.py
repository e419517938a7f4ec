"""The files that CONTRIBUTING.md tells people to write, written into a copy of the program."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^### (A [a-z ]+)\n(.*?)^```(?:python|toml)\n(.*?)^```\n", re.M | re.S)
FILES = {
    "A model": "engines/models/linear.py",
    "A loss": "engines/losses/focal.py",
    "A data set": "engines/data/noise.py",
    "A view": "ui/views/best.py",
    "A preset": "resources/presets/learn_nothing.toml",
}
# The tests that run over every entry and every file, asked for the new ones only.
GENERAL = (
    "tests/test_architecture.py",
    "tests/engines/test_models.py",
    "tests/engines/test_losses_declared.py",
    "tests/engines/test_registry.py",
)
OURS = "linear or focal or noise] or noise.py] or best.py]"

CHECK = f"""
import math, sys
from pathlib import Path

import engines
assert Path(engines.__file__).is_relative_to(Path.cwd()), engines.__file__

import numpy as np
import pytest
import torch
torch.set_num_threads(1)
import ui
from PySide6.QtWidgets import QApplication
from engines import registry
from engines.events import Metrics, RunEnded, RunStarted, Scores
from workbench.history import History
from workbench.assembly import check, load_data
from workbench.presets import preset
from workbench.spec import parse

net = registry.model["linear"].make((1, 4, 4), 10)
scores = net(torch.randn(2, 1, 4, 4))
value = registry.loss["focal"].make(scores, torch.tensor([3, 9]))
value.backward()
assert math.isfinite(value.item())
assert net.head.weight.grad.isfinite().all() and net.head.weight.grad.any()
equal = registry.loss["focal"].make(torch.zeros(1, 10), torch.tensor([3])).item()
assert abs(equal - 0.81 * math.log(10)) < 1e-6

(raw,) = preset("learn_nothing").specs()
spec = parse(raw | {{"model": {{"kind": "linear"}}, "loss": {{"kind": "focal"}}}})
data = load_data(spec)
check(spec, data)
assert data.shape == (1, 16, 16) and data.classes == ("a", "b")

app = QApplication([])
from ui.panels.viewgroup import make_views
from ui.theme import theme
theme().apply(app, "light")
views, broken = make_views()
assert not broken, broken
(view,) = [view for view in views if view.title == "Best"]
said = []

def look(history, cursor=None):
    view.show_history(history, cursor)
    assert not view.grab().isNull()
    said.append(view.words.text())

look(None)
history = History()
history.add(RunStarted(0, 100, 10))
look(history)
history.add(Scores(10, {{"validation/accuracy": 0.75}}))
history.add(Metrics(11, ("train/loss",), np.ones((10, 1), np.float32), 0.1))
history.add(Scores(20, {{"validation/accuracy": 0.5}}))
look(history)
look(history, 5)
history.add(RunEnded(20, "failed", "The loss became nan."))
look(history)
assert said[2] == said[4] == "75 % at step 10", said
assert said[1] == said[3] != said[0], said

sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *{GENERAL!r}, "-k", {OURS!r}]))
"""


@pytest.fixture
def copied(tmp_path):
    """The program with every file of the how-tos in its place."""
    ignored = shutil.ignore_patterns("__pycache__")
    for part in ("engines", "workbench", "ui", "tests", "resources/presets"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignored)
    for resource in (ROOT / "resources").iterdir():
        if resource.name != "presets":
            (tmp_path / "resources" / resource.name).symlink_to(resource)
    for name in ("pyproject.toml", "main.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    for heading, _, content in blocks():
        path = tmp_path / FILES[heading]
        assert not path.exists(), f"{path.name} exists: the how-to needs another name"
        path.write_text(content, encoding="utf-8")
    return tmp_path


def blocks():
    """(heading, words before the code, code) of every how-to that has code."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    sections = re.split(r"(?m)^(?=### )", text)
    return [found.groups() for section in sections if (found := BLOCK.match(section))]


def test_that_each_how_to_names_the_file_that_it_shows():
    told = {heading: words for heading, words, _ in blocks()}
    assert told.keys() == FILES.keys()
    for heading, words in told.items():
        folder, _, name = FILES[heading].rpartition("/")
        assert f"`{name}`" in words
        assert f"`{folder}`" in words


def test_that_what_the_how_tos_show_works_as_it_is_written(copied):
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=copied,
        env={**os.environ, "PYTHONPATH": str(copied), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    passed = int(re.search(r"(\d+) passed", done.stdout).group(1))
    assert passed >= 20, done.stdout
