"""The data sets: a name, and its declaration. The two questions that every stage asks of one are answered here."""

from dataclasses import replace

from text2pixels import config
from text2pixels.datasets.adapter import Adapter
from text2pixels.datasets.aligned_sets import FLIR, LLVIP, M3FD, M3FD_FUSION, MSRS, ROADSCENE
from text2pixels.datasets.folder import FOLDER
from text2pixels.datasets.simulated import SIMULATOR, settings_of
from text2pixels.datasets.tno import TNO
from text2pixels.errors import InputError
from text2pixels.registry import unknown

DATASETS: dict[str, Adapter] = {
    adapter.name: adapter for adapter in (SIMULATOR, ROADSCENE, TNO, M3FD, M3FD_FUSION, MSRS, LLVIP, FLIR, FOLDER)
}


def adapter_of(name: str, source: config.Source) -> Adapter:
    """Return the declaration of a data set of params.yaml, under the name that it has there.

    Args:
        name: its key in the section ``datasets``.
        source: what stands under it; its option ``adapter`` says what the set is where the name does not.

    Raises:
        InputError: neither is one of `DATASETS`.
    """
    said = source.options.get("adapter")
    chosen = name if said is None else str(said)
    if chosen not in DATASETS:
        hint = unknown(chosen, DATASETS, "data set")
        own = "" if said is not None else f"; for a set of your own: datasets.{name}.options.adapter: folder"
        raise InputError(hint + own)
    return replace(DATASETS[chosen], name=name)


def is_aligned(adapter: Adapter, source: config.Source) -> bool:
    """Tell whether infrared and visible pixels lie on each other: declared so, and not drawn otherwise.

    Raises:
        InputError: an option of a simulated set is wrong.
    """
    return source.aligned and not (adapter.embedded and settings_of(adapter, source.options).misalign)
