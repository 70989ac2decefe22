"""`t2p export`: a trained network as ONNX, or as the folder that a package ships."""

from pathlib import Path
from typing import Annotated

import typer

from text2pixels.files import check_outputs


def export(
    output: Annotated[Path, typer.Argument(help="The .onnx file to write, or the folder of a checkpoint.")],
    model: Annotated[
        Path | None, typer.Option(help="Folder of a trained network; models/ours where not given.")
    ] = None,
) -> None:
    """Write a trained network as ONNX, for any size of image, checked against torch; or as a checkpoint with its card.

    FILE.onnx has inputs infrared and visible (B, 1, H, W), luminance in [0, 1]; text (B, T, D), phrase vectors;
    mask (B, T), true where there is a phrase. Outputs: fused (B, 1, H, W); attention (B, T + 1, H / 8, W / 8).

    Any other name is a folder: the weights, network.json with the data, recipe, seed and figures behind them,
    and MODEL_CARD.md. What `t2p fuse` uses by default is made by: t2p export src/text2pixels/weights
    """
    from text2pixels import layout

    model = model or layout.model("ours")
    check_outputs([output], [model, *(model.rglob("*") if model.is_dir() else [])])
    if output.suffix != ".onnx":
        from text2pixels.training.model_card import export_checkpoint

        export_checkpoint(model, output)
        size = sum(path.stat().st_size for path in output.iterdir()) / 1e6
        typer.echo(f"{output}: {size:.1f} MB; read MODEL_CARD.md before giving it away")
        return

    from text2pixels.network.checkpoint import read
    from text2pixels.network.export import export_onnx

    difference = export_onnx(read(model).network, output)
    size = output.stat().st_size / 1e6
    typer.echo(f"{output}: {size:.1f} MB; onnxruntime differs from torch by {difference:.1g} at most, of 1")
