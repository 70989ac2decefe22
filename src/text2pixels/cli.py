"""The command `t2p`: the verbs of images. Those of the benchmark are `pipeline.verbs`.

A verb imports what it needs when it runs, so that it does not load the libraries of the others.
"""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from text2pixels.cameras import verbs as camera_verbs
from text2pixels.errors import InputError
from text2pixels.pipeline import verbs
from text2pixels.progress import say

if TYPE_CHECKING:
    from text2pixels.detection.detections import EvaluatedImage

app = typer.Typer(
    name="t2p",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_IMAGES = "Images"


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"text2pixels {version('text2pixels')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Fuse infrared and visible images under the guidance of text, and measure how well."""


app.add_typer(camera_verbs.app)
images = typer.Typer()  # listed after the verbs for two cameras

Infrared = Annotated[Path, typer.Argument(help="Infrared image.")]
Visible = Annotated[Path, typer.Argument(help="Visible image, aligned to it.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")]


@images.command(rich_help_panel=_IMAGES)
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
    """Compute every fusion metric on 8-bit luminance.

    t2p score fused.png ir.png vis.png

    t2p score fused infrared visible --json
    """
    from text2pixels.metrics.files import as_json, as_table, score_files

    notes: list[str] = []
    scores = score_files(fused, infrared, visible, "stretched" if stretched else "standard", notes)
    say(notes)
    if json:
        typer.echo(as_json(scores))
        return
    from rich.console import Console

    Console().print(as_table(scores, "stretched" if stretched else "standard"))


@images.command(rich_help_panel=_IMAGES)
def compare(
    methods: Annotated[
        list[str], typer.Argument(metavar="NAME=FOLDER...", help="Folders of fused images, each with a name.")
    ],
    infrared: Annotated[Path, typer.Option(help="Folder of the infrared images.")],
    visible: Annotated[Path, typer.Option(help="Folder of the visible images.")],
    labels: Annotated[
        Path | None,
        typer.Option(help="What a detector should find: a COCO file, or a folder of VOC or YOLO files (classes.txt)."),
    ] = None,
    detector: Annotated[
        Path | None,
        typer.Option(help="Of --labels: YOLOv5 weights of COCO (yolov5n.pt), or a folder with detector.safetensors."),
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(
            help="Rank the methods of a published run beside yours, on the pairs that it has: its file "
            "rows/fusion-DATASET.parquet."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a page (index.html) and CSV files into this folder.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
) -> None:
    """Compare folders of fused images: all metrics, average ranks, intervals and paired tests.

    Names of images must be equal but for the suffix. What is compared are the pairs that all have fused.

    t2p compare mine=results/mine other=results/other --infrared data/ir --visible data/vi -o comparison

    t2p compare mine=a other=b --infrared ir --visible vi --labels boxes.json --detector yolov5n.pt -o comparison

    t2p compare mine=a --infrared ir --visible vi --rows run/rows/fusion-roadscene.parquet
    """
    from text2pixels.extras import require

    if (labels is None) != (detector is None):
        raise InputError(
            "--labels and --detector go together: the boxes, and what looks for them (YOLOv5 weights of COCO, such as "
            "yolov5n.pt, or the folder models/detector of a run)"
        )
    require("pandas", "benchmark")
    if detector is not None:
        require("torchvision", "train")
    import pandas as pd
    from rich.console import Console

    from text2pixels.analysis.comparison import as_terminal_table, leaderboard, score_pairs, shared_pairs
    from text2pixels.analysis.saved_rows import beside, read_saved_rows
    from text2pixels.files import check_replaced
    from text2pixels.progress import track

    folders = _named_folders(methods)
    if output is not None:
        from text2pixels.report.comparison import FILES

        read = [infrared, visible, *folders.values(), *(path for path in (labels, detector, rows) if path is not None)]
        check_replaced(output, read, FILES, "a comparison")
    shared, saved = shared_pairs(folders, infrared, visible), None
    if rows is not None:
        saved, shared = read_saved_rows(rows, shared)
    say(shared.notes)
    search = None
    if labels is not None and detector is not None:
        from text2pixels.analysis.compared_detection import Search, as_terminal_tables, judge, read_boxes

        boxes = read_boxes(labels, shared)
        say(boxes.notes)
        search = Search(detector, boxes, shared)
        if search.left_out:
            say([f"{detector} does not know {', '.join(search.left_out)}: left out of detection"])
    scored = track(score_pairs(shared, workers), "compare", total=len(shared.files))
    scores = pd.DataFrame([row for pair in scored for row in pair])
    found = leaderboard(scores if saved is None else beside(scores, saved))
    Console().print(as_terminal_table(found))
    typer.echo(found.verdict)
    detected = None
    if search is not None:
        tested: dict[str, list[EvaluatedImage]] = {method: [] for method in search.methods}
        for method, image in track(search.run(), "detect", total=search.images):
            tested[method].append(image)
        detected = judge(tested, search, [row.method for row in found.table.rows if row.method in tested])
        Console().print(as_terminal_tables(detected))
        typer.echo(detected.verdict)
    if output is not None:
        from text2pixels.files import whole_folder
        from text2pixels.report.comparison import write_comparison

        with whole_folder(output) as aside:
            write_comparison(aside, shared, found, detected)
        typer.echo(f"{output / 'index.html'}: the whole comparison, with pictures")


def _named_folders(arguments: list[str]) -> dict[str, Path]:
    """Return name -> folder of arguments NAME=FOLDER."""
    folders: dict[str, Path] = {}
    for argument in arguments:
        name, equals, folder = argument.partition("=")
        if not name or not equals or not folder:
            raise InputError(f"'{argument}' should be NAME=FOLDER, such as mine={argument or 'results'}")
        if "/" in name:  # the page's pictures are named after it
            raise InputError(f"'{name}' cannot be a name in NAME=FOLDER: it has a slash")
        if name in folders:
            raise InputError(f"the name '{name}' is given twice")
        folders[name] = Path(folder)
    return folders


@images.command(rich_help_panel=_IMAGES)
def prompt(infrared: Infrared, visible: Visible) -> None:
    """Describe a pair in phrases: what its statistics say of time, weather, light and heat.

    t2p prompt ir.png vis.png
    """
    from text2pixels.cameras.stills import read_pair
    from text2pixels.prompts.table import Subject, describe

    notes: list[str] = []
    gray, rgb = read_pair(infrared, visible, notes)
    say(notes)
    height, width = gray.shape
    for each in describe(Subject(visible.stem, width, height), rgb, gray):
        typer.echo(f"{each.kind}: {'; '.join(each.phrases)}")


@images.command(rich_help_panel=_IMAGES)
def embed(
    phrases: Annotated[str, typer.Argument(help="Phrases to compare, separated by semicolons.")],
    encoder: Annotated[str, typer.Option(help="hash, table, open_clip or distilled.")] = "distilled",
    table: Annotated[Path | None, typer.Option(help="Parquet of (phrase, vector) for the encoder table.")] = None,
    model: Annotated[str, typer.Option(help="Of open_clip.")] = "ViT-B-32",
    pretrained: Annotated[str, typer.Option(help="A tag of open_clip, or a local file.")] = "openai",
) -> None:
    """Print how near phrases are to each other for a text encoder: the cosines of their vectors.

    t2p embed "a person; a pedestrian; a car"
    """
    from text2pixels.config import Embed
    from text2pixels.encoders.user_phrases import encode_user_prompt

    settings = Embed(str(table) if table else None, model, pretrained)
    names, vectors_TD = encode_user_prompt(phrases, encoder, settings)
    for name, row in zip(names, vectors_TD @ vectors_TD.T, strict=True):
        typer.echo(f"{'  '.join(f'{value:6.3f}' for value in row)}  {name}")


@images.command(rich_help_panel=_IMAGES)
def detect(
    images: Annotated[list[Path], typer.Argument(help="Images to look for objects in.")],
    model: Annotated[Path, typer.Option(help="Folder with detector.safetensors, as the stage method writes it.")],
    threshold: Annotated[float, typer.Option(help="Least score.", min=0, max=1)] = 0.25,
    size: Annotated[int, typer.Option(help="Pixels of the longest side that the detector sees.", min=32)] = 640,
    device: Device = "auto",
) -> None:
    """Print one line per object: image, category, score, x, y, width, height (pixels).

    t2p detect fused.png --model models/detector
    """
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
    for path, found in detect_examples(read(model), examples, image_size=size, device=pick_device(device)):
        for item in found:
            if item.score >= threshold:
                box = "\t".join(f"{value:.1f}" for value in (item.x, item.y, item.w, item.h))
                typer.echo(f"{path}\t{item.category}\t{item.score:.3f}\t{box}")
    say(notes)


app.add_typer(images)
app.add_typer(verbs.app)


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 2."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # like standard error: a file's name may not be valid text
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
    """Tell whether numpy or torch ran out of memory, without importing torch."""
    words = ("OutOfMemoryError", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(word in f"{type(error).__name__} {error}" for word in words)
