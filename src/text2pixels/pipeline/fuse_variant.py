"""Stage `fuse` of a trained network: data/fused/<dataset>/<variant>/*.png, and published/*.png there."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from text2pixels import config, layout
from text2pixels.datasets.manifest import Pair
from text2pixels.encoders.embeddings import Embeddings
from text2pixels.errors import InputError
from text2pixels.image.colour import quantise, stretch
from text2pixels.image.files import Image8
from text2pixels.methods import trained as inference
from text2pixels.pipeline.fused import Fused, write_fused
from text2pixels.prompts.table import read_prompts

SECTIONS: tuple[str, ...] = ("fuse", "embed")


def run(dataset: str, variant: str) -> None:
    """Fuse a registered data set by a trained variant, each pair under its own prompt or all under fuse.prompt.

    A network that was trained without text gets none.

    Raises:
        InputError: the model, the prompts or the phrase vectors are missing or do not belong together.
    """
    params = config.load(SECTIONS)
    fuser = inference.load(layout.model(variant), params.fuse.device, params.embed)
    text_of = _text(dataset, fuser, params.fuse.prompt)

    def fuse_pair(infrared_HW: Image8, visible_HW3: Image8, pair: Pair) -> Fused:
        y_HW = fuser.fuse_unrounded(infrared_HW, visible_HW3, text_of(pair))
        return Fused(quantise(y_HW), quantise(stretch(y_HW, 1)))

    write_fused(dataset, variant, fuse_pair)


def _text(dataset: str, fuser: inference.Fuser, prompt: str | None) -> Callable[[Pair], NDArray[np.float32] | None]:
    """Return what gives a pair its phrase vectors (T, D)."""
    if fuser.metadata["prompts"] == "none" or fuser.network.cross_attention is None:
        return lambda pair: None
    if prompt is not None:
        shared_TD = fuser.encode(prompt).vectors_TD
        return lambda pair: shared_TD
    return _Prompts(dataset, fuser.metadata).vectors


class _Prompts:
    """A data set's prompts as phrase vectors: the kind and the encoder that the network was trained with."""

    def __init__(self, dataset: str, metadata: dict[str, Any]) -> None:
        self._path = layout.prompts(dataset)
        self._phrases = read_prompts(self._path, metadata["prompts"])
        path = layout.embeddings(metadata["encoder"])
        self._embeddings = Embeddings.read(path)
        if self._embeddings.encoder != metadata["encoder_identity"]:
            raise InputError(
                f"{path} was made by {self._embeddings.encoder}, the network was trained with "
                f"{metadata['encoder_identity']}: train again, or set the section embed as it was"
            )

    def vectors(self, pair: Pair) -> NDArray[np.float32]:
        """Return (T, D)."""
        if pair.pair_id not in self._phrases:
            raise InputError(f"{self._path} has no prompt for {pair.pair_id}: run t2p prompt --dataset {pair.dataset}")
        return self._embeddings.tokens(self._phrases[pair.pair_id])
