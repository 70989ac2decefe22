"""The verbs of `t2p` that make, run and publish a benchmark. `t2p stage NAME …` is what dvc.yaml calls.

A verb imports what it needs when it runs, so that it does not load the libraries of the others.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from text2pixels.errors import InputError

app = typer.Typer()
_PIPELINE = "Benchmark and pipeline"

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 …")]


@app.command(rich_help_panel=_PIPELINE)
def methods(
    weights: Annotated[Path | None, typer.Option(help="Folder of the authors' weights.")] = None,
    check: Annotated[
        str | None, typer.Option(metavar="NAME", help="Compare this method's means with those that its paper prints.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="With --check: folder that holds TNO/ and RoadScene/.")] = None,
    device: Device = "auto",
) -> None:
    """List the methods: paper, year, licence, weights, options; and those that cannot run here, with the reason.

    With --check NAME, say whether a method with the files in --weights gives what its paper prints: "matches the
    paper", or how far it is from it; the exit code is then 0 or 1.

    t2p methods --weights weights

    t2p methods --check densefuse --weights weights --data sets
    """
    from rich.console import Console

    from text2pixels.methods.built_in import NOT_RUNNABLE
    from text2pixels.methods.listing import as_table, options, retrained, weight_files

    console = Console()
    if check is not None:
        raise typer.Exit(0 if _matches_its_paper(check, weights, data, device) else 1)
    if data is not None:
        raise InputError("--data: is for --check NAME")
    console.print(as_table(weights))
    for line in [*weight_files(weights), *retrained(), *options()]:
        console.print(line, highlight=False)
    console.print("\nNot runnable here, so in no table of ours:", highlight=False)
    for absent in NOT_RUNNABLE:
        console.print(f"  {absent.title} ({absent.paper}, {absent.year}): {absent.reason}", highlight=False)


def _matches_its_paper(name: str, weights: Path | None, data: Path | None, device: str) -> bool:
    """Print a method's means over published lists beside those that its paper prints, and the verdict."""
    from rich.console import Console

    from text2pixels.analysis.published import Figure, pairs_of, reproduce, rows_of, verdict
    from text2pixels.methods.catalogue import load
    from text2pixels.progress import track

    rows = rows_of(name)
    if data is None:
        raise InputError(f"--check {name}: name the folder that holds TNO/ and RoadScene/ with --data")
    pairs = {list_name: pairs_of(list_name, data) for list_name in rows}
    method = load(name, weights=weights, device=device)
    console = Console()
    console.print(f"{method.card.title}, {method.card.weights} weights, convention stretched", highlight=False)
    figures: list[Figure] = []
    for list_name, row in rows.items():
        figures += reproduce(method, row, list_name, track(pairs[list_name], f"{name} on {list_name}"))
    for figure in figures:
        mark = "" if figure.matches else "  differs"
        numbers = f"printed {figure.printed!s:>6}  here {figure.ours:9.4f}"
        console.print(f"{figure.list:17} {figure.metric:5} {numbers}{mark}", highlight=False)
    console.print(verdict(name, figures), highlight=False, soft_wrap=True)
    return all(figure.matches for figure in figures)


@app.command(rich_help_panel=_PIPELINE)
def cost(
    name: Annotated[str, typer.Argument(help="A method: see t2p methods.")],
    width: Annotated[int, typer.Option(help="Pixels.", min=16)] = 640,
    height: Annotated[int, typer.Option(help="Pixels.", min=16)] = 480,
    repeats: Annotated[int, typer.Option(help="Timed runs, of which the median counts.", min=1)] = 3,
    weights: Annotated[Path | None, typer.Option(help="Folder of the authors' weights.")] = None,
    device: Device = "auto",
) -> None:
    """Measure parameters, multiply-accumulates, seconds and memory of fusing one pair.

    t2p cost laplacian --width 1280 --height 1024
    """
    from rich.console import Console

    from text2pixels.extras import require

    require("torch", "benchmark")
    from text2pixels import config
    from text2pixels.device import pick_device
    from text2pixels.methods import catalogue
    from text2pixels.pipeline.cost import measure

    method = catalogue.load(name, weights=weights, device=device)
    Console().print_json(data=measure(method, pick_device(device), config.Cost(width, height, repeats)))


@app.command(rich_help_panel=_PIPELINE)
def ingest(
    source: Annotated[Path | None, typer.Argument(help="A folder, zip or tar of pairs.")] = None,
    dataset: Annotated[str, typer.Option(help="Which data set it is; any other name: pairs of your own.")] = "folder",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder to make; data/interim/DATASET.")] = None,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 2,
    aligned: Annotated[bool, typer.Option(help="The two cameras see the same pixels.")] = True,
    infrared: Annotated[str | None, typer.Option(help="Folder of the infrared images, below SOURCE.")] = None,
    visible: Annotated[str | None, typer.Option(help="Folder of the visible images, below SOURCE.")] = None,
    labels: Annotated[str | None, typer.Option(help="COCO file, or folder of VOC or YOLO files, below SOURCE.")] = None,
    format: Annotated[str | None, typer.Option(help="Of the labels: coco, voc or yolo.")] = None,
    classes: Annotated[
        str | None, typer.Option(help="Categories, separated by commas; their order is YOLO's numbering.")
    ] = None,
    scene: Annotated[
        str | None, typer.Option(help="Regular expression whose first group names the scene: '^(.+)_[0-9]+$'.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="train, val or test, for every pair.")] = None,
    infrared_range: Annotated[
        tuple[float, float] | None, typer.Option(metavar="LOW HIGH", help="16-bit counts that become black and white.")
    ] = None,
    leaks: Annotated[bool, typer.Option("--leaks", help="Compare all ingested data sets instead.")] = False,
) -> None:
    """Read raw pairs in; broken, odd and unequal files are set aside with the reason.

    t2p ingest recordings/yard --dataset yard --labels labels.json --format coco
    """
    from text2pixels.extras import require

    require("pyarrow", "benchmark")
    from text2pixels import config, layout
    from text2pixels.pipeline import ingest as stage

    if leaks:
        stage.compare()
        return
    if source is None and dataset != "simulator":
        raise InputError("ingest what? t2p ingest FOLDER, or a zip or tar (the data sets of params.yaml: dvc repro)")
    given = {
        "adapter": stage.adapter_named(dataset),
        "infrared": infrared,
        "visible": visible,
        "labels": labels,
        "format": format,
        "classes": [name.strip() for name in classes.split(",")] if classes else None,
        "scene": scene,
        "split": split,
        "infrared_range": list(infrared_range) if infrared_range else None,
    }
    options = {key: value for key, value in given.items() if value is not None}
    stage.ingest(
        dataset,
        config.Source(path=str(source) if source else None, aligned=aligned, options=options),
        config.Ingest(workers=workers),
        output or layout.interim(dataset),
    )


@app.command(rich_help_panel=_PIPELINE)
def params(
    profile: Annotated[str | None, typer.Argument(help="demo, roadscene, paper …; none keeps params.yaml.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value: train.epochs=2.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Folder of the raw data sets, instead of data/raw.")] = None,
    weights: Annotated[str | None, typer.Option(help="Folder of the authors' weights (see: t2p methods).")] = None,
    phrases: Annotated[
        str | None, typer.Option(help="Parquet of phrase vectors (phrase, vector) for the encoder `table`.")
    ] = None,
) -> None:
    """Write params.yaml, the pipeline's one configuration, from a file of profiles/.

    Methods whose weights are not here are left out of it, and named; with a profile's name and the
    weights they come back. Data sets that are not here are named with the way to get them.

    t2p params roadscene --data sets --weights weights

    t2p params --set train.epochs=2
    """
    from rich import print as show

    from text2pixels.extras import require

    require("pydantic", "pipeline")
    from text2pixels.pipeline import profiles, working_tree

    if not Path("profiles").is_dir():
        raise InputError(
            f"t2p params writes the pipeline's configuration from profiles/, which is not in {Path.cwd()}: change into "
            "a clone of the text2pixels repository (an installed package does not bring it)"
        )
    changes = profiles.parse_changes(change or [])
    with working_tree.hold("t2p params"):
        if mended := working_tree.mend_lock():
            show(f"[yellow]{mended}[/]")
        copy = profiles.keep_edited() if profile else None
        if copy and sys.stdin.isatty():
            typer.confirm(f"params.yaml holds what no profile has; put {profile} in its place?", abort=True)
        written, missing = profiles.write_params(profile, changes, data=data, weights=weights, phrases=phrases)
    if copy:
        show(f"[yellow]params.yaml held what no profile has, and is replaced[/]; the old one: {copy}")
    show(
        f"params.yaml: profile [bold]{written.profile}[/]; data sets {', '.join(written.datasets)}; "
        f"methods {', '.join(written.methods)}"
    )
    if note := profiles.without_git():
        show(f"[yellow]before dvc repro:[/] {note}")
    for name, reason in missing.items():
        show(f"[yellow]{'not here yet' if name in written.datasets else 'left out'}[/] {reason}")


@app.command(rich_help_panel=_PIPELINE)
def stage(
    name: Annotated[str, typer.Argument(help="A stage of dvc.yaml.")],
    dataset: Annotated[str | None, typer.Option(help="The data set, where the stage has one.")] = None,
    method: Annotated[str | None, typer.Option(help="The method, where the stage has one.")] = None,
    encoder: Annotated[str | None, typer.Option(help="The text encoder, where the stage has one.")] = None,
) -> None:
    """Run one stage of dvc.yaml, as DVC does; dvc repro also sees to what it needs.

    On several GPUs: torchrun --nproc-per-node N --no-python t2p stage method --method ours.

    t2p stage ingest --dataset roadscene
    """
    from text2pixels.extras import require

    require("pydantic", "pipeline")
    from text2pixels.pipeline import run_stage

    run_stage(name, {"dataset": dataset, "method": method, "encoder": encoder})


@app.command(rich_help_panel=_PIPELINE)
def publish(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; an older one is replaced.")] = Path(
        "reports/published"
    ),
) -> None:
    """Write the finished run's tables (CSV, Markdown), figures and conditions, and print the headline.

    Nothing is fused, scored or trained: run the pipeline first (dvc repro).

    t2p publish -o reports/published
    """
    from text2pixels.extras import require

    require("pydantic", "pipeline")
    from text2pixels import params_file
    from text2pixels.analysis.results import read_results
    from text2pixels.files import whole_folder
    from text2pixels.report.publication import write_publication

    if output.exists() and not (output / "headline.md").is_file() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"{output} was not written by t2p publish: name another folder (--output)")
    settings = params_file.parse(params_file.read_yaml(params_file.PARAMS_FILE), str(params_file.PARAMS_FILE))
    results = read_results(settings)
    with whole_folder(output) as folder:
        headline = write_publication(folder, results, settings)
    typer.echo(headline)
    typer.echo(f"{output}/README.md leads to all tables")


@app.command(rich_help_panel=_PIPELINE)
def export(
    output: Annotated[Path, typer.Argument(help="The .onnx file to write, or the folder of a checkpoint.")],
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of a trained network; models/ours where it is there, or the one that comes along."),
    ] = None,
) -> None:
    """Write a trained network as ONNX, for any size of image, checked against torch; or as a checkpoint with its card.

    FILE.onnx has inputs infrared and visible (B, 1, H, W), luminance in [0, 1]; text (B, T, D), phrase vectors;
    mask (B, T), true where there is a phrase. Outputs: fused (B, 1, H, W); attention (B, T + 1, H / 8, W / 8).

    Any other name is a folder: the weights, network.json with the data, recipe, seed and figures behind them,
    network.onnx and MODEL_CARD.md. What `t2p fuse` uses is made by: t2p export src/text2pixels/weights

    t2p export network.onnx --model models/ours
    """
    from text2pixels.extras import require
    from text2pixels.files import check_outputs

    require("onnxscript", "train")
    if model is None:
        from text2pixels.methods.trained import SHIPPED

        model = Path("models/ours") if Path("models/ours").is_dir() else SHIPPED
    check_outputs([output], [model, *(model.rglob("*") if model.is_dir() else [])])
    if output.suffix != ".onnx":
        require("pydantic", "pipeline")
        from text2pixels.pipeline.model_card import export_checkpoint

        export_checkpoint(model, output)
        size = sum(path.stat().st_size for path in output.iterdir()) / 1e6
        typer.echo(f"{output}: {size:.1f} MB; read MODEL_CARD.md before giving it away")
        return
    from text2pixels.network.checkpoint import read
    from text2pixels.network.export import export_onnx

    difference = export_onnx(read(model).network, output)
    size = output.stat().st_size / 1e6
    typer.echo(f"{output}: {size:.1f} MB; onnxruntime differs from torch by {difference:.1g} at most, of 1")
