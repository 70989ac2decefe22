"""Attention maps of the gallery: what is written, and what the page says of it."""

import cv2
import numpy as np
import pytest
from support.tiny_benchmark import HOSTILE, UNSEEN
from support.tiny_model import write_model

from text2pixels import layout
from text2pixels.config import Embed, Network
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.embeddings import write_vectors
from text2pixels.errors import InputError
from text2pixels.methods import trained as inference
from text2pixels.report.attention import Attention


def maps_of(pair, folder, prompt=None):
    return Attention("ours", prompt, Embed()).write(folder, pair)


def test_each_phrase_with_a_vector_has_a_map_of_one_pixel_a_token(benchmark, tmp_path):
    pair = benchmark[0]
    heat = maps_of(pair, tmp_path)
    assert [lit.phrase for lit in heat.phrases] == [HOSTILE, "at night", UNSEEN, inference.NO_PHRASE]
    assert [lit.file is None for lit in heat.phrases] == [False, False, True, False]
    assert sum(lit.share for lit in heat.phrases) == pytest.approx(1)
    for lit in heat.phrases:
        if lit.file:
            picture = cv2.imread(str(tmp_path / lit.file), cv2.IMREAD_UNCHANGED)
            assert picture.shape == (pair.height // 8, pair.width // 8, 4)
    assert (heat.across, heat.down) == (1, 1)


def test_maps_are_the_networks_attention_and_phrases_share_a_scale(benchmark, tmp_path):
    from text2pixels.image.png import read_gray, read_rgb

    pair, folder = benchmark[0], layout.processed("simulator")
    heat = maps_of(pair, tmp_path)
    expected = inference.load(layout.model("ours"), "cpu").attention(
        read_gray(folder / pair.infrared), read_rgb(folder / pair.visible), [HOSTILE.replace(";", ""), "at night"]
    )
    *phrases, nobody = [lit for lit in heat.phrases if lit.file]
    assert {lit.most for lit in phrases} == {max(lit.most for lit in phrases)}
    for lit in (*phrases, nobody):
        opacity = cv2.imread(str(tmp_path / lit.file), cv2.IMREAD_UNCHANGED)[..., 3] / 255
        grid = (opacity - 0.3) / 0.35 * lit.most
        assert grid.mean() == pytest.approx(expected[lit.phrase].mean(), abs=0.01)
        # A pixel in the middle of a token keeps the token's value when the map is enlarged bilinearly.
        corners = cv2.resize(expected[lit.phrase], grid.shape[::-1], interpolation=cv2.INTER_AREA)
        assert np.corrcoef(corners.ravel(), grid.ravel())[0, 1] > 0.7


def test_a_shared_prompt_takes_the_place_of_the_pairs_own(benchmark, tmp_path):
    heat = maps_of(benchmark[0], tmp_path, prompt="a car; at night")
    assert heat.shared
    assert [lit.phrase for lit in heat.phrases] == ["a car", "at night", inference.NO_PHRASE]


def test_vectors_of_another_encoder_are_refused(own_benchmark):
    write_vectors(layout.embeddings("hash"), "table@0", encoders.Hash().encode(["at night"]))
    with pytest.raises(InputError, match="was made by table@0"):
        Attention("ours", None, Embed())


def test_a_network_without_text_has_no_maps(own_benchmark, tmp_path):
    write_model(
        "ours",
        {own_benchmark[0].pair_id: ["at night"]},
        Network(channels=8, heads=2, cross_attention=False, codebook=False),
    )
    assert maps_of(own_benchmark[0], tmp_path) is None


def test_the_page_offers_every_phrase_and_says_which_were_not_seen(benchmark):
    page = (layout.SITE / "pair/simulator/night-0.html").read_text()
    assert page.count("data-map=") == 3
    assert f"{UNSEEN}</span>" in page
    assert "not seen by the network" in page
    assert "fused this pair," in page
