"""What a network that reads one CLIP vector is told."""

import numpy as np
import pytest

from text2pixels.config import Embed
from text2pixels.encoders.catalogue import Hash
from text2pixels.encoders.distilled import Distilled
from text2pixels.encoders.embeddings import Embeddings
from text2pixels.errors import InputError
from text2pixels.methods.model_prompts import write_text
from text2pixels.methods.networks import clip_text
from text2pixels.methods.networks.clip_text import LENGTH, ClipText


def cosine(one, other):
    return one @ other / (np.linalg.norm(one) * np.linalg.norm(other))


@pytest.mark.parametrize("phrases", [["a car"], ["a car", "a person"], ["a car", "a person", "at night"]])
def test_a_prompt_is_one_vector_of_the_length_of_clips(phrases):
    vector = ClipText(None, None)(phrases)
    assert vector.shape == (512,)
    assert vector.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vector), LENGTH, rtol=1e-5)


def test_several_phrases_are_their_mean_so_their_order_does_not_matter():
    text = ClipText(None, None)
    car, person, both = (text(phrases) for phrases in (["a car"], ["a person"], ["a car", "a person"]))
    np.testing.assert_allclose(both, text(["a person", "a car"]), atol=1e-5)
    np.testing.assert_allclose(cosine(both, car), cosine(both, person), atol=1e-4)
    assert cosine(both, car) > cosine(person, car)


def test_told_nothing_it_hears_what_its_network_was_trained_with():
    text = ClipText(None, None)
    np.testing.assert_array_equal(text([]), text([clip_text.UNTOLD]))


def test_vectors_of_the_model_need_no_encoder(tmp_path, monkeypatch):
    encoder = Distilled()
    write_text(tmp_path, {"pair": ["a car"]}, Embeddings(encoder.identity, 512, encoder.encode(["a car"])))
    expected = ClipText(None, None)(["a car"])
    monkeypatch.setattr(clip_text, "encode_for_network", None)
    np.testing.assert_allclose(ClipText(tmp_path, None)(["a car"]), expected, rtol=1e-5)


def test_vectors_that_are_not_clips_are_refused(tmp_path):
    encoder = Hash()
    write_text(tmp_path, {"pair": ["a car"]}, Embeddings(encoder.identity, 512, encoder.encode(["a car"])))
    with pytest.raises(InputError, match=r"vectors.parquet: vectors of hash.*, expected those of CLIP ViT-B/32"):
        ClipText(tmp_path, Embed())(["a car"])
