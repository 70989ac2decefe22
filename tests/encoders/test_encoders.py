from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2pixels.config import Embed
from text2pixels.encoders import catalogue as encoders
from text2pixels.errors import InputError


def table(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@given(st.text())
def test_hash_vectors_are_unit_and_a_function_of_the_phrase(phrase):
    (vector,) = encoders.Hash().encode([phrase]).values()
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    assert np.array_equal(vector, encoders.Hash().encode(["other", phrase])[phrase])


def test_hash_vectors_of_different_phrases_are_nearly_orthogonal():
    vectors = np.stack(list(encoders.Hash().encode([f"phrase {n}" for n in range(50)]).values()))
    cosines = vectors @ vectors.T - np.eye(50)
    assert np.abs(cosines).max() < 0.25


def test_hash_vectors_never_change():
    # shake_256("a car"), first four bytes little-endian, by `openssl dgst -shake256 -xoflen 4`.
    vector = encoders.Hash().encode(["a car"])["a car"]
    import hashlib

    first = int.from_bytes(hashlib.shake_256(b"a car").digest(4), "little") / 2**31 - 1
    second = int.from_bytes(hashlib.shake_256(b"a car").digest(8)[4:], "little") / 2**31 - 1
    assert vector[0] / vector[1] == pytest.approx(first / second, rel=1e-5)


def test_a_table_is_normalised_and_knows_only_its_phrases(tmp_path):
    vectors = pa.array([[3.0, 4.0], [0.0, 2.0]], pa.list_(pa.float16(), 2))
    path = table(tmp_path / "t.parquet", phrase=["a car", "a bus"], embedding=vectors)
    encoder = encoders.build("table", Embed(table=str(path)))
    found = encoder.encode(["a bus", "a train", "a car"])
    assert list(found) == ["a bus", "a car"]
    assert found["a car"] == pytest.approx([0.6, 0.8])


def test_a_changed_table_has_another_identity(tmp_path):
    one = encoders.Table(table(tmp_path / "1.parquet", phrase=["a"], vector=[[1.0, 0.0]]))
    two = encoders.Table(table(tmp_path / "2.parquet", phrase=["a"], vector=[[0.0, 1.0]]))
    assert one.identity != two.identity


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"word": ["a"], "vector": [[1.0]]}, "expected phrase and vector"),
        ({"phrase": ["a"], "vectors": [[1.0]]}, "expected phrase and vector"),
        ({"phrase": ["a", "b"], "vector": [[1.0], [1.0, 2.0]]}, "one length"),
        ({"phrase": ["a"], "vector": ["x"]}, "lists of finite numbers"),
        ({"phrase": ["a"], "vector": [["x"]]}, "lists of finite numbers"),
        ({"phrase": ["a", "b"], "vector": [[1.0], None]}, "lists of finite numbers"),
        ({"phrase": [], "vector": pa.array([], pa.list_(pa.float32()))}, "lists of finite numbers"),
        ({"phrase": ["a"], "vector": [[float("nan"), 1.0]]}, "finite"),
        ({"phrase": ["a"], "vector": [[0.0, 0.0]]}, "length zero"),
        ({"phrase": ["a", None], "vector": [[1.0], [2.0]]}, "column 'phrase' holds None, expected text"),
        ({"phrase": [1], "vector": [[1.0]]}, "column 'phrase' holds 1, expected text"),
    ],
)
def test_a_bad_table_is_refused(tmp_path, columns, message):
    with pytest.raises(InputError, match=message):
        encoders.Table(table(tmp_path / "t.parquet", **columns))


def test_a_file_that_is_no_table_is_refused(tmp_path):
    (tmp_path / "t.parquet").write_text("no")
    for name in ("t.parquet", "missing.parquet"):
        with pytest.raises(InputError, match=r"the vectors of embed\.table"):
            encoders.Table(tmp_path / name)


def test_unknown_encoders_and_a_table_without_file_say_what_to_do():
    with pytest.raises(InputError, match="did you mean open_clip"):
        encoders.build("openclip", Embed())
    with pytest.raises(InputError, match=r"set embed\.table"):
        encoders.build("table", Embed())


def test_the_published_table_tells_near_from_far():
    path = Path(__file__).parents[2] / "../shared/clip/phrases_vit_b32.parquet"
    if not path.is_file():
        pytest.skip("needs the published phrase vectors in ../shared/clip")
    vectors = encoders.Table(path).encode(["a car", "a suv", "a banana"])
    assert vectors["a car"] @ vectors["a suv"] > vectors["a car"] @ vectors["a banana"]
