"""Which encoder gives a trained network its phrase vectors, where the one of its training is not at hand.

CLIP ViT-B/32's text vectors come in three ways that a network cannot tell apart: from the published
table, from the text tower itself, and distilled (exactly, to 8 bits, for the table's phrases). A network
trained with the first or second takes any of them. Every other network takes the encoder of its
training and no other.
"""

from collections.abc import Iterator, Sequence
from functools import cache

from text2pixels.config import Embed
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.catalogue import Encoder, OpenClip
from text2pixels.encoders.distilled import Distilled
from text2pixels.errors import InputError
from text2pixels.prompts import open_clip_models

_TOWER = "open_clip/ViT-B-32"  # with or without quickgelu in the name
_PUBLISHED = "@40d365715913c9da"  # OpenAI's file, by the checksum in its address
CLIP = _TOWER + _PUBLISHED  # identity of the tower that OpenAI published
_SAME = ("a car", "a person")  # two towers that agree on these are one
_AGREES = 0.98  # cosine; the mean of two phrases' is 0.75, that of two models' nearly 0


def candidates(name: str, identity: str, embed: Embed, phrases: Sequence[str]) -> Iterator[Encoder]:
    """Yield the encoders whose vectors a network understands, best first; nothing is downloaded for a stand-in.

    Args:
        name: of the encoder of its training, in the table of encoders.
        identity: of that encoder.
        embed: where encoders find their model or table.
        phrases: what is to be encoded.

    Raises:
        InputError: the network understands one encoder alone, and that is not to be had or is another one here.
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
        yield distilled  # the published vectors, without the seconds that a tower takes to load
    if open_clip_models.at_hand(embed.open_clip_model, embed.open_clip_pretrained):
        tower = OpenClip(embed.open_clip_model, embed.open_clip_pretrained)
        if tower.identity == identity or _agree(tower, distilled):
            yield tower
    yield distilled


@cache
def announce(phrase: str) -> None:
    """Tell once that a phrase's vector is a guess."""
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
    """Tell once that a phrase is read as another that means the same."""
    from text2pixels.progress import console

    console.print(f"notice: '{phrase}' is read as '{said}'", markup=False, highlight=False, soft_wrap=True)


def is_clip(identity: str) -> bool:
    """Say whether an encoder is the published CLIP ViT-B/32, or the published table of its vectors."""
    source = f"table@{Distilled().metadata.get('source_sha256', '')[:16]}"
    return identity == source or (identity.startswith(_TOWER) and identity.endswith(_PUBLISHED))


def _agree(tower: Encoder, distilled: Distilled) -> bool:
    left, right = tower.encode(_SAME), distilled.encode(_SAME)
    return all(left[phrase].shape == right[phrase].shape and left[phrase] @ right[phrase] > _AGREES for phrase in _SAME)
