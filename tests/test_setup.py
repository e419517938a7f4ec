"""The set-up scripts that the README names, without installing anything."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from workbench import environment

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def setup(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("set_up", ROOT / ".ci" / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    return module


class Commands:
    """Stands in for `setup.run`: keeps the commands, and makes what `venv` would make."""

    def __init__(self, module: ModuleType):
        self.module = module
        self.ran: list[list[str]] = []

    def __call__(self, command: list[str], **options: object) -> None:
        self.ran.append(command)
        if command[1:3] == ["-m", "venv"]:
            python = self.module.python_of_venv()
            python.parent.mkdir(parents=True)
            python.symlink_to(sys.executable)


@pytest.fixture
def commands(setup, monkeypatch):
    kept = Commands(setup)
    monkeypatch.setattr(setup, "run", kept)
    monkeypatch.setattr(setup, "missing_packages", lambda need: [])
    return kept


def test_that_a_first_start_makes_the_environment_and_a_second_does_nothing(setup, commands):
    assert setup.main("window") == 0
    assert [command[1:3] for command in commands.ran] == [["-m", "venv"], ["-m", "pip"]]
    assert commands.ran[1][-1] == str(setup.ROOT)
    commands.ran.clear()
    assert setup.main("window") == 0
    assert setup.main("headless") == 0
    assert commands.ran == []


def test_that_tests_bring_the_development_packages_and_are_enough_for_the_window(setup, commands):
    assert setup.main("tests") == 0
    assert commands.ran[-1][-1] == f"{setup.ROOT}[dev]"
    commands.ran.clear()
    assert setup.main("window") == 0
    assert commands.ran == []


def test_that_the_window_alone_is_not_enough_for_tests(setup, commands):
    setup.main("window")
    commands.ran.clear()
    setup.main("tests")
    assert [command[1:3] for command in commands.ran] == [["-m", "pip"]]


def test_that_a_changed_pyproject_installs_again_without_a_new_environment(setup, commands):
    setup.main("headless")
    commands.ran.clear()
    (setup.ROOT / "pyproject.toml").write_text("[project]\nname = 'y'\n")
    assert setup.main("headless") == 0
    assert [command[1:3] for command in commands.ran] == [["-m", "pip"]]


def test_that_a_failed_installation_is_tried_again(setup, commands, monkeypatch, capsys):
    def fail(command, **options):
        commands(command, **options)
        if "pip" in command:
            raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(setup, "run", fail)
    assert setup.main("headless") == 1
    assert "pip install" in capsys.readouterr().err
    monkeypatch.setattr(setup, "run", commands)
    commands.ran.clear()
    assert setup.main("headless") == 0
    assert commands.ran[-1][1:3] == ["-m", "pip"]


def test_that_a_user_who_is_not_root_is_told_the_command(setup, commands, monkeypatch, capsys):
    monkeypatch.setattr(setup, "missing_packages", lambda need: ["libegl1", "libgl1"])
    monkeypatch.setattr(setup.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000, raising=False)
    assert setup.main("window") == 1
    assert "sudo apt-get install libegl1 libgl1\n" in capsys.readouterr().err
    assert commands.ran == []


def test_that_training_without_a_window_needs_no_administrator(
    setup, commands, monkeypatch, capsys
):
    monkeypatch.setattr(setup, "missing_packages", lambda need: ["libxcb-cursor0"])
    monkeypatch.setattr(setup.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000, raising=False)
    assert setup.main("headless") == 0
    assert "libxcb-cursor0" in capsys.readouterr().err
    assert commands.ran[-1][1:3] == ["-m", "pip"]


def test_that_root_installs_what_is_missing(setup, commands, monkeypatch):
    monkeypatch.setattr(setup, "missing_packages", lambda need: ["libegl1", "xvfb"])
    monkeypatch.setattr(setup.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(setup.os, "geteuid", lambda: 0, raising=False)
    assert setup.main("tests") == 0
    assert commands.ran[0][:2] == ["apt-get", "update"]
    assert commands.ran[1][-2:] == ["libegl1", "xvfb"]


def test_that_only_libraries_that_do_not_load_are_missing(setup, monkeypatch):
    monkeypatch.setattr(setup.sys, "platform", "linux")
    monkeypatch.setattr(setup, "loads", lambda library: library != "libEGL.so.1")
    assert "libegl1" in setup.missing_packages("window")
    assert "libgl1" not in setup.missing_packages("window")


def test_that_a_library_that_is_not_there_does_not_load(setup):
    assert not setup.loads("libno-such-thing.so.7")


def test_that_a_python_without_venv_is_a_missing_package(setup, monkeypatch):
    monkeypatch.setattr(setup.sys, "platform", "linux")
    monkeypatch.setattr(setup, "loads", lambda library: True)
    monkeypatch.setattr(setup.importlib.util, "find_spec", lambda name: None)
    minor = sys.version_info[1]
    assert setup.missing_packages("headless") == [f"python3.{minor}-venv"]


def found_python(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `.ci/find-python.sh` finds when only `folder` is searched."""
    script = f'. "{ROOT}/.ci/find-python.sh"; echo "$python"'
    shell = shutil.which("sh")
    environment = {"PATH": str(folder)}
    return subprocess.run([shell, "-c", script], env=environment, capture_output=True, text=True)


def stand_in(folder: Path, name: str, code: int) -> None:
    """A program called `name` that only exits with `code`."""
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {code}\n")
    path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sh; it uses pip alone")
def test_that_a_python_that_is_too_old_is_passed_over(tmp_path):
    stand_in(tmp_path, "python3", 1)
    stand_in(tmp_path, "python3.12", 0)
    assert found_python(tmp_path).stdout == "python3.12\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sh; it uses pip alone")
def test_that_no_python_ends_with_what_to_install(tmp_path):
    stand_in(tmp_path, "python3", 1)
    answer = found_python(tmp_path)
    assert answer.returncode == 1
    assert "sudo apt-get install python3 python3-venv" in answer.stderr


def test_that_the_readme_names_the_two_commands_and_ci_runs_the_second():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in (".ci/start", ".ci/test"):
        assert f"sh {command}\n" in readme
        assert (ROOT / command).is_file()
    assert '/test" "$@"' in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def installed(**packages: str):
    def version(name: str) -> str:
        known = {"PySide6-Essentials": packages.get("essentials"), "PySide6": packages.get("whole")}
        if known.get(name) is None:
            raise environment.PackageNotFoundError(name)
        return known[name]

    return version


@pytest.mark.parametrize(
    ("packages", "python", "refused"),
    [
        ({"essentials": "6.12.0"}, (3, 11), True),
        ({"essentials": "6.12.1"}, (3, 11), True),
        ({"whole": "6.12.0"}, (3, 11), True),
        ({"essentials": "6.12.0"}, (3, 12), False),
        ({"essentials": "6.11.3"}, (3, 11), False),
        ({"essentials": "6.1.2"}, (3, 11), False),
    ],
)
def test_that_qt_6_12_is_refused_before_python_3_12(packages, python, refused, monkeypatch):
    monkeypatch.setattr(environment, "version", installed(**packages))
    sentence = environment.qt_refusal(python)
    assert bool(sentence) == refused
    if refused:
        assert next(iter(packages.values())) in sentence
        assert "\n" not in sentence


def test_that_a_missing_qt_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr(environment, "version", installed())
    assert "PySide6-Essentials" in environment.qt_refusal((3, 11))


def test_that_the_window_is_not_opened_with_a_refused_qt(monkeypatch, capsys):
    import main

    monkeypatch.setattr(environment, "qt_refusal", lambda: "No, because.")
    assert main.Screen().window(None) == 1
    assert capsys.readouterr().err == "No, because.\n"
