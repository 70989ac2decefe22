"""The command `t2p`: the verbs of images. Those of the benchmark are `pipeline.verbs`.

A verb imports what it needs when it runs, so that none pays for another's libraries.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from text2pixels.errors import InputError
from text2pixels.pipeline import verbs

if TYPE_CHECKING:
    from text2pixels.methods.method import Method

app = typer.Typer(
    name="t2p",
    help="Fuse infrared and visible images under the guidance of text, and measure how well.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_IMAGES = "Images"

Infrared = Annotated[Path, typer.Argument(help="Infrared image.")]
Visible = Annotated[Path, typer.Argument(help="Visible image, aligned to it.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")]


@app.command(rich_help_panel=_IMAGES)
def fuse(
    infrared: Annotated[Path, typer.Argument(help="Infrared image, folder of images, or video.")],
    visible: Annotated[Path, typer.Argument(help="Visible image, folder or video, aligned to it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Fused image, folder or video.")],
    method: Annotated[str, typer.Option(help="See t2p methods; ours is the network that comes along.")] = "ours",
    model: Annotated[Path | None, typer.Option(help="Folder of a model that the pipeline made.")] = None,
    prompt: Annotated[
        str | None, typer.Option(help='What the scene shows, phrases separated by semicolons: "a person; at night".')
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="CSV with the columns name, phrases: a prompt for each pair of two folders.")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder of the authors' weights (see t2p methods).")] = None,
    attention: Annotated[
        Path | None, typer.Option(help="Write which phrase lit which pixels into this folder (one pair, --prompt).")
    ] = None,
    gray: Annotated[bool, typer.Option("--gray", help="Write the fused luminance, without colour.")] = False,
    device: Device = "auto",
    engine: Annotated[str | None, typer.Option(help="Of our network: onnx or torch.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="Of the method: see t2p methods.")
    ] = None,
) -> None:
    """Fuse infrared and visible images; the colour is the visible image's."""
    from text2pixels.files import check_outputs

    if prompt is not None and prompts is not None:
        raise InputError("give either --prompt for all or --prompts FILE with one each")
    for path in (infrared, visible):
        if not path.exists():
            raise InputError(f"{path} does not exist: check the path")
    check_outputs([output], [infrared, visible, *([prompts] if prompts else [])])
    kinds = [_kind(path) for path in (infrared, visible)]
    if kinds[0] != kinds[1]:
        raise InputError(
            f"{infrared} is {kinds[0]} and {visible} {kinds[1]}: give two images, two folders or two videos"
        )
    folders, videos = kinds[0] == "a folder", kinds[0] == "a video"
    if prompts is not None and not folders:
        raise InputError("--prompts is for two folders; give one pair its phrases with --prompt")
    if prompts is not None and not prompts.is_file():
        raise InputError(f"{prompts} is not a file: --prompts takes a CSV with the columns name, phrases")
    if attention is not None and (folders or videos):
        raise InputError("--attention is for one pair of images")
    if attention is not None and attention.exists() and not attention.is_dir():
        raise InputError(f"{attention} is a file: --attention takes a folder")
    loaded = _method(method, model, weights, device, engine, option or [])
    if not loaded.card.text and (prompt, prompts, attention) != (None, None, None):
        raise InputError(
            f"'{loaded.card.name}' reads no text: --prompt, --prompts and --attention are for a network trained here"
        )
    phrases = _phrases(prompt)
    if folders:
        _fuse_folders(loaded, infrared, visible, output, phrases, prompts, gray)
    elif videos:
        _fuse_videos(loaded, infrared, visible, output, phrases, gray)
    else:
        _fuse_pair(loaded, infrared, visible, output, phrases, attention, gray)


def _kind(path: Path) -> str:
    from text2pixels.cameras.pairing import is_video

    return "a folder" if path.is_dir() else "a video" if is_video(path) else "an image"


def _method(
    name: str, model: Path | None, weights: Path | None, device: str, engine: str | None, options: list[str]
) -> "Method":
    from text2pixels.methods import catalogue, own
    from text2pixels.methods.card import FILE as CARD
    from text2pixels.pipeline.profiles import parse_changes

    if device.partition(":")[0] not in ("auto", "cpu", "cuda", "mps"):  # a filter would not look at it
        raise InputError(f"device '{device}' is none: write auto, cpu, cuda or cuda:1")
    if model is not None:
        if options:
            raise InputError("--option is for --method NAME; a model has the options it was made with")
        if weights is not None or name != catalogue.OURS:
            raise InputError("give either --model FOLDER, or --method NAME (with --weights for some)")
        if (model / CARD).is_file() and engine is None:
            return catalogue.load_model(model, device)
        return own.load(catalogue.methods()[catalogue.OURS].card, model, device, engine, None)
    return catalogue.load(name, weights=weights, device=device, engine=engine, options=parse_changes(options))


def _phrases(prompt: str | None) -> list[str]:
    if prompt is None:
        return []
    from text2pixels.prompts.user_prompts import split

    return split(prompt, "--prompt")


def _fuse_pair(
    method: "Method",
    infrared: Path,
    visible: Path,
    output: Path,
    phrases: list[str],
    attention: Path | None,
    gray: bool,
) -> None:
    from text2pixels.files import check_outputs
    from text2pixels.methods.convention import fuse_picture
    from text2pixels.cameras.stills import check_suffix, read_pair, write_image

    if output.is_dir():
        output = output / f"{visible.stem}.png"
    check_suffix(output)
    check_outputs([output], [infrared, visible])
    notes: list[str] = []
    pair = read_pair(infrared, visible, notes)
    fused = fuse_picture(method, *pair, phrases, gray=gray)
    pictures = {}
    if attention is not None:
        from text2pixels.methods.attention_maps import draw_attention

        pictures = {attention / name: image for name, image in draw_attention(method, *pair, phrases).items()}
        check_outputs([output, *pictures], [infrared, visible])
    _say(notes)
    write_image(output, fused)
    typer.echo(f"{output}: fused by {method.card.label}")
    for path, picture in pictures.items():
        write_image(path, picture)
        typer.echo(f"{path}")


def _fuse_folders(
    method: "Method",
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
    from text2pixels.cameras.folders import check_folder, fuse_folders
    from text2pixels.cameras.pairing import pair_folders
    from text2pixels.progress import track
    from text2pixels.prompts.user_prompts import read_csv

    pairing = pair_folders(infrared, visible)
    check_folder(output, pairing)
    written = read_csv(prompts, visible.resolve().name, pairing.pairs) if prompts else {}
    own = {
        name: found for name in pairing.pairs if (found := written.get((name, "fine")) or written.get((name, "coarse")))
    }
    if prompts is not None:
        if not own:
            raise InputError(
                f"{prompts} has phrases for none of the {len(pairing.pairs)} pairs: its column name should hold their "
                f"names without folder and suffix, such as {next(iter(pairing.pairs))}"
            )
        typer.echo(f"{len(own)} of {len(pairing.pairs)} pairs have phrases in {prompts}", err=True)
    _say([f"unpaired: {path}" for path in pairing.unpaired])
    done = fuse_folders(method, pairing, output, lambda name: own.get(name, phrases), gray=gray)
    results = list(track(done, f"fuse by {method.card.name}", total=len(pairing.pairs)))
    _say([note for result in results for note in result.notes])
    failed = [result.problem for result in results if result.problem]
    _say([f"not fused: {reason}" for reason in failed])
    if len(failed) == len(results):
        raise InputError(f"none of the {len(failed)} pairs could be fused: {failed[0]}")
    typer.echo(
        f"{output}: {len(results) - len(failed)} fused by {method.card.label}, {len(failed)} not, "
        f"{len(pairing.unpaired)} files unpaired"
    )
    if failed:
        raise typer.Exit(1)


def _fuse_videos(method: "Method", infrared: Path, visible: Path, output: Path, phrases: list[str], gray: bool) -> None:
    from text2pixels.cameras.video import fuse_videos

    report = fuse_videos(method, infrared, visible, output, phrases, gray=gray)
    typer.echo(
        f"{output}: {report.frames} frames fused by {method.card.label} at "
        f"{report.frames / report.seconds:.1f} frames/s (the video runs at {report.rate:g})"
    )
    if report.left_over:
        typer.echo(f"one video is longer: its last {report.left_over} frames have no partner", err=True)


@app.command(rich_help_panel=_IMAGES)
def register(
    infrared: Annotated[Path, typer.Argument(help="Infrared image.")],
    visible: Annotated[Path, typer.Argument(help="Visible image; sizes may differ.")],
    overlay: Annotated[Path | None, typer.Option(help="Write edges of both before and after, as PNG.")] = None,
    matrix: Annotated[Path | None, typer.Option(help="Write matrix, residual and status as JSON.")] = None,
    warped: Annotated[Path | None, typer.Option(help="Write the infrared in the visible frame, as PNG.")] = None,
) -> None:
    """Estimate the infrared-to-visible transform, judge it and show it; exit code 1 where it failed."""
    from text2pixels.files import check_outputs
    from text2pixels.image import luminance, quantise, read_infrared, read_visible
    from text2pixels.registration.estimate import estimate
    from text2pixels.registration.files import describe, write

    check_outputs([path for path in (overlay, matrix, warped) if path is not None], [infrared, visible])
    notes: list[str] = []
    thermal = read_infrared(infrared, notes=notes)
    scene = quantise(luminance(read_visible(visible, notes)))
    _say(notes)
    found = estimate(thermal, scene)
    typer.echo(describe(found))
    if found.status == "failed":
        typer.echo("nothing was written: no transform could be verified", err=True)
        raise typer.Exit(1)
    write(found, thermal, scene, overlay=overlay, matrix=matrix, warped=warped)


@app.command(rich_help_panel=_IMAGES)
def score(
    fused: Annotated[Path, typer.Argument(help="Fused image, or a folder of them.")],
    infrared: Annotated[Path, typer.Argument(help="Infrared image, or a folder with the same names.")],
    visible: Annotated[Path, typer.Argument(help="Visible image, or a folder with the same names.")],
    stretched: Annotated[
        bool,
        typer.Option(
            "--stretched",
            help="The convention of published tables, accidents included, instead of ours. The fused image must "
            "already be stretched to 0..255, as those tables do.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON: name, then metric, then value.")] = False,
) -> None:
    """Compute every fusion metric on 8-bit luminance."""
    from text2pixels.metrics.files import as_json, as_table, score_files

    notes: list[str] = []
    scores = score_files(fused, infrared, visible, "stretched" if stretched else "standard", notes)
    _say(notes)
    if json:
        typer.echo(as_json(scores))
        return
    from rich.console import Console

    Console().print(as_table(scores, "stretched" if stretched else "standard"))


@app.command(rich_help_panel=_IMAGES)
def prompt(infrared: Infrared, visible: Visible) -> None:
    """Describe a pair in phrases: what its statistics say of time, weather, light and heat."""
    from text2pixels.cameras.stills import read_pair
    from text2pixels.prompts.table import Subject, describe

    notes: list[str] = []
    gray, rgb = read_pair(infrared, visible, notes)
    _say(notes)
    height, width = gray.shape
    for each in describe(Subject(visible.stem, width, height), rgb, gray):
        typer.echo(f"{each.kind}: {'; '.join(each.phrases)}")


@app.command(rich_help_panel=_IMAGES)
def embed(
    phrases: Annotated[str, typer.Argument(help="Phrases to compare, separated by semicolons.")],
    encoder: Annotated[str, typer.Option(help="hash, table, open_clip or distilled.")] = "distilled",
    table: Annotated[Path | None, typer.Option(help="Parquet of (phrase, vector) for the encoder table.")] = None,
    model: Annotated[str, typer.Option(help="Of open_clip.")] = "ViT-B-32",
    pretrained: Annotated[str, typer.Option(help="A tag of open_clip, or a local file.")] = "openai",
) -> None:
    """Print how near phrases are to each other for a text encoder: the cosines of their vectors."""
    from text2pixels.config import Embed
    from text2pixels.encoders.embeddings import encode_user_prompt

    settings = Embed(str(table) if table else None, model, pretrained)
    names, vectors_TD = encode_user_prompt(phrases, encoder, settings)
    for name, row in zip(names, vectors_TD @ vectors_TD.T, strict=True):
        typer.echo(f"{'  '.join(f'{value:6.3f}' for value in row)}  {name}")


@app.command(rich_help_panel=_IMAGES)
def detect(
    images: Annotated[list[Path], typer.Argument(help="Images to look for objects in.")],
    model: Annotated[Path, typer.Option(help="Folder with detector.safetensors, as the stage method writes it.")],
    threshold: Annotated[float, typer.Option(help="Least score.", min=0, max=1)] = 0.25,
    size: Annotated[int, typer.Option(help="Pixels of the longest side that the detector sees.", min=32)] = 640,
    device: Device = "auto",
) -> None:
    """Print one line per object: image, category, score, x, y, width, height (pixels)."""
    from functools import partial

    from text2pixels.extras import require

    require("ultralytics", "train")
    from text2pixels.detection.examples import Example
    from text2pixels.detection.finetune import detect as detect_examples
    from text2pixels.detection.weights import read
    from text2pixels.device import pick_device
    from text2pixels.image import read_visible

    notes: list[str] = []
    examples = [Example(str(path), partial(read_visible, path, notes), ()) for path in images]
    for path, found in detect_examples(read(model), examples, batch=1, image_size=size, device=pick_device(device)):
        for item in found:
            if item.score >= threshold:
                box = "\t".join(f"{value:.1f}" for value in (item.x, item.y, item.w, item.h))
                typer.echo(f"{path}\t{item.category}\t{item.score:.3f}\t{box}")
    _say(notes)


app.add_typer(verbs.app)


def _say(notes: list[str]) -> None:
    for note in notes:
        typer.echo(note, err=True)


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, no permission, a folder in a file's place, a name too long
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror or error}", file=sys.stderr)
        sys.exit(2)
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        print(f"error: out of memory ({' '.join(str(error).split())}): smaller batches or images", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _out_of_memory(error: Exception) -> bool:
    """Recognise numpy's and torch's ways to say it, without importing torch for it."""
    words = ("OutOfMemoryError", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(word in f"{type(error).__name__} {error}" for word in words)
