"""Phrases to vectors: the table of encoders, and what stands in for the one that a network was trained with.

The front door is `encode_for_network` for what a user typed, `build` for an encoder by name, and `Embeddings` for
the vectors that the pipeline has stored.
"""

from text2pixels.encoders.catalogue import ENCODERS, Encoder, build
from text2pixels.encoders.embeddings import Embeddings
from text2pixels.encoders.user_phrases import encode_for_network, encode_user_prompt
from text2pixels.encoders.vectors import Vectors

__all__ = [
    "ENCODERS",
    "Embeddings",
    "Encoder",
    "Vectors",
    "build",
    "encode_for_network",
    "encode_user_prompt",
]
