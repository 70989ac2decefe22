"""Phrases to the one CLIP vector that a network of other authors reads.

Such a network was trained with a sentence, and the vector that CLIP ViT-B/32 gives of it, unscaled. Here are
phrases, the same as our network reads, whose vectors have unit length. Told several, the network gets their
mean, of the length that CLIP's vectors have.

Shapes: D = 512 numbers of a vector.
"""

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from text2pixels.config import Embed
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.distilled import Distilled
from text2pixels.encoders.user_phrases import CLIP, encode_for_network, is_clip
from text2pixels.encoders.vectors import Vectors
from text2pixels.errors import InputError
from text2pixels.methods.model_prompts import VECTORS, read_vectors

# Length of CLIP's vector of "a person". Of the 1,613 noun phrases distilled the lengths are 8.0 to 13.4, 9.8 in
# the mean, those of what a camera sees on a street 10 to 11.3.
LENGTH = 11.26585
UNTOLD = "a person"  # what a network hears that has to hear something, and is told nothing


class ClipText:
    """Encodes phrases for a network that reads one CLIP vector.

    Args:
        model: Folder of the network's model, which may have vectors; None: there is none.
        embed: Where an encoder finds its model or table.
    """

    def __init__(self, model: Path | None, embed: Embed | None) -> None:
        self._model, self._embed = model, embed or Embed()
        self._encode = cache(self._encode_uncached)  # a video has one prompt and many frames

    def __call__(self, phrases: Sequence[str]) -> NDArray[np.float32]:
        """Return the vector (D,) of a prompt.

        Raises:
            InputError: no encoder of CLIP's vectors knows a phrase, or the model's vectors are not CLIP's.
        """
        return self._encode(tuple(phrases) or (UNTOLD,))

    def _encode_uncached(self, phrases: tuple[str, ...]) -> NDArray[np.float32]:
        if all(phrase in self._known for phrase in phrases):
            vectors_TD = np.stack([self._known[phrase] for phrase in phrases])
        else:
            table = self._embed.table is not None
            identity = encoders.build("table", self._embed).identity if table else CLIP
            vectors_TD = encode_for_network(phrases, "table" if table else "open_clip", identity, self._embed)[1]
        mean_D = vectors_TD.mean(axis=0)
        scaled_D: NDArray[np.float32] = (mean_D * (LENGTH / np.linalg.norm(mean_D))).astype(np.float32)
        return scaled_D

    @cached_property
    def _known(self) -> Vectors:
        """The vectors that came with the model."""
        embeddings = read_vectors(self._model)
        if embeddings is None:
            return {}
        assert self._model is not None, "it has vectors"
        check_encoder(embeddings.encoder, str(self._model / VECTORS))
        return embeddings.vectors


def check_encoder(identity: str, where: str) -> None:
    """Make sure that vectors are CLIP's, or distilled from them.

    Args:
        identity: Of their encoder.
        where: What to name in the message.

    Raises:
        InputError: they are another encoder's.
    """
    if identity != Distilled().identity and not is_clip(identity):
        raise InputError(
            f"{where}: vectors of {identity}, expected those of CLIP ViT-B/32; set train.encoder to distilled, "
            "open_clip, or table with the published vectors"
        )
