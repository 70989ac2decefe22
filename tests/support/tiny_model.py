"""A network trained here, for the tests: an untrained one that reads text, with all that the stage `method` writes."""

from dataclasses import replace

import torch

from text2pixels import layout
from text2pixels.config import Network
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.embeddings import Embeddings, write_vectors
from text2pixels.methods.built_in import OURS
from text2pixels.methods.card import write_card
from text2pixels.methods.catalogue import entry_of
from text2pixels.methods.model_prompts import write_text
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork
from text2pixels.training.history import Row, write_history


def write_model(method, phrases, network=None, prompts="fine", contrast=1):
    """Write checkpoint, card, history and text, and the vectors of the encoder `hash`.

    Args:
        method: what it is called.
        phrases: of each pair, by pair_id.
        network: its settings.
        prompts: the kind it was trained with.
        contrast: what the last layer's weights are multiplied by, so that text shows in 8 bits.
    """
    encoder = encoders.Hash()
    write_vectors(
        layout.embeddings("hash"), encoder.identity, encoder.encode([each for own in phrases.values() for each in own])
    )
    torch.manual_seed(0)
    network = FusionNetwork(network or Network(channels=8, heads=2, codebook=False))
    with torch.no_grad():
        network.head.weight *= contrast
    folder = layout.model(method)
    metadata = {"encoder": "hash", "encoder_identity": encoder.identity, "prompts": prompts}
    checkpoint.save(folder, network, metadata)
    write_history(folder / "history.parquet", [Row(1, "lower", "loss", 1.0), Row(2, "lower", "loss", 0.5)])
    reads_text = network.cross_attention is not None and prompts != "none"
    write_card(folder, replace(entry_of(method, {"train": {}}).card, text=reads_text), OURS)
    if reads_text:
        write_text(folder, phrases, Embeddings.read(layout.embeddings("hash")))
    return network
