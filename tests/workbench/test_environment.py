"""What decides the bits of a run, and what is said when it changed."""

import json
import platform

import pytest
import torch

from workbench.environment import (
    DECISIVE,
    differences,
    fingerprint,
    keep_freed_memory,
    processor,
    training_threads,
)


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


def test_that_keeping_memory_may_be_asked_twice():
    keep_freed_memory()
    keep_freed_memory()
