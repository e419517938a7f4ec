"""A spec from outside: accepted whole, or refused with the path of every wrong field."""

import json
import math
import tomllib
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines import registry
from workbench import spec as specs
from workbench.spec import (
    ExperimentSpec,
    SpecError,
    assign,
    make,
    parse,
    read,
    to_toml,
)
from workbench.spec_text import LARGEST_SPEC

QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
)


def parsed(raw):
    """The spec, or None and why not."""
    try:
        return parse(raw), {}
    except SpecError as error:
        return None, error.faults


def faults(raw):
    with pytest.raises(SpecError) as caught:
        parse(raw)
    return caught.value.faults


def test_that_an_empty_spec_is_the_default_one():
    spec = parse({})
    assert spec == ExperimentSpec()
    assert (spec.data.kind, spec.model.kind, spec.loss.kind) == (
        "fashion_mnist",
        "cnn",
        "cross_entropy",
    )


def test_that_kind_is_the_first_field_of_every_choice():
    for union, entries in (
        (specs.Task, registry.task),
        (specs.Data, registry.dataset),
        (specs.Model, registry.model),
        (specs.Loss, registry.loss),
    ):
        members = get_args(get_args(union)[0]) if get_args(union) else (union,)
        assert [m.model_fields["kind"].default for m in members] == [e.name for e in entries]
        for member in members:
            assert next(iter(member.model_fields)) == "kind"
    assert to_toml(parse({})).split("[model]\n")[1].startswith('kind = "cnn"')


@pytest.mark.parametrize(
    ("raw", "path", "words"),
    [
        ({"training": {"batch_size": 0}}, "training.batch_size", "must be at least 2, not 0"),
        ({"training": {"epochs": 10**6}}, "training.epochs", "must be at most 10000, not 1000000"),
        ({"training": {"epochs": True}}, "training.epochs", "must be a whole number, not True"),
        ({"training": {"epochs": "3"}}, "training.epochs", "must be a whole number, not '3'"),
        ({"training": {"epochs": 3.5}}, "training.epochs", "must be a whole number, not 3.5"),
        ({"training": {"clip_norm": math.nan}}, "training.clip_norm", "must be a finite number"),
        ({"training": {"clip_norm": math.inf}}, "training.clip_norm", "must be a finite number"),
        ({"training": {"clip_norm": True}}, "training.clip_norm", "must be a number, not True"),
        ({"training": {"clip_norm": "1"}}, "training.clip_norm", "must be a number, not '1'"),
        ({"training": None}, "training", "must be a table of fields, not None"),
        ({"training": {"epochs": None}}, "training.epochs", "must be a whole number, not None"),
        ({"augmentation": {"flip": 1}}, "augmentation.flip", "must be true or false, not 1"),
        ({"seed": -1}, "seed", "must be at least 0, not -1"),
        ({"seed": 10**400}, "seed", "is too large a number"),
        ({"title": 3}, "title", "must be text in quotes"),
        ({"title": "x" * 200}, "title", "must be at most 120 characters long, not 200"),
        ({"title": "\ud800"}, "title", "holds half a character"),
        ({"title": {1, 2}}, "title", "must be text, a number, true, false or a list"),
        ({"device": "gpu"}, "device", "must be 'auto', 'cpu' or 'cuda', not 'gpu'"),
        ({"schema_version": 2}, "schema_version", "must be 1, not 2"),
        ({"model": 3}, "model", "must be a table of fields, not 3"),
        ({"model": {}}, "model.kind", "must say which one: cnn, mlp, resnet, vit"),
        ({"model": {"kind": 5}}, "model.kind", "not '5'"),
        ({"model": {"kind": "cnnn"}}, "model.kind", "did you mean 'cnn'?"),
        ({"task": {"kind": "x"}}, "task.kind", "not 'x'"),
        ({"optimizer": {}}, "optimizer.kind", "must say which one: sgd, adamw"),
        (
            {"optimizer": {"kind": "sgd", "momentum": 1.0}},
            "optimizer.momentum",
            "must be less than 1, not 1.0",
        ),
        (
            {"optimizer": {"kind": "sgd", "learning_rate": 0}},
            "optimizer.learning_rate",
            "must be more than 0, not 0",
        ),
        ({"model": {"kind": "cnn", "channels": []}}, "model.channels", "at least 1 entry, not 0"),
        ({"model": {"kind": "cnn", "channels": 8}}, "model.channels", "a list in square brackets"),
        (
            {"model": {"kind": "cnn", "channels": [8, "x"]}},
            "model.channels.1",
            "must be a whole number, not 'x'",
        ),
        (
            {"model": {"kind": "cnn", "padding": "x"}},
            "model.padding",
            "must be a whole number or 'same', not 'x'",
        ),
        (
            {"model": {"kind": "cnn", "padding": -1}},
            "model.padding",
            "must be at least 0 or 'same', not -1",
        ),
        ({"data": {"kind": "digits", "classes": [1]}}, "data.classes.0", "must be text in quotes"),
    ],
)
def test_that_a_wrong_value_is_answered_with_what_would_be_right(raw, path, words):
    found = faults(raw)
    assert list(found) == [path]
    assert words in found[path]


@pytest.mark.parametrize(
    ("raw", "path", "hint"),
    [
        ({"modle": {}}, "modle", "did you mean 'model'?"),
        ({"training": {"epoch": 3}}, "training.epoch", "did you mean 'epochs'?"),
        ({"model": {"kind": "cnn", "chanels": 3}}, "model.chanels", "did you mean 'channels'?"),
        (
            {"optimizer": {"kind": "sgd", "momentun": 0}},
            "optimizer.momentun",
            "did you mean 'momentum'?",
        ),
        ({"loss": {"kind": "hinge", "marign": 1}}, "loss.marign", "did you mean 'margin'?"),
        ({"task": {"kind": "classification", "zzz": 1}}, "task.zzz", "there are kind"),
        ({"xyzzy": 1}, "xyzzy", "there are schema_version, title"),
    ],
)
def test_that_an_unknown_field_is_answered_with_the_nearest_known(raw, path, hint):
    found = faults(raw)
    assert list(found) == [path]
    assert hint in found[path]


def test_that_all_faults_are_told_at_once():
    raw = {
        "seed": -1,
        "training": {"epochs": 0, "batch_size": 1},
        "model": {"kind": "vit", "patch": "a", "deep": 1},
        "colour": "red",
    }
    assert set(faults(raw)) == {
        "seed",
        "training.epochs",
        "training.batch_size",
        "model.patch",
        "model.deep",
        "colour",
    }


@pytest.mark.parametrize("raw", [[], [1], 3, "text", None])
def test_that_what_is_no_table_is_no_spec(raw):
    assert "must be a table of fields" in faults(raw)["spec"]


def test_that_endless_nesting_is_refused():
    raw = inner = {}
    for _ in range(5000):
        inner["a"] = inner = {}
    (words,) = faults(raw).values()
    assert "nested too deeply" in words


def test_that_names_that_are_no_text_are_refused():
    assert "must be text" in faults({3: 1})["3"]


def test_that_a_path_may_be_given_where_text_is_wanted(tmp_path):
    raw = {"data": {"kind": "image_folder", "folder": tmp_path}}
    assert parse(raw).data.folder == str(tmp_path)


def test_that_a_date_is_no_text(tmp_path):
    assert "must be text" in faults(tomllib.loads("title = 1979-05-27"))["title"]


def valid(annotation):
    """Random valid values of a model's field, by what the field's JSON schema says."""
    definitions = annotation.get("$defs", {})

    def value(schema):
        if "$ref" in schema:
            return value(definitions[schema["$ref"].rpartition("/")[2]])
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if "oneOf" in schema or "anyOf" in schema:
            return st.one_of([value(part) for part in schema.get("oneOf") or schema["anyOf"]])
        match schema.get("type"):
            case "object":
                names = schema.get("properties", {})
                always = {"kind": value(names["kind"])} if "kind" in names else {}
                rest = {name: value(part) for name, part in names.items() if name != "kind"}
                return st.fixed_dictionaries(always, optional=rest)
            case "array":
                return st.lists(
                    value(schema["items"]),
                    min_size=schema.get("minItems", 0),
                    max_size=min(schema.get("maxItems", 3), 3),
                )
            case "boolean":
                return st.booleans()
            case "integer":
                return st.integers(schema["minimum"], min(schema.get("maximum", 999), 2**31))
            case "number":
                low = schema.get("minimum", schema.get("exclusiveMinimum"))
                high = schema.get("maximum", schema.get("exclusiveMaximum"))
                return st.floats(
                    low,
                    high,
                    exclude_min="exclusiveMinimum" in schema,
                    exclude_max="exclusiveMaximum" in schema,
                )
            case "string":
                return st.text(
                    st.characters(exclude_categories=("Cs",)), max_size=schema.get("maxLength", 20)
                )
        raise AssertionError(schema)

    return value(annotation)


VALID = valid(ExperimentSpec.model_json_schema())


@QUICK
@given(raw=VALID)
def test_that_every_valid_spec_survives_toml(tmp_path_factory, raw):
    spec, refused = parsed(raw)
    if spec is None:  # a validator may want more than the schema says
        assert refused
        return
    path = tmp_path_factory.getbasetemp() / "spec.toml"
    path.write_text(to_toml(spec), encoding="utf-8")
    assert parse(read(path)) == spec
    assert parse(spec.model_dump(mode="json")) == spec
    assert parse(json.loads(spec.model_dump_json())) == spec


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["cnn", "sgd", "digits", "auto", 0, -1, 10**30]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["kind", "epochs"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
FIELDS = list(ExperimentSpec.model_fields)


@QUICK
@given(raw=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=6), JUNK, max_size=4))
def test_that_junk_is_refused_by_field(raw):
    spec, refused = parsed(raw)
    assert (spec is None) == bool(refused)
    names = [name or "spec" for name in raw]
    for path, words in refused.items():
        assert any(path == name or path.startswith(f"{name}.") for name in names), path
        assert 0 < len(words) < 1200


@QUICK
@given(raw=VALID, junk=JUNK, data=st.data())
def test_that_one_wrong_field_is_the_one_named(raw, junk, data):
    part = data.draw(st.sampled_from(["training", "watching", "augmentation"]))
    fields = list(ExperimentSpec.model_fields[part].annotation.model_fields)
    name = data.draw(st.sampled_from([*fields, "unknown"]))
    raw = {part: {**raw.get(part, {}), name: junk}}
    assert all(path.startswith(f"{part}.{name}") for path in parsed(raw)[1])


@QUICK
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_that_any_file_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    try:
        raw = read(path)
    except SpecError as error:
        raw = dict(error.faults)
    spec, refused = parsed(raw)
    assert (spec is None) == bool(refused)


def refused(path):
    with pytest.raises(SpecError) as caught:
        read(path)
    ((where, words),) = caught.value.faults.items()
    assert where == str(path)
    return words


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = 1\na = 2\n", "is not TOML"),
        (b"[model]\n[model]\n", "is not TOML"),
        (b"title = '\xff\xfe'", "is not TOML"),
        (b"seed = " + b"9" * 5000, "is not TOML"),
        (b"a = " + b"[" * 5000, "is not TOML"),
        (b"x" * (LARGEST_SPEC + 1), "is larger than 1 MiB"),
    ],
)
def test_that_a_file_that_is_no_spec_is_refused(tmp_path, content, words):
    path = tmp_path / "spec.toml"
    path.write_bytes(content)
    assert words in refused(path)


def test_that_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "can't be read" in refused(tmp_path / "nothing.toml")
    assert "can't be read" in refused(tmp_path)


def test_that_assign_takes_toml_or_plain_text():
    raw = {"training": {"epochs": 3}}
    for setting in (
        "training.epochs=7",
        "model.kind=vit",
        "model.patch = 4",
        "title=a b c",
        "augmentation.flip=true",
        'data.classes=["1", "2"]',
        "teacher=",
        "seed=1\nother=2",
    ):
        assign(raw, setting)
    assert raw == {
        "training": {"epochs": 7},
        "model": {"kind": "vit", "patch": 4},
        "title": "a b c",
        "augmentation": {"flip": True},
        "data": {"classes": ["1", "2"]},
        "teacher": "",
        "seed": "1\nother=2",
    }


@pytest.mark.parametrize("setting", ["epochs", "=3", "", "  = 1"])
def test_that_assign_wants_a_name_and_a_value(setting):
    with pytest.raises(SpecError, match=r"a\.b=value"):
        assign({}, setting)


def test_that_assign_refuses_a_path_through_a_value():
    with pytest.raises(SpecError) as caught:
        assign({"seed": 3}, "seed.deep=1")
    assert caught.value.faults == {"seed.deep": "seed is a value, not a table"}


def test_that_make_gives_the_default_choice():
    assert make(registry.model, "vit").kind == "vit"
    assert make(registry.model, "vit") == parse({"model": {"kind": "vit"}}).model


def test_that_a_bad_spec_never_reaches_the_engine(workspace, monkeypatch):
    from tests.workbench.runs import train

    def assemble(*_arguments, **_options):
        raise AssertionError("the engine was asked")

    monkeypatch.setattr("workbench.training.assemble", assemble)
    folder = workspace.create({"training": {"epochs": -3}})
    ended = train(folder, workspace)[-1]
    assert ended.reason == "failed"
    assert ended.sentence == "training.epochs: must be at least 1, not -3"
