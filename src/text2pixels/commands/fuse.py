"""`t2p fuse`: fuse a pair of images, two folders of images, two videos, or a data set of the pipeline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from text2pixels.errors import InputError
from text2pixels.files import check_outputs

if TYPE_CHECKING:
    from text2pixels.config import Embed
    from text2pixels.methods.engine import Engine


def fuse(
    infrared: Annotated[Path | None, typer.Argument(help="Infrared image, folder of images, or video.")] = None,
    visible: Annotated[Path | None, typer.Argument(help="Visible image, folder or video, aligned to it.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Fused image, folder or video.")] = None,
    method: Annotated[str | None, typer.Option(help="A baseline: see t2p baselines.")] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of a trained network; by default the one that comes along."),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help='What the scene shows, phrases separated by semicolons: "a person; at night".')
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="CSV with the columns name, phrases: a prompt for each pair of two folders.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="Folder of the baselines' weights; fuse.weights of params.yaml where not given."),
    ] = None,
    attention: Annotated[
        Path | None, typer.Option(help="Write which phrase lit which pixels into this folder (one pair, --model).")
    ] = None,
    gray: Annotated[
        bool, typer.Option("--gray", help="Write the fused luminance, without the visible colour.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")] = "auto",
    dataset: Annotated[
        str | None, typer.Option(help="Fuse this data set by --method or --variant (the stage).")
    ] = None,
    variant: Annotated[str | None, typer.Option(help="With --dataset: a network trained by the pipeline.")] = None,
) -> None:
    """Fuse infrared and visible images; the colour is the visible image's."""
    if dataset is not None:
        _run_stage(dataset, method, variant)
        return
    if infrared is None or visible is None:
        raise InputError("fuse what? t2p fuse ir.png vis.png -o out.png, or --dataset NAME --method NAME")
    if output is None:
        raise InputError("where to? name the fused image, folder or video with -o")
    if prompt is not None and prompts is not None:
        raise InputError("give either --prompt for all or --prompts FILE with one each")
    for path in (infrared, visible):
        if not path.exists():
            raise InputError(f"{path} does not exist")
    check_outputs([output], [infrared, visible, *([prompts] if prompts else [])])

    folders = infrared.is_dir() or visible.is_dir()
    if method is not None and (prompt, prompts, attention) != (None, None, None):
        raise InputError(f"the baseline '{method}' reads no text: --prompt, --prompts and --attention are for --model")
    if prompts is not None and not folders:
        raise InputError("--prompts is for two folders; give one pair its phrases with --prompt")
    if attention is not None and (folders or _is_video(infrared)):
        raise InputError("--attention is for one pair of images")
    engine = _engine(method, model, weights, device)
    phrases = _phrases(prompt)
    if folders:
        _fuse_folders(engine, infrared, visible, output, phrases, prompts, gray)
    elif _is_video(infrared) or _is_video(visible):
        _fuse_videos(engine, infrared, visible, output, phrases, gray)
    else:
        _fuse_pair(engine, infrared, visible, output, phrases, attention, gray)


def _run_stage(dataset: str, method: str | None, variant: str | None) -> None:
    if method is not None and variant is None:
        from text2pixels.pipeline import fuse as stage

        stage.run(dataset, method)
    elif variant is not None and method is None:
        from text2pixels.pipeline import fuse_variant

        fuse_variant.run(dataset, variant)
    else:
        raise InputError("give --dataset NAME with either --method BASELINE or --variant TRAINED")


def _engine(method: str | None, model: Path | None, weights: Path | None, device: str) -> "Engine":
    from text2pixels import layout
    from text2pixels.methods import engine
    from text2pixels.methods import trained as inference

    if method is not None and model is not None:
        raise InputError("give either --method (a baseline) or --model (a trained network)")
    if method is not None:
        return engine.baseline(method, weights or configured_weights(), device)
    if model is None and not inference.has_shipped() and layout.model("ours").is_dir():
        model = layout.model("ours")
    return engine.network(model, device, _configured_encoder())


def configured_weights() -> Path | None:
    """Return fuse.weights of params.yaml, where there is such a file here."""
    from text2pixels import config

    if not config.PARAMS_FILE.is_file():
        return None
    folder = config.load(("fuse",)).fuse.weights
    return Path(folder) if folder else None


def _configured_encoder() -> "Embed":
    from text2pixels import config

    return config.load(("embed",)).embed if config.PARAMS_FILE.is_file() else config.Embed()


def _phrases(prompt: str | None) -> list[str]:
    from text2pixels.prompts.user_prompts import split

    return [] if prompt is None else split(prompt, "--prompt")


def _is_video(path: Path) -> bool:
    from text2pixels.methods.pairing import VIDEOS

    return path.suffix.lower() in VIDEOS


def _fuse_pair(
    engine: "Engine",
    infrared: Path,
    visible: Path,
    output: Path,
    phrases: list[str],
    attention: Path | None,
    gray: bool,
) -> None:
    from text2pixels.methods.attention_maps import draw_attention
    from text2pixels.methods.still import check_suffix, read_pair, write_image

    if output.is_dir():
        output = output / f"{visible.stem}.png"
    check_suffix(output)
    check_outputs([output], [infrared, visible])
    pair = read_pair(infrared, visible)
    fused = engine.fuse(*pair, phrases, gray=gray)
    pictures = draw_attention(engine, *pair, phrases) if attention else {}
    maps = [attention / name for name in pictures] if attention else []
    check_outputs([output, *maps], [infrared, visible])
    write_image(output, fused)
    typer.echo(f"{output}: fused by {engine.name}")
    for path, picture in zip(maps, pictures.values(), strict=True):
        write_image(path, picture)
        typer.echo(f"{path}")


def _fuse_folders(
    engine: "Engine",
    infrared: Path,
    visible: Path,
    output: Path,
    phrases: list[str],
    prompts: Path | None,
    gray: bool,
) -> None:
    """Fuse what can be fused, report the rest.

    Raises:
        InputError: nothing could be fused.
        typer.Exit: with code 1, where some pairs could not.
    """
    from text2pixels.methods.pairing import pair_folders
    from text2pixels.methods.still import read_pair, write_image
    from text2pixels.progress import track
    from text2pixels.prompts.user_prompts import read_csv

    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: two folders are fused into a folder")
    pairing = pair_folders(infrared, visible)
    inputs = [path for pair in pairing.pairs.values() for path in pair] + pairing.unpaired
    check_outputs([output / f"{name}.png" for name in pairing.pairs], inputs)
    written = read_csv(prompts, "", pairing.pairs) if prompts else {}
    for path in pairing.unpaired:
        typer.echo(f"unpaired: {path}", err=True)
    failed = []
    for name, pair in track(pairing.pairs.items(), f"fuse by {engine.name}", total=len(pairing.pairs)):
        try:
            fused = engine.fuse(*read_pair(*pair), written.get((name, "fine"), phrases), gray=gray)
        except InputError as error:
            failed.append(str(error))
            continue
        write_image(output / f"{name}.png", fused)
    for reason in failed:
        typer.echo(f"not fused: {reason}", err=True)
    count = len(pairing.pairs) - len(failed)
    if not count:
        raise InputError(f"none of the {len(failed)} pairs could be fused: {failed[0]}")
    typer.echo(f"{output}: {count} fused by {engine.name}, {len(failed)} not, {len(pairing.unpaired)} files unpaired")
    if failed:
        raise typer.Exit(1)


def _fuse_videos(engine: "Engine", infrared: Path, visible: Path, output: Path, phrases: list[str], gray: bool) -> None:
    from text2pixels.methods.video import fuse_videos

    report = fuse_videos(engine, infrared, visible, output, phrases, gray=gray)
    typer.echo(
        f"{output}: {report.frames} frames fused by {engine.name} at {report.frames / report.seconds:.1f} frames/s "
        f"(the video runs at {report.rate:g})"
    )
    if report.left_over:
        typer.echo(f"one video is longer: its last {report.left_over} frames have no partner", err=True)
