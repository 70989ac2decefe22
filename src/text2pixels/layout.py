"""Where the pipeline keeps what it makes, relative to the repository's root (the working directory)."""

from pathlib import Path


def interim(dataset: str) -> Path:
    """Return the folder that `ingest` writes: manifest.parquet, quarantine.parquet, images."""
    return Path("data/interim") / dataset


def processed(dataset: str) -> Path:
    """Return the folder that `register` writes: the same layout, pixel-aligned."""
    return Path("data/processed") / dataset


def prompts(dataset: str) -> Path:
    """Return the Parquet file of a data set's prompts."""
    return Path("data/prompts") / f"{dataset}.parquet"


def embeddings(encoder: str) -> Path:
    """Return the Parquet file of an encoder's phrase vectors."""
    return Path("data/embeddings") / f"{encoder}.parquet"


def model(variant: str) -> Path:
    """Return the folder of a trained variant."""
    return Path("models") / variant


def detector() -> Path:
    """Return the folder of the detector that the training of fusion networks begins with."""
    return Path("models/detector")


def fold_detectors(dataset: str) -> Path:
    """Return the folder of the start weights of a data set's folds, a folder for each: 0, 1, ..."""
    return Path("models/detector-folds") / dataset


def fused(dataset: str, method: str) -> Path:
    """Return the folder of a method's fused luminance, 8-bit gray NAME.png."""
    return Path("data/fused") / dataset / method


def fused_stretched(dataset: str, method: str) -> Path:
    """Return the folder of the same images under the convention `published`: stretched before they are rounded."""
    return fused(dataset, method) / "published"


def scores(dataset: str, method: str) -> Path:
    """Return the Parquet file of fusion metrics, one row per image and metric."""
    return Path("reports/scores") / f"{dataset}-{method}.parquet"


def detections(dataset: str, method: str) -> Path:
    """Return the Parquet file of a method's detections and ground truth on the test split."""
    return Path("reports/detections") / f"{dataset}-{method}.parquet"


def cost(method: str) -> Path:
    """Return the JSON file of a method's cost."""
    return Path("reports/profile") / f"{method}.json"


def site() -> Path:
    """Return the folder of the report."""
    return Path("reports/site")


def training_cache(fingerprint: str) -> Path:
    """Return the folder of resumable training state, outside DVC."""
    return Path(".cache/train") / fingerprint
