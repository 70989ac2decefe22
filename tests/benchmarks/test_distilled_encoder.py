"""benchmarks/distilled_encoder.py on vectors whose answer is known."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from text2pixels.encoders.distilled import Distilled
from text2pixels.encoders.vectors import of_hash, unit

BENCHMARK = Path(__file__).parents[2] / "benchmarks/distilled_encoder.py"
spec = importlib.util.spec_from_file_location("distilled_encoder", BENCHMARK)
benchmark = importlib.util.module_from_spec(spec)
spec.loader.exec_module(benchmark)

HEADS = ("car", "boat", "lamp", "tree", "house")
PHRASES = [f"a {colour} {head}" for head in HEADS for colour in ("red", "blue", "green", "old", "new", "tall", "tiny")]


@pytest.fixture
def vectors():
    """A phrase's vector is its noun's, a little of its adjective's, and what all have in common."""
    common = of_hash("common", 16)
    return {p: unit(common + of_hash(p.split()[2], 16) + 0.3 * of_hash(p.split()[1], 16)) for p in PHRASES}


def test_what_words_decide_is_learned_and_measured(tmp_path, vectors):
    figures = benchmark.measure(PHRASES, np.stack(list(vectors.values())).astype(np.float64))
    assert figures["distilled"]["centred"] > max(figures["nearest phrase"]["centred"], 0.9)
    assert figures["mean vector"]["centred"] < 0.3
    assert figures["distilled"]["median rank"] <= 2


def test_a_fit_reproduces_its_phrases_and_the_same_fit_the_same_tensors(tmp_path, vectors):
    matrix = np.stack(list(vectors.values())).astype(np.float64)
    for name in ("one", "two"):
        benchmark.fit(PHRASES, matrix, tmp_path / name, {"title": "t"})
    # Not the files' bytes: safetensors writes metadata in any order.
    one, two = (load_file(tmp_path / name) for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[name], two[name]) for name in one)
    encoder = Distilled(tmp_path / "one")
    found = encoder.encode(PHRASES)
    assert min(found[phrase] @ vectors[phrase] for phrase in PHRASES) > 0.999
    assert encoder.metadata == {"title": "t"}


def test_agreement_of_the_right_vectors_is_perfect_and_of_the_wrong_ones_not():
    all_MD = np.stack([of_hash(str(n), 32) for n in range(20)]).astype(np.float64)
    rows = np.arange(20)
    right = benchmark.agreement(all_MD, all_MD, rows, all_MD)
    assert right == {
        "cosine": 1,
        "cosine 5th percentile": 1,
        "centred": 1,
        "median rank": 1,
        "in first ten": 1,
    }
    wrong = benchmark.agreement(all_MD[::-1], all_MD, rows, all_MD)
    assert wrong["cosine"] < 0.2
    assert wrong["median rank"] > 3


def test_the_command_measures_a_table(tmp_path, vectors, monkeypatch, capsys):
    table = pa.table({"phrase": PHRASES, "vector": pa.array(list(vectors.values()))})
    pq.write_table(table, tmp_path / "v.parquet")
    file = tmp_path / "distilled.safetensors"
    monkeypatch.setattr(benchmark, "FILE", file)
    monkeypatch.setattr(benchmark, "Distilled", lambda path=file: Distilled(path))
    monkeypatch.setattr(sys, "argv", ["distilled_encoder.py", str(tmp_path / "v.parquet"), "--write"])
    benchmark.main()
    assert "mean vector" in capsys.readouterr().out
    assert Distilled(file).metadata["source_sha256"]
