"""Stage `register`: infrared onto the visible frame, pixel by pixel.

Reads ``data/interim/<dataset>`` and writes ``data/processed/<dataset>`` with the same layout. A source
that is declared aligned passes through untouched.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from text2pixels import config, layout
from text2pixels.data.manifest import Pair, Registration, read_manifest, write_manifest
from text2pixels.errors import InputError
from text2pixels.files import whole_folder
from text2pixels.progress import track

SECTIONS: tuple[str, ...] = ("datasets", "simulator", "register")


def run(dataset: str) -> None:
    """Register every pair of a data set.

    Raises:
        InputError: the manifest is missing, or no pair could be registered.
    """
    params = config.load(SECTIONS)
    interim = layout.interim(dataset)
    pairs = read_manifest(interim / "manifest.parquet")
    with whole_folder(layout.processed(dataset)) as aside:
        if _declared_aligned(dataset, params):
            _pass_through(interim, aside, pairs)
        else:
            raise InputError(f"datasets.{dataset}.aligned: false is not supported yet")


def _declared_aligned(dataset: str, params: config.Params) -> bool:
    source = params.datasets.get(dataset, config.Source())
    return source.aligned and (dataset != "simulator" or params.simulator.misalign == 0)


def _pass_through(interim: Path, aside: Path, pairs: list[Pair]) -> None:
    for pair in track(pairs, "register (declared aligned)"):
        for image in (pair.infrared, pair.visible):
            _link(interim / image, aside / image)
    write_manifest(aside / "manifest.parquet", [replace(pair, registration=Registration()) for pair in pairs])
    _link(interim / "quarantine.parquet", aside / "quarantine.parquet")


def _link(source: Path, target: Path) -> None:
    """Hard-link a file that nobody edits; copy it where the file system cannot link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source = source.resolve()  # DVC may keep a symbolic link in the workspace
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
