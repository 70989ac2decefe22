"""Stage `cost`: what fusing one pair by a method costs, reports/cost/<method>.json."""

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from text2pixels import config, layout, params_file
from text2pixels.device import pick_device
from text2pixels.files import whole_file
from text2pixels.image.colour import Image8
from text2pixels.methods.card import read_card
from text2pixels.methods.catalogue import load_model
from text2pixels.methods.convention import fuse_luminance
from text2pixels.methods.method import Method

SECTIONS: tuple[str, ...] = ("fuse", "cost")

# Of a typical prompt. How long it is hardly matters; without one, what reads it is not run.
PROMPT = ("a person", "a car", "a bicycle", "a bus", "a truck", "a dog")

_WARM_UP = 64  # pixels, side of the pair that loads libraries before anything is measured


class Cost(TypedDict):
    """One pair of the given size, batch 1, from 8-bit images to 8-bit image."""

    method: str
    width: int  # pixels
    height: int  # pixels
    device: str
    threads: int
    parameters: int  # that fusing uses
    macs: int | None  # multiply-accumulates of convolutions, products and attention; None: no network
    seconds: float | None  # median over the repeats; None: images that were fused elsewhere
    repeats: int
    peak_bytes: int | None  # memory beyond what was held before; None where it cannot be measured


def run(method: str) -> None:
    """Measure a method, of which the stage `method` made the model.

    Raises:
        InputError: the model is missing or damaged.
    """
    params = params_file.load(SECTIONS)
    card, _ = read_card(layout.model(method))
    if card.weights == "fused elsewhere":
        device = pick_device(params.fuse.device)
        size = (params.cost.width, params.cost.height)
        unknown = Cost(
            method=method,
            width=size[0],
            height=size[1],
            device=_name(device),
            threads=torch.get_num_threads(),
            parameters=0,
            macs=None,
            seconds=None,
            repeats=0,
            peak_bytes=None,
        )
        _write(method, unknown)
        return
    loaded = load_model(layout.model(method), params.fuse.device)
    cost = measure(loaded, pick_device(params.fuse.device), params.cost)
    _write(method, cost)


def _write(method: str, cost: Cost) -> None:
    with whole_file(layout.cost(method)) as aside:
        aside.write_text(json.dumps(cost, indent=2) + "\n")


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def measure(method: Method, device: torch.device, settings: config.Cost) -> Cost:
    """Measure what fusing one pair costs, under a prompt where the method reads text.

    Args:
        method: Ready to fuse.
        device: Where its network runs, if it has one.
        settings: Size of the pair and number of repeats.
    """
    phrases = PROMPT if method.card.text else ()

    def fuse(infrared: Image8, visible: Image8) -> Image8:
        return fuse_luminance(method, infrared, visible, phrases)

    if not method.parameters:
        device = torch.device("cpu")
    fuse(*_pair(_WARM_UP, _WARM_UP))
    infrared, visible = _pair(settings.width, settings.height)
    held = _start_memory(device)
    fuse(infrared, visible)
    peak = _peak_memory(device, held)
    seconds = []
    for _ in range(settings.repeats):
        start = time.perf_counter()
        fuse(infrared, visible)  # the image comes back to the CPU, so a GPU has finished
        seconds.append(time.perf_counter() - start)
    return Cost(
        method=method.card.name,
        width=settings.width,
        height=settings.height,
        device=_name(device),
        threads=torch.get_num_threads(),
        parameters=method.parameters,
        macs=_count_macs(fuse, infrared, visible) if method.parameters else None,
        seconds=round(statistics.median(seconds), 6),
        repeats=settings.repeats,
        peak_bytes=peak,
    )


def _count_macs(fuse: Callable[[Image8, Image8], Image8], infrared: Image8, visible: Image8) -> int:
    # Only for methods with a network, as entering the counter loads torch's compiler, which takes seconds.
    with FlopCounterMode(display=False) as counter:
        fuse(infrared, visible)
    return int(counter.get_total_flops()) // 2


def _pair(width: int, height: int) -> tuple[Image8, Image8]:
    """Return noise: the cost of no method here depends on what an image shows."""
    noise = np.random.default_rng(0)
    infrared = noise.integers(0, 256, (height, width), dtype=np.uint8)
    return infrared, noise.integers(0, 256, (height, width, 3), dtype=np.uint8)


def _start_memory(device: torch.device) -> int | None:
    """Begin to watch the peak; return the bytes held now, None where that cannot be measured."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    try:
        Path("/proc/self/clear_refs").write_text("5")  # Linux: resets VmHWM
    except OSError:
        return None
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _peak_memory(device: torch.device, held: int | None) -> int | None:
    if held is None:
        return None
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) - held
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    return max(0, peak - held)
