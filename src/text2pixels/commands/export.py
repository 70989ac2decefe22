"""`t2p export`: a trained network as ONNX."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    output: Annotated[Path, typer.Argument(help="The .onnx file to write.")],
    model: Annotated[
        Path | None, typer.Option(help="Folder of a trained network; models/ours where not given.")
    ] = None,
) -> None:
    """Write a trained network as ONNX, for any size of image, checked against torch.

    Inputs: infrared and visible (B, 1, H, W), luminance in [0, 1]; text (B, T, D), phrase vectors; mask
    (B, T), true where there is a phrase. Outputs: fused (B, 1, H, W); attention (B, T + 1, H / 8, W / 8).
    """
    from text2pixels import layout
    from text2pixels.fusion.checkpoint import read
    from text2pixels.fusion.export import export_onnx

    difference = export_onnx(read(model or layout.model("ours")).network, output)
    size = output.stat().st_size / 1e6
    typer.echo(f"{output}: {size:.1f} MB; onnxruntime differs from torch by {difference:.1g} at most, of 1")
