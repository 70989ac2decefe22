"""Memory of a process that runs networks on the CPU."""

import subprocess
import sys
from pathlib import Path

import pytest

SIZES_OF_ALL_KINDS = """
import torch
from text2pixels.device import keep_freed_memory, return_memory_of_other_sizes

def resident():
    status = open("/proc/self/status").read()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024

torch.set_num_threads(1)
keep_freed_memory()
layers = (torch.nn.Conv2d(1, 64, 3), torch.nn.ReLU(), torch.nn.Conv2d(64, 64, 1), torch.nn.Conv2d(64, 1, 1))
network, draw, held = torch.nn.Sequential(*layers), torch.Generator().manual_seed(1), []
with torch.inference_mode():
    for _ in range(20):
        size = torch.randint(300, 600, (2,), generator=draw).tolist()
        return_memory_of_other_sizes(*size)
        network(torch.rand(1, 1, *size))
        held.append(resident())
print(max(held) - held[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_images_of_many_sizes_do_not_pile_up_in_memory():
    done = subprocess.run([sys.executable, "-c", SIZES_OF_ALL_KINDS], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 160  # MB; a block of the largest is 92, and one may come later than the first
