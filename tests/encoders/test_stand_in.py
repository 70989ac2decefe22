"""Which encoder a trained network is given: a table of who may stand in for whom."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from text2pixels.config import Embed
from text2pixels.encoders import stand_in
from text2pixels.encoders.distilled import Distilled
from text2pixels.encoders.embeddings import encode_for_network
from text2pixels.errors import InputError
from text2pixels.prompts import open_clip_models

SOURCE = "table@" + Distilled().metadata["source_sha256"][:16]
PUBLISHED = "open_clip/ViT-B-32/quickgelu@40d365715913c9da"


class Tower:
    """A text tower as far as this module sees: turned by ``angle`` away from the real one's vectors."""

    identity = "open_clip/ViT-B-32/quickgelu@0123456789abcdef"

    def __init__(self, agrees: bool = True):
        self._agrees = agrees

    def encode(self, phrases):
        vectors = {phrase: Distilled().vector(phrase) for phrase in phrases}
        return vectors if self._agrees else {phrase: vector[::-1].copy() for phrase, vector in vectors.items()}


@pytest.fixture(autouse=True)
def no_tower(monkeypatch):
    monkeypatch.setattr(open_clip_models, "at_hand", lambda model, pretrained: False)
    stand_in.announce.cache_clear()


def tower(monkeypatch, agrees=True):
    monkeypatch.setattr(open_clip_models, "at_hand", lambda model, pretrained: True)
    monkeypatch.setattr(stand_in, "OpenClip", lambda model, pretrained: Tower(agrees))


def names(name, identity, phrases, embed=None):
    return [each.identity for each in stand_in.candidates(name, identity, embed or Embed(), phrases)]


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

    monkeypatch.setattr(stand_in, "is_clip", lambda identity: True)
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
    assert not list(tmp_path.iterdir())  # nothing is left where the user happens to be
