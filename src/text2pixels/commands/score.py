"""`t2p score`: fusion metrics of an image, of folders of images, or of a method on a data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from text2pixels.errors import InputError

if TYPE_CHECKING:
    from text2pixels.metrics import Convention


def score(
    fused: Annotated[Path | None, typer.Argument(help="Fused image, or a folder of them.")] = None,
    infrared: Annotated[Path | None, typer.Argument(help="Infrared image, or a folder with the same names.")] = None,
    visible: Annotated[Path | None, typer.Argument(help="Visible image, or a folder with the same names.")] = None,
    stretched: Annotated[
        bool,
        typer.Option(
            "--stretched",
            help="The convention of published tables, accidents included, instead of ours. The fused image must "
            "already be stretched to 0..255, as those tables do.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON: name, then metric, then value.")] = False,
    dataset: Annotated[str | None, typer.Option(help="Score this data set instead (the DVC stage).")] = None,
    method: Annotated[str | None, typer.Option(help="The method whose fused images are scored.")] = None,
) -> None:
    """Compute every fusion metric on 8-bit luminance."""
    if dataset is not None and method is not None:
        from text2pixels.pipeline.score import run

        run(dataset, method)
        return
    if fused is None or infrared is None or visible is None:
        raise InputError("score what? Give a fused, an infrared and a visible image, or --dataset NAME --method NAME")
    convention: Convention = "stretched" if stretched else "standard"
    scores = {
        name: _score_files(*paths, convention=convention) for name, paths in _matched(fused, infrared, visible).items()
    }
    if json:
        _print_json(scores)
    else:
        _print_table(scores, convention)


def _matched(fused: Path, infrared: Path, visible: Path) -> dict[str, tuple[Path, Path, Path]]:
    """Return the three files of every name; a single triple goes by the fused file's name."""
    if fused.is_file():
        return {fused.stem: (fused, infrared, visible)}
    files = [_images(folder) for folder in (fused, infrared, visible)]
    for folder, names in zip((infrared, visible), files[1:], strict=True):
        if missing := sorted(files[0].keys() - names.keys()):
            raise InputError(f"{folder} has no image named {missing[0]}, which is in {fused}")
        if missing := sorted(names.keys() - files[0].keys()):
            raise InputError(f"{fused} lacks the fused image of {missing[0]}, which is in {folder}")
    return {name: (files[0][name], files[1][name], files[2][name]) for name in sorted(files[0])}


def _images(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is neither a file nor a folder")
    suffixes = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    images: dict[str, Path] = {}
    for path in paths:
        if path.stem in images:
            raise InputError(f"{folder} has both {images[path.stem].name} and {path.name}: which one is meant?")
        images[path.stem] = path
    if not images:
        raise InputError(f"{folder} holds no image ({', '.join(sorted(suffixes))})")
    return images


def _score_files(fused: Path, infrared: Path, visible: Path, convention: "Convention") -> dict[str, float]:
    from text2pixels import metrics
    from text2pixels.image.colour import luminance, quantise
    from text2pixels.image.png import read_rgb

    images = [quantise(luminance(read_rgb(path))) for path in (fused, infrared, visible)]
    try:
        return metrics.score(images[0], images[1], images[2], convention=convention)
    except InputError as error:
        raise InputError(f"{fused}: {error}") from error


def _print_json(scores: dict[str, dict[str, float]]) -> None:
    import json

    # JSON has no NaN: an undefined metric is null.
    plain = {
        name: {metric: None if value != value else value for metric, value in values.items()}
        for name, values in scores.items()
    }
    typer.echo(json.dumps(plain, indent=2))


def _print_table(scores: dict[str, dict[str, float]], convention: "Convention") -> None:
    from statistics import fmean

    from rich.console import Console
    from rich.table import Table

    from text2pixels.metrics import CONVENTIONS

    count = len(scores)
    table = Table(title=f"{count} image{'s' * (count > 1)}, convention: {convention}")
    table.add_column("metric")
    table.add_column("mean" if count > 1 else "value", justify="right")
    table.add_column("unit")
    table.add_column("better")
    for metric in CONVENTIONS[convention].values():
        defined = [values[metric.name] for values in scores.values() if values[metric.name] == values[metric.name]]
        note = "" if len(defined) == count else f"undefined on {count - len(defined)} of {count}: {metric.undefined}"
        mean = f"{fmean(defined):.4f}" if defined else "–"
        table.add_row(f"{metric.name}  [dim]{metric.title}[/]", mean, note or metric.unit, metric.direction)
    Console().print(table)
