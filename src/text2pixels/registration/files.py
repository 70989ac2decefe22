"""An estimate as its user gets it: in words, as a warped image, an overlay or a matrix file; and that file read."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.image import Image8
from text2pixels.image.png import write_png
from text2pixels.registration.estimate import Estimate
from text2pixels.registration.frames import Matrix, is_sane, warp
from text2pixels.registration.judgement import Status
from text2pixels.registration.overlay import overlay as draw

_EXPECTED = 'expected JSON: "infrared_to_visible" (3x3), "infrared_size" and "visible_size" ([width, height])'
_LARGEST_FILE = 1_000_000  # bytes; what is written here has less than one thousand


@dataclass(frozen=True)
class Rig:
    """The transform of two cameras that are fixed to one another.

    Attributes:
        matrix: 3x3, infrared pixels to visible pixels; pixel centres are integers.
        infrared_size: (height, width) of the images that it holds for.
        visible_size: the same of the visible ones.
        status: "good" or "doubtful"; "given" where the file does not say.
    """

    matrix: Matrix
    infrared_size: tuple[int, int]
    visible_size: tuple[int, int]
    status: Status | str = "given"


def read(path: Path) -> Rig:
    """Read what `t2p register --matrix` or `--rig` wrote, or a calibration from elsewhere in the same form.

    Raises:
        InputError: missing, of another form, or a matrix that turns the infrared frame inside out.
    """
    if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
        raise InputError(f"{path} is no file of a transform: t2p register IR VIS --matrix FILE writes one")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        matrix = np.array(content["infrared_to_visible"], dtype=np.float64)
        sizes = [tuple(int(side) for side in content[name][::-1]) for name in ("infrared_size", "visible_size")]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise InputError(f"{path}: {_EXPECTED}") from error
    (infrared, visible) = sizes
    if matrix.shape != (3, 3) or len(infrared) != 2 or len(visible) != 2 or min(*infrared, *visible) < 1:
        raise InputError(f"{path}: {_EXPECTED}")
    if not is_sane(matrix, *infrared):
        raise InputError(
            f"{path}: its matrix turns the infrared frame inside out: it should take infrared pixels to visible ones"
        )
    return Rig(matrix / matrix[2, 2], infrared, visible, str(content.get("status", "given")))


def describe(found: Estimate) -> str:
    """Return status, residual, evidence and matrix in a few lines."""
    lines = [
        f"status    {found.status}{f': {found.reason}' if found.reason else ''}",
        f"residual  {found.residual_px:.1f} px at the visible frame's corners (estimated)"
        if found.status != "failed"
        else "residual  unknown",
        f"peak      {found.peak:.1f} standard deviations, {found.margin:.1f} x the best wrong shift",
    ]
    if found.status != "failed":
        lines += ["          " + " ".join(f"{value:12.6g}" for value in row) for row in found.matrix]
    return "\n".join(lines)


def write(
    found: Estimate,
    infrared: Image8,
    visible: Image8,
    *,
    overlay: Path | None = None,
    matrix: Path | None = None,
    warped: Path | None = None,
    pairs: int = 1,
) -> None:
    """Write the files for which a path is given, each whole or not at all.

    Args:
        found: not a failed estimate, whose matrix means nothing.
        infrared: gray (H, W), as it was estimated from.
        visible: gray (H, W).
        overlay: PNG of the edges of both, before and after.
        matrix: JSON of the matrix, residual and status.
        warped: PNG of the infrared in the visible frame; transparent where the infrared camera does not see.
        pairs: number of pairs that the transform was estimated from.
    """
    assert found.status != "failed", "a failed estimate has no transform"
    if matrix is not None:
        facts = {
            "infrared_to_visible": found.matrix.tolist(),
            "infrared_size": [infrared.shape[1], infrared.shape[0]],
            "visible_size": [visible.shape[1], visible.shape[0]],
            "status": found.status,
            "reason": found.reason,
            "residual_px": found.residual_px,
            "method": found.method,
            "pairs": pairs,
            "peak": found.peak,
            "margin": found.margin,
            "coverage": found.coverage,
        }
        with whole_file(matrix) as aside:
            aside.write_text(json.dumps(facts, indent=2) + "\n")
    if warped is not None:
        with whole_file(warped) as aside:
            _write_warped(aside, *warp(infrared, found.matrix, (visible.shape[0], visible.shape[1])))
    if overlay is not None:
        caption = f"{found.status}, estimated error {found.residual_px:.1f} px"
        with whole_file(overlay) as aside:
            write_png(aside, draw(infrared, visible, found.matrix, caption))


def _write_warped(path: Path, image: Image8, valid: NDArray[np.bool_]) -> None:
    """Write gray, transparent where there is no infrared: black there would be read as cold."""
    if valid.all():
        write_png(path, image)
        return
    opacity = Image.fromarray(np.where(valid, np.uint8(255), np.uint8(0)))
    Image.merge("LA", (Image.fromarray(image), opacity)).save(path, "PNG")
