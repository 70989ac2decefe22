"""The page `text`: what a prompt changes, in pictures at several strengths, and measured on labelled pairs.

Shapes: H, W image.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from text2pixels.analysis import text_effect
from text2pixels.datasets.manifest import Pair
from text2pixels.errors import InputError
from text2pixels.image.colour import restore_colour
from text2pixels.methods.card import Card
from text2pixels.methods.convention import round_output
from text2pixels.methods.trained import Fuser, Text, Vectors
from text2pixels.progress import track
from text2pixels.prompts.phrases import Noun, by_noun
from text2pixels.report.attention import Attention
from text2pixels.report.pictures import WIDTH, sources, write_webp
from text2pixels.sampling import spread

STRENGTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
GAIN = 4  # levels of gray for each level that the prompt changes
_MEASURED = 100  # labelled pairs of a data set at most


@dataclass(frozen=True)
class Shown:
    """A pair under its prompt at every strength.

    Attributes:
        pair: From the gallery.
        phrases: Those of its prompt that the network reads.
        stem: Of the pictures, from the site's folder: the number of a strength follows, or "change".
    """

    pair: Pair
    phrases: list[str]
    stem: str


@dataclass(frozen=True)
class Measured:
    """How much the phrase of a class changes its boxes.

    Attributes:
        rows: Of the table; none where there are too few classes.
        pairs: Labelled test pairs that were measured.
        of: Labelled test pairs in all.
        unknown: Phrases of classes that the text encoder has no vector for.
    """

    rows: list[text_effect.Row]
    pairs: int
    of: int
    unknown: list[str]


def text_page(
    folder: Path, views: Sequence[dict[str, Any]], attention: Attention, card: Card, resamples: int
) -> dict[str, Any]:
    """Return what the template `text.html` shows, and write the pictures of the galleries' pairs.

    Args:
        folder: Of the site.
        views: Of the data sets: name, adapter, test and, of the gallery, shown.
        attention: The network that reads text, and the phrases that each pair is fused with.
        card: Of that network.
        resamples: Of the intervals.

    Raises:
        InputError: an encoder that cannot be had.
    """
    sets = [
        {
            "title": view["adapter"].title,
            "name": view["name"],
            "shown": [
                shown
                for pair in track(view["shown"], f"prompts of {view['name']}")
                if (shown := _write_strengths(folder, pair, attention, card))
            ],
            "measured": measure(view["test"], attention.fuser, resamples),
        }
        for view in views
    ]
    return {"sets": sets, "strengths": [f"{strength:g}" for strength in STRENGTHS], "gain": GAIN, "network": card.name}


def measure(pairs: Sequence[Pair], fuser: Fuser, resamples: int) -> Measured:
    """Measure each class's phrase, alone against no text, on the labelled ones of some pairs."""
    labelled = [pair for pair in pairs if pair.boxes]
    chosen = spread(labelled, _MEASURED)
    texts, unknown = _encode(fuser, [noun for noun, _ in by_noun(box for pair in labelled for box in pair.boxes)])
    if len(texts) < 2:
        return Measured([], 0, len(labelled), unknown)
    vectors = {noun.one: text.vectors_TD for noun, text in texts.items()}
    found = [
        text_effect.alone(pair, list(texts), _in_levels(fuser, vectors, pair))
        for pair in track(chosen, "what a phrase changes")
    ]
    return Measured(text_effect.rows(found, resamples), len(chosen), len(labelled), unknown)


def _encode(fuser: Fuser, nouns: Sequence[Noun]) -> tuple[dict[Noun, Text], list[str]]:
    """Encode each class's phrase; also return the phrases that the text encoder does not know."""
    texts, unknown = {}, []
    for noun in nouns:
        try:
            texts[noun] = fuser.encode([noun.one])
        except InputError:  # a category of the user's own, say: the page names it
            unknown.append(noun.one)
    return texts, unknown


def _in_levels(fuser: Fuser, vectors: Mapping[str, Vectors], pair: Pair) -> text_effect.Fuse:
    """Return the function that fuses a pair under one phrase or none, (H, W) in levels of 255, not rounded."""
    infrared, visible = sources(pair)

    def fuse(phrases: Sequence[str]) -> text_effect.Image:
        text_TD = vectors[phrases[0]] if phrases else None
        return fuser.fuse_unrounded(infrared, visible, text_TD) * np.float32(255)

    return fuse


def _write_strengths(folder: Path, pair: Pair, attention: Attention, card: Card) -> Shown | None:
    """Write the pair fused at every strength, and the change at strength 1; None where its prompt says nothing."""
    _, text = attention.told(pair)
    if not text.phrases:
        return None
    infrared, visible = sources(pair)
    plain = attention.fuser.fuse_unrounded(infrared, visible) * np.float32(255)
    told = attention.fuser.fuse_unrounded(infrared, visible, text.vectors_TD, text.weights) * np.float32(255)
    stem = f"images/{pair.dataset}/{pair.name}/prompt-"
    (folder / stem).parent.mkdir(parents=True, exist_ok=True)
    for number, strength in enumerate(STRENGTHS):
        fused = round_output(card, (plain + strength * (told - plain)).astype(np.float32))
        write_webp(folder / f"{stem}{number}.webp", restore_colour(fused, visible), WIDTH)
    change = np.clip(128 + GAIN * (told - plain), 0, 255).round().astype(np.uint8)
    write_webp(folder / f"{stem}change.webp", change, WIDTH)
    return Shown(pair, list(text.phrases), stem)
