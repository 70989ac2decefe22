"""Does text matter, and where: how much a class's phrase changes the fused image inside its boxes and outside.

    python benchmarks/text_effect.py [--model models/ours] [--dataset-folder data/processed/simulator]
        [--prompts data/prompts/simulator.parquet] [--embeddings data/embeddings/hash.parquet]

On every labelled test pair, for every class that it shows, twice:

- alone: fused under the class's phrase ("a car") against fused without text.
  Control: the phrases of the data set's other classes, one by one.
- in the prompt: fused under the pair's own prompt (what of it the encoder knows) against fused under
  what is left of it without the phrases that name the class. Control: without as many of those that
  name other classes, drawn at random; an image that has too few is left out.

A change is the mean absolute difference of fused luminance, in levels of 255, not rounded. Inside are
the pixels of the class's boxes, outside all others. Text of any kind may change a road more than a
sky, so what tells is the last column: by how much more the class's own phrases favour its boxes than
the control does. Intervals are 95 %, bootstrap over images; in the row "all" every image has one vote.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from text2pixels import layout
from text2pixels.analysis.statistics import Interval, mean_interval
from text2pixels.datasets.manifest import Pair, in_split, read_manifest
from text2pixels.encoders.embeddings import Embeddings
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods.trained import Fuser, load
from text2pixels.progress import track
from text2pixels.prompts.phrases import Noun, by_noun, speaks_of
from text2pixels.prompts.table import read_prompts

ALL = "all"
Image = NDArray[np.float32]  # fused luminance (H, W) in levels of 255
Fuse = Callable[[Sequence[str]], Image]  # phrases -> fused


class Effect(NamedTuple):
    """Mean absolute changes, in levels, by the class's own phrases and by the control's."""

    inside: float
    outside: float
    control_inside: float
    control_outside: float

    @property
    def favour(self) -> float:
        """How much more the class's phrases change its boxes than the rest."""
        return self.inside - self.outside

    @property
    def specific(self) -> float:
        """How much more they favour the boxes than the control does."""
        return self.favour - (self.control_inside - self.control_outside)


def mask_of(boxes: Iterable[Box], height: int, width: int) -> NDArray[np.bool_]:
    """Return (H, W), true inside the boxes."""
    mask = np.zeros((height, width), dtype=bool)
    for box in boxes:
        top, left = max(round(box.y), 0), max(round(box.x), 0)
        mask[top : max(round(box.y + box.h), 0), left : max(round(box.x + box.w), 0)] = True
    return mask


def effect(first: Image, second: Image, controls: Sequence[tuple[Image, Image]], mask: NDArray[np.bool_]) -> Effect:
    """Compare two fused images, and the mean of the controls, inside and outside a mask."""
    own = np.abs(first - second)
    control = np.mean([np.abs(before - after) for before, after in controls], axis=0)
    return Effect(*(float(change[part].mean()) for change in (own, control) for part in (mask, ~mask)))


def effects(
    pair: Pair, prompt: Sequence[str], nouns: Sequence[Noun], fuse: Fuse, draw: np.random.Generator
) -> dict[str, list[tuple[str, Effect]]]:
    """Return "alone" and "in the prompt" -> (noun, effect) for every class that a pair shows.

    Args:
        pair: with boxes.
        prompt: its phrases.
        nouns: of all classes of the data set, two or more.
        fuse: fuses this pair under phrases.
        draw: chooses the phrases that the control leaves out.
    """
    found: dict[str, list[tuple[str, Effect]]] = {"alone": [], "in the prompt": []}
    silent, told = fuse([]), fuse(prompt)
    alone = {noun: fuse([noun.one]) for noun in nouns}
    for noun, boxes in by_noun(pair.boxes):
        mask = mask_of(boxes, *silent.shape)
        if not mask.any() or mask.all():
            continue
        controls = [(image, silent) for other, image in alone.items() if other != noun]
        found["alone"].append((noun.one, effect(alone[noun], silent, controls, mask)))
        own = [phrase for phrase in prompt if speaks_of(phrase, noun)]
        others = [phrase for phrase in prompt if phrase not in own and any(speaks_of(phrase, other) for other in nouns)]
        if own and len(others) >= len(own):
            dropped = draw.choice(others, size=len(own), replace=False).tolist()
            without, control = (fuse([phrase for phrase in prompt if phrase not in left]) for left in (own, dropped))
            found["in the prompt"].append((noun.one, effect(told, without, [(told, control)], mask)))
    return found


def report(found: Sequence[Sequence[tuple[str, Effect]]], resamples: int) -> list[str]:
    """Return the lines of a table: one a class and one for all, from the effects of each image."""
    groups: dict[str, list[Effect]] = defaultdict(list)
    for image in found:
        for noun, one in image:
            groups[noun].append(one)
        if image:
            groups[ALL].append(Effect(*np.mean([one for _, one in image], axis=0).tolist()))
    lines = [f"{'class':16}{'images':>7}{'inside':>9}{'outside':>9}  {'inside - outside':24}  more than the control"]
    for noun in sorted(groups, key=lambda name: (name == ALL, name)):
        members = groups[noun]
        inside, outside = (float(np.mean([getattr(one, side) for one in members])) for side in ("inside", "outside"))
        favour = mean_interval([one.favour for one in members], resamples=resamples)
        specific = mean_interval([one.specific for one in members], resamples=resamples)
        row = f"{noun:16}{len(members):7}{inside:9.3f}{outside:9.3f}  {_words(favour):24}  {_words(specific)}"
        lines.append(row)
    return lines


def _words(interval: Interval) -> str:
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def fuse_in_levels(fuser: Fuser, embeddings: Embeddings, folder: Path, pair: Pair) -> Fuse:
    """Return the function that fuses a pair under phrases, not rounded to 8 bits."""
    infrared, visible = read_gray(folder / pair.infrared), read_rgb(folder / pair.visible)

    def fuse(phrases: Sequence[str]) -> Image:
        lacking = [phrase for phrase in phrases if phrase not in embeddings.vectors]
        if lacking:
            raise InputError(f"the embeddings have no vector for '{lacking[0]}': run dvc repro embed")
        return fuser.fuse_unrounded(infrared, visible, embeddings.tokens(phrases)) * np.float32(255)

    return fuse


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=layout.model("ours"), help="folder of a trained variant")
    parser.add_argument("--dataset-folder", type=Path, default=layout.processed("simulator"))
    parser.add_argument("--prompts", type=Path, help="of the data set; left out: data/prompts/NAME.parquet")
    parser.add_argument(
        "--embeddings", type=Path, help="left out: data/embeddings/ENCODER.parquet of the model's encoder"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--resamples", type=int, default=2000)
    options = parser.parse_args()
    try:
        lines = measure(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


def measure(options: argparse.Namespace) -> list[str]:
    """Return what to print.

    Raises:
        InputError: files that are missing or do not belong together; nothing to measure.
    """
    fuser = load(options.model, options.device)
    if fuser.metadata["prompts"] == "none" or not fuser.reads_text:
        raise InputError(f"{options.model} was trained without text: there is no effect to measure")
    vectors = options.embeddings or layout.embeddings(fuser.metadata["encoder"])
    embeddings = Embeddings.read(vectors)
    if embeddings.encoder != fuser.metadata["encoder_identity"]:
        raise InputError(
            f"{vectors} was made by {embeddings.encoder}, the network was trained with "
            f"{fuser.metadata['encoder_identity']}"
        )
    prompts = read_prompts(options.prompts or layout.prompts(options.dataset_folder.name), fuser.metadata["prompts"])
    manifest = options.dataset_folder / "manifest.parquet"
    pairs = [pair for pair in in_split(read_manifest(manifest), "test") if pair.boxes]
    nouns = [noun for noun, _ in by_noun(box for pair in pairs for box in pair.boxes)]
    if len(nouns) < 2:
        raise InputError(f"{manifest}: expected test pairs with boxes of two classes or more, found {len(nouns)}")
    draw = np.random.default_rng(0)
    found = [
        effects(
            pair,
            embeddings.known(prompts[pair.pair_id]),
            nouns,
            fuse_in_levels(fuser, embeddings, options.dataset_folder, pair),
            draw,
        )
        for pair in track(pairs, "text effect")
    ]
    lines = [
        f"{options.model}, {len(pairs)} test pairs with boxes of {options.dataset_folder}, text encoder "
        f"{embeddings.encoder}; changes in levels of 255, 95 % intervals over images"
    ]
    if embeddings.encoder.startswith("hash"):
        lines.append(
            "The encoder hash gives every phrase a fixed random vector: what a phrase does was all learned here."
        )
    for setting in ("alone", "in the prompt"):
        lines += ["", f"{setting}:", *report([image[setting] for image in found], options.resamples)]
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
