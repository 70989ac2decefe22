"""Data sets: a declaration of each, reading them in, the manifest of pairs, the quarantine, splits and leaks.

The front door is `adapter_of`, which finds the declaration of a data set of params.yaml, and `read_manifest`, which
gives the `Pair`s that an ingest admitted. Names are imported on first use, so that who reads a manifest loads no more.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from text2pixels.datasets.adapter import Adapter
    from text2pixels.datasets.catalogue import DATASETS, adapter_of, is_aligned
    from text2pixels.datasets.manifest import Pair, in_split, read_manifest
    from text2pixels.datasets.quarantine import Quarantined, read_quarantine

__all__ = [
    "DATASETS",
    "Adapter",
    "Pair",
    "Quarantined",
    "adapter_of",
    "in_split",
    "is_aligned",
    "read_manifest",
    "read_quarantine",
]

_HOMES = {
    "Adapter": "adapter",
    "DATASETS": "catalogue",
    "Pair": "manifest",
    "Quarantined": "quarantine",
    "adapter_of": "catalogue",
    "in_split": "manifest",
    "is_aligned": "catalogue",
    "read_manifest": "manifest",
    "read_quarantine": "quarantine",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
