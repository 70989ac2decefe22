"""Tables of Parquet: what is whole and of a size that tables have is read, anything else is one line."""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from text2pixels import tables
from text2pixels.analysis import results
from text2pixels.datasets.leaks import read_prints
from text2pixels.datasets.manifest import read_manifest, schema
from text2pixels.datasets.quarantine import read_quarantine
from text2pixels.encoders import vectors
from text2pixels.encoders.embeddings import Embeddings, read_vectors
from text2pixels.encoders.vectors import Table
from text2pixels.errors import InputError
from text2pixels.methods.model_prompts import PHRASES, read_phrases
from text2pixels.prompts.table import distinct_phrases

COUNT = 1_000_000


def repeated(text, count=COUNT):
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text]))


def in_one_list(array):
    return pa.ListArray.from_arrays(pa.array([0, len(array)], pa.int32()), array)


# What half a megabyte can hold.
BOMBS = {
    "one long text a million times": lambda: pa.table({"phrase": repeated("x" * 7000)}),
    "the same in one list": lambda: pa.table({"phrases": in_one_list(repeated("x" * 7000))}),
    "the same in structures": lambda: pa.table({"boxes": pa.StructArray.from_arrays([repeated("x" * 7000)], ["name"])}),
    "very many zeros": lambda: pa.table({"vector": np.zeros(tables.MOST_VALUES + 1, np.int8)}),
    "very many columns": lambda: pa.table({str(index): [1] for index in range(tables.MOST_COLUMNS + 1)}),
}


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bombs")
    for name, make in BOMBS.items():
        pq.write_table(make(), folder / name)
    return folder


@pytest.mark.parametrize("name", BOMBS)
def test_a_table_that_unpacks_beyond_bounds_is_refused_before_it_is_unpacked(bombs, name):
    assert (bombs / name).stat().st_size < 2e6
    before = pa.total_allocated_bytes()
    start = time.perf_counter()
    with pytest.raises(InputError, match=r"^[^\n]*; at most [0-9,]+ are read$"):
        tables.read_table(bombs / name)
    assert pa.total_allocated_bytes() - before < 50e6
    assert time.perf_counter() - start < 5


READERS = {
    "manifest": (read_manifest, "a.parquet"),
    "quarantine": (read_quarantine, "a.parquet"),
    "prompts": (lambda path: distinct_phrases([path]), "a.parquet"),
    "vectors": (Embeddings.read, "a.parquet"),
    "a table of vectors": (Table, "a.parquet"),
    "a cache of vectors": (lambda path: read_vectors(path, "hash"), "a.parquet"),
    "scores": (results._frame, "a.parquet"),
    "prints": (lambda path: read_prints(path.parent), "prints.parquet"),
}


@pytest.mark.parametrize("content", ["bomb", "cut short", "no table", "empty"])
@pytest.mark.parametrize("reader", READERS)
def test_every_reader_keeps_to_it(tmp_path, bombs, reader, content):
    read, name = READERS[reader]
    path = tmp_path / name
    bomb = bombs / "one long text a million times"
    if content == "bomb":
        shutil.copy(bomb, path)
    else:
        path.write_bytes(
            {"cut short": bomb.read_bytes()[:-99], "no table": b"name,phrases\n" * 9, "empty": b""}[content]
        )
    pq.write_table(schema().empty_table(), tmp_path / "manifest.parquet")
    with pytest.raises(InputError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def many_rows():
    """Half a megabyte that becomes gigabytes of Python's objects, but is no large table."""
    zeros = pa.array(np.zeros(tables.MOST_OBJECTS // 2 + 1, np.int8))
    return pa.table({"a": zeros, "b": zeros})


@pytest.mark.parametrize("reader", ["manifest", "quarantine", "prompts", "prints", "phrases of a model"])
def test_tables_that_become_rows_have_a_lower_bound(tmp_path, reader):
    read, name = (READERS | {"phrases of a model": (lambda path: read_phrases(path.parent), PHRASES)})[reader]
    pq.write_table(schema().empty_table(), tmp_path / "manifest.parquet")
    pq.write_table(many_rows(), tmp_path / name)
    before = pa.total_allocated_bytes()
    with pytest.raises(InputError, match=rf"^[^\n]*{name} has 20,000,002 values; at most 20,000,000 are read$"):
        read(tmp_path / name)
    assert pa.total_allocated_bytes() - before < 50e6


def test_a_table_of_very_many_phrases_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "MOST_PHRASES", 2)
    columns = {"phrase": ["a", "b", "c"], "vector": [[1.0]] * 3}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="has 3 phrases; at most 2 are read"):
        Table(tmp_path / "a.parquet")


def test_a_pipe_is_no_table(tmp_path):
    os.mkfifo(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="it is no file"):
        tables.read_table(tmp_path / "a.parquet")


def test_what_is_whole_is_read_as_pyarrow_reads_it(tmp_path):
    path = tmp_path / "a.parquet"
    boxes = pa.array([[{"category": "car", "x": 1.0}], [], None])
    table = pa.table({"name": ["a", None, "a"], "phrases": [["a", "b"], [], ["a"]], "boxes": boxes, "n": [1, 2, None]})
    pq.write_table(table, path)
    assert tables.read_table(path).equals(table)
    assert tables.read_table(path).schema == table.schema


def test_no_module_reads_parquet_past_the_bounds():
    package = Path(tables.__file__).parent
    readers = ("pq.read_table", "pq.ParquetFile", "read_parquet", '"pyarrow.parquet", "train").read_table')
    found = [
        path.name
        for path in package.rglob("*.py")
        if path.name != "tables.py" and any(reader in path.read_text() for reader in readers)
    ]
    assert not found
