"""YAML that people write, right and wrong: what is refused is refused in one line, and at once."""

import os
import time

import pytest
import yaml

from text2pixels import params_file, yaml_files
from text2pixels.errors import InputError


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
        params_file.read_yaml(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    assert time.perf_counter() - start < 5


def test_a_byte_order_mark_and_modest_aliases_are_read(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert params_file.read_yaml(path) == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}


def test_a_folder_or_a_pipe_in_the_place_of_params_yaml(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(InputError, match="no regular file"):
            params_file.read_yaml(path)
