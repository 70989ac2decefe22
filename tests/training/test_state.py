"""The file a killed run resumes from: damaged or malicious, it is refused and runs nothing."""

import pickle

import pytest
import torch

from text2pixels.errors import InputError
from text2pixels.training import state
from text2pixels.training.history import Row


def test_comes_back_for_its_own_run(tmp_path):
    network, fresh = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    history = [Row(3, "lower", "loss", 0.5)]
    state.save(tmp_path, "f", {"network": network}, history, epoch=3)
    assert state.load(tmp_path, "f", {"network": fresh}) == (history, {"epoch": 3})
    assert torch.equal(fresh.weight, network.weight)
    assert state.load(tmp_path / "none", "f", {}) is None


@pytest.mark.parametrize("kept", [0, 20, -50])
def test_a_truncated_state_is_refused(tmp_path, kept):
    state.save(tmp_path, "f", {"network": torch.nn.Linear(200, 1)}, [])
    path = tmp_path / state.FILE
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"damaged: remove .* to train from the start") as error:
        state.load(tmp_path, "f", {})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "write",
    [lambda bomb, path: torch.save(bomb, path), lambda bomb, path: path.write_bytes(pickle.dumps(bomb, protocol=2))],
)
def test_a_malicious_state_runs_nothing(tmp_path, write):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    write({"fingerprint": "f", "parts": {}, "history": [], "progress": Bomb()}, tmp_path / state.FILE)
    with pytest.raises(InputError, match="damaged"):
        state.load(tmp_path, "f", {})
    assert not (tmp_path / "exploded").exists()
