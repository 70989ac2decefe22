"""Attention maps of the gallery's pairs: which phrase acts on which pixels, one small picture for each phrase.

Shapes: H, W image; h, w token grid; T phrases with a vector, S = T + 1 with the null token last.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from text2pixels import layout
from text2pixels.config import Embed
from text2pixels.datasets.manifest import Pair
from text2pixels.encoders.embeddings import Embeddings
from text2pixels.errors import InputError
from text2pixels.methods import trained as inference
from text2pixels.network.description import STRIDE
from text2pixels.prompts.table import read_prompts
from text2pixels.report.pictures import sources

_OPACITY = (0.3, 0.65)  # where there is no attention, and where there is most
_LOSSLESS = 101  # cv2's quality of WebP beyond which nothing is lost


@dataclass(frozen=True)
class Lit:
    """A phrase of a prompt and its attention map.

    Attributes:
        phrase: as the prompt has it; `inference.NO_PHRASE` for the null token, which stands for no phrase.
        file: of the map, in the pair's folder of pictures; None: the encoder has no vector for the
            phrase, so the network has not seen it.
        share: of all attention, 0..1; those of one pair sum to 1.
        most: the attention, 0..1, that the brightest colour stands for.
    """

    phrase: str
    file: str | None = None
    share: float = 0.0
    most: float = 0.0


@dataclass(frozen=True)
class Heat:
    """The maps of a pair.

    Attributes:
        phrases: of the text that the pair was fused under.
        across: a map's extent as a share of the image's width; it covers whole tokens, so it may
            reach beyond the border.
        down: the same of the height.
        shared: whether every pair has these phrases.
    """

    phrases: tuple[Lit, ...]
    across: float
    down: float
    shared: bool


class Attention:
    """The attention maps of a trained variant, under the text that it fused with.

    Args:
        variant: with a checkpoint.
        prompt: fuse.prompt, the same for every pair; None: each pair's own.
        embed: as in params.yaml.

    Attributes:
        fuser: the network, on the CPU.
        reads_text: whether it reads any.

    Raises:
        InputError: the model or the phrase vectors are missing or do not belong together.
    """

    def __init__(self, variant: str, prompt: str | None, embed: Embed) -> None:
        self.fuser = inference.load(layout.model(variant), "cpu", embed)
        self._kind: str = self.fuser.metadata["prompts"]
        self.reads_text = self._kind != "none" and self.fuser.reads_text
        self._shared = self.fuser.encode(prompt) if prompt is not None and self.reads_text else None
        if not self.reads_text or self._shared is not None:
            return
        path = layout.embeddings(self.fuser.metadata["encoder"])
        self._embeddings = Embeddings.read(path)
        if self._embeddings.encoder != self.fuser.metadata["encoder_identity"]:
            raise InputError(
                f"{path} was made by {self._embeddings.encoder}, {layout.model(variant)} was trained with "
                f"{self.fuser.metadata['encoder_identity']}: train again, or set the section embed as it was"
            )

    def write(self, folder: Path, pair: Pair) -> Heat | None:
        """Write a map for each phrase of a pair that the network has seen; None if it reads no text."""
        if not self.reads_text:
            return None
        phrases, text = self.told(pair)
        map_of = dict(zip([*text.phrases, inference.NO_PHRASE], self._maps(pair, text.vectors_TD), strict=True))
        brightest = max((float(map_of[phrase].max()) for phrase in text.phrases), default=0.0)
        lit = []
        for index, phrase in enumerate([*phrases, inference.NO_PHRASE] if text.phrases else phrases):
            if phrase not in map_of:
                lit.append(Lit(phrase))
                continue
            # The phrases share a scale, so that they compare; the null token has its own.
            most = float(map_of[phrase].max()) if phrase == inference.NO_PHRASE else brightest
            file = f"attention-{index}.webp"
            (folder / file).write_bytes(_picture(map_of[phrase] / most))
            lit.append(Lit(phrase, file, float(map_of[phrase].mean()), most))
        rows, columns = map_of[inference.NO_PHRASE].shape
        return Heat(tuple(lit), columns * STRIDE / pair.width, rows * STRIDE / pair.height, self._shared is not None)

    def told(self, pair: Pair) -> tuple[list[str], inference.Text]:
        """Return the phrases of the text that a pair was fused under, and those of them that have a vector."""
        if self._shared is not None:
            return self._shared.phrases, self._shared
        phrases = read_prompts(layout.prompts(pair.dataset), self._kind)[pair.pair_id]
        return phrases, inference.Text(self._embeddings.known(phrases), self._embeddings.tokens(phrases))

    def _maps(self, pair: Pair, text_TD: inference.Vectors) -> inference.Vectors:
        """Return the attention maps (S, h, w)."""
        return self.fuser.attention_tokens(*sources(pair), text_TD)


def _picture(heat_hw: inference.Vectors) -> bytes:
    """Return a WebP, coloured and the more opaque the hotter, a pixel a token."""
    levels = np.floor(heat_hw * 255 + 0.5).astype(np.uint8)
    opacity = np.interp(heat_hw, (0, 1), _OPACITY)
    bgra = np.dstack((cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), np.floor(opacity * 255 + 0.5).astype(np.uint8)))
    return cv2.imencode(".webp", bgra, [cv2.IMWRITE_WEBP_QUALITY, _LOSSLESS])[1].tobytes()
