"""A folder of fused images that somebody made elsewhere, as a method of the benchmark.

The images lie in the folder itself or, for several data sets, in a folder of each; they have the names of
the data set's pairs. The stage `method` copies their luminance into the model's folder, so that what is
scored later is what was there when the benchmark ran.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from text2pixels.errors import InputError
from text2pixels.image import images_of, luminance, quantise, read_visible
from text2pixels.image.png import read_gray, write_png
from text2pixels.methods.card import Card, write_card
from text2pixels.methods.method import Image8

_NAMED = 3  # missing images that a message names


def import_results(target: Path, card: Card, folder: Path, wanted: Mapping[str, Iterable[str]]) -> int:
    """Copy the images of every data set into the folder of a model, as 8-bit luminance; return how many.

    Args:
        target: The model's folder.
        card: Of the method.
        folder: The user's.
        wanted: Data set -> names of its pairs.

    Raises:
        InputError: no such folder, an image that is missing or cannot be read, or a name that two have.
    """
    count = 0
    for dataset, names in wanted.items():
        place = folder / dataset if (folder / dataset).is_dir() else folder
        found = images_of(place)
        expected = sorted(names)
        if missing := [name for name in expected if name not in found]:
            raise InputError(
                f"methods.{card.name}.folder: {place} lacks {len(missing)} of the {len(expected)} pairs of {dataset} "
                f"that are tested or labelled: {', '.join(missing[:_NAMED])}{', …' if len(missing) > _NAMED else ''}"
            )
        for name in expected:
            write_png(target / dataset / f"{name}.png", quantise(luminance(read_visible(found[name]))))
        count += len(expected)
    write_card(target, card, card.name)
    return count


def read_result(model: Path, dataset: str, name: str, infrared_HW: Image8) -> Image8:
    """Return the 8-bit luminance (H, W) of a pair.

    Args:
        model: Folder that `import_results` wrote.
        dataset: Name of the data set.
        name: Of the pair.
        infrared_HW: Its infrared, which has the size that the fused image must have.

    Raises:
        InputError: it is not there, or of another size.
    """
    path = model / dataset / f"{name}.png"
    image = read_gray(path)
    if image.shape != infrared_HW.shape:
        found, expected = (f"{each.shape[1]}x{each.shape[0]}" for each in (image, infrared_HW))
        raise InputError(f"{name} of {dataset} is {found} pixels in the folder of results, the pair {expected}")
    return image
