"""What a user types becomes vectors: which encoder a trained network is given, and how each phrase is read."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from text2pixels.config import Embed
from text2pixels.encoders import user_phrases
from text2pixels.encoders.distilled import Distilled
from text2pixels.encoders.user_phrases import encode_for_network, encode_user_prompt
from text2pixels.errors import InputError
from text2pixels.prompts import open_clip_models

SOURCE = "table@" + Distilled().metadata["source_sha256"][:16]
PUBLISHED = "open_clip/ViT-B-32/quickgelu@40d365715913c9da"


class Tower:
    """Stands for a text tower: its vectors are those of the published one, or others where it does not agree."""

    identity = "open_clip/ViT-B-32/quickgelu@0123456789abcdef"

    def __init__(self, agrees: bool = True):
        self._agrees = agrees

    def encode(self, phrases):
        vectors = {phrase: Distilled().vector(phrase) for phrase in phrases}
        return vectors if self._agrees else {phrase: vector[::-1].copy() for phrase, vector in vectors.items()}


@pytest.fixture(autouse=True)
def no_tower(monkeypatch):
    monkeypatch.setattr(open_clip_models, "at_hand", lambda model, pretrained: False)
    user_phrases.announce.cache_clear()


def tower(monkeypatch, agrees=True):
    monkeypatch.setattr(open_clip_models, "at_hand", lambda model, pretrained: True)
    monkeypatch.setattr(user_phrases, "OpenClip", lambda model, pretrained: Tower(agrees))


def names(name, identity, phrases, embed=None):
    return [each.identity for each in user_phrases.candidates(name, identity, embed or Embed(), phrases)]


OWN = Distilled().identity


@pytest.mark.parametrize(("name", "identity"), [("table", SOURCE), ("open_clip", PUBLISHED)])
def test_clip_vectors_from_wherever_they_come(monkeypatch, name, identity):
    assert names(name, identity, ["at night"]) == [OWN]
    tower(monkeypatch)
    assert names(name, identity, ["at night"]) == [Tower.identity, OWN]
    assert names(name, identity, ["a car"])[0] == OWN  # the published vector: no tower need be loaded
    tower(monkeypatch, agrees=False)
    assert names(name, identity, ["at night"]) == [OWN]


def test_a_network_of_another_space_takes_its_own_encoder_alone(tmp_path):
    assert names("hash", "hash/shake256/512", ["at night"]) == ["hash/shake256/512"]
    assert names("distilled", OWN, ["at night"]) == [OWN]
    with pytest.raises(InputError, match="trained with the text encoder hash/other, here is hash/shake256/512"):
        names("hash", "hash/other", ["at night"])
    with pytest.raises(InputError, match=r"set embed\.table"):
        names("table", "table@0000000000000000", ["a car"])


def test_the_table_of_the_training_comes_first_and_the_rest_is_for_what_it_lacks(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    vectors = np.eye(512, dtype=np.float32)[:1]
    pq.write_table(pa.table({"phrase": ["a car"], "vector": pa.array(list(vectors))}), path)
    from text2pixels.encoders.catalogue import Table

    monkeypatch.setattr(user_phrases, "is_clip", lambda identity: True)
    identity, embed = Table(path).identity, Embed(table=str(path))
    _, found = encode_for_network("a car", "table", identity, embed, tmp_path)
    assert found[0, 0] == 1
    phrases, found = encode_for_network("a car; at night", "table", identity, embed, tmp_path)
    assert np.array_equal(found, [Distilled().vector(phrase) for phrase in phrases])


def test_an_approximated_phrase_is_told_once_and_an_unknown_one_refused(tmp_path, capsys, monkeypatch):
    from rich.console import Console

    from text2pixels import progress

    monkeypatch.setattr(progress, "console", Console(stderr=True))
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        encode_for_network("a car; several cars; at night; a zebra crossing", "table", SOURCE, Embed())
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("notice: 'a zebra crossing' is approximated")
    assert "text2pixels[clip]" in line
    with pytest.raises(InputError, match="'distilled' has no vector for 'zxqv'; it has: a person"):
        encode_for_network("a car; zxqv", "table", SOURCE, Embed())
    assert not list(tmp_path.iterdir())  # nothing is left in the user's working folder


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
    user_phrases.announce_synonym.cache_clear()
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
