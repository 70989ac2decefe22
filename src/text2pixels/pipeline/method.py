"""Stage `method`: what a method needs to fuse, once, in `layout.model(method)`.

A filter has a card alone. Of a network of other authors the weights are read from their files, here and
nowhere else in the pipeline, and written as safetensors. A network of ours is trained (`pipeline.train`).
"""

from pathlib import Path

from text2pixels import config, layout
from text2pixels.files import whole_folder
from text2pixels.methods.card import write_card
from text2pixels.methods.catalogue import entry_of, locate
from text2pixels.progress import console

SECTIONS: tuple[str, ...] = ("seed", "methods", "network", "losses", "train", "fuse")


def run(method: str) -> None:
    """Make the model of a method of params.yaml.

    Raises:
        InputError: an unknown method, weights that are missing or not the authors', or, of a network
            trained here, what `train_method` raises.
    """
    params = config.load(SECTIONS)
    entry = entry_of(method, params.methods.get(method))
    if entry.kind == "ours":  # torch takes seconds to import: filters do without it
        from text2pixels.pipeline.train import train_method

        train_method(method, entry.card, params)
        return
    with whole_folder(layout.model(method)) as folder:
        if entry.kind == "network":
            from text2pixels.methods.authors import write_imported

            weights = Path(params.fuse.weights) if params.fuse.weights else None
            write_imported(folder, method, entry.card, locate(entry), weights)
            console.print(f"method {method}: {entry.card.parameters:,} parameters read from its authors' files")
        else:
            write_card(folder, entry.card, method)
