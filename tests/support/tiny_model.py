"""A trained variant for the tests of the report: an untrained network that reads text, and the vectors it knows."""

import torch

from text2pixels import layout
from text2pixels.config import Network
from text2pixels.encoders import cache
from text2pixels.encoders import catalogue as encoders
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork
from text2pixels.training.history import Row, write_history


def write_model(variant, phrases, network=None):
    """Write checkpoint and history, and the vectors of the phrases."""
    encoder = encoders.Hash()
    cache.write(layout.embeddings("hash"), encoder.identity, encoder.encode(phrases))
    torch.manual_seed(0)
    network = FusionNetwork(network or Network(channels=8, heads=2, codebook=False))
    metadata = {"encoder": "hash", "encoder_identity": encoder.identity, "prompts": "fine"}
    checkpoint.save(layout.model(variant), network, metadata)
    write_history(
        layout.model(variant) / "history.parquet", [Row(1, "lower", "loss", 1.0), Row(2, "lower", "loss", 0.5)]
    )
