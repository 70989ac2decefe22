"""A training run small enough for tests, in this process or in one that may be killed.

python tiny_run.py FOLDER [kill POINT NUMBER]    torchrun --nproc-per-node 2 tiny_run.py FOLDER
"""

import hashlib
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from text2pixels.config import Losses, Network, Train
from text2pixels.datasets.manifest import Pair
from text2pixels.detection.yolo import Detector
from text2pixels.image.boxes import Box
from text2pixels.image.png import write_png
from text2pixels.network.network import FusionNetwork
from text2pixels.training import loop
from text2pixels.training import state as resumable
from text2pixels.training.loop import Data, train
from text2pixels.training.pairs import TrainingPair
from text2pixels.training.parallel import World, world

DIMENSION = 8
SETTINGS = {"epochs": 3, "batch": 2, "crop": 32, "lower_steps": 2, "strategy": "bilevel", "augment": 0.5}
NETWORK = Network(channels=8, heads=2, codes=8, text_dim=DIMENSION)
BARE = Network(channels=8, heads=2, text_dim=DIMENSION, codebook=False)


def make_pairs(folder, count=4, labelled=3, width=56, height=44):
    """Write pairs with a bright square in the infrared and a texture in the visible."""
    rng = np.random.default_rng(0)
    items = []
    for number in range(count):
        x, y = (int(v) for v in rng.integers(4, 20, 2))
        infrared = np.full((height, width), 40, np.uint8)
        infrared[y : y + 16, x : x + 20] = 220
        visible = rng.integers(60, 120, (height, width, 3), dtype=np.uint8)
        write_png(folder / f"{number}-ir.png", infrared)
        write_png(folder / f"{number}-vis.png", visible)
        boxes = (Box("Car", x, y, 20, 16),) if number < labelled else ()
        pair = Pair(
            *(f"d/{number}", "d", str(number), "train", f"{number}-ir.png", f"{number}-vis.png", width, height),
            *("0", "0"),
            labelled=number < labelled,
            boxes=boxes,
        )
        items.append(TrainingPair(folder, pair, ("a car on the left", "at night")[: number % 3]))
    return items


def tokens(prompts):
    """A vector for every phrase, by hashing."""

    def vector(phrase):
        seed = int.from_bytes(hashlib.sha256(phrase.encode()).digest()[:4], "big")
        return torch.randn(DIMENSION, generator=torch.Generator().manual_seed(seed))

    longest = max(len(phrases) for phrases in prompts)
    text, mask = torch.zeros(len(prompts), longest, DIMENSION), torch.zeros(len(prompts), longest, dtype=torch.bool)
    for row, phrases in enumerate(prompts):
        for column, phrase in enumerate(phrases):
            text[row, column], mask[row, column] = vector(phrase), True
    return text, mask


def run(folder, cache, network=NETWORK, losses=None, processes=None, **changes):
    """Train; return the networks and the outcome."""
    items = make_pairs(Path(folder) / "pairs")
    torch.manual_seed(0)
    fusion, detector = FusionNetwork(network), Detector(["Car"])
    outcome = train(
        *(fusion, detector, Data(items, items[:2]), losses or Losses(), Train(**SETTINGS | changes)),
        seed=0,
        device=torch.device("cpu"),
        world=processes or World(),
        cache=Path(cache),
        fingerprint="f",
    )
    return fusion, detector, outcome


def die_at(point, number):
    """Make this process kill itself when it comes to a point for the number-th time."""
    module, name = {
        "step": (loop, "lower_step"),
        "state": (resumable, "whole_file"),
    }[point]
    real, left = getattr(module, name), [number]

    def deadly(*arguments):
        left[0] -= 1
        if left[0] == 0:
            if point == "state":
                real(*arguments).__enter__().write_bytes(b"half a state")
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)

    setattr(module, name, deadly)


def die_twice(folder):
    """Run in children of this process: one killed while it writes its second state, one in the third epoch."""
    for point, number in (("state", 2), ("step", 3)):
        child = os.fork()
        if child == 0:
            die_at(point, number)
            run(folder, folder / "cache")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, status


def share(folder):
    """Train with and without the codebook as one of torchrun's processes."""
    with world(torch.device("cpu")) as processes:
        for name, network in (("whole", NETWORK), ("bare", BARE)):
            place = folder / f"{name}{processes.rank}"
            fusion, detector, _ = run(place, folder / f"{name}-cache", network, processes=processes)
            torch.save((fusion.state_dict(), detector.network.state_dict()), place / "weights.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    where = Path(sys.argv[1])
    os.chdir(where)
    share(where) if "RANK" in os.environ else die_twice(where)
