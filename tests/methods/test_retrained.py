"""The weights in profiles/retrained: each folder is a method's model that fuses, and its card is the catalogue's."""

import re
from pathlib import Path

import numpy as np
import pytest

from text2pixels.methods.card import read_card
from text2pixels.methods.catalogue import load_model, methods

FOLDERS = sorted(path.parent for path in (Path(__file__).parents[2] / "profiles/retrained").glob("*/card.json"))


def test_every_rival_that_can_be_trained_again_has_weights_here():
    assert {folder.name for folder in FOLDERS} == {name for name, entry in methods().items() if entry.recipe} - {
        "segmif-visible"  # the same training; its mask differs when it fuses
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_kept_model_fuses_and_says_what_it_is(folder):
    card, of = read_card(folder)
    known = methods()[of].card
    assert (card.name, card.weights, card.files) == (folder.name, "retrained", ())
    assert re.fullmatch(r"[\d,]+ of [\d,]+ steps.* on RoadScene", card.schedule)
    assert card.notes.startswith(f"{known.notes}; trained here by its authors' losses and schedule")
    same = ("title", "paper", "year", "licence", "parameters", "colour", "visible", "eight_bits", "options")
    assert [getattr(card, field) for field in same] == [getattr(known, field) for field in same]
    across = np.linspace(20, 230, 48, dtype=np.uint8)
    infrared_HW, visible_HW3 = np.tile(across, (32, 1)), np.repeat(np.tile(across[::-1], (32, 1))[..., None], 3, 2)
    fused = load_model(folder, "cpu").fuse(infrared_HW, visible_HW3)
    assert fused.shape[:2] == (32, 48)
    assert fused.std() > 1
