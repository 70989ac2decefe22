"""How far the networks of the paper's rivals are from their authors' own code, on the same made weights.

    python benchmarks/parity.py --parity ../shared/reference/parity                 # minutes: DDFM takes most of them
    python benchmarks/parity.py --parity ../shared/reference/parity --methods ddcgan

The folder holds `make_checkpoint.py`, which writes weights of seed 0 in the authors' formats, `inputs/`, and in
`given/` what the authors' code makes of both. Printed is the table of docs/methods.md: PSNR of the 8-bit images in dB,
the worst difference in levels, and the share of values that differ at all.
"""

import argparse
import runpy
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from text2pixels.image.colour import luminance, quantise
from text2pixels.methods.catalogue import load
from text2pixels.methods.convention import fuse_picture, to_8_bits
from text2pixels.methods.method import Method

METHODS = ("ddcgan", "cddfuse", "segmif", "defusion", "ddfm")


def read(path: Path) -> np.ndarray:
    """Return a gray image (H, W) or an RGB one (H, W, 3), in 8 bits."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise SystemExit(f"{path}: not there, or no image")
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def options_of(method: str, fixture: str) -> dict[str, Any]:
    """Return the options under which the authors' code made a fixture, which its name tells."""
    if method == "segmif":
        mask = "visible" if "visible" in fixture else "vsm-wls"
        return {"mask": mask, "channel": "luminance" if fixture.endswith("_Y") else "red"}
    return {"steps": 10} if fixture.startswith("sample10") else {}


def fuse(method: Method, fixture: str, folder: Path) -> np.ndarray:
    """Return what a method of ours makes of the pair of a fixture, in 8 bits."""
    name = fixture.removeprefix("sample10_").removeprefix("script100_")
    view = "_".join(name.split("_")[:2]) + ("" if name == fixture else "_96x64")
    infrared, visible = (read(folder / f"inputs/{view}_{side}.png") for side in ("ir", "vi"))
    if visible.ndim == 3 and fixture.endswith("_gray"):
        visible = cv2.cvtColor(visible, cv2.COLOR_RGB2GRAY)
    if visible.ndim == 2:
        visible = np.repeat(visible[..., None], 3, axis=2)
    if not fixture.startswith("sample10"):
        return fuse_picture(method, infrared, visible)
    # The authors' code began with noise that numpy drew; our command begins with torch's.
    noise = torch.from_numpy(np.load(folder / f"given/ddfm/{fixture}.npz")["x_T"])[None]
    pair = (torch.from_numpy(gray.astype(np.float32))[None, None] for gray in (quantise(luminance(visible)), infrared))
    with torch.inference_mode():
        rgb = method.network.sample(*(image / 127.5 - 1 for image in pair), noise)[0].numpy()
    return to_8_bits((np.tensordot((0.299, 0.587, 0.114), rgb, 1) + 1) * 127.5, method.card.eight_bits)


def rows(method: str, folder: Path) -> Iterator[str]:
    """Yield a row of the table for each of a method's fixtures."""
    with tempfile.TemporaryDirectory(prefix="parity-") as weights:
        runpy.run_path(str(folder / "make_checkpoint.py"))["make"](method, Path(weights))
        for path in sorted((folder / "given" / method).glob("*.png")):
            loaded = load(method, weights=Path(weights), device="cpu", options=options_of(method, path.stem))
            found, expected = fuse(loaded, path.stem, folder), read(path)
            if found.ndim < expected.ndim:
                raise SystemExit(f"{method}: gave a gray image where its authors' code gives a coloured one")
            difference = np.abs(found.astype(int) - expected)
            error = np.square(difference).mean()
            decibels = f"{10 * np.log10(255**2 / error):.1f}" if error else "equal"
            share = f"{(difference > 0).mean():.4%}" if error else "0"
            yield f"| {method} | {path.stem} | {decibels} | {difference.max()} | {share} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parity", type=Path, required=True)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    arguments = parser.parse_args()
    print("| method | fixture | PSNR, dB | worst level | values that differ |\n| --- | --- | ---: | ---: | ---: |")
    for method in arguments.methods:
        for row in rows(method, arguments.parity):
            print(row, flush=True)


if __name__ == "__main__":
    main()
