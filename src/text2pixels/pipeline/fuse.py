"""Stage `fuse`: data/fused/<dataset>/<method>/NAME.png, and the test pairs stretched in stretched/ there.

Fused are the pairs of the test split and all labelled ones, which detection trains on. A method that
reads text gets each pair's own prompt, as its model has it, or fuse.prompt for all.
"""

from collections.abc import Callable
from pathlib import Path

from text2pixels import config, layout
from text2pixels.datasets.manifest import Pair, read_pairs_to_fuse
from text2pixels.errors import InputError
from text2pixels.files import whole_folder
from text2pixels.image.png import read_gray, read_rgb, write_png
from text2pixels.methods.catalogue import load_model
from text2pixels.methods.convention import round_output
from text2pixels.methods.method import Method, Phrases
from text2pixels.methods.model_prompts import read_phrases
from text2pixels.progress import track
from text2pixels.prompts.user_prompts import split

SECTIONS: tuple[str, ...] = ("fuse", "embed")


def run(dataset: str, method: str) -> None:
    """Fuse a registered data set by a method.

    Raises:
        InputError: the model, the data set or a pair's prompt is missing.
    """
    params = config.load(SECTIONS)
    loaded = load_model(layout.model(method), params.fuse.device, params.embed)
    phrases_of = _phrases(loaded, layout.model(method), params.fuse.prompt)
    source = layout.processed(dataset)
    pairs = read_pairs_to_fuse(source / "manifest.parquet")
    stretched = layout.fused_stretched(dataset, method).name
    with whole_folder(layout.fused(dataset, method)) as folder:
        for pair in track(pairs, f"fuse {dataset} by {method}"):
            infrared, visible = read_gray(source / pair.infrared), read_rgb(source / pair.visible)
            fused = loaded.fuse(infrared, visible, phrases_of(pair))
            write_png(folder / f"{pair.name}.png", round_output(loaded.card, fused))
            if pair.split == "test":
                write_png(folder / stretched / f"{pair.name}.png", round_output(loaded.card, fused, "stretched"))


def _phrases(method: Method, model: Path, prompt: str | None) -> Callable[[Pair], Phrases]:
    """Return what gives a pair its phrases; none for a method that reads no text."""
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
