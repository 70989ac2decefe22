"""The encoder `distilled`: fit it, and measure it on phrases that it was not fitted to.

    python benchmarks/distilled_encoder.py VECTORS.parquet [--write]

VECTORS.parquet is the table of phrases (columns phrase and vector or embedding) to distil. A tenth of the
phrases, chosen by their hash, is held out and the rest fitted; each held-out phrase's vector is compared
with the published one, by this encoder and by two that anyone would try first: the mean of all vectors,
and the vector of the phrase with the most similar n-grams.

- cosine: mean and 5th percentile. CLIP's text vectors lie close together (any two at about 0.75), so
  the mean vector alone does well here.
- centred: the mean cosine once that mean is taken off both; what is left is what tells phrases apart.
- rank: of the right phrase among all, by centred cosine; median, and share within the first ten.

With --write all phrases are fitted and src/text2pixels/encoders/distilled.safetensors is written with these
figures in its metadata; the same table gives the same tensors on the same machine.
"""

import argparse
import json
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from text2pixels.encoders.distilled import FILE, RECIPE, RIDGE, Distilled, Profiles, words
from text2pixels.encoders.vectors import Table
from text2pixels.files import sha256, whole_file

SOURCE = "CLIP ViT-B/32 (openai) text vectors of nouns, as published with Detic (Zhou et al., ECCV 2022)"
LICENCE = "Apache-2.0 (Detic); MIT (CLIP). Changed: normalised, approximated by n-gram ridge regression, 8 bits"
Matrix = NDArray[np.float64]


def fit(phrases: Sequence[str], vectors_ND: Matrix, path: Path, metadata: dict[str, str]) -> None:
    """Write the encoder that `Distilled` reads."""
    profiles = Profiles(phrases)
    similarity_NN = np.stack([profiles.similarity(words(phrase)) for phrase in phrases]).astype(np.float64)
    mean_D = vectors_ND.mean(axis=0)
    weights_ND = np.linalg.solve(similarity_NN + RIDGE * np.eye(len(phrases)), vectors_ND - mean_D)
    steps_D = np.abs(weights_ND).max(axis=0) / 127
    tensors = {
        "weights": np.rint(weights_ND / steps_D).astype(np.int8),
        "steps": steps_D.astype(np.float32),
        "mean": mean_D.astype(np.float32),
    }
    with whole_file(path) as aside:
        save_file(tensors, aside, metadata | {"phrases": "\n".join(phrases)})
        aside.chmod(0o644)


def agreement(found_ND: Matrix, true_ND: Matrix, rows_N: NDArray[np.intp], all_MD: Matrix) -> dict[str, float]:
    """Compare N vectors with the true ones, which are these rows of all M."""
    mean_D = all_MD.mean(axis=0)
    cosines_N = (unit(found_ND) * true_ND).sum(axis=1)
    # What equals the mean points nowhere once it is taken off: any direction will do, the same each time.
    centred_ND = unit(unit(found_ND) - mean_D + 1e-9 * np.random.default_rng(0).normal(size=found_ND.shape))
    near_NM = centred_ND @ unit(all_MD - mean_D).T
    right_N1 = near_NM[np.arange(len(rows_N)), rows_N][:, None]
    ranks_N = (near_NM > right_N1).sum(axis=1) + 1
    return {
        "cosine": round(float(cosines_N.mean()), 3),
        "cosine 5th percentile": round(float(np.percentile(cosines_N, 5)), 3),
        "centred": round(float(right_N1.mean()), 3),
        "median rank": float(np.median(ranks_N)),
        "in first ten": round(float((ranks_N <= 10).mean()), 3),
    }


def unit(rows: Matrix) -> Matrix:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def measure(phrases: list[str], vectors_ND: Matrix) -> dict[str, dict[str, float]]:
    """Fit without the held-out tenth; return each way's agreement on it."""
    held_N = np.array([zlib.crc32(phrase.encode()) % 10 == 0 for phrase in phrases])
    rest, rows = [phrases[i] for i in np.flatnonzero(~held_N)], np.flatnonzero(held_N)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "held-out.safetensors"
        fit(rest, vectors_ND[~held_N], path, {})
        encoder, profiles = Distilled(path), Profiles(rest)
        held = [phrases[i] for i in rows]
        nearest = [int(profiles.similarity(words(phrase)).argmax()) for phrase in held]
        found = {
            "distilled": np.stack([encoder.vector(phrase) for phrase in held]).astype(np.float64),
            "nearest phrase": vectors_ND[~held_N][nearest],
            "mean vector": np.repeat(vectors_ND[~held_N].mean(axis=0)[None], len(rows), axis=0),
        }
        refused = len(held) - len(encoder.encode(held))
    print(f"{len(rest)} phrases fitted, {len(held)} held out; {refused} of those have no known word and are refused")
    return {name: agreement(each, vectors_ND[rows], rows, vectors_ND) for name, each in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    table = Table(arguments.vectors)
    vectors = table.encode(table.phrases)
    phrases, vectors_ND = list(vectors), np.stack(list(vectors.values())).astype(np.float64)

    figures = measure(phrases, vectors_ND)
    for name, row in figures.items():
        print(f"{name:15s}", "  ".join(f"{key} {value:g}" for key, value in row.items()))
    if arguments.write:
        metadata = {
            "title": "Approximate CLIP ViT-B/32 text vectors, distilled",
            "source": SOURCE,
            "source_sha256": sha256(arguments.vectors),
            "licence": LICENCE,
            "recipe": str(RECIPE),
            "held_out": json.dumps(figures),
        }
        fit(phrases, vectors_ND, FILE, metadata)
    encoder = Distilled()
    own_ND = np.stack([encoder.vector(phrase) for phrase in phrases])
    print(
        f"{FILE.name}: {FILE.stat().st_size / 1e6:.2f} MB, {encoder.identity}; cosine with the published vectors of "
        f"its {len(phrases)} phrases: at least {(own_ND * vectors_ND).sum(axis=1).min():.5f}"
    )


if __name__ == "__main__":
    main()
