"""What decides the bits of a run, and what is said when it changed."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from workbench.environment import (
    DECISIVE,
    differences,
    fingerprint,
    processor,
    training_threads,
)

ROOT = Path(__file__).resolve().parents[2]


def test_that_the_fingerprint_names_what_decides_and_is_plain():
    facts = fingerprint("cpu")
    assert set(DECISIVE) <= set(facts)
    assert json.loads(json.dumps(facts)) == facts
    assert facts["torch"] == torch.__version__.partition("+")[0] or facts["torch"] == (
        torch.__version__
    )
    assert facts["threads"] == torch.get_num_threads()
    assert facts["python"] == platform.python_version()


@pytest.mark.parametrize("name", DECISIVE)
def test_that_each_decisive_fact_is_told_when_it_changed(name):
    before = fingerprint("cpu")
    assert differences(before, before) == []
    assert differences(before, before | {name: "new"}) == [f"{name} was {before[name]} and is new"]


def test_that_facts_that_decide_nothing_or_were_not_known_are_left_out():
    before = fingerprint("cpu")
    assert differences(before, before | {"python": "2.7", "system": "x"}) == []
    assert differences({}, before) == []


def test_that_the_window_keeps_a_core_where_there_are_some(monkeypatch):
    for cores, threads in ((None, 1), (1, 1), (2, 2), (3, 2), (16, 15)):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        assert training_threads() == threads
    assert training_threads(4) == 4
    assert training_threads(99) == 16


def test_that_the_processor_has_a_name():
    assert processor()


# Prints how many MB of a freed block of 200 MB the process still holds.
FREEING = """
import ctypes, sys
from workbench.environment import keep_freed_memory

for _ in range(int(sys.argv[1])):
    keep_freed_memory()

def held():
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * 4096 / 1e6

system = ctypes.CDLL(None)
system.malloc.restype, system.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
system.free.argtypes = [ctypes.c_void_p]
before = held()
block = system.malloc(200_000_000)
ctypes.memset(block, 1, 200_000_000)
assert held() > before + 190
system.free(block)
print(held() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
@pytest.mark.parametrize(("asked", "kept"), [(0, False), (1, True), (2, True)])
def test_that_a_freed_block_stays_with_the_process_once_asked_for(asked, kept):
    command = [sys.executable, "-c", FREEING, str(asked)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (float(answer.stdout) > 190) == kept
