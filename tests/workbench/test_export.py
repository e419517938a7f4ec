"""A run's results as files: what comes back must be what was measured."""

import csv
import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load as load_weights

from engines.control import Control
from workbench.export import WouldOverwrite, export, metrics_csv
from workbench.probing import pictures, png, probe, sheet, write
from workbench.run_folder import DamagedFile
from workbench.runner import perform
from workbench.spec import parse, read
from workbench.training import load_model
from workbench.workspace import Workspace

TINY = {
    "title": "tiny",
    "data": {"kind": "digits"},
    "model": {"kind": "mlp", "hidden": [8]},
    "optimizer": {"kind": "adamw", "learning_rate": 0.03},
    "training": {"max_steps": 12, "batch_size": 32},
    "watching": {"evaluate_every": 6},
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def folder(workspace):
    folder = workspace.create(parse(TINY).model_dump(mode="json"), title="tiny")
    assert perform(folder, workspace, Control(), lambda event: None).reason == "finished"
    return folder


def test_that_csv_gives_back_every_value_of_every_step(folder, tmp_path):
    export(folder, "csv", tmp_path / "run.csv")
    with (tmp_path / "run.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(13))
    history = folder.history()
    for name, series in history.series.items():
        written = {int(row["step"]): np.float32(row[name]) for row in rows if row[name]}
        assert written == dict(zip(series.steps.tolist(), series.values, strict=True))


def test_that_csv_of_a_run_that_never_trained_has_only_its_head(workspace):
    folder = workspace.create(parse(TINY).model_dump(mode="json"))
    assert metrics_csv(folder) == "step\n"


def test_that_json_holds_spec_scores_and_metrics(folder, tmp_path):
    export(folder, "json", tmp_path / "run.json")
    told = json.loads((tmp_path / "run.json").read_text())
    assert told["spec"] == folder.spec
    assert told["status"] == "finished"
    assert told["checkpoints"] == [0, 6, 12]
    assert told["metrics"]["validation/loss"]["steps"] == [0, 6, 12]
    accuracy = told["metrics"]["test/accuracy"]["values"][0]
    assert accuracy == pytest.approx(told["scores"]["test/accuracy"])


def test_that_json_has_no_nan(workspace, tmp_path):
    raw = TINY | {"optimizer": {"kind": "sgd", "learning_rate": 10.0, "momentum": 0.99}}
    raw |= {"loss": {"kind": "squared_error", "on": "scores"}}
    raw |= {"schedule": {"kind": "constant"}, "training": {"max_steps": 80, "batch_size": 32}}
    folder = workspace.create(parse(raw).model_dump(mode="json"))
    assert perform(folder, workspace, Control(), lambda event: None).reason == "failed"
    export(folder, "json", tmp_path / "run.json")

    def refuse(word):
        pytest.fail(f"{word} is not JSON")

    told = json.loads((tmp_path / "run.json").read_text(), parse_constant=refuse)
    assert None in told["metrics"]["train/loss"]["values"]


def test_that_weights_are_those_of_the_model_at_that_step(folder, tmp_path):
    for step in (6, 12):
        export(folder, "weights", tmp_path / f"{step}.safetensors", step=step)
        weights = load_weights((tmp_path / f"{step}.safetensors").read_bytes())
        model, _ = load_model(folder, step)
        assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    first, last = ((tmp_path / f"{step}.safetensors").read_bytes() for step in (6, 12))
    assert first != last


def test_that_a_step_without_weights_names_those_with(folder, tmp_path):
    with pytest.raises(DamagedFile, match="it has 0, 6, 12"):
        export(folder, "weights", tmp_path / "x", step=7)


def test_that_the_exported_spec_is_the_spec(folder, tmp_path):
    export(folder, "spec", tmp_path / "spec.toml")
    assert parse(read(tmp_path / "spec.toml")).model_dump(mode="json") == folder.spec


def test_that_an_existing_file_is_kept_unless_forced(folder, tmp_path):
    target = tmp_path / "mine.csv"
    target.write_text("mine")
    with pytest.raises(WouldOverwrite, match="--force"):
        export(folder, "csv", target)
    assert target.read_text() == "mine"
    export(folder, "csv", target, force=True)
    assert target.read_text().startswith("step,")


def test_that_nothing_is_written_where_there_is_no_folder(folder, tmp_path):
    with pytest.raises(OSError, match="not a folder that exists"):
        export(folder, "csv", tmp_path / "nowhere" / "run.csv")
    with pytest.raises(WouldOverwrite, match="is a folder"):
        export(folder, "csv", tmp_path, force=True)


def test_that_a_probe_sees_what_the_run_s_own_evaluation_saw(folder, workspace):
    arrays, meta = probe(folder, workspace, "predictions", split="test")
    stored = np.load(folder.history().artifact_at("test").path)
    assert sorted(arrays) == sorted(stored.files)
    for name in stored.files:
        assert np.array_equal(arrays[name], stored[name])
    assert meta["accuracy"] == pytest.approx(folder.history().get("test/accuracy").last())


def test_that_a_probe_of_an_early_step_sees_the_early_model(folder, workspace):
    _, meta = probe(folder, workspace, "predictions", step=0, split="validation")
    accuracy = folder.history().get("validation/accuracy")
    assert meta["accuracy"] == pytest.approx(float(accuracy.values[0]))
    assert not math.isclose(meta["accuracy"], float(accuracy.values[-1]), abs_tol=1e-6)


def test_that_probe_files_hold_the_arrays_and_their_pictures(folder, workspace, tmp_path):
    arrays, _ = probe(folder, workspace, "predictions")
    names = [path.name for path in write(arrays, "predictions", tmp_path / "new", 10)]
    assert names == ["predictions.npz", "predictions-picture.png", "predictions-confusion.png"]
    assert (tmp_path / "new" / names[1]).read_bytes().startswith(b"\x89PNG")


def test_that_a_sheet_shows_every_picture_in_its_place():
    picture_MHWC = np.arange(1, 4, dtype=np.uint8)[:, None, None, None] * np.ones(
        (1, 500, 700, 1), np.uint8
    )
    result = sheet(picture_MHWC)
    assert result.shape == (500 * 3 + 2, 700, 1)
    assert [int(result[row, 0, 0]) for row in (0, 500, 501, 1002)] == [1, 0, 2, 3]


def test_that_a_png_keeps_red_red():
    from engines.opencv import cv2

    red_HWC = np.zeros((2, 3, 3), np.uint8)
    red_HWC[..., 0] = 200
    back_bgr = cv2.imdecode(np.frombuffer(png(red_HWC), np.uint8), cv2.IMREAD_COLOR)
    assert back_bgr[0, 0].tolist() == [0, 0, 200]


def test_that_the_confusion_picture_is_white_where_all_are_right():
    arrays = {"label_N": np.array([0, 0, 1]), "predicted_N": np.array([0, 0, 0])}
    cells = pictures(arrays, 2)["confusion"][::24, ::24, 0]
    assert cells.tolist() == [[255, 0], [255, 0]]
