import numpy as np
import pytest
import torch

from text2pixels.config import Embed
from text2pixels.encoders import cache, stand_in
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.distilled import Distilled
from text2pixels.encoders.embeddings import Embeddings, encode_user_prompt
from text2pixels.errors import InputError


@pytest.fixture
def embeddings(tmp_path) -> Embeddings:
    encoder = encoders.Hash()
    cache.write(tmp_path / "hash.parquet", encoder.identity, encoder.encode(["a person", "a car", "at night"]))
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
    cache.write(tmp_path / "hash.parquet", "x", {})
    with pytest.raises(InputError, match="0 rows"):
        Embeddings.read(tmp_path / "hash.parquet")


@pytest.mark.parametrize(
    ("prompt", "phrases"),
    [
        ("A person crossing  at night", ["a person crossing at night"]),
        ("a person; a car;", ["a person", "a car"]),
        (["a person", "a car"], ["a person", "a car"]),
    ],
)
def test_what_a_user_types_becomes_phrases(tmp_path, prompt, phrases):
    found, vectors = encode_user_prompt(prompt, "hash", Embed(), tmp_path)
    assert found == phrases
    assert vectors.shape == (len(phrases), 512)


@pytest.mark.parametrize(
    ("prompt", "message"), [("", "no phrases"), (" ; ", "no phrases"), ("x" * 301, "301 characters")]
)
def test_empty_and_endless_prompts_are_refused(tmp_path, prompt, message):
    with pytest.raises(InputError, match=message):
        encode_user_prompt(prompt, "hash", Embed(), tmp_path)


def test_a_word_that_the_table_lacks_is_an_error_not_dropped(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"phrase": ["a car"], "vector": [[1.0, 0.0]]}), tmp_path / "t.parquet")
    embed = Embed(table=str(tmp_path / "t.parquet"))
    assert encode_user_prompt("a car", "table", embed, tmp_path)[0] == ["a car"]
    with pytest.raises(InputError, match="no vector for 'a tank'"):
        encode_user_prompt("a car; a tank", "table", embed, tmp_path)


@pytest.mark.parametrize(
    ("phrase", "read_as"),
    [
        ("a pedestrian", "a person"),
        ("pedestrians", "people"),
        ("the motorbike", "a motorcycle"),
        ("a soldier", "a person"),
        ("workers", "people"),
        ("a child", "a person"),
        ("children", "people"),
        ("men", "people"),
        ("a cyclist", "a bicycle"),
        ("the lorries", "trucks"),
        ("sky", "outdoors"),
        ("a road", "a street"),
    ],
)
def test_another_word_for_an_object_is_read_as_the_vocabularys_and_that_is_said(phrase, read_as, capsys):
    stand_in.announce_synonym.cache_clear()
    names, vectors_TD = encode_user_prompt([phrase, "a car"], "distilled", Embed())
    assert names == [phrase, "a car"]
    expected = Distilled().encode([read_as])[read_as]
    np.testing.assert_array_equal(vectors_TD[0], expected)
    assert f"'{phrase}' is read as '{read_as}'" in capsys.readouterr().err


def test_words_that_the_encoder_has_are_read_as_they_are(capsys):
    encode_user_prompt(["people", "a man", "a taxi", "a tree"], "distilled", Embed())
    assert not capsys.readouterr().err


def test_a_weight_is_refused_where_nothing_heeds_it():
    with pytest.raises(InputError, match="'a car:2': only a network trained here takes a phrase with a weight"):
        encode_user_prompt("a person; a car:2", "distilled", Embed())


def test_a_word_that_nothing_stands_for_is_refused_with_what_is_spelt_like_it():
    with pytest.raises(InputError, match=r"no vector for 'a bicycel'; spelt most like it: .*a bicycle"):
        encode_user_prompt("a bicycel", "distilled", Embed())
