"""`t2p detect`: objects in images, or the detection benchmark of one method."""

from pathlib import Path
from typing import Annotated

import typer

from text2pixels.errors import InputError


def detect(
    images: Annotated[list[Path] | None, typer.Argument(help="Images to look for objects in.")] = None,
    model: Annotated[
        Path | None, typer.Option(help="Folder with detector.safetensors, as t2p train writes it.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Least score, 0 to 1.")] = 0.25,
    size: Annotated[int, typer.Option(help="Pixels of the longest side that the detector sees.")] = 640,
    dataset: Annotated[str | None, typer.Option(help="Data set of the benchmark (the DVC stage).")] = None,
    method: Annotated[str | None, typer.Option(help="Method of the benchmark.")] = None,
) -> None:
    """Print one line per object: image, category, score, x, y, width, height (pixels)."""
    if dataset is not None and method is not None:
        from text2pixels.pipeline.detect import run

        run(dataset, method)
        return
    if not images or model is None:
        raise InputError("nothing to detect: give images and --model FOLDER, or --dataset NAME --method NAME")
    from functools import partial

    import torch

    from text2pixels.detection.examples import Example
    from text2pixels.detection.finetune import detect as detect_examples
    from text2pixels.detection.weights import read
    from text2pixels.image.png import read_rgb

    examples = [Example(str(path), partial(read_rgb, path), ()) for path in images]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for path, found in detect_examples(read(model), examples, batch=1, image_size=size, device=device):
        for item in found:
            if item.score >= threshold:
                box = "\t".join(f"{value:.1f}" for value in (item.x, item.y, item.w, item.h))
                typer.echo(f"{path}\t{item.category}\t{item.score:.3f}\t{box}")
