"""The presets that ship, and how a preset's file is read."""

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.assembly import check, load_data
from workbench.presets import BadPreset, NoSuchPreset, overlaid, preset, presets
from workbench.spec import parse

ROOT = Path(__file__).resolve().parents[2]
CARD = """
[preset]
title = "Two losses"
sentence = "Side by side."
seconds = 3
expects = "equal"
picture = "losses"
order = 1

[model]
kind = "cnn"
channels = [8]

[training]
epochs = 2
batch_size = 16

[[variants]]
title = "A"
training = { epochs = 3 }

[[variants]]
title = "B"
model = { kind = "vit", patch = 7 }
"""


@pytest.fixture
def folder(tmp_path):
    presets.cache_clear()
    (tmp_path / "two_losses.toml").write_text(CARD)
    yield tmp_path
    presets.cache_clear()


@pytest.mark.parametrize("name", [known.name for known in presets()])
def test_that_a_preset_can_train(name):
    for raw in preset(name).specs():
        spec = parse(raw)
        check(spec, load_data(spec))
        assert spec.title


@pytest.mark.parametrize("name", [known.name for known in presets()])
def test_that_a_preset_stands_in_the_readme_as_it_is(name):
    known = preset(name)
    what = f"{known.title}: {known.sentence[0].lower()}{known.sentence[1:]}"
    row = f"| `{name}` | {what} | {known.seconds:.0f} s | {known.expects} |\n"
    assert row in (ROOT / "README.md").read_text(encoding="utf-8")


def test_that_the_issue_s_presets_are_there_and_in_order():
    names = [known.name for known in presets()]
    assert names[0] == "cnn_fashion"
    assert {
        "mlp_digits",
        "hinge_against_cross_entropy",
        "vit_fashion",
        "cnn_against_vit_shapes",
    } < set(names)
    assert [known.order for known in presets()] == sorted({known.order for known in presets()})


def test_that_presets_are_read_without_torch_numpy_and_pydantic():
    code = (
        "import sys; from workbench.presets import presets; presets(); "
        "print([name for name in ('torch', 'numpy', 'pydantic') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.stdout == "[]\n"


def test_that_a_variant_lies_over_the_common_spec(folder):
    first, second = preset("two_losses", folder).specs()
    assert first["training"] == {"epochs": 3, "batch_size": 16}
    assert first["model"] == {"kind": "cnn", "channels": [8]}
    assert (first["title"], second["title"]) == ("A", "B")
    assert second["training"] == {"epochs": 2, "batch_size": 16}


def test_that_a_model_of_another_kind_takes_nothing_from_the_first(folder):
    assert preset("two_losses", folder).specs()[1]["model"] == {"kind": "vit", "patch": 7}


def test_that_specs_may_be_changed_without_changing_the_preset(folder):
    known = preset("two_losses", folder)
    known.specs()[0]["model"]["channels"].append(99)
    assert known.specs()[0]["model"]["channels"] == [8]


def test_that_a_missing_field_is_named_with_its_file(folder):
    (folder / "broken.toml").write_text(CARD.replace('picture = "losses"\n', ""))
    presets.cache_clear()
    with pytest.raises(BadPreset, match=r"broken\.toml lacks 'picture'"):
        presets(folder)


def test_that_an_unknown_preset_names_those_there_are(folder):
    with pytest.raises(NoSuchPreset, match="there are two_losses"):
        preset("three_losses", folder)


def test_that_overlaying_nothing_is_a_copy():
    below = {"model": {"kind": "cnn"}, "seed": 3}
    assert overlaid(below, {}) == below
    assert overlaid(below, {"seed": 4}) == {"model": {"kind": "cnn"}, "seed": 4}
