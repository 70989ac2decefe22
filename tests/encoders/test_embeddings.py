import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.embeddings import Embeddings, encode_cached, read_vectors, write_vectors
from text2pixels.errors import InputError


class Counting(encoders.Hash):
    """Counts what it encodes; its vectors depend on its identity, as a real model's on its weights."""

    def __init__(self, identity: str = "counting@1") -> None:
        self.identity, self.calls = identity, []

    def encode(self, phrases: Sequence[str]) -> encoders.Vectors:
        self.calls += phrases
        return {
            phrase: vector
            for phrase, vector in zip(
                phrases, super().encode([self.identity + p for p in phrases]).values(), strict=True
            )
            if phrase != "unknown"
        }


def test_each_phrase_is_encoded_once_ever(tmp_path):
    first, second = Counting(), Counting()
    vectors, encoded = encode_cached(first, ["b", "a", "b"], tmp_path)
    again, none = encode_cached(second, ["a", "b"], tmp_path)
    assert (encoded, none) == (2, 0)
    assert (first.calls, second.calls) == (["b", "a"], [])
    assert list(vectors) == ["b", "a"]
    assert all(np.array_equal(vectors[phrase], again[phrase]) for phrase in "ab")


def test_changed_weights_never_hit_an_old_row(tmp_path):
    old, _ = encode_cached(Counting("model@1"), ["a"], tmp_path)
    new, encoded = encode_cached(Counting("model@2"), ["a"], tmp_path)
    assert encoded == 1
    assert not np.array_equal(old["a"], new["a"])
    # A file never holds rows of both.
    (path, *_) = sorted(tmp_path.glob("*.parquet"))
    assert not (read_vectors(path, "model@1") and read_vectors(path, "model@2"))


def test_phrases_that_the_encoder_lacks_are_left_out(tmp_path):
    assert list(encode_cached(Counting(), ["a", "unknown"], tmp_path)[0]) == ["a"]


def test_nothing_is_asked_of_the_encoder_for_nothing(tmp_path):
    assert encode_cached(Counting(), [], tmp_path) == ({}, 0)
    assert not list(tmp_path.iterdir())


def _encode(folder: Path, numbers: range, start, counts) -> None:
    start.wait()
    for number in numbers:  # a write a phrase, so that the two collide
        counts.put(encode_cached(encoders.Hash(), [f"phrase {number}"], folder)[1])


def test_two_processes_neither_lose_rows_nor_encode_twice(tmp_path):
    context = multiprocessing.get_context("fork")
    start, counts = context.Barrier(2), context.Queue()
    workers = [
        context.Process(target=_encode, args=(tmp_path, numbers, start, counts))
        for numbers in (range(20), range(10, 30))
    ]
    for worker in workers:
        worker.start()
    encoded = sum(counts.get(timeout=30) for _ in range(40))
    for worker in workers:
        worker.join(30)
    assert encoded == 30
    (path,) = tmp_path.glob("*.parquet")
    assert set(read_vectors(path, encoders.Hash().identity)) == {f"phrase {number}" for number in range(30)}


def test_the_file_does_not_depend_on_the_order_of_phrases(tmp_path):
    encode_cached(encoders.Hash(), ["a", "b"], tmp_path / "one")
    encode_cached(encoders.Hash(), ["b"], tmp_path / "two")
    encode_cached(encoders.Hash(), ["a"], tmp_path / "two")
    (one,), (two,) = (tmp_path / "one").glob("*.parquet"), (tmp_path / "two").glob("*.parquet")
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()


@pytest.fixture
def embeddings(tmp_path) -> Embeddings:
    encoder = encoders.Hash()
    write_vectors(tmp_path / "hash.parquet", encoder.identity, encoder.encode(["a person", "a car", "at night"]))
    return Embeddings.read(tmp_path / "hash.parquet")


def test_tokens_follow_the_phrases_and_skip_the_unknown(embeddings):
    tokens = embeddings.tokens(["at night", "thick fog", "a person"])
    assert tokens.shape == (2, 512)
    assert tokens.dtype == np.float32
    assert np.array_equal(tokens[0], encoders.Hash().encode(["at night"])["at night"])
    assert embeddings.known(["at night", "thick fog", "a person"]) == ["at night", "a person"]


def test_a_batch_is_padded_and_masked(embeddings):
    text_BTD, mask_BT = embeddings.batch([["a person", "a car"], [], ["at night"]])
    assert text_BTD.shape == (3, 2, 512)
    assert mask_BT.tolist() == [[True, True], [False, False], [True, False]]
    assert torch.equal(text_BTD[~mask_BT], torch.zeros(3, 512))


def test_no_phrases_give_no_tokens(embeddings):
    text_BTD, mask_BT = embeddings.batch([[], []])
    assert text_BTD.shape == (2, 0, 512)
    assert mask_BT.shape == (2, 0)


def test_a_missing_or_empty_file_names_the_command(tmp_path):
    with pytest.raises(InputError, match="dvc repro embed"):
        Embeddings.read(tmp_path / "hash.parquet")
    write_vectors(tmp_path / "hash.parquet", "x", {})
    with pytest.raises(InputError, match="0 rows"):
        Embeddings.read(tmp_path / "hash.parquet")
