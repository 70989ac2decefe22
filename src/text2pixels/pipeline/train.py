"""The stage `method` of a network trained here: fusion network and detector, bilevel.

Writes `layout.model(method)`: the checkpoint of the best epoch (weights.safetensors, network.json,
detector.safetensors, detector.json), history.parquet (epoch, level,
name, value), and the text for fusing: phrases.parquet (pair_id, phrases) of every data set, and vectors.parquet
of those phrases. So fusing depends on the model alone, and new prompts do not make methods fuse again that read
no text.

    torchrun --nproc-per-node 2 --no-python t2p stage method --method ours
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from text2pixels import config, layout
from text2pixels.closure import closure, fingerprint
from text2pixels.datasets.manifest import in_split, read_manifest
from text2pixels.detection import weights as detector_weights
from text2pixels.detection.threads import TRAINING, fixed_threads
from text2pixels.device import keep_freed_memory, pick_device
from text2pixels.encoders.embeddings import Embeddings
from text2pixels.errors import InputError
from text2pixels.files import whole_folder
from text2pixels.methods.built_in import OURS
from text2pixels.methods.card import Card, write_card
from text2pixels.methods.model_prompts import write_text
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork
from text2pixels.params_file import with_overrides
from text2pixels.progress import console
from text2pixels.prompts.table import read_all_prompts, read_prompts
from text2pixels.training.history import write_history
from text2pixels.training.loop import Data, train
from text2pixels.training.pairs import TrainingPair, vocabulary
from text2pixels.training.parallel import world
from text2pixels.training.text import learn_text


def train_method(method: str, card: Card, params: config.Params) -> None:
    """Train a network with the settings of params.yaml as the method changes them.

    A finished run's state stays in the cache: the same settings, code and training data give the same
    network without training it again, whatever else has changed.

    Args:
        method: a key of params.yaml's section `methods`.
        card: what is known of it.
        params: the sections seed, datasets, methods, network, losses and train.

    Raises:
        InputError: a missing input, a setting that cannot be, or a loss that is no longer finite.
    """
    network_settings, losses, settings = with_overrides(params, method)
    embeddings = Embeddings.read(layout.embeddings(settings.encoder))
    if network_settings.cross_attention and embeddings.dimension != network_settings.text_dim:
        raise InputError(
            f"the encoder '{settings.encoder}' gives vectors of {embeddings.dimension} numbers, network.text_dim is "
            f"{network_settings.text_dim}: set network.text_dim to {embeddings.dimension}"
        )
    seed = params.seed if settings.seed is None else settings.seed
    data = Data(_pairs(settings, "train"), _pairs(settings, "val"))
    device = pick_device(settings.device)
    if device.type == "cpu":
        torch.set_flush_denormal(True)
        keep_freed_memory()
    with fixed_threads(TRAINING), world(device) as processes:
        torch.manual_seed(seed)
        network = _begin(network_settings, settings.start)
        recipe = {"network": asdict(network_settings), "losses": asdict(losses), "train": asdict(settings)}
        run_id = _run_id(recipe | {"seed": seed, "device": device.type, "processes": processes.size}, data, embeddings)
        detector = detector_weights.read(layout.detector())
        kept = layout.training_cache(run_id)
        outcome = train(
            network,
            detector,
            data,
            losses,
            settings,
            seed=seed,
            device=device,
            world=processes,
            cache=kept,
            fingerprint=run_id,
            description=f"train {method}",
        )
        if not processes.leads:
            return
        network.load_state_dict(outcome.best.network)
        if _reads_text(network, settings):
            outcome.history += learn_text(
                network,
                data.train,
                data.val,
                embeddings.batch,
                losses,
                settings,
                seed=seed,
                device=device,
                cache=kept / "text",
                fingerprint=run_id,
                description=f"train {method}, text",
            )
        network.cpu().eval()
    metadata = {
        "variant": method,
        "encoder": settings.encoder,
        "encoder_identity": embeddings.encoder,
        "prompts": settings.prompts,
        "datasets": list(settings.datasets),
        "strategy": settings.strategy,
        "seed": seed,
        "start": settings.start,
        "recipe": recipe,
    }
    with whole_folder(layout.model(method)) as folder:
        detector.network.load_state_dict(outcome.best.detector)
        best = {"epoch": outcome.best.epoch, "of": "the epoch of the least validation loss of the lower level"}
        checkpoint.save(folder, network, metadata | best)
        detector_weights.save(folder, detector, best)
        write_history(folder / "history.parquet", outcome.history)
        write_card(folder, replace(card, text=_reads_text(network, settings)), OURS)
        if _reads_text(network, settings):
            write_text(folder, phrases_of_pairs(params.datasets, settings.prompts, embeddings), embeddings)
    console.print(f"method {method}: best epoch {outcome.best.epoch} of {settings.epochs}")


def _run_id(facts: dict[str, Any], data: Data, embeddings: Embeddings) -> str:
    """Return the fingerprint of a run: of the facts, the code, and all files and phrases that its result depends on."""
    settings = facts["train"]
    inputs = [layout.detector() / "detector.safetensors"]
    inputs += [layout.processed(dataset) / "manifest.parquet" for dataset in settings["datasets"]]
    # The manifest tells files as they came in; registered since, they may be others.
    inputs += [
        item.folder / file for item in (*data.train, *data.val) for file in (item.pair.infrared, item.pair.visible)
    ]
    inputs += [Path(settings["start"]) / checkpoint.WEIGHTS] if settings["start"] else []
    # Of the encoders and prompts, too: another vocabulary is another run.
    return fingerprint(facts | {"text": _text_digest(data, embeddings)}, sorted(closure(__file__)), inputs)


def _begin(settings: config.Network, start: str | None) -> FusionNetwork:
    """Return the network that the training begins with: random weights, or those of a network trained before."""
    if start is None:
        return FusionNetwork(settings)
    network = checkpoint.read(Path(start)).network
    if network.config != settings:
        raise InputError(
            f"train.start: {start} is of another network than the section network describes: {asdict(network.config)}"
        )
    return network.train()


def _pairs(settings: config.Train, split: str) -> list[TrainingPair]:
    pairs = []
    for dataset in settings.datasets:
        folder = layout.processed(dataset)
        prompts = {} if settings.prompts == "none" else read_prompts(layout.prompts(dataset), settings.prompts)
        for pair in in_split(read_manifest(folder / "manifest.parquet"), split):
            if settings.prompts != "none" and pair.pair_id not in prompts:
                raise InputError(
                    f"{layout.prompts(dataset)} has no '{settings.prompts}' prompt of {pair.pair_id}: "
                    f"run dvc repro prompt"
                )
            pairs.append(TrainingPair(folder, pair, tuple(prompts.get(pair.pair_id, ()))))
    return pairs


def _reads_text(network: FusionNetwork, settings: config.Train) -> bool:
    return network.cross_attention is not None and settings.prompts != "none"


def _text_digest(data: Data, embeddings: Embeddings) -> str:
    """Return a digest of the phrases and vectors that training may see; the files hold those of other data, too."""
    total = hashlib.sha256(embeddings.encoder.encode())
    pairs = [*data.train, *data.val]
    for item in pairs:
        total.update(f"{item.pair.pair_id} {item.phrases}\n".encode())
    for phrase in embeddings.known(sorted(vocabulary(pairs))):
        total.update(f"{phrase}\n".encode() + embeddings.vectors[phrase].tobytes())
    return total.hexdigest()


def phrases_of_pairs(datasets: Iterable[str], kind: str, embeddings: Embeddings) -> dict[str, list[str]]:
    """Return the phrases of every pair of the data sets that have a vector, by pair_id."""
    phrases = read_all_prompts(map(layout.prompts, datasets), kind)
    return {pair: embeddings.known(own) for pair, own in phrases.items()}
