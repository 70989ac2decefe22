"""A disk that is full, or a quota: one line that names the file, and what was there before stays whole."""

import resource
import signal

import numpy as np
import pytest
import torch

from text2pixels import tensor_files
from text2pixels.cameras.stills import write_image
from text2pixels.datasets.quarantine import Quarantined, write_quarantine
from text2pixels.encoders.embeddings import write_vectors
from text2pixels.errors import InputError
from text2pixels.methods.catalogue import entry_of
from text2pixels.methods.networks.authors import WEIGHTS, write_model
from text2pixels.training import state

LAYOUT = tensor_files.Layout("network", "weights.safetensors", "network.json", "dvc repro", version=1)
NOISE = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
ROWS = [Quarantined("d", str(number), "pair", "blank", f"{number * 7919}") for number in range(40_000)]

# What writes, the file, and how it writes more or less.
WRITERS = {
    "the state of a training": (
        "state.pt",
        lambda at, many: state.save(at, "run", {}, [], a=torch.tensor(NOISE[:many])),
    ),
    "a trained network": (
        LAYOUT.weights,
        lambda at, many: tensor_files.write(at, LAYOUT, {"a": torch.tensor(NOISE[:many])}, {}),
    ),
    "a network of other authors": (
        WEIGHTS,
        lambda at, many: write_model(at, "max", entry_of("max", {}).card, {"a": torch.tensor(NOISE[:many])}),
    ),
    "a table": ("t.parquet", lambda at, many: write_quarantine(at / "t.parquet", ROWS[:many])),
    "vectors": ("v.parquet", lambda at, many: write_vectors(at / "v.parquet", "hash", {"a": NOISE[:many]})),
    "an image": ("i.png", lambda at, many: write_image(at / "i.png", NOISE[:many].view(np.uint8).reshape(4, -1))),
}


@pytest.fixture
def full_disk():
    """A limit on the size of a file fails a write as a full disk does."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_line_and_the_old_file_stays(tmp_path, full_disk, writer):
    name, write = WRITERS[writer]
    write(tmp_path, 10)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    full_disk()
    with pytest.raises(InputError, match=rf"^cannot write .*{name}: [^\n]*File too large$"):
        write(tmp_path, len(NOISE))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
