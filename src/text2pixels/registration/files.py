"""An estimate as people take it away: words, a matrix, a warped image, a picture to look at."""

import json
from pathlib import Path

from text2pixels.files import whole_file
from text2pixels.image import Image8
from text2pixels.image.png import write_png
from text2pixels.registration.apply import warp
from text2pixels.registration.estimate import Estimate
from text2pixels.registration.overlay import overlay as draw


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
) -> None:
    """Write what is asked for of a transform that was found, each file whole or not at all.

    Args:
        found: not a failed one: its matrix is made up.
        infrared: gray (H, W), as it was estimated from.
        visible: gray (H, W).
        overlay: PNG of the edges of both, before and after.
        matrix: JSON of the matrix, residual and status.
        warped: PNG of the infrared in the visible frame.
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
            "peak": found.peak,
            "margin": found.margin,
            "coverage": found.coverage,
        }
        with whole_file(matrix) as aside:
            aside.write_text(json.dumps(facts, indent=2) + "\n")
    if warped is not None:
        with whole_file(warped) as aside:
            write_png(aside, warp(infrared, found.matrix, (visible.shape[0], visible.shape[1]))[0])
    if overlay is not None:
        caption = f"{found.status}, estimated error {found.residual_px:.1f} px"
        with whole_file(overlay) as aside:
            write_png(aside, draw(infrared, visible, found.matrix, caption))
