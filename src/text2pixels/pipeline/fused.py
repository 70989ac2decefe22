"""The folder of a method's fused luminance, written the same way for baselines and trained networks."""

from collections.abc import Callable
from typing import NamedTuple

from text2pixels import layout
from text2pixels.datasets.manifest import Pair, read_manifest
from text2pixels.errors import InputError
from text2pixels.files import whole_folder
from text2pixels.image.files import Image8, read_gray, read_rgb, write_png
from text2pixels.progress import track


class Fused(NamedTuple):
    """One pair's fused luminance, (H, W), under the two conventions (see `baselines.door`)."""

    standard: Image8
    published: Image8


FusePair = Callable[[Image8, Image8, Pair], Fused]


def pairs_to_fuse(dataset: str) -> list[Pair]:
    """Return the pairs of the test split and all labelled ones (detection trains on those), in order."""
    manifest = layout.processed(dataset) / "manifest.parquet"
    pairs = [pair for pair in read_manifest(manifest) if pair.split == "test" or pair.labelled]
    if not pairs:
        raise InputError(f"{manifest} has no pair in the split 'test' and no labelled pair: nothing to fuse")
    return pairs


def write_fused(dataset: str, method: str, fuse_pair: FusePair) -> None:
    """Fuse the data set's pairs into ``layout.fused(dataset, method)``: NAME.png, 8-bit gray.

    Beside them, in ``published/``, are the test pairs under that convention. The folder is there whole
    or not at all.

    Args:
        dataset: Name of a registered data set.
        method: Name of a baseline or a trained variant.
        fuse_pair: Takes the infrared (H, W), the visible RGB (H, W, 3) and the pair.
    """
    source = layout.processed(dataset)
    pairs = pairs_to_fuse(dataset)
    stretched = layout.fused_stretched(dataset, method).name
    with whole_folder(layout.fused(dataset, method)) as folder:
        for pair in track(pairs, f"fuse {dataset} by {method}"):
            infrared, visible = read_gray(source / pair.infrared), read_rgb(source / pair.visible)
            fused = fuse_pair(infrared, visible, pair)
            for image in fused:
                assert image.dtype == infrared.dtype, f"{method}: {pair.pair_id} came back as {image.dtype}"
                assert image.shape == infrared.shape, f"{method}: {pair.pair_id} came back as {image.shape}"
            write_png(folder / f"{pair.name}.png", fused.standard)
            if pair.split == "test":
                write_png(folder / stretched / f"{pair.name}.png", fused.published)
