"""A trained network made ready for others: the checkpoint with its history, and a card that tells it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]

from text2pixels import layout, params_file
from text2pixels.datasets.manifest import Pair, in_split, read_manifest
from text2pixels.errors import InputError
from text2pixels.files import sha256, whole_folder
from text2pixels.network import checkpoint
from text2pixels.network.description import ONNX, describe
from text2pixels.tables import MOST_OBJECTS, read_table
from text2pixels.training.text import LEVEL

CARD = "MODEL_CARD.md"
HEADLINES = Path("reports/plots/headlines.json")
_SPLITS = ("train", "val", "test")


def export_checkpoint(model: Path, folder: Path) -> None:
    """Write weights.safetensors, network.onnx, network.json with all that made it, and the model card into a folder.

    What made it is read where the pipeline left it: the model and its history, the registered data sets, the
    profile's name in params.yaml, and reports/plots/headlines.json where there is one.

    Raises:
        InputError: the model, its variant in params.yaml or a data set that it was trained on is missing, or a version
            trained it that did not save its settings.
    """
    network, metadata = checkpoint.read(model)
    params = params_file.load(("profile", "methods"))
    variant = str(metadata.get("variant", ""))
    if variant not in params.methods:
        raise InputError(
            f"{model} was trained as the variant '{variant}', which params.yaml lacks ({', '.join(params.methods)}): "
            "export where the model was trained"
        )
    if "recipe" not in metadata:
        raise InputError(f"{model} does not say what it was trained with, as models of older versions: train it again")
    facts = metadata | {
        "profile": params.profile,
        "splits": {name: _splits(layout.processed(name) / "manifest.parquet") for name in metadata["datasets"]},
        "began_as": _began_as(metadata["start"]),
        "validation": _validation(model / "history.parquet", int(metadata["epoch"])),
        "benchmark": _benchmark(HEADLINES, variant),
    }
    if folder.exists() and any(path.name not in _FILES for path in folder.iterdir()):
        raise InputError(f"{folder} holds other files than a model's: name an empty folder, or one to replace")
    with whole_folder(folder) as aside:
        checkpoint.save(aside, network, facts, onnx=True)
        parameters = sum(weights.numel() for weights in network.parameters())
        (aside / CARD).write_text(card(facts, parameters, aside))


def _began_as(start: str | None) -> dict[str, Any] | None:
    """Return what is known of the network that training began with: its weights' digest, and what made it."""
    if start is None:
        return None
    described = describe(Path(start))
    known = ("recipe", "epoch", "seed", "splits", "began_as")
    return {"sha256": sha256(Path(start) / checkpoint.WEIGHTS)} | {
        key: described.metadata[key] for key in known if key in described.metadata
    }


_FILES = {checkpoint.WEIGHTS, checkpoint.DESCRIPTION, ONNX, CARD}


def card(facts: dict[str, Any], parameters: int, folder: Path) -> str:
    """Return the model card as Markdown.

    Args:
        facts: The network's metadata, from which every figure comes.
        parameters: Number of weights that were trained by gradient.
        folder: That holds the files that the card describes.
    """
    files = [
        [f"`{name}`", purpose, f"{(folder / name).stat().st_size / 1e6:.2f} MB", f"`{sha256(folder / name)[:16]}`"]
        for name, purpose in (
            (checkpoint.WEIGHTS, "the weights, for torch"),
            (ONNX, "the same network as ONNX, opset 20, float32"),
        )
    ]
    recipe = json.dumps(facts["recipe"], indent=2)
    splits = [
        [name, split, str(row["pairs"]), f"`{row['sha256'][:16]}`"]
        for name, rows in facts["splits"].items()
        for split, row in rows.items()
    ]
    validation = [[name, f"{value:.4f}"] for name, value in facts["validation"].items()]
    benchmark = [
        [name, metric, f"{value:g}"] for name, row in facts["benchmark"].items() for metric, value in row.items()
    ]
    text = (
        f"phrases ({facts['prompts']} prompts) as vectors of `{facts['encoder_identity']}`"
        if facts["prompts"] != "none"
        else "none"
    )
    return f"""# Model card

A fusion network of text2pixels: infrared and visible luminance in, fused luminance out, any size from 16x16.
{parameters:,} parameters. Variant `{facts["variant"]}` of profile `{facts["profile"]}`.

{_table(["file", "what", "size", "SHA-256"], files)}

The ONNX file was checked against torch when it was written. Fused by it instead of by torch, a pixel may differ by
one level of 8 bits.

## Data

Trained on the split `train`, chosen by the split `val`; the split `test` was not seen. A split's digest is over the
contents of its pairs, so that anyone can tell whether theirs is the same.

{_table(["data set", "split", "pairs", "digest"], splits)}

## Recipe

{_course(facts)} Seed {facts["seed"]}. Text: {text}. All settings:

```json
{recipe}
```
{_beginning(facts["began_as"])}
## Figures

On the validation split, as training left it:

{_table(["loss", "value"], validation)}

On the test splits, means over pairs as the report computes them (intervals and other methods are there):

{_table(["data set", "metric", "value"], benchmark) if benchmark else "not measured yet"}

## Limits

- The two images must be aligned to the pixel; `t2p register` aligns them or says that it cannot.
- Trained on the data sets above alone: other cameras, other wavelengths and other scenes are a guess.
- Detail that neither image shows is not invented, but noise of either may be taken over.
- Text raises the contrast of what it names, as far as it finds that (benchmarks/text_effect.py measures it); a class
  with few boxes in training is found seldom. Phrases that its training never saw are understood as far as their
  vectors are near known ones; without CLIP installed they come from the encoder `distilled`, whose own card tells how
  far.
- Not for decisions on which somebody's safety depends.

## Licence

The weights: AGPL-3.0-only, like the code. The data sets keep their own terms; see `t2p ingest` for each one's.
"""


def _course(facts: dict[str, Any]) -> str:
    """Return how training went, in words."""
    train = facts["recipe"]["train"]
    if train["epochs"]:
        first = (
            f"Strategy `{facts['strategy']}`, {train['epochs']} epochs, of which number {facts['epoch']} was kept "
            f"({facts['of']})"
        )
    else:
        first = "The picture without text is, to the last bit, that of the network that training began with"
    reads = facts["prompts"] != "none" and facts["recipe"]["network"]["cross_attention"] and train["text_steps"]
    text = f"; then {train['text_steps']:,} steps of what a prompt does, which is then made quieter" if reads else ""
    return f"{first}{text}."


def _beginning(began_as: dict[str, Any] | None) -> str:
    """Return what the network was that training began with, as Markdown; nothing where it began with random weights."""
    if began_as is None:
        return ""
    known = json.dumps(began_as, indent=2)
    return f"""
It began as the network with these weights, made so:

```json
{known}
```
"""


def _table(columns: list[str], rows: list[list[str]]) -> str:
    text: str = tabulate(rows, columns, tablefmt="pipe", disable_numparse=True)
    return text


def _splits(manifest: Path) -> dict[str, dict[str, Any]]:
    pairs = read_manifest(manifest)
    members = {split: in_split(pairs, split) for split in _SPLITS}
    return {split: {"pairs": len(each), "sha256": _digest(each)} for split, each in members.items() if each}


def _digest(pairs: Sequence[Pair]) -> str:
    contents = sorted(f"{pair.infrared_sha256} {pair.visible_sha256}\n" for pair in pairs)
    return hashlib.sha256("".join(contents).encode()).hexdigest()


def _validation(path: Path, epoch: int) -> dict[str, float]:
    """Return the validation figures of an epoch, and of the last step of text, as "level name" -> value."""
    if not path.is_file():
        raise InputError(f"no history at {path}: export a folder that the stage method wrote")
    rows = [row for row in read_table(path, MOST_OBJECTS).to_pylist() if row["name"].startswith("validation")]
    last = max((row["epoch"] for row in rows if row["level"] == LEVEL), default=0)
    kept = [row for row in rows if row["epoch"] == (last if row["level"] == LEVEL else epoch)]
    return {f"{row['level']} {row['name']}": row["value"] for row in kept}


def _benchmark(path: Path, variant: str) -> dict[str, dict[str, float]]:
    """Return data set -> metric -> value of a variant; empty before the report was made."""
    if not path.is_file():
        return {}
    return {name: methods[variant] for name, methods in json.loads(path.read_text()).items() if variant in methods}
