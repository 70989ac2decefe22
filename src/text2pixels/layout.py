"""Where the pipeline keeps what it makes, relative to the repository's root (the working directory)."""

from pathlib import Path

from text2pixels.errors import InputError

PROFILES = Path("profiles")
INTERIM = Path("data/interim")
FUSED = Path("data/fused")
SITE = Path("reports/site")


def profile(name: str) -> Path:
    """Return the file of a profile."""
    return PROFILES / f"{_name(name)}.yaml"


def checked() -> Path:
    """Return the file that `check` writes."""
    return Path("data/params-checked")


def interim(dataset: str) -> Path:
    """Return the folder that `ingest` writes: manifest.parquet, quarantine.parquet, images."""
    return INTERIM / _name(dataset)


def processed(dataset: str) -> Path:
    """Return the folder that `register` writes: the same layout, pixel-aligned."""
    return Path("data/processed") / _name(dataset)


def prompts(dataset: str) -> Path:
    """Return the Parquet file of a data set's prompts."""
    return Path("data/prompts") / f"{_name(dataset)}.parquet"


def embeddings(encoder: str) -> Path:
    """Return the Parquet file of an encoder's phrase vectors."""
    return Path("data/embeddings") / f"{_name(encoder)}.parquet"


def model(method: str) -> Path:
    """Return the folder of a method's model: its card, and its weights where it has any."""
    return Path("models") / _name(method)


def detector() -> Path:
    """Return the folder of the detector that the training of fusion networks begins with."""
    return Path("models/detector")


def fused(dataset: str, method: str) -> Path:
    """Return the folder of a method's fused luminance, 8-bit gray NAME.png."""
    return FUSED / _name(method) / _name(dataset)


def fused_stretched(dataset: str, method: str) -> Path:
    """Return the folder of the same images under the convention `stretched`: stretched before they are rounded."""
    return fused(dataset, method) / "stretched"


def scores(dataset: str, method: str) -> Path:
    """Return the Parquet file of fusion metrics, one row per image and metric."""
    return Path("reports/scores") / f"{_name(dataset)}-{_name(method)}.parquet"


def detections_of(method: str) -> Path:
    """Return the folder of a method's detections."""
    return Path("reports/detections") / _name(method)


def detections(dataset: str, method: str) -> Path:
    """Return the Parquet file of a method's detections and the true boxes, under every protocol."""
    return detections_of(method) / f"{_name(dataset)}.parquet"


def cost(method: str) -> Path:
    """Return the JSON file of a method's cost."""
    return Path("reports/cost") / f"{_name(method)}.json"


def training_cache(fingerprint: str) -> Path:
    """Return the folder of resumable training state, outside DVC."""
    return Path(".cache/train") / fingerprint


def detection_cache(fingerprint: str) -> Path:
    """Return the file of what the detector of one fold and seed found, outside DVC."""
    return Path(".cache/detect") / f"{fingerprint}.parquet"


def _name(name: str) -> str:
    """Return a name that stays in its folder.

    Raises:
        InputError: it is no single part of a path.
    """
    if name in ("", ".", "..") or Path(name).name != name:
        raise InputError(f"{name!r} is no name of a data set, method or encoder")
    return name
