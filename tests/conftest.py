"""Shared by every test: no screen, one torch thread, a workspace, a run that takes a second."""

import os
import sys
import threading

import pytest
from hypothesis import settings

# The same examples every time, or a rare one would fail somebody's unrelated change. To search
# for new ones: pytest --hypothesis-profile=search
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile("steady")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Bits depend on torch's threads; tests that never import torch don't pay for it."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture
def workspace(tmp_path):
    """An empty workspace."""
    from workbench.workspace import Workspace

    return Workspace(tmp_path / "workspace")


@pytest.fixture
def tiny_spec():
    """Plain values of a run of 20 steps: an MLP on a part of the digits."""
    return {
        "data": {"kind": "digits", "train_images": 256},
        "model": {"kind": "mlp", "hidden": [16]},
        "training": {"epochs": 5, "batch_size": 64},
        "watching": {"evaluate_every": 10, "checkpoint_seconds": 0.0, "checkpoint_steps": 5},
        "device": "cpu",
    }


@pytest.fixture
def no_thread_left():
    """Fail a test that leaves a thread of a run behind."""
    yield
    left = [t.name for t in threading.enumerate() if t.name.startswith(("run-", "recorder-"))]
    assert not left, f"threads left behind: {left}"
