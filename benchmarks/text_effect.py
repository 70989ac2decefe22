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
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from text2pixels import layout
from text2pixels.analysis.statistics import Interval
from text2pixels.analysis.text_effect import Effect, Fuse, Image, alone, in_the_prompt, rows
from text2pixels.datasets.manifest import Pair, in_split, read_manifest
from text2pixels.encoders.embeddings import Embeddings
from text2pixels.errors import InputError
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods.trained import Fuser, load
from text2pixels.progress import track
from text2pixels.prompts.phrases import by_noun
from text2pixels.prompts.table import read_prompts


def report(found: Sequence[Sequence[tuple[str, Effect]]], resamples: int) -> list[str]:
    """Return the lines of a table: one a class and one for all, from the effects of each image."""
    lines = [f"{'class':16}{'images':>7}{'inside':>9}{'outside':>9}  {'inside - outside':24}  more than the control"]
    for row in rows(found, resamples):
        numbers = f"{row.images:7}{row.inside:9.3f}{row.outside:9.3f}"
        lines.append(f"{row.phrase:16}{numbers}  {_words(row.favour):24}  {_words(row.specific)}")
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
    found: dict[str, list[list[tuple[str, Effect]]]] = {"alone": [], "in the prompt": []}
    for pair in track(pairs, "text effect"):
        fuse = fuse_in_levels(fuser, embeddings, options.dataset_folder, pair)
        prompt = embeddings.known(prompts[pair.pair_id])
        found["alone"].append(alone(pair, nouns, fuse))
        found["in the prompt"].append(in_the_prompt(pair, prompt, nouns, fuse, draw))
    lines = [
        f"{options.model}, {len(pairs)} test pairs with boxes of {options.dataset_folder}, text encoder "
        f"{embeddings.encoder}; changes in levels of 255, 95 % intervals over images"
    ]
    if embeddings.encoder.startswith("hash"):
        lines.append(
            "The encoder hash gives every phrase a fixed random vector: what a phrase does was all learned here."
        )
    for setting, effects in found.items():
        lines += ["", f"{setting}:", *report(effects, options.resamples)]
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
