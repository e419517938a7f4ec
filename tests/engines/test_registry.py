"""Declaring an entry: its knobs, its name, and what is refused."""

import importlib
import sys
import threading
import time
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from engines import registry
from engines.registry import BrokenModule, Registry, SplitKnobs, own_knobs, snake_case

REGISTRIES = [registry.model, registry.loss, registry.dataset, registry.task]
ENTRIES = [entry for kind in REGISTRIES for entry in kind]


@pytest.fixture
def things():
    made = Registry("thing", "engines.losses", SplitKnobs)

    @made("A thing", formula="x", unit="nats")
    def some_thing(first, *, size: Annotated[int, Field(ge=1)] = 3, name: str = "n"):
        """First sentence
        on two lines.

        More.
        """
        return first, size, name

    return made


def test_that_keyword_only_arguments_become_knobs(things):
    entry = things["some_thing"]
    assert own_knobs(entry) == ["size", "name"]
    assert set(entry.knobs.model_fields) == {"size", "name", *SplitKnobs.model_fields}
    assert entry.knobs().size == 3
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        entry.knobs(size=0)
    with pytest.raises(ValidationError, match="sise"):
        entry.knobs(sise=2)
    with pytest.raises(ValidationError, match="frozen"):
        entry.knobs().size = 4


def test_that_make_gives_what_the_program_supplies_and_the_knobs(things):
    entry = things["some_thing"]
    assert entry.make("x") == ("x", 3, "n")
    assert entry.make("x", knobs=entry.knobs(size=9, classes=("a",))) == ("x", 9, "n")


def test_that_an_entry_tells_what_it_was_declared_with(things):
    entry = things["some_thing"]
    assert (entry.name, entry.title, entry.formula) == ("some_thing", "A thing", "x")
    assert entry.extra == {"unit": "nats"}
    assert entry.summary == "First sentence on two lines."


def test_that_a_name_declared_twice_is_refused(things):
    def some_thing():
        """Again."""

    with pytest.raises(ValueError, match="'some_thing' is declared twice"):
        things("Other")(some_thing)


def test_that_an_entry_without_words_is_refused(things):
    def silent():
        pass

    with pytest.raises(ValueError, match="'silent' has no docstring"):
        things("Silent")(silent)


def test_that_an_unknown_name_is_answered_with_the_known_ones(things):
    with pytest.raises(KeyError, match="no thing is called 'x'; there are some_thing"):
        things["x"]


@pytest.mark.parametrize(
    ("name", "snake"),
    [("ResNet", "resnet"), ("CrossEntropy", "cross_entropy"), ("MLP", "mlp"), ("hinge", "hinge")],
)
def test_that_names_are_spelled_as_specs_do(name, snake):
    assert snake_case(name) == snake


def test_that_a_second_thread_waits_until_the_registry_is_whole(tmp_path, monkeypatch):
    package = tmp_path / "slow_entries"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("import time; time.sleep(0.3)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    made, seen = Registry("thing", "slow_entries"), []

    def look():
        made.discover()
        seen.append(sys.modules.get("slow_entries.one"))

    threads = [threading.Thread(target=made.discover), threading.Thread(target=look)]
    threads[0].start()
    time.sleep(0.1)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert hasattr(seen[0], "time")


BROKEN = """
from engines import registry
from broken_entries import made

@made("A thing")
def some_thing():
    \"\"\"A sentence.\"\"\"

import {missing}
"""


def test_that_a_file_which_can_not_be_imported_is_named_each_time(tmp_path, monkeypatch):
    package = tmp_path / "broken_entries"
    package.mkdir()
    words = "from engines.registry import Registry\nmade = Registry('thing', 'broken_entries')\n"
    (package / "__init__.py").write_text(words)
    file = package / "one.py"
    file.write_text(BROKEN.format(missing="no_such_package"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from broken_entries import made

    said = r"broken_entries/one\.py can't be imported: No module named 'no_such_package'"
    for _ in range(2):  # not "declared twice" at the second try
        with pytest.raises(BrokenModule, match=said) as caught:
            made["some_thing"]
        assert isinstance(caught.value.__cause__, ModuleNotFoundError)
        assert not isinstance(caught.value, ModuleNotFoundError)
    file.write_text(BROKEN.format(missing="math"))
    importlib.invalidate_caches()
    assert made["some_thing"].title == "A thing"
    for name in ("broken_entries", "broken_entries.one"):
        del sys.modules[name]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_that_every_entry_is_documented_and_its_defaults_are_valid(entry):
    assert entry.title
    assert len(entry.doc) > 30
    assert entry.summary.endswith((".", ":")), entry.summary
    defaults = entry.knobs().model_dump()
    assert entry.knobs(**defaults) == entry.knobs()
    for name, field in entry.knobs.model_fields.items():
        assert field.description, f"{entry.name}.{name} has no description"
