"""Our network as a method, under the phrases of a prompt.

Shapes: H, W image; T phrases, D dimension of a phrase vector.
"""

from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.methods import trained
from text2pixels.methods.card import Card
from text2pixels.methods.method import Float, Image8, Phrases, check_pair
from text2pixels.methods.model_prompts import VECTORS, read_vectors
from text2pixels.network.description import MINIMUM_SIDE
from text2pixels.prompts.user_prompts import weigh

if TYPE_CHECKING:
    from text2pixels.config import Embed


class Own:
    """A network trained here, ready to fuse."""

    def __init__(self, card: Card, fuser: trained.Fuser, folder: Path | None) -> None:
        self.card = card
        self._fuser, self._folder = fuser, folder
        self._encode = cache(self._encode_uncached)  # a video has one prompt and many frames

    @property
    def parameters(self) -> int:
        """Return the number of weights, the learned codes of the codebook included."""
        return self._fuser.parameters

    def fuse(self, infrared_HW: Image8, visible_HW3: Image8, phrases: Phrases = ()) -> Float:
        """Fuse one pair; see `Method.fuse`.

        Raises:
            InputError: also an encoder that cannot be had, or a phrase that it does not know.
        """
        check_pair(infrared_HW, visible_HW3, MINIMUM_SIDE)
        text_TD, weights = self._encode(tuple(phrases)) if phrases else (None, ())
        return self._fuser.fuse_unrounded(infrared_HW, visible_HW3, text_TD, weights) * np.float32(255)

    def for_video(self) -> "Own":
        """Return itself for the frames of one video; see `Fuser.for_video`."""
        return Own(self.card, self._fuser.for_video(), self._folder)

    def attention(self, infrared_HW: Image8, visible_HW3: Image8, phrases: Phrases) -> dict[str, Float]:
        """Return which phrase lit which pixels; see `Attentive.attention`."""
        return self._fuser.attention(infrared_HW, visible_HW3, phrases)

    def _encode_uncached(self, phrases: tuple[str, ...]) -> tuple[NDArray[np.float32], tuple[float, ...]]:
        """Return the vectors (T, D) and the weights of phrases, which end in their weight where it is not 1."""
        known = self._known
        if all(phrase in known for phrase in phrases):
            return np.stack([known[phrase] for phrase in phrases]), ()
        weighed = dict(map(weigh, phrases))
        if all(words in known for words in weighed):
            return np.stack([known[words] for words in weighed]), trained.weights_of(weighed.values())
        text = self._fuser.encode(phrases)
        return text.vectors_TD, text.weights

    @cached_property
    def _known(self) -> dict[str, NDArray[np.float32]]:
        """The vectors that came with the model: those of its training, so no encoder is needed for them."""
        embeddings = read_vectors(self._folder)
        if embeddings is None:
            return {}
        assert self._folder is not None, "it has vectors"
        if embeddings.encoder != (trained_with := self._fuser.metadata["encoder_identity"]):
            raise InputError(
                f"{self._folder / VECTORS} was made by {embeddings.encoder}, the network was trained with "
                f"{trained_with}: run dvc repro, which makes the model again"
            )
        return embeddings.vectors


def load(card: Card, folder: Path | None, device: str, engine: str | None, embed: "Embed | None") -> Own:
    """Return a network trained here; None: the one that comes with the package.

    Raises:
        InputError: see `trained.load`.
    """
    return Own(card, trained.load(folder, device, embed=embed, engine=engine), folder)
