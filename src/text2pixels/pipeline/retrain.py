"""The stage `method` of a network of other authors that is trained again here.

Writes `layout.model(method)`: weights.safetensors, the card, which says how much of the authors' schedule was run and
on which pairs, and history.parquet for the curves. It trains on the training pairs of train.datasets. In
params.yaml, `methods: {ddcgan: {retrain: {steps: 200, batch: 4}}}` asks for less than the authors' schedule,
`{retrain: {}}` for all of it. The folder is what `{checkpoint: PATH}` takes in another run, and
`t2p fuse --model PATH`; those of profiles/retrained were made here.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib import import_module

import torch
from torch import Tensor

from text2pixels import config, layout, params_file
from text2pixels.closure import closure, fingerprint
from text2pixels.datasets.catalogue import DATASETS
from text2pixels.datasets.manifest import in_split, read_manifest
from text2pixels.detection.threads import TRAINING, fixed_threads
from text2pixels.device import keep_freed_memory, pick_device
from text2pixels.errors import InputError
from text2pixels.files import whole_folder
from text2pixels.methods.card import Card, Entry
from text2pixels.methods.networks.authors import write_model
from text2pixels.progress import console
from text2pixels.training.history import write_history
from text2pixels.training.rivals.recipe import Budget, Recipe
from text2pixels.training.rivals.run import retrain

HISTORY = "history.parquet"


def retrain_method(method: str, entry: Entry, params: config.Params) -> None:
    """Train a network of other authors as params.yaml asks for it.

    A finished run's state stays in the cache: the same settings, code and pairs give the same weights without
    training again.

    Args:
        method: A key of params.yaml's section `methods` that has `retrain`.
        entry: What `entry_of` gives for it.
        params: The sections seed, methods and train.

    Raises:
        InputError: a missing input, several processes, or a loss that is no longer finite.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(f"methods.{method}.retrain: runs in one process: start it without torchrun")
    # A method without an authors' file is always trained here, by the whole schedule where params.yaml says nothing.
    asked = params_file.retraining(params, method) or config.Retrain()
    module, _, name = entry.recipe.partition(":")
    recipe: Recipe = getattr(import_module(module), name)
    budget = replace(recipe.budget, **{key: value for key, value in asdict(asked).items() if value is not None})
    device = pick_device(params.train.device)
    if device.type == "cpu":
        torch.set_flush_denormal(True)  # denormal numbers make steps up to 14 times slower
        keep_freed_memory()
    pairs, manifests = [], []
    for dataset in params.train.datasets:
        manifests.append(layout.processed(dataset) / "manifest.parquet")
        pairs += [(layout.processed(dataset), pair) for pair in in_split(read_manifest(manifests[-1]), "train")]
    settings = {"seed": params.seed, "budget": asdict(budget), "device": device.type, "recipe": entry.recipe}
    files = [folder / file for folder, pair in pairs for file in (pair.infrared, pair.visible)]
    run_id = fingerprint(settings, sorted(closure(module) | closure(retrain.__module__)), [*manifests, *files])
    with fixed_threads(TRAINING):
        outcome = retrain(
            recipe,
            budget,
            pairs,
            seed=params.seed,
            device=device,
            cache=layout.training_cache(run_id),
            fingerprint=run_id,
            description=f"retrain {method}",
        )
    card = describe(entry.card, recipe, budget, [title_of(dataset) for dataset in params.train.datasets])
    with whole_folder(layout.model(method)) as folder:
        write_model(folder, method, card, _halved(outcome.weights))
        write_history(folder / HISTORY, outcome.history)
    console.print(f"method {method}: {card.label}")


def describe(card: Card, recipe: Recipe, budget: Budget, datasets: list[str]) -> Card:
    """Return the card of retrained weights: what was run of the authors' schedule, and on which pairs."""
    own, here = recipe.budget, budget
    smaller = [word for word in ("batch", "patch") if getattr(here, word) < getattr(own, word)]
    less = f" with smaller {' and '.join(f'{word}es' for word in smaller)}" if smaller else ""
    schedule = f"{here.steps:,} of {own.steps:,} steps{less} on {', '.join(datasets)}"
    differs = [
        f"{word} {value:,} where they have {theirs:,}"
        for word, value, theirs in (("batches of", here.batch, own.batch), ("patches of", here.patch, own.patch))
        if value != theirs
    ]
    said = [f"trained here by its authors' losses and schedule, they on {recipe.pairs}", *differs]
    notes = "; ".join([card.notes, *said] if card.notes else said)
    return replace(
        card,
        weights="retrained",
        files=(),
        schedule=schedule,
        notes=f"{notes}; left out: {recipe.left_out}" if recipe.left_out else notes,
    )


def _halved(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return kernels and matrices in half precision; biases, norms and their statistics as they are.

    A kept checkpoint is half as large. Fusing computes in single precision as ever.
    """
    return {
        name: value.half() if value.ndim > 1 and value.is_floating_point() else value for name, value in weights.items()
    }


def title_of(dataset: str) -> str:
    """Return what a data set is called in text; pairs of the user's own have the name that params.yaml gives them."""
    return DATASETS[dataset].title if dataset in DATASETS else dataset
