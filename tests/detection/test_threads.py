import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import text2pixels.pipeline
from text2pixels.detection.threads import TRAINING, fixed_threads

# A few steps of a small network whose sums are long enough to be split between threads.
STEPS = """
import hashlib, sys, torch
from text2pixels.detection.threads import fixed_threads
with fixed_threads(int(sys.argv[1])):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 16, 3), torch.nn.ReLU(), torch.nn.Conv2d(16, 1, 3))
    optimizer = torch.optim.Adam(network.parameters())
    for _ in range(3):
        loss = network(torch.randn(4, 1, 64, 64)).square().mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
values = b"".join(p.detach().numpy().tobytes() for p in network.parameters())
print(hashlib.sha256(values).hexdigest())
"""


def test_the_number_is_given_back():
    before = torch.get_num_threads()
    with fixed_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("count", [1, TRAINING])
def test_training_gives_the_same_bits_whatever_was_set_outside(count):
    found = {
        subprocess.run(
            [sys.executable, "-c", STEPS, str(count)],
            env=os.environ | {"OMP_NUM_THREADS": outside},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for outside in ("1", "3")
    }
    assert len(found) == 1


@pytest.mark.parametrize("module", ["pipeline/pretrain.py", "pipeline/train.py", "detection/protocol.py"])
def test_whatever_trains_fixes_its_threads(module):
    source = (Path(text2pixels.pipeline.__file__).parents[1] / module).read_text()
    assert "with fixed_threads(" in source
