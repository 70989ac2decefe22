"""Stage `prompt`: what each pair of a data set shows, in phrases."""

from pathlib import Path

from text2pixels import layout, params_file
from text2pixels.datasets.manifest import read_manifest
from text2pixels.datasets.quarantine import read_quarantine
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.progress import console, track
from text2pixels.prompts.image_to_text import Captioner, Tagger
from text2pixels.prompts.table import Prompt, describe, write_prompts
from text2pixels.prompts.user_prompts import other_sets, read_csv

SECTIONS: tuple[str, ...] = ("prompt",)

_SHOWN = 5  # other data sets that the user's CSV speaks of, which are named


def run(dataset: str) -> None:
    """Write the prompts of a data set; the user's own CSV wins over what is measured.

    Raises:
        InputError: no manifest, an unreadable image, or a mistake in the CSV.
    """
    params = params_file.load(SECTIONS)
    folder = layout.processed(dataset)
    pairs = read_manifest(folder / "manifest.parquet")
    names = {pair.name for pair in pairs}
    own = read_csv(Path(params.prompt.csv), dataset, names, _set_aside(folder)) if params.prompt.csv else {}
    tagger = Tagger(params.prompt.tagger, params.prompt.tagger_pretrained) if params.prompt.tagger else None
    captioner = (
        Captioner(params.prompt.captioner, params.prompt.captioner_pretrained) if params.prompt.captioner else None
    )

    prompts: list[Prompt] = []
    for pair in track(pairs, f"prompt {dataset}"):
        visible, infrared = read_rgb(folder / pair.visible), read_gray(folder / pair.infrared)
        tags = tagger.tags(visible) if tagger else None
        caption = captioner.caption(visible) if captioner else ""
        for prompt in describe(pair, visible, infrared, tags, caption):
            phrases = own.get((pair.name, prompt.kind))
            prompts.append(Prompt(pair.pair_id, prompt.kind, tuple(phrases), "csv") if phrases else prompt)
    write_prompts(layout.prompts(dataset), prompts)
    if params.prompt.csv:
        console.print(f"prompt {dataset}: {len(own)} of {len(prompts)} prompts are from {params.prompt.csv}")
        if others := other_sets(Path(params.prompt.csv), dataset):
            named = ", ".join(others[:_SHOWN]) + ", …" * (len(others) > _SHOWN)
            console.print(f"prompt {dataset}: its rows of {named} are left to data sets of that name", markup=False)


def _set_aside(folder: Path) -> set[str]:
    """Return the names of the pairs that did not come in: the user's CSV may speak of them."""
    return {row.name for row in read_quarantine(folder / "quarantine.parquet") if row.kind == "pair"}
