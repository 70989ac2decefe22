"""params.yaml that is wrong in its numbers, its keys or its bytes: one line that names the place."""

import time
from dataclasses import fields, is_dataclass

import pytest
import yaml

from text2pixels import config, yaml_files
from text2pixels.errors import InputError

BASE = {
    "profile": "demo",
    "seed": 0,
    "datasets": {"simulator": {}},
    "encoders": ["hash"],
    "methods": {"average": {}, "ours": {}},
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", -1),
        ("seed", 2**32),
        ("ingest.workers", -2),
        ("ingest.minimum_side", 0),
        ("register.workers", 0),
        ("network.channels", 31),
        ("network.heads", 0),
        ("network.codes", -1),
        ("losses.ssim", -0.1),
        ("losses.texture", float("inf")),
        ("train.epochs", -3),
        ("train.epochs", 0),
        ("train.batch", 0),
        ("train.crop", 100),
        ("train.crop", 0),
        ("train.learning_rate", float("nan")),
        ("train.learning_rate", float("inf")),
        ("train.learning_rate", 0),
        ("train.decay", 0),
        ("train.decay", 1.01),
        ("train.lower_steps", 0),
        ("train.upper_weight", -0.1),
        ("train.upper_weight", 1.1),
        ("train.clip", 0),
        ("train.seed", -1),
        ("score.workers", -1),
        ("detect.folds", 0),
        ("detect.image_size", 33),
        ("detect.pretrain_epochs", -1),
        ("cost.width", 0),
        ("cost.repeats", 0),
        ("report.bootstrap", 0),
        ("report.gallery", -1),
    ],
)
def test_a_number_out_of_its_bounds_is_named_by_its_path(key, value):
    section, _, name = key.partition(".")
    content = BASE | ({section: {name: value}} if name else {section: value})
    with pytest.raises(InputError, match=f"^params.yaml: {key}: .*, found ") as error:
        config.parse(content)
    assert "\n" not in str(error.value)


SECTIONS = {field.name: field.type for field in fields(config.Params) if is_dataclass(field.type)}
WHOLE = [
    f"{section}.{field.name}"
    for section, kind in SECTIONS.items()
    for field in fields(kind)
    if "int" in str(field.type)
]


@pytest.mark.parametrize("key", WHOLE)
def test_a_number_that_no_machine_can_serve_is_refused_before_anything_starts(key):
    section, _, name = key.partition(".")
    with pytest.raises(InputError, match=f"^params.yaml: {key}: .*, found 10{{12}}"):
        config.parse(BASE | {section: {name: 10**12}})


def test_a_method_changes_its_settings_within_the_same_bounds():
    with pytest.raises(InputError, match=r"methods\.ours\.train: epochs: .*greater than or equal to 1, found -3"):
        config.parse(BASE | {"methods": {"ours": {"train": {"epochs": -3}}}})


def test_a_huge_wrong_value_is_cut_in_the_message():
    with pytest.raises(InputError) as error:
        config.parse(BASE | {"train": {"epochs": "x" * 10_000}})
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("section", ["datasets", "methods"])
def test_a_name_with_nothing_under_it_changes_nothing(section):
    assert config.parse(BASE | {section: {"tno": None}}) == config.parse(BASE | {section: {"tno": {}}})


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "+1e-3", "1.e-3", ".1e-2", "1.0e-3", "0.001", "10e-4"])
def test_a_number_is_a_number_as_yaml_1_2_has_it(text):
    assert yaml_files.parse(text, "value") == pytest.approx(0.001)


@pytest.mark.parametrize("text", ["e3", "1e", "1e3x", "2024-01-01", "v1e3"])
def test_what_only_looks_like_a_number_or_a_date_is_text(text):
    assert yaml_files.parse(text, "value") == text


@pytest.mark.parametrize("value", ["1e3", "1e-3", ".5e1", "0.5", "null", "yes", "ü", 1e-05, 1e22, 3, None, True])
def test_what_is_written_is_read_back(value):
    assert yaml_files.parse(yaml_files.dump({"key": value}), "value") == {"key": value}
    if not isinstance(value, str):  # other readers agree
        assert yaml.safe_load(yaml_files.dump({"key": value})) == {"key": value}


LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 40))
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 5000))
MERGES = "a0: &a0 {k: v}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 40))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"seed: 0\ntrain: {}\nseed: 1\n", "line 3: the key 'seed' is in line 1 already"),
        (b"train:\n  epochs: 1\n  epochs: 2\n", "line 3: the key 'epochs' is in line 2 already"),
        (b"methods: {a: {}, a: {}}", "line 1: the key 'a' is in line 1 already"),
        (b"datasets: {2024: {}}", "line 1: the key '2024' is no text: quote it"),
        (b"? [a]\n: b", "line 1: the key .* is no text"),
        (LAUGHS.encode(), "aliases that grow beyond all bounds"),
        (CHAIN.encode(), "aliases that grow beyond all bounds"),
        (MERGES.encode(), "aliases that grow beyond all bounds"),
        (b"a: &a [*a]", "a value that holds itself"),
        (b"[" * 100_000, "more than 50 levels"),
        (b"a: " * 3 + b"x", "is not YAML in line 1"),
        (b"a: !!python/object/apply:os.system ['id']", "the tag .* is not read"),
        (b"a: !!int x", "the tag .* is not read"),
        (b"a: 0x_", "is not YAML"),
        (b"a: *nobody", "undefined alias"),
        (rb'a: "\ud800"', "in line 1: half of a character"),
        (rb'a: "b\0"', "in line 1: half of a character .* or a zero"),
        (rb'a: {b: ["x", "\udfff"]}', "in line 1: half of a character"),
        (b"a: \x00", "is not YAML"),
        (b"a: b\n---\na: c", "is not YAML"),
        ("a: 红外".encode("gbk"), r"not UTF-8 \(byte 3\)"),
        ("a: b".encode("utf-16"), "not UTF-8"),
        (b"", "should hold a mapping"),
        (b"# " + b"x" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_one_line_and_at_once(tmp_path, content, says):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    start = time.perf_counter()
    with pytest.raises(InputError, match=says) as error:
        config.read_yaml(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    assert time.perf_counter() - start < 5


def test_a_byte_order_mark_and_modest_aliases_are_read(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert config.read_yaml(path) == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}


def test_a_folder_or_a_pipe_in_the_place_of_params_yaml(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(InputError, match="no regular file"):
            config.read_yaml(path)
