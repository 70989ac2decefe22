"""Stage `train`: a variant's fusion network, and the detector trained with it.

Writes `layout.model(variant)`: the checkpoint of the best epoch (weights.safetensors,
network.json, detector.safetensors, detector.json), that of the last epoch in `last/`, and
history.parquet (epoch, level, name, value).

    torchrun --nproc-per-node 2 --no-python t2p train --variant ours
"""

import shutil
from dataclasses import asdict
from pathlib import Path

import torch

import text2pixels
from text2pixels import config, layout
from text2pixels.config import with_overrides
from text2pixels.datasets.manifest import in_split, read_manifest
from text2pixels.detection import weights as detector_weights
from text2pixels.device import keep_freed_memory, pick_device
from text2pixels.encoders.embeddings import Embeddings
from text2pixels.errors import InputError
from text2pixels.files import whole_folder
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork
from text2pixels.progress import console
from text2pixels.prompts.table import read_prompts
from text2pixels.registry import unknown
from text2pixels.training.history import write_history
from text2pixels.training.loop import Data, train
from text2pixels.training.pairs import TrainingPair
from text2pixels.training.parallel import world
from text2pixels.training.state import fingerprint

SECTIONS: tuple[str, ...] = ("seed", "variants", "network", "losses", "train")

_CODE = tuple(Path(text2pixels.__file__).parent / package for package in ("fusion", "training", "detection"))


def run(variant: str) -> None:
    """Train a variant of params.yaml.

    Raises:
        InputError: an unknown variant, a missing input, a setting that cannot be, or a loss that
            is no longer finite.
    """
    params = config.load(SECTIONS)
    if variant not in params.variants:
        raise InputError(unknown(variant, params.variants, "variant"))
    network_settings, losses, settings = with_overrides(params, variant)
    embeddings = Embeddings.read(layout.embeddings(settings.encoder))
    if network_settings.cross_attention and embeddings.dimension != network_settings.text_dim:
        raise InputError(
            f"the encoder '{settings.encoder}' gives vectors of {embeddings.dimension} numbers, network.text_dim is "
            f"{network_settings.text_dim}: set network.text_dim to {embeddings.dimension}"
        )
    seed = params.seed if settings.seed is None else settings.seed
    data = Data(_pairs(settings, "train"), _pairs(settings, "val"), embeddings.batch)
    device = pick_device(settings.device)
    if device.type == "cpu":
        torch.set_flush_denormal(True)
        keep_freed_memory()
    with world(device) as processes:
        inputs = [layout.embeddings(settings.encoder), layout.detector() / "detector.safetensors"]
        for dataset in settings.datasets:
            inputs.append(layout.processed(dataset) / "manifest.parquet")
            inputs += [layout.prompts(dataset)] if settings.prompts != "none" else []
        run_id = fingerprint(
            {
                "seed": seed,
                "network": asdict(network_settings),
                "losses": asdict(losses),
                "train": asdict(settings),
                "device": device.type,
                "processes": processes.size,
            },
            _CODE,
            inputs,
        )
        torch.manual_seed(seed)
        network, detector = FusionNetwork(network_settings), detector_weights.read(layout.detector())
        cache = layout.training_cache(run_id)
        outcome = train(
            network,
            detector,
            data,
            losses,
            settings,
            seed=seed,
            device=device,
            world=processes,
            cache=cache,
            fingerprint=run_id,
            description=f"train {variant}",
        )
        if not processes.leads:
            return
    metadata = {
        "variant": variant,
        "encoder": settings.encoder,
        "encoder_identity": embeddings.encoder,
        "prompts": settings.prompts,
        "datasets": list(settings.datasets),
        "strategy": settings.strategy,
        "seed": seed,
    }
    with whole_folder(layout.model(variant)) as folder:
        last = {"epoch": settings.epochs, "of": "the last epoch"}
        checkpoint.save(folder / "last", network, metadata | last)
        detector_weights.save(folder / "last", detector, last)
        network.load_state_dict(outcome.best.network)
        detector.network.load_state_dict(outcome.best.detector)
        best = {"epoch": outcome.best.epoch, "of": "the epoch of the least validation loss of both levels"}
        checkpoint.save(folder, network, metadata | best)
        detector_weights.save(folder, detector, best)
        write_history(folder / "history.parquet", outcome.history)
    shutil.rmtree(cache, ignore_errors=True)
    console.print(f"train {variant}: best epoch {outcome.best.epoch} of {settings.epochs}")


def _pairs(settings: config.Train, split: str) -> list[TrainingPair]:
    pairs = []
    for dataset in settings.datasets:
        folder = layout.processed(dataset)
        prompts = {} if settings.prompts == "none" else read_prompts(layout.prompts(dataset), settings.prompts)
        for pair in in_split(read_manifest(folder / "manifest.parquet"), split):
            if settings.prompts != "none" and pair.pair_id not in prompts:
                raise InputError(
                    f"{layout.prompts(dataset)} has no '{settings.prompts}' prompt of {pair.pair_id}: "
                    f"run t2p prompt --dataset {dataset} again"
                )
            pairs.append(TrainingPair(folder, pair, tuple(prompts.get(pair.pair_id, ()))))
    return pairs
