"""Fusing with a trained network: the library's front door.

    fuser = text2pixels.load("models/ours")
    fused = fuser.fuse(infrared, visible, prompt="a person; at night")

Shapes: B batch; H, W image; T phrases, D dimension of a phrase vector.
"""

import copy
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from text2pixels.config import Embed
from text2pixels.errors import InputError
from text2pixels.image.colour import Image8, luminance, quantise, restore_colour
from text2pixels.methods.engines import network_engine
from text2pixels.methods.engines.engine import Engine, Float, Name, Output, lead
from text2pixels.methods.method import check_sizes
from text2pixels.methods.pictures import Picture, infrared_to_8_bits, visible_to_8_bits
from text2pixels.network.description import LAYOUT, MINIMUM_SIDE, WHITE, Description, describe

SHIPPED = Path(__file__).parents[1] / "weights"
_FRAMES = 20  # of a video: so many later, its lead has followed two thirds of a change
NO_PHRASE = "(no phrase)"  # the null token's name among the phrases

Prompt = str | Sequence[str] | None
Vectors = Float


class Text(NamedTuple):
    """Encoded phrases: T names, their vectors (T, D), and their weights; no weights: all are 1."""

    phrases: list[str]
    vectors_TD: Vectors
    weights: tuple[float, ...] = ()


def load(
    folder: str | Path | None = None,
    device: str = "auto",
    embed: Embed | None = None,
    engine: Name | str | None = None,
) -> "Fuser":
    """Load a trained network, ready to fuse.

    By torch on a CPU, the process from then on flushes denormal numbers to zero and keeps the memory it
    frees: the network runs up to twice as fast, with the same output.

    Args:
        folder: what the stage `method` or `t2p export` wrote; None: the weights that come with the package.
        device: "auto" is CUDA where there is one, otherwise the CPU.
        embed: where the text encoder finds its model or table, as in params.yaml.
        engine: "onnx" (ONNX Runtime) or "torch"; None: see `network_engine.start`. They agree to one level of 8 bits.

    Raises:
        InputError: no such checkpoint, a broken one, no such engine, or no such device.
    """
    if folder is None and not has_shipped():
        raise InputError(
            "this installation comes without trained weights: train a network (dvc repro method) and name its folder "
            "(t2p fuse --model FOLDER, or text2pixels.load(FOLDER))"
        )
    place = Path(folder or SHIPPED)
    described = describe(place)
    return Fuser(described, network_engine.start(place, described, device, engine), embed or Embed())


def has_shipped() -> bool:
    """Say whether this installation comes with trained weights."""
    return (SHIPPED / LAYOUT.description).is_file()


class Fuser:
    """A trained network on a device; `load` makes one.

    Attributes:
        metadata: of the checkpoint: the text encoder and the kind of prompts it was trained with.
        parameters: number of trained weights, the learned codes of the codebook included.
        reads_text: whether the network has cross-attention.
        engine: what runs it.
        device: where it runs: "cpu", "cuda:0".
    """

    def __init__(self, described: Description, engine: Engine, embed: Embed) -> None:
        self.metadata = described.metadata
        self.parameters = described.parameters
        self.reads_text = described.network.cross_attention
        self.engine = engine
        self.device = engine.device
        self._text_dim = described.network.text_dim
        self._embed = embed
        self._video: _VideoLead | None = None

    def for_video(self) -> "Fuser":
        """Return a fuser for the frames of one video, to be given in their order.

        How bright a picture is depends on which image has more contrast, over all of it. For each frame by itself, a
        car's headlamps coming into view would change the brightness of everything else; in a video it follows slowly.
        """
        fuser = copy.copy(self)
        fuser._video = _VideoLead()
        return fuser

    @overload
    def fuse(self, infrared: Picture, visible: Picture, prompt: Prompt = None) -> Picture: ...
    @overload
    def fuse(
        self,
        infrared: Sequence[Picture],
        visible: Sequence[Picture],
        prompt: Prompt = None,
        prompts: Sequence[Prompt] | None = None,
    ) -> list[Picture]: ...
    def fuse(self, infrared: Any, visible: Any, prompt: Prompt = None, prompts: Sequence[Prompt] | None = None) -> Any:
        """Fuse one pair, or as many as the two sequences hold.

        Args:
            infrared: a numpy array (H, W), a tensor (H, W) or (1, H, W), a PIL image, or a sequence
                of those or a tensor (B, 1, H, W). 8 bits, 16-bit counts, or floating point in [0, 1];
                a colour palette is refused. What of a PIL image is not to be seen is a warning.
            visible: the same, gray or RGB: (H, W, 3), (3, H, W), (B, 3, H, W). Any size from
                16x16, equal to the infrared's.
            prompt: phrases, separated by semicolons or as a sequence, for all pairs; None: no text. A phrase may
                have a weight from -5 to 5, "a person:1.5; a car:-0.5": see `fuse_unrounded`.
            prompts: of several pairs: one for each, in place of ``prompt``; None among them: no text for that pair.

        Returns:
            The fused image as the visible came: its kind, type, device and size, its colour if it
            has one. Computed with 8-bit images, as the benchmark does.

        Raises:
            InputError: images or phrases that cannot be used, or too little memory.
        """
        single = not isinstance(infrared, (list, tuple)) and getattr(infrared, "ndim", 2) != 4
        if single:
            infrared, visible = [infrared], [visible]
        if len(infrared) != len(visible):
            raise InputError(f"{len(infrared)} infrared and {len(visible)} visible images: expected as many of each")
        own = _prompts(prompt, prompts, None if single else len(infrared))
        pairs, give_back = [], []
        for thermal, scene in zip(infrared, visible, strict=True):
            scene_8, back = visible_to_8_bits(scene)
            pairs.append((infrared_to_8_bits(thermal), scene_8))
            give_back.append(back)
        results = []
        for index, fused_HW in enumerate(self._fuse_each(pairs, own)):
            scene_8 = pairs[index][1]
            results.append(give_back[index](fused_HW if scene_8.ndim == 2 else restore_colour(fused_HW, scene_8)))
        if single:
            return results[0]
        if isinstance(visible, (list, tuple, np.ndarray)):
            return results
        return sys.modules["torch"].stack(results)  # whoever has a tensor has torch

    def fuse_luminance(self, infrared_HW: Image8, visible: Image8, text_TD: Vectors | None = None) -> Image8:
        """Fuse one pair to 8-bit luminance (H, W): what metrics see.

        Args:
            infrared_HW: 8 bits, gray.
            visible: 8 bits, RGB (H, W, 3) or gray (H, W).
            text_TD: phrase vectors; None or T = 0: no text.

        Raises:
            InputError: unequal sizes, images too small, vectors of another dimension, or too little memory.
        """
        return next(self._fuse_pairs([(infrared_HW, visible)], text_TD))

    def fuse_unrounded(
        self, infrared_HW: Image8, visible: Image8, text_TD: Vectors | None = None, weights: Sequence[float] = ()
    ) -> Vectors:
        """Fuse one pair as `fuse_luminance` does; return luminance (H, W) in [0, 1] before it is rounded.

        With weights the picture is the one without text, plus, for each group of phrases of one weight, the weight
        times what that group changes in it:

            z = clip(z_0 + sum_w w (z_w - z_0)), between 0 and .97, or what the brighter source has

        So 1 is the prompt as it is, 0 leaves a phrase out, 2 doubles what it does, -1 does the opposite.

        Args:
            infrared_HW: as for `fuse_luminance`.
            visible: as for `fuse_luminance`.
            text_TD: as for `fuse_luminance`.
            weights: one for each phrase; none: all are 1. Every further weight costs a run of the network.

        Raises:
            InputError: as `fuse_luminance`.
        """
        return next(self._fuse_unrounded([(infrared_HW, visible)], text_TD, weights))

    def attention(self, infrared: Picture, visible: Picture, prompt: Prompt) -> dict[str, Float]:
        """Return which phrase lit which pixels.

        Returns:
            For each phrase, and for `NO_PHRASE` last, a map (H, W) in [0, 1]; the maps sum to 1 at every pixel.

        Raises:
            InputError: as `fuse`; or the network has no cross-attention.
        """
        text = self.encode(prompt)
        thermal_HW, scene = infrared_to_8_bits(infrared), visible_to_8_bits(visible)[0]
        height, width = thermal_HW.shape
        maps_SHW = self.engine.enlarge(self.attention_tokens(thermal_HW, scene, text.vectors_TD))[:, :height, :width]
        return dict(zip([*text.phrases, NO_PHRASE], maps_SHW, strict=True))

    def attention_tokens(self, infrared_HW: Image8, visible: Image8, text_TD: Vectors | None = None) -> Float:
        """Return which phrase lit which tokens, (T + 1, H / 8, W / 8) rounded up, the null token last.

        Args:
            infrared_HW: 8 bits, gray.
            visible: 8 bits, RGB (H, W, 3) or gray (H, W).
            text_TD: phrase vectors; None or T = 0: no text.

        Raises:
            InputError: as `fuse_luminance`; or the network has no cross-attention.
        """
        if not self.reads_text:
            raise InputError("this network was trained without cross-attention: it has no attention to phrases")
        check_sizes(infrared_HW, visible, MINIMUM_SIDE)
        maps_BShw = self._run([(infrared_HW, visible)], text_TD).attention_BShw
        assert maps_BShw is not None
        maps_Shw: Float = maps_BShw[0]
        return maps_Shw

    def encode(self, prompt: Prompt) -> Text:
        """Encode phrases, and read their weights.

        The encoder is the one that the network was trained with, or one that stands in for it. A phrase that is only
        approximated is told on standard error: see `encoders.user_phrases`.

        Raises:
            InputError: no encoder like the one of training, an unknown or too long phrase, or a network without text.
        """
        if prompt is None or not len(prompt):
            return Text([], np.zeros((0, self._text_dim), dtype=np.float32))
        if not self.reads_text:
            raise InputError("this network was trained without cross-attention and reads no text: leave the prompt out")
        from text2pixels.encoders.user_phrases import encode_for_network
        from text2pixels.prompts.user_prompts import split, weigh

        weighed = dict(map(weigh, split(prompt if isinstance(prompt, str) else ";".join(prompt), "the prompt")))
        name, identity = self.metadata["encoder"], self.metadata["encoder_identity"]
        return Text(*encode_for_network(list(weighed), name, identity, self._embed), weights_of(weighed.values()))

    def _fuse_each(self, pairs: Sequence[tuple[Image8, Image8]], own: Sequence[Prompt]) -> Iterator[Image8]:
        """Yield the fused luminance (H, W) of each pair under its prompt; neighbours of one prompt share a batch."""
        start = 0
        while start < len(pairs):
            stop = start + 1
            while stop < len(pairs) and own[stop] == own[start]:
                stop += 1
            text = self.encode(own[start])
            yield from self._fuse_pairs(pairs[start:stop], text.vectors_TD, text.weights)
            start = stop

    def _fuse_pairs(
        self, pairs: Sequence[tuple[Image8, Image8]], text_TD: Vectors | None, weights: Sequence[float] = ()
    ) -> Iterator[Image8]:
        """Yield the fused luminance (H, W) of each pair."""
        return map(quantise, self._fuse_unrounded(pairs, text_TD, weights))

    def _fuse_unrounded(
        self, pairs: Sequence[tuple[Image8, Image8]], text_TD: Vectors | None, weights: Sequence[float] = ()
    ) -> Iterator[Vectors]:
        """Yield the fused luminance (H, W) of each pair, in [0, 1]."""
        for infrared_HW, visible in pairs:
            check_sizes(infrared_HW, visible, MINIMUM_SIDE)
        start = 0
        while start < len(pairs):
            stop = start + 1
            while stop < min(start + self.engine.most, len(pairs)) and pairs[stop][0].shape == pairs[start][0].shape:
                stop += 1
            yield from self._weighted(pairs[start:stop], text_TD, weights)
            start = stop

    def _weighted(
        self, pairs: Sequence[tuple[Image8, Image8]], text_TD: Vectors | None, weights: Sequence[float]
    ) -> Float:
        """Return the fused luminance (B, H, W) of pairs of one size; see `fuse_unrounded`."""
        lead_B = None if self._video is None else self._video.after(pairs)
        if text_TD is None or not self.reads_text or all(weight == 1 for weight in weights):
            return self._run(pairs, text_TD, lead_B).fused_B1HW[:, 0]
        assert len(weights) == len(text_TD), "a weight for each phrase"
        plain_BHW = self._run(pairs, None, lead_B).fused_B1HW[:, 0]
        fused_BHW = plain_BHW.copy()
        for weight in sorted(set(weights) - {0}):
            group_TD = text_TD[[index for index, own in enumerate(weights) if own == weight]]
            fused_BHW += np.float32(weight) * (self._run(pairs, group_TD, lead_B).fused_B1HW[:, 0] - plain_BHW)
        brighter_BHW = np.stack([np.maximum(_luminance(infrared), _luminance(visible)) for infrared, visible in pairs])
        return fused_BHW.clip(0, np.maximum(brighter_BHW, np.float32(WHITE)))

    def _run(
        self, pairs: Sequence[tuple[Image8, Image8]], text_TD: Vectors | None, lead_B: Float | None = None
    ) -> Output:
        """Run the network on pairs of one size."""
        height, width = pairs[0][0].shape
        infrared_B1HW = np.stack([_luminance(image) for image, _ in pairs])[:, None]
        visible_B1HW = np.stack([_luminance(image) for _, image in pairs])[:, None]
        if text_TD is not None and (not len(text_TD) or not self.reads_text):
            text_TD = None
        if text_TD is not None and text_TD.shape[1] != self._text_dim:
            raise InputError(f"the network reads phrase vectors of {self._text_dim} numbers, found {text_TD.shape[1]}")
        try:
            return self.engine.run(infrared_B1HW, visible_B1HW, text_TD, lead_B)
        except MemoryError as error:
            raise InputError(
                f"too little memory to fuse {len(pairs)} x {width}x{height} pixels on {self.device}; use fewer or "
                "smaller images, or another device (--device cpu)"
            ) from error


class _VideoLead:
    """The lead of a video, which follows that of its frames slowly."""

    def __init__(self) -> None:
        self._now: float | None = None

    def after(self, pairs: Sequence[tuple[Image8, Image8]]) -> Float:
        """Return it after each of some more frames, (B,)."""
        leads = []
        for infrared, visible in pairs:
            own = lead(_luminance(infrared), _luminance(visible))
            self._now = own if self._now is None else self._now + (own - self._now) / _FRAMES
            leads.append(self._now)
        return np.array(leads, np.float32)


def _prompts(prompt: Prompt, prompts: Sequence[Prompt] | None, pairs: int | None) -> list[Prompt]:
    """Return the prompt of each pair; ``pairs`` is None where one was given alone.

    Raises:
        InputError: both were given, or not as many as pairs.
    """
    if prompts is None:
        return [prompt] * (1 if pairs is None else pairs)
    if prompt is not None:
        raise InputError("give either prompt, for all pairs, or prompts, one for each")
    if pairs is None or isinstance(prompts, str) or len(prompts) != pairs:
        found = "a text" if isinstance(prompts, str) else str(len(prompts))
        raise InputError(
            f"prompts: expected one for each of several pairs, found {found} for {pairs or 'a single one'}"
        )
    return list(prompts)


def weights_of(given: Iterable[float]) -> tuple[float, ...]:
    """Return the weights of phrases, none if all are 1."""
    weights = tuple(given)
    return weights if any(weight != 1 for weight in weights) else ()


def _luminance(image: Image8) -> Float:
    return image.astype(np.float32) / np.float32(255) if image.ndim == 2 else luminance(image)
