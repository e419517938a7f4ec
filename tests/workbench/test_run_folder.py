"""A run's folder as its readers see it, whole, damaged or empty."""

import json

import pytest

from tests.workbench.runs import create, trained
from workbench.durable import lock
from workbench.run_folder import DamagedFile, RunFolder


def test_that_a_fresh_folder_has_an_empty_history(workspace, tiny_spec):
    folder = create(workspace, tiny_spec)
    history = folder.history()
    assert history.series == {}
    assert history.status == "interrupted"  # queued, but by nobody who lives
    assert folder.files("weights") == []


def test_that_the_status_depends_on_who_holds_the_lock(workspace):
    folder = workspace.create({})
    for said in ("running", "paused", "queued"):
        folder.write_json("state.json", {"status": said})
        assert folder.status() == "interrupted"
        with lock(folder.lock_file, "it"):
            assert folder.status() == said
    for said in ("finished", "failed", "stopped"):
        folder.write_json("state.json", {"status": said})
        assert folder.status() == said


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_that_damaged_words_are_read_as_none(workspace, content):
    folder = workspace.create({"seed": 1})
    for name in ("run.json", "state.json", "labels.json"):
        (folder.path / name).write_bytes(content)
        assert folder.read_json(name) == {}
    assert folder.status() == "interrupted"
    assert folder.history().step == 0
    workspace.rebuild_index()
    (record,) = workspace.records()
    assert (record.number, record.title, record.spec) == (0, "", {})


def test_that_json_is_replaced_whole(workspace):
    folder = workspace.create({})
    folder.write_json("labels.json", {"title": "é – 数", "path": folder.path})
    assert folder.read_json("labels.json") == {"title": "é – 数", "path": str(folder.path)}
    assert json.loads((folder.path / "labels.json").read_text(encoding="utf-8"))


def test_that_a_history_tells_the_whole_run(workspace, tiny_spec):
    folder = trained(workspace, tiny_spec)
    workspace.label(folder.id, title="my run")
    history = RunFolder(folder.path).history()
    assert history.get("train/loss").steps.tolist() == list(range(1, 21))
    assert history.get("validation/accuracy").steps.tolist() == [0, 10, 20]
    assert (history.step, history.total_steps, history.steps_per_epoch) == (20, 20, 4)
    assert history.context["title"] == "my run"
    assert history.context["classes"] == list("0123456789")
    assert [line.metric for line in history.context["references"]] == ["loss", "accuracy"]
    assert history.facts["device"] == "cpu"
    assert history.ended.reason == "finished"
    assert [a.step for a in history.artifacts["predictions"]] == [0, 10, 20]
    assert [a.step for a in history.artifacts["test"]] == [20]


def test_that_only_what_was_written_is_verified(workspace, tiny_spec):
    folder = trained(workspace, tiny_spec)
    _, path = folder.files("weights")[-1]
    assert folder.verified(path) == path
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 128]))
    with pytest.raises(DamagedFile, match="isn't what was written"):
        folder.verified(path)
    path.unlink()
    with pytest.raises(DamagedFile):
        folder.verified(path)
    stranger = path.with_name("stranger.safetensors")
    stranger.write_bytes(content)
    with pytest.raises(DamagedFile):
        folder.verified(stranger)


def test_that_an_empty_database_is_an_empty_run(workspace):
    folder = workspace.create({})
    folder.database.touch()  # a crash right after it was made
    assert folder.files("resume") == []
    assert folder.history().problems == []


def test_that_a_folder_may_have_any_name(tmp_path):
    from workbench.workspace import Workspace

    workspace = Workspace(tmp_path / "a b#c?d%20é")
    folder = workspace.create({})
    folder.database.touch()
    assert folder.files("resume") == []
