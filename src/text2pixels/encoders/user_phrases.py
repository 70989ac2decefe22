"""What a user typed, as vectors: by an encoder of a given name, or for a trained network.

Where the encoder of a network's training is not at hand, another may stand in for it. CLIP ViT-B/32's text
vectors come in three ways that a network cannot tell apart: from the published table, from the text tower
itself, and distilled (exactly, to 8 bits, for the table's phrases). A network trained with the table or the
tower takes any of the three. Every other network takes only the encoder of its training.

Shapes: T phrases, D numbers a vector.
"""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from text2pixels.config import Embed
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.catalogue import Encoder, OpenClip
from text2pixels.encoders.distilled import Distilled
from text2pixels.encoders.embeddings import CACHE, encode_cached
from text2pixels.encoders.vectors import Table
from text2pixels.errors import InputError
from text2pixels.prompts import open_clip_models
from text2pixels.prompts.phrases import plainer
from text2pixels.prompts.user_prompts import split, weigh

_TOWER = "open_clip/ViT-B-32"  # with or without quickgelu in the name
_PUBLISHED = "@40d365715913c9da"  # the checksum of OpenAI's file, which is part of its address
CLIP = _TOWER + _PUBLISHED  # identity of the tower that OpenAI published
_SAME = ("a car", "a person")  # two towers whose vectors of these agree are taken for the same
_AGREES = 0.98  # cosine; it is 0.75 on average between two phrases of one model, and nearly 0 between two models
_SPELT_ALIKE = 0.8  # of difflib's ratio: a slip of the finger, not another word


def encode_user_prompt(
    prompt: str | Sequence[str], encoder: str, embed: Embed, folder: Path = CACHE
) -> tuple[list[str], NDArray[np.float32]]:
    """Encode what a user typed: a sentence is one phrase, semicolons separate several.

    Returns:
        The phrases and their vectors (T, D).

    Raises:
        InputError: empty, too long, unknown encoder, or a phrase that the encoder's table lacks: a
            word the user gave is never dropped silently.
    """
    phrases = _phrases(prompt)
    return phrases, _all_vectors(phrases, [encoders.build(encoder, embed)], folder)


def encode_for_network(
    prompt: str | Sequence[str], encoder: str, identity: str, embed: Embed, folder: Path = CACHE
) -> tuple[list[str], NDArray[np.float32]]:
    """Encode what a user typed for a network trained with that encoder, or with one that stands in for it.

    Returns:
        The phrases and their vectors (T, D).

    Raises:
        InputError: as `encode_user_prompt`; or no encoder here is like the network's.
    """
    phrases = _phrases(prompt)
    return phrases, _all_vectors(phrases, candidates(encoder, identity, embed, phrases), folder)


def _phrases(prompt: str | Sequence[str]) -> list[str]:
    phrases = split(prompt if isinstance(prompt, str) else ";".join(prompt), "the prompt")
    if weighted := next((phrase for phrase in phrases if weigh(phrase)[1] != 1), None):
        raise InputError(f"'{weighted}': only a network trained here takes a phrase with a weight")
    return phrases


def _all_vectors(phrases: list[str], candidates: Iterable[Encoder], folder: Path) -> NDArray[np.float32]:
    """Return the vectors of the first encoder that has one for every phrase.

    Where an encoder lacks a phrase or could only guess its vector from its letters, the vocabulary's word for the same
    thing takes its place, and the user is told.
    """
    lacking, near = "", list[str]()
    for encoder in candidates:
        # Only a tower's vectors are worth a cache file in the user's working folder.
        slow = isinstance(encoder, OpenClip)
        read_as = {phrase: plainer(phrase) or phrase for phrase in phrases}
        wanted = list(dict.fromkeys([*phrases, *read_as.values()]))
        vectors = encode_cached(encoder, phrases, folder)[0] if slow else encoder.encode(wanted)
        guessed = set(encoder.approximated(phrases)) if isinstance(encoder, Distilled) else set()
        spoken = [phrase if phrase in vectors and phrase not in guessed else read_as[phrase] for phrase in phrases]
        lacking = next((phrase for phrase, said in zip(phrases, spoken, strict=True) if said not in vectors), "")
        if lacking:
            listed = encoder.phrases if isinstance(encoder, (Distilled, Table)) else []
            near = get_close_matches(lacking, listed, n=3, cutoff=_SPELT_ALIKE)
            continue
        for phrase, said in zip(phrases, spoken, strict=True):
            if said != phrase:
                announce_synonym(phrase, said)
        if isinstance(encoder, Distilled):
            for phrase in encoder.approximated(spoken):
                announce(phrase)
        return np.stack([vectors[phrase] for phrase in spoken])
    hint = (
        f"spelt most like it: {', '.join(near)}" if near else "it has: a person, a car, a tree, a street, at night, …"
    )
    name = encoder.identity.partition("@")[0].partition("/")[0]
    raise InputError(f"the encoder '{name}' has no vector for '{lacking}'; {hint}; or use the encoder open_clip")


def candidates(name: str, identity: str, embed: Embed, phrases: Sequence[str]) -> Iterator[Encoder]:
    """Yield the encoders whose vectors a network was trained to read, best first; no stand-in is downloaded.

    Args:
        name: of the encoder of its training, in the table of encoders.
        identity: of that encoder.
        embed: where encoders find their model or table.
        phrases: what is to be encoded.

    Raises:
        InputError: only the encoder of its training will do, and that cannot be had or is a different one here.
    """
    distilled = Distilled()
    if not is_clip(identity):
        own = encoders.build(name, embed)
        if own.identity != identity:
            raise InputError(
                f"the network was trained with the text encoder {identity}, here is {own.identity}: "
                "its vectors mean something else; see the section embed of params.yaml"
            )
        yield own
        return
    if name == "table" and embed.table and (table := encoders.build(name, embed)).identity == identity:
        yield table
    if all(map(distilled.has, phrases)):
        yield distilled  # it has the published vectors, and needs no seconds to load as a tower does
    if open_clip_models.at_hand(embed.open_clip_model, embed.open_clip_pretrained):
        tower = OpenClip(embed.open_clip_model, embed.open_clip_pretrained)
        if tower.identity == identity or _agree(tower, distilled):
            yield tower
    yield distilled


@cache
def announce(phrase: str) -> None:
    """Tell, once for each phrase, that its vector is approximated."""
    from text2pixels.progress import console

    console.print(
        f"notice: '{phrase}' is approximated, it is not among the phrases distilled; for the CLIP text tower install "
        "open_clip (pip install 'text2pixels[clip]') and its weights (t2p embed 'a car' --encoder open_clip)",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


@cache
def announce_synonym(phrase: str, said: str) -> None:
    """Tell, once for each phrase, that it is read as another word for the same."""
    from text2pixels.progress import console

    console.print(f"notice: '{phrase}' is read as '{said}'", markup=False, highlight=False, soft_wrap=True)


def is_clip(identity: str) -> bool:
    """Say whether an encoder is the published CLIP ViT-B/32, or the published table of its vectors."""
    source = f"table@{Distilled().metadata.get('source_sha256', '')[:16]}"
    return identity == source or (identity.startswith(_TOWER) and identity.endswith(_PUBLISHED))


def _agree(tower: Encoder, distilled: Distilled) -> bool:
    left, right = tower.encode(_SAME), distilled.encode(_SAME)
    return all(left[phrase].shape == right[phrase].shape and left[phrase] @ right[phrase] > _AGREES for phrase in _SAME)
