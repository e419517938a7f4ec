"""Many runs in one folder: numbers, labels, trash, and an index that may be lost."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workbench.runs import create, train, trained
from workbench.durable import Locked, lock
from workbench.workspace import NoSuchRun, Workspace, default_root

ROOT = Path(__file__).parents[2]


@pytest.fixture
def three(workspace):
    return [workspace.create({"seed": seed}, title=f"run {seed}") for seed in range(3)]


def test_that_runs_are_numbered_from_one_and_listed_newest_first(workspace, three):
    assert [r.number for r in workspace.records()] == [3, 2, 1]
    assert [r.title for r in workspace.records()] == ["run 2", "run 1", "run 0"]
    assert workspace.records()[0].spec == {"seed": 2}


def test_that_a_run_is_found_by_id_number_and_beginning(workspace, three):
    folder = three[1]
    for name in (folder.id, 2, "2", folder.id[: len("20250101-000000-") + 6]):
        assert workspace.folder(name).id == folder.id


@pytest.mark.parametrize("name", ["", "99", "nobody", "../runs", "..", ".", "2"])
def test_that_a_name_of_no_run_is_refused(workspace, name):
    workspace.create({})
    with pytest.raises(NoSuchRun, match="no runs match"):
        workspace.folder(name)


def test_that_a_beginning_of_several_is_refused(workspace, three):
    with pytest.raises(NoSuchRun, match="3 runs match"):
        workspace.folder(three[0].id[:8])  # the day


def test_that_a_record_tells_what_its_folder_holds(workspace, tiny_spec):
    folder = trained(workspace, tiny_spec)
    (record,) = workspace.records()
    assert (record.status, record.step, record.total_steps) == ("finished", 20, 20)
    assert record.seconds > 0
    assert set(record.summary) == {
        f"{s}/{m}" for s in ("validation", "test") for m in ("loss", "accuracy")
    }
    assert record.kind("model") == "mlp"
    assert record == workspace.record(folder.id)


MANY = """
import sys
from pathlib import Path
from workbench.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(12):
    workspace.create({"who": sys.argv[2]})
"""


def test_that_two_processes_never_give_one_number_twice(workspace):
    pipe = subprocess.PIPE
    children = [
        subprocess.Popen(
            [sys.executable, "-c", MANY, str(workspace.root), who],
            cwd=ROOT,
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        for who in "ab"
    ]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=60)
        assert child.returncode == 0
    records = workspace.records()
    assert sorted(r.number for r in records) == list(range(1, 25))
    assert {r.spec["who"] for r in records} == {"a", "b"}


def damage(path):
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)


@pytest.mark.parametrize("harm", [Path.unlink, damage], ids=["deleted", "damaged"])
def test_that_a_lost_index_is_built_again(workspace, three, harm):
    workspace.label(three[0].id, title="mine", tags=["a", "b"], notes="n")
    workspace.trash([three[2].id])
    before = workspace.records(trashed=None)
    harm(workspace.root / "index.db")
    again = Workspace(workspace.root)
    assert again.records(trashed=None) == before
    assert again.records()[-1].tags == ("a", "b")
    assert again.create({}).read_json("run.json")["number"] == 4


def test_that_an_index_deleted_meanwhile_is_built_again(workspace, three):
    (workspace.root / "index.db").unlink()
    assert len(workspace.records()) == 3
    (workspace.root / "index.db").unlink()
    assert workspace.create({}).read_json("run.json")["number"] == 4
    assert len(workspace.records()) == 4


def test_that_the_journal_of_a_damaged_index_goes_with_it(workspace, three):
    damage(workspace.root / "index.db")
    (workspace.root / "index.db-journal").write_bytes(b"\xd9\xd5\x05\xf9 old journal")
    assert len(Workspace(workspace.root).records()) == 3


def test_that_a_locked_index_is_left_alone(workspace, three, monkeypatch):
    holder = sqlite3.connect(workspace.root / "index.db", isolation_level=None)
    monkeypatch.setattr("workbench.workspace.sqlite3.connect", impatient(sqlite3.connect))
    try:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            Workspace(workspace.root)
        holder.execute("COMMIT")
    finally:
        holder.close()
    assert len(Workspace(workspace.root).records()) == 3


def impatient(connect):
    return lambda path, timeout=0: connect(path, timeout=0.05)


def test_that_folders_copied_in_or_deleted_are_noticed(workspace, three):
    shutil.rmtree(three[0].path)
    assert len(Workspace(workspace.root).records()) == 2
    shutil.copytree(three[1].path, workspace.runs_folder / "20200101-000000-abcd")
    (workspace.runs_folder / "not a run").mkdir()
    assert len(Workspace(workspace.root).records()) == 3


def test_that_labels_are_kept_in_the_folder_and_the_rest_refused(workspace, three):
    workspace.label(1, title="first", tags=["x"])
    workspace.label(1, notes="line\nline")
    record = workspace.record(1)
    assert (record.title, record.tags, record.notes) == ("first", ("x",), "line\nline")
    assert json.loads((three[0].path / "labels.json").read_text())["title"] == "first"
    with pytest.raises(ValueError, match="a run has no label"):
        workspace.label(1, colour="red")


def test_that_the_trash_keeps_gives_back_and_is_emptied(workspace, three):
    ids = [folder.id for folder in three]
    workspace.trash(ids[:2])
    assert [r.id for r in workspace.records()] == ids[2:]
    assert {r.id for r in workspace.records(trashed=True)} == set(ids[:2])
    assert all(folder.path.exists() for folder in three)
    workspace.trash(ids[:1], restore=True)
    assert {r.id for r in workspace.records()} == {ids[0], ids[2]}
    assert workspace.empty_trash() == 1
    assert [folder.path.exists() for folder in three] == [True, False, True]
    assert len(workspace.records(trashed=None)) == 2
    assert workspace.empty_trash() == 0


def test_that_a_number_is_not_given_again_while_its_run_exists(workspace, three):
    workspace.trash([three[2].id])
    assert workspace.create({}).read_json("run.json")["number"] == 4


def test_that_a_run_in_the_trash_that_still_trains_is_not_deleted(workspace, three):
    workspace.trash([three[0].id])
    with lock(three[0].lock_file, "it"):
        assert workspace.empty_trash() == 0
        assert three[0].path.exists()
    assert workspace.empty_trash() == 1


def test_that_a_workspace_is_shown_by_one_window(workspace):
    other, refused = Workspace(workspace.root), pytest.raises(Locked, match="in use by process")
    with (
        lock(workspace.lock_file, "the workspace"),
        refused,
        lock(other.lock_file, "the workspace"),
    ):
        pass


def test_that_a_run_resumed_elsewhere_is_not_listed_as_interrupted(workspace, tiny_spec):
    other, folder = Workspace(workspace.root), create(workspace, tiny_spec)
    state = folder.read_json("state.json")
    folder.write_json("state.json", state | {"status": "running"})
    workspace.refresh(folder)
    assert other.records()[0].status == "interrupted"
    seen = []
    train(folder, workspace, listen=lambda event: seen.append(other.records()[0].status))
    assert "interrupted" not in seen
    assert "running" in seen
    assert other.records()[0].status == "finished"


def test_that_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        Workspace(tmp_path / "file" / "workspace")


def test_that_the_usual_place_belongs_to_the_user():
    assert default_root().is_absolute()
    assert default_root().name == "cv-experiment-workbench"
