"""The verbs of `t2p` for two cameras: `fuse` and `register`.

A verb imports what it needs when it runs, so that it does not load the libraries of the others.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from text2pixels.errors import InputError

app = typer.Typer()
_IMAGES = "Images"


@app.command(rich_help_panel=_IMAGES)
def fuse(
    infrared: Annotated[
        str, typer.Argument(help="Infrared image, folder, video, or camera (0, /dev/video0, rtsp://…).")
    ],
    visible: Annotated[str, typer.Argument(help="Visible image, folder, video, or camera.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="PATH", help="Fused image, folder or video.")],
    method: Annotated[
        str, typer.Option(help="How to fuse: see t2p methods. ours is the network that comes along.")
    ] = "ours",
    model: Annotated[Path | None, typer.Option(help="Folder of a model that the pipeline made.")] = None,
    prompt: Annotated[
        str | None,
        typer.Option(help='What the scene shows: "a person; at night"; with weights, "a person:1.5; a car:-0.5".'),
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="CSV with the columns name, phrases: a prompt for each pair of two folders.")
    ] = None,
    register: Annotated[
        bool,
        typer.Option("--register", help="Find the transform between the cameras first; their sizes may differ."),
    ] = False,
    matrix: Annotated[
        Path | None, typer.Option(help="Apply the transform of this file, which t2p register --matrix or --rig wrote.")
    ] = None,
    infrared_range: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="LOW HIGH",
            help="For infrared of more than 8 bits: the two values, as the file has them, shown as black and white; or "
            "10C 40C, 283K 313K, where the file says what its values mean. "
            "Without it the range is found once for the whole folder or video.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="Folder of other authors' weights (see t2p methods); your own network is --model."),
    ] = None,
    attention: Annotated[
        Path | None, typer.Option(help="Write which phrase lit which pixels into this folder (one pair, --prompt).")
    ] = None,
    gray: Annotated[bool, typer.Option("--gray", help="Write the fused luminance, without colour.")] = False,
    seconds: Annotated[
        float | None, typer.Option(help="For live cameras: when to end; without it, at Ctrl-C or SIGTERM.", min=0)
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="For folders: fuse anew what is there already.")] = False,
    workers: Annotated[int, typer.Option(help="For folders: how many processes.", min=1)] = 1,
    dask: Annotated[str | None, typer.Option(help="For folders: the address of a Dask scheduler.")] = None,
    device: Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1 …")] = "auto",
    engine: Annotated[
        str | None, typer.Option(help="For our network: onnx or torch; without it, what is installed.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="A setting of the method: see t2p methods."),
    ] = None,
) -> None:
    """Fuse infrared and visible images; the colour is the visible image's.

    t2p fuse ir.png vis.png -o fused.png --prompt "a person; a car"

    t2p fuse ir_folder vis_folder -o fused --register

    t2p fuse thermal16.mkv visible.mp4 -o fused.mp4 --infrared-range 28315 31315

    t2p fuse 0 1 -o fused.mp4 --matrix rig.json --seconds 60
    """
    from text2pixels.cameras import runs
    from text2pixels.cameras.recipe import Recipe
    from text2pixels.cameras.stills import Reading
    from text2pixels.files import check_outputs
    from text2pixels.image.radiometry import parse_range
    from text2pixels.registration.files import read

    if prompt is not None and prompts is not None:
        raise InputError("give either --prompt for all or --prompts FILE with one each")
    if register and matrix is not None:
        raise InputError("give either --register, which finds the transform, or --matrix FILE, which has it")
    if not output:
        raise InputError("--output is empty: name the image, folder or video to write")
    infrared, visible = map(_without_scheme, (infrared, visible))
    span, unit = (None, "") if infrared_range is None else parse_range(infrared_range)
    kind = _kind_of_both(infrared, visible)
    if unit and kind in ("a video", "a camera"):
        raise InputError(f"{kind} does not say what its values mean: give --infrared-range without {unit}")
    if seconds is not None and kind != "a camera":
        raise InputError("--seconds is for live cameras")
    if kind == "a camera" and infrared == visible:
        raise InputError(f"{infrared} is given twice: give the infrared camera, then the visible one")
    others = tuple(path for path in (prompts, matrix) if path is not None)
    check_outputs([Path(output)], [Path(infrared), Path(visible), *others])
    if prompts is not None and kind != "a folder":
        raise InputError("--prompts is for two folders; give one pair its phrases with --prompt")
    if prompts is not None and not prompts.is_file():
        raise InputError(f"{prompts} is not a file: --prompts takes a CSV with the columns name, phrases")
    if attention is not None and kind != "an image":
        raise InputError("--attention is for one pair of images")
    if attention is not None and attention.exists() and not attention.is_dir():
        raise InputError(f"{attention} is a file: --attention takes a folder")
    if (workers > 1 or dask or again) and kind != "a folder":
        raise InputError("--workers, --dask and --again are for two folders")
    recipe = Recipe(method, model, weights, device, engine, _options(option or []))
    loaded = recipe.load()
    if not loaded.card.text and (prompt, prompts, attention) != (None, None, None):
        raise InputError(
            f"'{loaded.card.name}' reads no text: --prompt, --prompts and --attention are for a network trained here"
        )
    reading = Reading(span, None if matrix is None else read(matrix), register, unit)
    task = runs.Task(recipe, reading, Path(infrared), Path(visible), Path(output), _phrases(prompt), gray, others)
    if kind == "a folder":
        runs.fuse_folders(task, prompts, again=again, workers=workers, dask=dask)
    elif kind == "a camera":
        runs.fuse_cameras(task, infrared, visible, seconds)
    elif kind == "a video":
        runs.fuse_videos(task)
    else:
        runs.fuse_pair(task, attention)


def _without_scheme(given: str) -> str:
    """Return the path that a file's address names; anything else as it is."""
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(given).path) if given.startswith("file://") else given


def _kind_of_both(infrared: str, visible: str) -> str:
    """Return of which kind the two inputs are.

    Raises:
        InputError: one does not exist, or they are of two kinds.
    """
    from text2pixels.cameras.live import is_camera
    from text2pixels.cameras.pairing import is_video

    kinds = []
    for given in (infrared, visible):
        path = Path(given)
        if is_camera(given):
            kinds.append("a camera")
            continue
        if not path.exists():
            raise InputError(f"{given} does not exist: check the path")
        kinds.append("a folder" if path.is_dir() else "a video" if is_video(path) else "an image")
    if kinds[0] != kinds[1]:
        raise InputError(
            f"{infrared} is {kinds[0]} and {visible} {kinds[1]}: "
            "give two images, two folders, two videos or two cameras"
        )
    return kinds[0]


def _options(given: list[str]) -> tuple[tuple[str, str | int | float | bool], ...]:
    from text2pixels.yaml_files import parse

    options = []
    for each in given:
        key, equals, value = each.partition("=")
        if not (key and equals):
            raise InputError(f"'{each}' should read KEY=VALUE, for example steps=50")
        options.append((key, parse(value, f"the value of {key}")))
    return tuple(options)


def _phrases(prompt: str | None) -> list[str]:
    if prompt is None:
        return []
    from text2pixels.progress import say
    from text2pixels.prompts.user_prompts import separated_otherwise, split

    phrases = split(prompt, "--prompt")
    say([f"--prompt: {line}" for line in separated_otherwise(phrases)])
    return phrases


@app.command(rich_help_panel=_IMAGES)
def register(
    infrared: Annotated[Path, typer.Argument(help="Infrared image, or a folder of them for --rig.")],
    visible: Annotated[Path, typer.Argument(help="Visible image or folder; sizes may differ.")],
    overlay: Annotated[Path | None, typer.Option(help="Write edges of both before and after, as PNG.")] = None,
    matrix: Annotated[Path | None, typer.Option(help="Write matrix, residual and status as JSON.")] = None,
    warped: Annotated[
        Path | None,
        typer.Option(help="Write the infrared in the visible frame, as PNG; transparent where it does not reach."),
    ] = None,
    rig: Annotated[
        Path | None,
        typer.Option(help="For two folders from cameras fixed to one another: write their one transform as JSON."),
    ] = None,
) -> None:
    """Estimate the infrared-to-visible transform, judge it and show it; exit code 1 where it failed.

    t2p register ir.png vis.png --overlay check.png --matrix ir_to_vis.json

    t2p register ir_folder vis_folder --rig rig.json --overlay check.png
    """
    from text2pixels.cameras import runs
    from text2pixels.files import check_outputs

    outputs = [path for path in (overlay, matrix, warped, rig) if path is not None]
    # os.path says no of a name that is too long, pathlib raises.
    folders = [path for path in (infrared, visible) if os.path.isdir(path)]  # noqa: PTH112
    inputs = [infrared, visible, *(each for path in folders for each in path.iterdir())]
    check_outputs(outputs, inputs)
    for path, suffix in ((overlay, ".png"), (warped, ".png"), (matrix, ".json"), (rig, ".json")):
        if path is not None and path.is_dir():
            raise InputError(f"{path} is a folder: name the file to write")
        if path is not None and path.suffix.lower() != suffix:
            raise InputError(f"{path} should end in {suffix}, which is what is written there")
    if infrared.is_dir() and visible.is_dir():
        if matrix is not None or warped is not None:
            raise InputError("--matrix and --warped are for one pair; two folders have one transform, --rig FILE")
        found = runs.register_folders(infrared, visible, rig, overlay)
    else:
        if rig is not None:
            raise InputError("--rig is for two folders of pairs; one pair has its --matrix FILE")
        found = runs.register_pair(infrared, visible, overlay=overlay, matrix=matrix, warped=warped)
    if not found:
        raise typer.Exit(1)
    if outputs:
        typer.echo(f"written   {', '.join(map(str, outputs))}")
