"""Large images through the trained network: in tiles, as if in one piece.

All that the network does depends on the pixels around, but for two things of the whole image: which of the two has
more contrast, the lead, and the landmarks of self-attention, the means of 12 x 12 parts. So it runs twice over the
tiles. The first time for their tokens, which give the landmarks; then to fuse each tile with these and the lead. A
tile is computed with a margin that is wider than the network sees, and cut back, so nothing shows where two meet.

Shapes: B batch, here 1; H, W image; M landmarks; T phrases, S = T + 1; E token width; h, w tokens.
"""

from collections.abc import Iterator
from itertools import pairwise, product
from typing import NamedTuple, Protocol

import numpy as np

from text2pixels.methods.engines.engine import Float, Output, lead
from text2pixels.network.description import LANDMARKS, STRIDE

LARGEST = 1 << 22  # pixels of a pair that is run in one piece: about 1 GB
SIDE = 160  # tokens of a tile
MARGIN = 16  # tokens: what reads the phrases sees 122 pixels beyond those it gives, the rest 60


class Whole(NamedTuple):
    """What images are fused with of that which they are parts of.

    Attributes:
        lead_B: of the image that each is a tile of, or of the video that it is a frame of; see `engine.lead`.
        landmarks_1ME: of the image that it is a tile of; None: it is no tile, or the network has no self-attention.
    """

    lead_B: Float
    landmarks_1ME: Float | None


class Tiled(Protocol):
    """What runs a network on a tile."""

    def tokens(self, infrared_11HW: Float, visible_11HW: Float) -> Float | None:
        """Return the tokens (h + 2, w + 2, E) that landmarks are means of; None: the network has no self-attention."""
        ...

    def fuse(self, infrared_11HW: Float, visible_11HW: Float, text_TD: Float | None, whole: Whole | None) -> Output:
        """Return the tile fused; ``whole`` None: it is a whole image, and of no video."""
        ...


class _Part(NamedTuple):
    """A side of a tile, in tokens of the image: those it gives, and those it is computed from."""

    start: int
    stop: int
    first: int
    last: int
    end: int  # of the image

    @property
    def pixels(self) -> slice:
        """Which pixels it is computed from."""
        return slice(self.first * STRIDE, self.last * STRIDE)

    @property
    def own(self) -> slice:
        """Which tokens it gives, among those it is computed from."""
        return slice(self.start - self.first, self.stop - self.first)

    @property
    def given(self) -> slice:
        """Which tokens of the image it gives."""
        return slice(self.start, self.stop)

    @property
    def framed(self) -> slice:
        """Which tokens it gives in an image with one token of margin around."""
        return slice(self.start + (self.start > 0), self.stop + 1 + (self.stop == self.end))

    @property
    def own_framed(self) -> slice:
        """Which of its own tokens, with a margin of one around, those are."""
        return slice(self.framed.start - self.first, self.framed.stop - self.first)


def is_large(image_B1HW: Float) -> bool:
    """Say whether images of this size are to be fused in tiles."""
    pixels: int = image_B1HW[0].size
    return pixels > LARGEST


def run(
    engine: Tiled, infrared_B1HW: Float, visible_B1HW: Float, text_TD: Float | None, lead_B: Float | None
) -> Output:
    """Fuse pairs in tiles; see `engine.Engine.run`."""
    if lead_B is None:
        lead_B = np.array([lead(*pair) for pair in zip(infrared_B1HW, visible_B1HW, strict=True)], np.float32)
    outputs = [
        _run(engine, infrared_B1HW[[index]], visible_B1HW[[index]], text_TD, lead_B[[index]])
        for index in range(len(lead_B))
    ]
    attention = [each.attention_BShw for each in outputs if each.attention_BShw is not None]
    fused_B1HW = np.concatenate([each.fused_B1HW for each in outputs]) if len(outputs) > 1 else outputs[0].fused_B1HW
    return Output(fused_B1HW, np.concatenate(attention) if attention else None)


def _run(engine: Tiled, infrared_11HW: Float, visible_11HW: Float, text_TD: Float | None, lead_1: Float) -> Output:
    height, width = infrared_11HW.shape[2:]
    tiles = list(product(_parts(height), _parts(width)))
    whole = Whole(lead_1, _landmarks(engine, infrared_11HW, visible_11HW, tiles))
    fused_11HW, attention_1Shw = np.empty_like(infrared_11HW), None
    for down, across in tiles:
        where = (..., down.pixels, across.pixels)
        tile = engine.fuse(infrared_11HW[where], visible_11HW[where], text_TD, whole)
        own = (..., _scaled(down.own), _scaled(across.own))
        fused_11HW[..., _scaled(down.given), _scaled(across.given)] = tile.fused_B1HW[own]
        if tile.attention_BShw is not None:
            if attention_1Shw is None:
                phrases = tile.attention_BShw.shape[1]
                attention_1Shw = np.empty((1, phrases, -(-height // STRIDE), -(-width // STRIDE)), np.float32)
            attention_1Shw[..., down.given, across.given] = tile.attention_BShw[..., down.own, across.own]
    return Output(fused_11HW, attention_1Shw)


def _parts(pixels: int) -> Iterator[_Part]:
    end = -(-pixels // STRIDE)
    count = -(-end // SIDE)
    edges = [end * index // count for index in range(count + 1)]  # of about equal length, so none is a sliver
    for start, stop in pairwise(edges):
        yield _Part(start, stop, max(start - MARGIN, 0), min(stop + MARGIN, end), end)


def _scaled(tokens: slice) -> slice:
    return slice(tokens.start * STRIDE, tokens.stop * STRIDE)


def _landmarks(
    engine: Tiled, infrared_11HW: Float, visible_11HW: Float, tiles: list[tuple[_Part, _Part]]
) -> Float | None:
    """Return the landmarks of the whole image, (1, M, E); None: the network has no self-attention."""
    down_Mh, across_Mw = (_pooling(-(-side // STRIDE) + 2) for side in infrared_11HW.shape[2:])
    total = None
    for down, across in tiles:
        where = (..., down.pixels, across.pixels)
        tokens_hwE = engine.tokens(infrared_11HW[where], visible_11HW[where])
        if tokens_hwE is None:
            return None
        own_hwE = tokens_hwE[down.own_framed, across.own_framed]
        part = np.einsum("mh,hwe,nw->mne", down_Mh[:, down.framed], own_hwE, across_Mw[:, across.framed], optimize=True)
        total = part if total is None else total + part
    assert total is not None
    landmarks_1ME: Float = total.reshape(1, LANDMARKS**2, -1).astype(np.float32)
    return landmarks_1ME


def _pooling(size: int) -> Float:
    """Return what `attention.pooling_matrix` does: row i averages the i-th of 12 equal parts, (12, size)."""
    starts, cells = np.arange(LANDMARKS)[:, None] * size / LANDMARKS, np.arange(size)[None]
    overlap = np.minimum(starts + size / LANDMARKS, cells + 1) - np.maximum(starts, cells)
    matrix: Float = (overlap.clip(min=0) * LANDMARKS / size).astype(np.float32)
    return matrix
