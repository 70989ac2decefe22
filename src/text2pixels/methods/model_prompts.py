"""What the model of a method that reads text is told: phrases of each pair, and vectors of those phrases.

Both lie in the model's folder, so that fusing a pair under its own prompt needs no encoder.

Shapes: D dimension of a phrase vector.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from text2pixels.encoders.embeddings import Embeddings

from text2pixels.errors import InputError
from text2pixels.tables import read_rows

PHRASES, VECTORS = "phrases.parquet", "vectors.parquet"


def write_text(folder: Path, phrases: Mapping[str, Sequence[str]], embeddings: "Embeddings") -> None:
    """Write what a model is told when it fuses into its folder.

    Args:
        folder: Of the model.
        phrases: Of each pair, by pair_id; all have a vector.
        embeddings: Of the encoder that the network was trained with, or whose vectors it reads.
    """
    from text2pixels.encoders.embeddings import write_vectors

    write_phrases(folder, phrases)
    used = {phrase for own in phrases.values() for phrase in own}
    if used:  # a table without rows is no table of vectors
        write_vectors(folder / VECTORS, embeddings.encoder, {phrase: embeddings.vectors[phrase] for phrase in used})


def write_phrases(folder: Path, phrases: Mapping[str, Sequence[str]]) -> None:
    """Write the phrases of each pair, by pair_id, and no vectors: the method's own encoder finds them when it fuses."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    lists = pa.array([list(own) for own in phrases.values()], pa.list_(pa.string()))
    pq.write_table(pa.table({"pair_id": pa.array(list(phrases), pa.string()), "phrases": lists}), folder / PHRASES)


def read_phrases(folder: Path) -> dict[str, list[str]]:
    """Return the phrases under which a model fuses each pair, by pair_id.

    Raises:
        InputError: the model has none.
    """
    path = folder / PHRASES
    if not path.is_file():
        raise InputError(f"{path} is missing: run dvc repro, which makes the model again")
    return {row["pair_id"]: row["phrases"] for row in read_rows(path)}


def read_vectors(folder: Path | None) -> "Embeddings | None":
    """Return the vectors of those phrases; None where a model has none, or there is no model."""
    if folder is None or not (folder / VECTORS).is_file():
        return None
    from text2pixels.encoders.embeddings import Embeddings

    return Embeddings.read(folder / VECTORS)
