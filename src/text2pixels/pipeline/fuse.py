"""Stage `fuse`: data/fused/<method>/<dataset>/NAME.png, and the test pairs stretched in stretched/ there.

Fused are the pairs of the test split and all labelled ones, which detection trains on. A method that
reads text gets each pair's own prompt, as its model has it, or fuse.prompt for all.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from text2pixels import layout, params_file
from text2pixels.datasets.manifest import Pair, read_pairs_to_fuse
from text2pixels.errors import InputError
from text2pixels.files import whole_folder
from text2pixels.image.png import read_gray, read_rgb, write_png
from text2pixels.methods.card import read_card
from text2pixels.methods.catalogue import load_model
from text2pixels.methods.convention import round_output
from text2pixels.methods.fused_elsewhere import read_result
from text2pixels.methods.method import Float, Image8, Method, Phrases
from text2pixels.methods.model_prompts import read_phrases
from text2pixels.progress import track
from text2pixels.prompts.user_prompts import split

SECTIONS: tuple[str, ...] = ("fuse", "embed")


def run(dataset: str, method: str) -> None:
    """Fuse a registered data set by a method.

    Raises:
        InputError: the model, the data set or a pair's prompt is missing.
    """
    params = params_file.load(SECTIONS)
    model = layout.model(method)
    card, _ = read_card(model)
    if card.weights == "fused elsewhere":
        fuse = partial(_taken, model)
    else:
        loaded = load_model(model, params.fuse.device, params.embed)
        fuse = partial(_fused, loaded, _phrases(loaded, model, params.fuse.prompt))
    source = layout.processed(dataset)
    pairs = read_pairs_to_fuse(source / "manifest.parquet", params.fuse.pairs)
    stretched = layout.fused_stretched(dataset, method).name
    with whole_folder(layout.fused(dataset, method)) as folder:
        for pair in track(pairs, f"fuse {dataset} by {method}"):
            infrared, visible = read_gray(source / pair.infrared), read_rgb(source / pair.visible)
            fused = fuse(pair, infrared, visible)
            write_png(folder / f"{pair.name}.png", round_output(card, fused))
            if pair.split == "test":
                write_png(folder / stretched / f"{pair.name}.png", round_output(card, fused, "stretched"))


def _fused(
    method: Method, phrases_of: Callable[[Pair], Phrases], pair: Pair, infrared: Image8, visible: Image8
) -> Float:
    return method.fuse(infrared, visible, phrases_of(pair))


def _taken(model: Path, pair: Pair, infrared: Image8, visible: Image8) -> Float:
    """Return the image that was fused elsewhere; ``visible`` is not needed for it."""
    return read_result(model, pair.dataset, pair.name, infrared).astype(np.float32)


def _phrases(method: Method, model: Path, prompt: str | None) -> Callable[[Pair], Phrases]:
    """Return the function that gives a pair its phrases: none for a method that reads no text."""
    if not method.card.text:
        return lambda pair: ()
    if prompt is not None:
        shared = split(prompt, "fuse.prompt")
        return lambda pair: shared
    known = read_phrases(model)

    def own(pair: Pair) -> Phrases:
        if pair.pair_id not in known:
            raise InputError(f"{model} has no prompt for {pair.pair_id}: run dvc repro, which makes the model again")
        return known[pair.pair_id]

    return own
