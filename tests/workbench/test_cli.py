"""The command line in processes of its own: what it prints, and its exit codes."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from engines import registry
from engines.registry import BrokenModule
from workbench.cli import run
from workbench.durable import atomic_write
from workbench.presets import presets
from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
TINY = ("train", "mlp_digits", "--threads", "1")


class NoScreen:
    """A screen that remembers what it was asked."""

    def __init__(self, root: Path):
        self.root = root
        self.asked: list[tuple] = []

    def workspace(self) -> Path:
        return self.root

    def window(self, workspace):
        self.asked.append(("window", workspace))
        return 7

    def shot(self, *words):
        self.asked.append(("shot", *words))
        if words[0] == "nowhere":
            raise ValueError("'nowhere' is neither a page nor a view; there are start, runs")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture
def screen(root):
    return NoScreen(root)


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def program(root: Path, *words: str) -> list[str]:
    return [sys.executable, str(ROOT / "main.py"), *words, "--workspace", str(root)]


def launch(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(program(root, *words), capture_output=True, text=True, timeout=120)


def lines_of(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def trained(root):
    """A finished run of 20 steps, and what the command printed."""
    answer = launch(root, *TINY, "--set", "training.max_steps=20", "--json")
    assert answer.returncode == 0, answer.stderr
    return lines_of(answer.stdout)


def test_that_train_ends_with_a_summary_of_the_stored_run(trained, root):
    summary = trained[-1]
    record = Workspace(root).record(summary["run"])
    assert summary["event"] == "summary"
    assert summary["status"] == record.status == "finished"
    assert summary["step"] == summary["total_steps"] == 20
    assert summary["number"] == record.number
    assert summary["metrics"] == record.summary
    assert set(summary["metrics"]) >= {"validation/accuracy", "test/loss", "test/accuracy"}
    assert summary["steps_per_second"] == pytest.approx(20 / record.seconds, rel=1e-6)
    assert summary["seconds"] >= record.seconds


def test_that_train_tells_what_happens_in_order(trained):
    names = [line["event"] for line in trained]
    assert names[0] == "started"
    assert names[-2:] == ["ended", "summary"]
    assert sum(line["steps"] for line in trained if line["event"] == "metrics") == 20


def test_that_people_read_progress_on_stderr_and_the_result_on_stdout(screen, capsys):
    assert run([*TINY, "--set", "training.max_steps=3", "--title", "by hand"], screen) == 0
    told = capsys.readouterr()
    assert "step 3/3" in told.err
    assert "\r" not in told.err
    assert told.out.count("\n") == 1
    assert "(by hand) finished at step 3 of 3" in told.out


def test_that_every_bad_field_is_named_and_no_run_is_made(trained, root):
    before = len(Workspace(root).records())
    answer = launch(root, *TINY, "--set", "model.hiden=3", "--set", "training.epochs=0")
    assert answer.returncode == 2
    assert answer.stderr.splitlines()[0].startswith("model.hiden: there is no such field")
    assert "'hidden'" in answer.stderr
    assert "\ntraining.epochs: " in answer.stderr
    assert "Traceback" not in answer.stderr
    assert len(Workspace(root).records()) == before


def test_that_parts_that_do_not_go_together_are_refused(root, screen, capsys):
    assert run([*TINY, "--set", "loss.kind=binary_squared_error"], screen) == 2
    assert capsys.readouterr().err == "loss.kind: needs exactly two classes, the data has 10\n"


def test_that_an_unknown_preset_names_those_there_are(screen, capsys):
    assert run(["train", "no_such"], screen) == 2
    told = capsys.readouterr().err
    assert all(preset.name in told for preset in presets())


@pytest.mark.parametrize(
    ("content", "said"),
    [("= 3", "is not TOML"), ("sed = 3", "sed: there is no such field; did you mean 'seed'?")],
)
def test_that_a_bad_spec_file_is_bad_input(content, said, screen, tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text(content)
    assert run(["train", str(path)], screen) == 2
    assert said in capsys.readouterr().err


def test_that_a_missing_spec_file_is_named(screen, capsys):
    assert run(["train", "nowhere/mine.toml"], screen) == 2
    assert "nowhere/mine.toml: can't be read" in capsys.readouterr().err


def test_that_a_setting_without_a_value_is_bad_input(screen, capsys):
    assert run([*TINY, "--set", "training.epochs"], screen) == 2
    assert "training.epochs=3" in capsys.readouterr().err


def test_that_an_unknown_command_is_bad_input(screen):
    with pytest.raises(SystemExit) as ended:
        run(["trian"], screen)
    assert ended.value.code == 2


def test_that_a_diverging_run_is_a_failure_with_its_step_named(screen, capfd):
    words = ("loss.on=scores", "optimizer.kind=sgd", "optimizer.learning_rate=10.0")
    settings = [part for word in words for part in ("--set", word)]
    assert run([*TINY, "--json", *settings, "--set", "schedule.kind=constant"], screen) == 1
    told = capfd.readouterr()
    summary = lines_of(told.out)[-1]
    assert summary["status"] == "failed"
    assert f"at step {summary['step']}" in told.err
    assert "Traceback" not in told.err


def test_that_variants_train_one_after_the_other_as_a_group(tmp_path, capsys):
    short = ("--set", "training.max_steps=2", "--set", "data.train_images=600")
    words = ("train", "hinge_against_cross_entropy", "--json", "--threads", "1")
    fast = ("--set", "data.kind=digits", "--set", "precision=fp32")
    assert run([*words, *short, *fast], NoScreen(tmp_path)) == 0
    summary = lines_of(capsys.readouterr().out)[-1]
    records = Workspace(tmp_path).records()
    assert [told["run"] for told in summary["runs"]] == [record.id for record in records][::-1]
    assert {record.kind("loss") for record in records} == {"hinge", "cross_entropy"}
    assert len({record.group for record in records}) == 1
    assert records[0].group


LONG = ("--json", "--set", "training.epochs=100", "--set", "training.max_steps=3000")


def cut_off(root: Path, number: int) -> tuple[int, dict]:
    """Exit code and summary of a training that is sent a signal once it trains."""
    with subprocess.Popen(
        program(root, *TINY, *LONG, "--set", "watching.evaluate_every=1000"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        for line in process.stdout:
            if json.loads(line)["event"] == "metrics":
                process.send_signal(number)
                break
        summary = lines_of(process.stdout.read())[-1]
        return process.wait(timeout=60), summary


@pytest.mark.skipif(os.name == "nt", reason="Windows can't send SIGINT to one process")
def test_that_an_interrupted_run_is_kept_and_resumes_to_the_same_weights(tmp_path, capsys):
    code, interrupted = cut_off(tmp_path, signal.SIGINT)
    assert code == 130
    assert interrupted["status"] == "interrupted"
    assert 0 < interrupted["step"] < interrupted["total_steps"]
    screen = NoScreen(tmp_path)
    assert run(["resume", str(interrupted["number"]), "--json"], screen) == 0
    assert run([*TINY, *LONG, "--set", "watching.evaluate_every=1000"], screen) == 0
    told = lines_of(capsys.readouterr().out)
    resumed, whole = (line for line in told if line["event"] == "summary")
    assert resumed["run"] == interrupted["run"]
    assert resumed["metrics"] == whole["metrics"]
    last = f"weights/{whole['step']:08d}.safetensors"
    first, second = (Path(end["folder"], last).read_bytes() for end in (resumed, whole))
    assert first == second


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to catch")
def test_that_a_terminated_run_is_kept_too(tmp_path):
    code, interrupted = cut_off(tmp_path, signal.SIGTERM)
    assert code == 130
    record = Workspace(tmp_path).record(interrupted["run"])
    assert (record.status, record.step) == ("interrupted", interrupted["step"])


def test_that_a_finished_run_is_not_resumed(trained, screen, capsys):
    assert run(["resume", str(trained[-1]["number"])], screen) == 2
    assert "finished: there is nothing to resume" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["resume", "show"])
def test_that_an_unknown_run_is_bad_input(command, screen, capsys):
    assert run([command, "999"], screen) == 2
    assert "'999'" in capsys.readouterr().err


def listed(screen, capsys, *words: str) -> list[dict]:
    assert run(["list", *words, "--json"], screen) == 0
    return lines_of(capsys.readouterr().out)


def test_that_list_has_every_registered_entry_with_all_its_settings(screen, capsys):
    told = {(entry["list"], entry["name"]): entry for entry in listed(screen, capsys)}
    for what, entries in {
        "tasks": registry.task,
        "models": registry.model,
        "losses": registry.loss,
        "datasets": registry.dataset,
        "probes": registry.probe,
    }.items():
        names = [entry.name for entry in entries]
        assert [name for kind, name in told if kind == what] == names
        for entry in entries:
            knobs = told[what, entry.name]["knobs"]
            assert [knob["name"] for knob in knobs] == list(entry.knobs.model_fields)
            assert told[what, entry.name]["doc"] == entry.doc
    assert [name for kind, name in told if kind == "presets"] == [p.name for p in presets()]


def test_that_a_listed_setting_has_its_type_limits_and_default(screen, capsys):
    told = {entry["name"]: entry for entry in listed(screen, capsys, "losses")}
    (margin,) = told["hinge"]["knobs"]
    assert margin["type"] == "number"
    assert (margin["exclusiveMinimum"], margin["maximum"], margin["default"]) == (0, 100, 1.0)
    assert margin["description"].endswith(".")
    (on,) = told["squared_error"]["knobs"]
    assert on["choices"] == ["probabilities", "scores"]


def test_that_every_loss_is_listed_with_its_formula(screen, capsys):
    for entry in listed(screen, capsys, "losses"):
        assert entry["formula_text"].startswith("L = "), entry["name"]


def test_that_the_list_for_people_shows_formula_and_ranges(screen, capsys):
    assert run(["list", "losses"], screen) == 0
    text = capsys.readouterr().out
    assert "L = 1/N · Σ_i Σ_{j≠y_i} max(0, s_ij - s_iy_i + Δ)" in text
    assert "number, > 0, ≤ 100, default 1.0" in text


def test_that_runs_are_listed_newest_first(trained, screen, root, capsys):
    assert run(["runs", "--json"], screen) == 0
    numbers = [told["number"] for told in lines_of(capsys.readouterr().out)]
    assert numbers == sorted(numbers, reverse=True)
    assert run(["runs"], screen) == 0
    table = capsys.readouterr().out
    assert len(table.splitlines()) == len(numbers) + 1
    assert trained[-1]["run"] in table


def test_that_show_tells_how_a_run_stands(trained, screen, capsys):
    summary = trained[-1]
    assert run(["show", summary["run"], "--json"], screen) == 0
    (told,) = lines_of(capsys.readouterr().out)
    assert told["status"] == "finished"
    assert told["scores"] == summary["metrics"]
    assert told["checkpoints"][-1] == 20
    assert told["diagnosis"].startswith("Finished.")
    assert run(["show", summary["run"]], screen) == 0
    assert 'kind = "digits"' in capsys.readouterr().out


def test_that_export_writes_once_unless_forced(trained, screen, tmp_path, capsys):
    words = ["export", str(trained[-1]["number"]), "--what", "csv", "--out"]
    target = str(tmp_path / "run.csv")
    assert run([*words, target], screen) == 0
    assert run([*words, target], screen) == 1
    assert "--force" in capsys.readouterr().err
    assert run([*words, target, "--force"], screen) == 0


def test_that_an_exported_spec_trains_to_the_same_scores(trained, screen, tmp_path, capsys):
    target = tmp_path / "again.toml"
    words = ["export", str(trained[-1]["number"]), "--what", "spec", "--out", str(target)]
    assert run(words, screen) == 0
    capsys.readouterr()
    assert run(["train", str(target), "--json", "--threads", "1"], screen) == 0
    assert lines_of(capsys.readouterr().out)[-1]["metrics"] == trained[-1]["metrics"]


def test_that_probe_writes_arrays_and_pictures(trained, screen, tmp_path, capsys):
    summary = trained[-1]
    words = ["probe", str(summary["number"]), "predictions", "--out", str(tmp_path), "--json"]
    assert run(words, screen) == 0
    (told,) = lines_of(capsys.readouterr().out)
    assert told["accuracy"] == pytest.approx(summary["metrics"]["test/accuracy"])
    assert all(Path(path).is_file() for path in told["files"])


def test_that_an_unknown_probe_or_step_names_what_there_is(trained, screen, tmp_path, capsys):
    words = ["probe", str(trained[-1]["number"])]
    out = ["--out", str(tmp_path)]
    assert run([*words, "x_ray", *out], screen) == 2
    assert "there are predictions" in capsys.readouterr().err
    assert run([*words, "predictions", "--step", "7", *out], screen) == 2
    assert "weights were kept of 0, " in capsys.readouterr().err


def test_that_no_command_is_the_window(screen, tmp_path):
    assert run([], screen) == 7
    assert run(["--workspace", str(tmp_path)], screen) == 7
    assert screen.asked == [("window", None), ("window", tmp_path)]


def test_that_the_window_starts_without_torch_numpy_and_pydantic():
    code = (
        "import sys, main; main.Screen.window = lambda self, workspace: 0; main.main(); "
        "print([n for n in ('torch', 'numpy', 'pydantic', 'PySide6') if n in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.stdout == "[]\n", answer.stderr


def test_that_shot_passes_on_what_was_asked(screen, root, tmp_path, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    out = tmp_path / "a.png"
    words = ["shot", "Confusion", "--run", "2", "--size", "1366x768", "--theme", "dark"]
    assert run([*words, "--out", str(out)], screen) == 0
    assert screen.asked == [("shot", "Confusion", "2", (1366, 768), "dark", root, out)]


def test_that_an_unknown_page_is_bad_input(screen, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert run(["shot", "nowhere", "--out", str(tmp_path / "a.png")], screen) == 2
    assert "there are start, runs" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["1600", "1600x", "axb", "20x20", "-5x700"])
def test_that_a_size_is_two_numbers_of_pixels(size, screen, capsys):
    with pytest.raises(SystemExit):
        run(["shot", "start", f"--size={size}", "--out", "a.png"], screen)
    assert "--size" in capsys.readouterr().err


def test_that_a_fault_of_the_program_is_a_sentence_first(screen, monkeypatch, capsys):
    def break_down(*_):
        raise TypeError("wires crossed")

    monkeypatch.setattr("workbench.cli.listing.list_command", break_down)
    assert run(["list", "presets"], screen) == 1
    told = capsys.readouterr().err
    assert told.startswith("A fault of the program: TypeError: wires crossed\nDetails:\n")


def test_that_a_missing_package_is_named_with_the_remedy(screen, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.delitem(sys.modules, "workbench.presets")
    monkeypatch.delitem(sys.modules, "workbench.cli.listing", raising=False)
    assert run(["list", "presets"], screen) == 1
    assert capsys.readouterr().err == (
        "The package tomllib isn't installed. `sh .ci/start` sets everything up.\n"
    )


def test_that_a_broken_file_of_ours_is_named_and_is_no_missing_package(screen, monkeypatch, capsys):
    def discover():
        raise BrokenModule("engines/models/mine.py can't be imported: no wood") from NameError("x")

    monkeypatch.setattr("workbench.cli.listing.list_command", lambda *_: discover())
    assert run(["list", "models"], screen) == 1
    told = capsys.readouterr().err
    assert told.startswith("engines/models/mine.py can't be imported: no wood\nDetails:\n")
    assert "isn't installed" not in told


def test_that_a_run_which_can_not_be_saved_ends_with_the_reason(root, screen, monkeypatch, capsys):
    def full(path, content):
        if path.suffix == ".safetensors":
            raise OSError(28, "No space left on device")
        return atomic_write(path, content)

    monkeypatch.setattr("workbench.recorder.atomic_write", full)
    often = ("training.epochs=200", "watching.checkpoint_steps=1", "watching.evaluate_every=0")
    patience = threading.Timer(60, os.kill, (os.getpid(), signal.SIGINT))  # it would wait for ever
    patience.start()
    try:
        code = run([*TINY, *(word for pair in often for word in ("--set", pair))], screen)
    finally:
        patience.cancel()
        patience.join()
    told = capsys.readouterr()
    assert code == 1
    last = told.err.splitlines()[-2]
    assert "was stopped: Saving the checkpoint failed at step " in last
    assert "No space left on device" in last
    assert "interrupted at step" in told.out
    record = Workspace(root).records()[0]
    assert record.status == "interrupted"
    assert record.step < record.total_steps


def test_that_a_closed_pipe_is_no_failure(root):
    command = f"'{sys.executable}' '{ROOT / 'main.py'}' list presets --json | head -n 1"
    answer = subprocess.run(
        ["sh", "-c", f"set -e; {command}"], capture_output=True, text=True, timeout=60
    )
    assert json.loads(answer.stdout)["name"] == presets()[0].name
    assert "rror" not in answer.stderr
