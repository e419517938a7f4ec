"""Files written whole, and locks that one process holds."""

import errno
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import workbench.durable
from workbench.durable import TEMPORARY, Locked, atomic_write, digest_of, is_locked, lock, sweep

ROOT = Path(__file__).parents[2]


def test_that_what_is_written_is_read_back_with_its_digest(tmp_path):
    path = tmp_path / "file"
    for content in (b"", b"one", bytes(range(256)) * 5000):
        digest = atomic_write(path, content)
        assert path.read_bytes() == content
        assert digest == hashlib.sha256(content).hexdigest() == digest_of(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["posix_fallocate", "fsync", "replace"])
def test_that_a_failed_write_leaves_the_old_file_and_no_stray(tmp_path, monkeypatch, call):
    if not hasattr(os, call):
        pytest.skip(f"this system has no {call}")
    path = tmp_path / "file"
    atomic_write(path, b"old")

    def fail(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, b"new content")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="POSIX")
def test_that_a_file_system_that_cannot_reserve_is_written_all_the_same(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    atomic_write(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


def test_that_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "file"
    contents = {bytes([letter]) * 200_000 for letter in b"ab"}
    atomic_write(path, b"a" * 200_000)
    stop = threading.Event()
    seen = []

    def read():
        while not stop.is_set():
            seen.append(path.read_bytes())

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(20):
        for content in contents:
            atomic_write(path, content)
    stop.set()
    thread.join()
    assert set(seen) <= contents


def test_that_only_our_own_strays_are_swept(tmp_path):
    ours = tmp_path / f".weights{TEMPORARY}12-ab"
    others = [tmp_path / ".hidden", tmp_path / "weights", tmp_path / f"x{TEMPORARY}1"]
    for path in (ours, *others):
        path.touch()
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_that_a_lock_is_held_once_and_freed(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    with lock(path, "the run"):
        assert is_locked(path)
        with (
            pytest.raises(Locked, match=f"the run is in use by process {os.getpid()}"),
            lock(path, "the run"),
        ):
            pass
    assert not is_locked(path)
    with lock(path, "the run"):
        pass


def test_that_a_lock_is_freed_by_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), lock(tmp_path / "lock", "it"):
        raise ZeroDivisionError
    assert not is_locked(tmp_path / "lock")


def test_that_somebody_who_only_asks_refuses_nobody(tmp_path, monkeypatch):
    # `is_locked` holds the lock for an instant; a lock wanted just then must not be refused.
    real, held = workbench.durable._try_lock, [True, True]
    monkeypatch.setattr(
        workbench.durable, "_try_lock", lambda file: not (held and held.pop()) and real(file)
    )
    with lock(tmp_path / "lock", "it"):
        assert not held
        assert is_locked(tmp_path / "lock")


HOLD = """
import sys
from pathlib import Path
from workbench.durable import lock
with lock(Path(sys.argv[1]), "it"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_that_another_process_is_refused_until_the_holder_is_killed(tmp_path, monkeypatch):
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout.readline() == "held\n"
        assert is_locked(path)
        with pytest.raises(Locked, match=f"process {child.pid}"), lock(path, "it"):
            pass
        child.kill()
    assert not is_locked(path)
    with lock(path, "it"):
        pass


def test_that_the_lock_tries_end_soon():
    assert workbench.durable.LOCK_TRIES * workbench.durable.LOCK_PAUSE <= 0.5
