"""Stage `method`: what a method needs to fuse, once, in `layout.model(method)`.

A filter has a card alone. Of a network of other authors the weights are read from their files, here and
nowhere else in the pipeline, and written as safetensors; or it is trained again (`pipeline.retrain`). A network of
ours is trained (`pipeline.train`). What was trained before, ours or not, is copied, and so are images that were fused
elsewhere.

Beside it stands what code the method fuses by. The stages that fuse depend on that, and not on the code of all methods:
who changes one need not wait for the others to fuse everything again.
"""

import json
import os
import shutil
from dataclasses import replace
from itertools import chain
from pathlib import Path

from text2pixels import config, layout, params_file, tensor_files
from text2pixels.closure import SOURCE, closure, module_file, without_plumbing
from text2pixels.datasets.manifest import read_pairs_to_fuse
from text2pixels.errors import InputError
from text2pixels.files import sha256, whole_folder
from text2pixels.methods.built_in import OURS
from text2pixels.methods.card import Card, Entry, read_card, write_card
from text2pixels.methods.catalogue import entry_of, locate
from text2pixels.methods.fused_elsewhere import import_results
from text2pixels.methods.model_prompts import write_phrases
from text2pixels.network.description import LAYOUT, ONNX, describe
from text2pixels.progress import console
from text2pixels.prompts.table import read_all_prompts

SECTIONS: tuple[str, ...] = ("seed", "datasets", "methods", "network", "losses", "train", "fuse")
CODE = "code.json"  # in the folder of a model: path -> SHA-256


def run(method: str) -> None:
    """Make the model of a method of params.yaml.

    Raises:
        InputError: an unknown method, weights that are missing or not the authors', or, of a network
            trained here, what `train_method` or `retrain_method` raises.
    """
    params = params_file.load(SECTIONS)
    entry = entry_of(method, params.methods.get(method))
    _make(method, entry, params)
    if os.environ.get("RANK", "0") != "0":  # of several processes the first one writes the model
        return
    code = {file.relative_to(SOURCE).as_posix(): sha256(file) for file in sorted(code_of(entry))}
    (layout.model(method) / CODE).write_text(json.dumps(code, indent=2) + "\n", encoding="utf-8")


def code_of(entry: Entry) -> frozenset[Path]:
    """Return this project's files that decide what a method's fused images are.

    `methods.catalogue`, which finds them, is none of them. Nor is the module of a user's own method.
    """
    starts = ["text2pixels.methods.convention"]
    match entry.kind:
        case "filter" | "network":
            starts += [entry.place.partition(":")[0]]
        case "ours" | "checkpoint":
            starts += ["text2pixels.methods.own"]
        case "results":
            starts += ["text2pixels.methods.fused_elsewhere"]
    if entry.kind == "network":
        starts += ["text2pixels.methods.networks.authors"]
        starts += ["text2pixels.methods.networks.clip_text"] * entry.card.text
    return without_plumbing(chain.from_iterable(closure(start) for start in starts if module_file(start)))


def _make(method: str, entry: Entry, params: config.Params) -> None:
    if entry.kind == "ours":  # torch takes seconds to import: filters do without it
        from text2pixels.pipeline.train import train_method

        train_method(method, entry.card, params)
        return
    kept = (params.methods.get(method) or {}).get("checkpoint")
    if entry.card.weights == "retrained" and not kept:
        from text2pixels.pipeline.retrain import retrain_method

        retrain_method(method, entry, params)
        return
    with whole_folder(layout.model(method)) as folder:
        if entry.kind == "results":
            count = import_results(folder, entry.card, _below_results(entry, params.fuse.results), _to_fuse(params))
            console.print(f"method {method}: {count} images that were fused elsewhere")
        elif entry.kind == "checkpoint":
            write_card(folder, _copy_network(folder, entry, params), OURS)
        elif kept:
            card = _copy_retrained(folder, entry, Path(kept))
            console.print(f"method {method}: {card.label}, trained before")
        elif entry.kind == "network":
            from text2pixels.methods.networks.authors import write_imported

            weights = Path(params.fuse.weights) if params.fuse.weights else None
            write_imported(folder, method, entry.card, locate(entry), weights)
            if entry.card.text:
                _write_prompts(folder, params)
            console.print(f"method {method}: {entry.card.parameters:,} parameters read from its authors' files")
        else:
            write_card(folder, entry.card, method)


def _below_results(entry: Entry, results: str | None) -> Path:
    """Return a method's folder of images, which DVC watches as a part of fuse.results.

    Raises:
        InputError: fuse.results is not given, or there is no such folder below it.
    """
    where = f"methods.{entry.card.name}.folder"
    if results is None:
        raise InputError(
            f"{where}: set fuse.results to the folder that '{entry.place}' lies in, which DVC then watches "
            "(t2p params --set fuse.results=PATH)"
        )
    folder = Path(results) / entry.place
    if not folder.is_dir():
        raise InputError(f"{where}: no folder at {folder} (fuse.results / folder)")
    if not folder.resolve().is_relative_to(Path(results).resolve()):
        raise InputError(f"{where}: {folder} is not below fuse.results, {results}, which DVC watches")
    return folder


def _copy_network(folder: Path, entry: Entry, params: config.Params) -> Card:
    """Copy a network of ours that was trained before, write each pair's prompt beside it, and return its card.

    Raises:
        InputError: the checkpoint or the prompts are missing or damaged.
    """
    from text2pixels.pipeline.retrain import title_of

    described = describe(Path(entry.place))
    tensor_files.check(Path(entry.place), LAYOUT, described.content, [LAYOUT.weights])
    shutil.copyfile(Path(entry.place) / LAYOUT.weights, folder / LAYOUT.weights)
    # Without its ONNX file: as for a network trained here, torch runs it and counts its operations.
    digests = {name: value for name, value in described.content[tensor_files.DIGESTS].items() if name != ONNX}
    description = dict(described.content) | {tensor_files.DIGESTS: digests}
    (folder / LAYOUT.description).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    kind = described.metadata["prompts"]
    reads_text = described.network.cross_attention and kind != "none"
    if reads_text:
        write_phrases(folder, read_all_prompts(map(layout.prompts, params.datasets), kind))
    trained_on = " and ".join(map(title_of, described.metadata.get("datasets", []))) or "unknown pairs"
    console.print(f"method {entry.card.name}: {described.parameters:,} parameters, trained before on {trained_on}")
    return replace(entry.card, text=reads_text, schedule=f"on {trained_on}", parameters=described.parameters)


def _copy_retrained(folder: Path, entry: Entry, kept: Path) -> Card:
    """Copy a network of other authors that was trained again before, with its curves, and return its card.

    Raises:
        InputError: the checkpoint is missing or damaged, or is not this method trained again.
    """
    from text2pixels.methods.networks import authors
    from text2pixels.pipeline.retrain import HISTORY

    name = entry.card.name
    card, of = read_card(kept)
    if of != name or card.weights != "retrained":
        raise InputError(f"methods.{name}.checkpoint: {kept} holds {card.label}, not {name} trained again")
    card = replace(card, options=entry.card.options)
    authors.read_imported(card, locate(entry), kept)  # refuses what is damaged
    for file in (authors.WEIGHTS, HISTORY):
        if not (kept / file).is_file():
            raise InputError(f"methods.{name}.checkpoint: {kept / file} is missing")
        shutil.copyfile(kept / file, folder / file)
    write_card(folder, card, name)
    return card


def _to_fuse(params: config.Params) -> dict[str, list[str]]:
    """Return the names of the pairs that a method fuses, by data set."""
    manifests = {name: layout.processed(name) / "manifest.parquet" for name in params.datasets}
    return {
        name: [pair.name for pair in read_pairs_to_fuse(path, params.fuse.pairs)] for name, path in manifests.items()
    }


def _write_prompts(folder: Path, params: config.Params) -> None:
    """Write the prompts for a text-reading network of other authors: for each pair the phrases that ours gets.

    Raises:
        InputError: the vectors are not CLIP's.
    """
    from text2pixels.encoders.embeddings import Embeddings
    from text2pixels.methods.model_prompts import write_text
    from text2pixels.methods.networks.clip_text import check_encoder
    from text2pixels.pipeline.train import phrases_of_pairs

    settings = params.train
    embeddings = Embeddings.read(layout.embeddings(settings.encoder))
    check_encoder(embeddings.encoder, str(layout.embeddings(settings.encoder)))
    kind = "fine" if settings.prompts == "none" else settings.prompts
    phrases = phrases_of_pairs(params.datasets, kind, embeddings)
    write_text(folder, phrases if settings.prompts != "none" else {key: [] for key in phrases}, embeddings)
