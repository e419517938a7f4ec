"""`kill -9` at any instant: nothing finished is damaged, and the run goes on as if nothing was."""

import copy
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.workbench.runs import (
    CNN,
    ROOT,
    SCRIPT,
    Scripted,
    assert_same_end,
    create,
    forked,
    measured,
    told,
    train,
    trained,
)
from workbench.durable import is_locked

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL and forkserver are POSIX")


def long(steps, **watching):
    """The CNN's spec for so many steps."""
    spec = copy.deepcopy(CNN)
    spec["training"] |= {"epochs": 1000, "max_steps": steps}
    spec["watching"] |= watching
    return spec


def wait_for(condition, process, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition() and process.is_alive():
        assert time.monotonic() < deadline, "the child did not get there"
        time.sleep(0.005)


def assert_sound(folder):
    """Every file that the database lists is whole, and every stored number finite."""
    for kind in ("weights", "resume"):
        for _, path in folder.files(kind):
            folder.verified(path)
    for _, path in folder.files("weights"):
        assert all(values.isfinite().all() for values in load_file(path).values())
    for _, path in folder.files("resume"):
        torch.load(path, weights_only=True)
    for steps, values in measured(folder).values():
        assert (np.diff(steps) > 0).all()
        assert np.isfinite(values).all()


def test_that_fifteen_kills_damage_nothing_and_change_nothing(workspace):
    spec = long(450, evaluate_every=40, checkpoint_steps=5)
    whole, folder = trained(workspace, spec), create(workspace, spec)
    chance = random.Random(5)
    kills = 0
    while kills < 15:
        before = len(told(folder))
        child = forked(folder, workspace, pause=0.005)  # a quick machine must not finish
        wait_for(lambda: is_locked(folder.lock_file), child)
        if kills % 3:  # a third are killed while they start
            wait_for(lambda before=before: len(told(folder)) > before, child)
        time.sleep(chance.uniform(0, 0.1))
        child.kill()
        child.join()
        kills += 1
        if folder.status() == "finished":
            break
        assert folder.status() == "interrupted"
        assert workspace.record(folder.id).status == "interrupted"
        assert_sound(folder)
    assert kills >= 8
    assert train(folder, workspace)[-1].reason == "finished"
    assert_same_end(whole, folder)


def test_that_a_kill_loses_at_most_a_second_of_metrics(workspace):
    # Nothing but the clock may store metrics here: no evaluation, no checkpoint.
    spec = long(1_000_000, evaluate_every=1_000_000, checkpoint_steps=0)
    folder = create(workspace, spec)
    child = forked(folder, workspace)
    wait_for(lambda: len(told(folder)) > 6, child)
    moment = time.time()
    child.kill()
    child.join()
    safe = max(step for step, when in told(folder) if when < moment - 1.0)
    assert safe > 0
    assert measured(folder)["train/loss"][0][-1] >= safe


def test_that_a_rate_changed_before_the_kill_is_changed_again(workspace):
    spec = long(60, checkpoint_steps=50, evaluate_every=1000)
    whole = create(workspace, spec)
    train(whole, workspace, Scripted({10: lambda c: c.set_learning_rate(1e-4)}))
    folder = create(workspace, spec | {"training": spec["training"] | {"max_steps": 60}})
    child = forked(folder, workspace, rate_at=10)
    wait_for(lambda: folder.database.exists() and folder.history().marks, child)
    child.kill()
    child.join()
    assert next(step for step, _ in folder.files("resume")) == 0
    assert train(folder, workspace)[-1].reason == "finished"
    assert_same_end(whole, folder)
    rates = measured(folder)["learning_rate"][1]
    assert rates[10] < rates[9] / 10


def test_that_a_fresh_interpreter_killed_at_random_is_resumed_exactly(workspace):
    spec = long(60, checkpoint_steps=6)
    whole, folder = trained(workspace, spec), create(workspace, spec)
    command = [sys.executable, "-c", SCRIPT, str(workspace.root), folder.id]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as child:
        while child.poll() is None and not folder.files("resume"):
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.4))
        child.send_signal(signal.SIGKILL)
    assert_sound(folder)
    if folder.status() != "finished":  # a quick machine may have been done already
        assert train(folder, workspace)[-1].reason == "finished"
    assert_same_end(whole, folder)


HALF_COMMIT = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 2")  # pages are written before the commit
connection.execute("BEGIN")
connection.executemany(
    "INSERT INTO block VALUES (?, 1, 0.1, '[]', zeroblob(9000))", [(k,) for k in range(999, 1999)]
)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_that_a_commit_cut_in_half_is_undone_for_readers(workspace, tiny_spec):
    folder = trained(workspace, tiny_spec)
    before = measured(folder)
    subprocess.run([sys.executable, "-c", HALF_COMMIT, str(folder.database)], check=False)
    assert (folder.path / "metrics.db-journal").exists()
    after = measured(folder)
    assert after.keys() == before.keys()
    assert after["train/loss"][1].tolist() == before["train/loss"][1].tolist()
    with closing(sqlite3.connect(folder.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
