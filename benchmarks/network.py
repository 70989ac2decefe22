"""The fusion network's cost beside that of every network of other authors, in one run.

    python benchmarks/network.py --weights ../shared/weights [--model models/ours --threads 2 --repeats 5]

Parameters, multiply-accumulates, seconds a pair and peak memory at 640x480 and 1024x768, batch 1,
float32. All networks run in turns in the same process, under the settings that `t2p fuse` has: freed
memory kept (glibc gives it back otherwise, which costs two to three times the seconds), denormals
flushed (up to fourteen times). So only the ratios carry over to another machine; on a busy one, take
the processor seconds. Each peak of memory (Linux) comes from a process of its own. Where there is a
CUDA device, it follows with float32 and bfloat16, batch 1 and 16.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from text2pixels.config import Network
from text2pixels.device import keep_freed_memory
from text2pixels.errors import InputError
from text2pixels.methods import catalogue
from text2pixels.network.checkpoint import read
from text2pixels.network.network import FusionNetwork

SIZES = ((640, 480), (1024, 768))
OURS = "text2pixels"
PHRASES = 6
# Of the same networks, as the targets have them: TarDAL at least 6 times, U2Fusion at least 12
# times ours, and none faster than ours.
TARGETS = {"tardal": 6.0, "u2fusion": 12.0}

Run = Callable[[], object]


def load(name: str, weights: Path | None, model: Path | None) -> nn.Module:
    if name == OURS:
        torch.manual_seed(0)
        network = read(model).network if model else FusionNetwork(Network())
        # Without gradients: the counter of operations follows weights that want one, which inference mode denies.
        return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return catalogue.load(name, weights=weights, device="cpu").network


def inputs(name: str, network: nn.Module, width: int, height: int, batch: int = 1) -> tuple[Tensor, ...]:
    images = torch.rand(2, batch, 1, height, width)
    if name != OURS:
        return tuple(images * 255)
    text_BTD = nn.functional.normalize(torch.randn(batch, PHRASES, network.config.text_dim), dim=2)
    return *images, text_BTD


@torch.inference_mode()
def peak(name: str, weights: Path | None, model: Path | None, width: int, height: int) -> int:
    """Bytes beyond what a small pair needed; for a fresh process."""
    torch.set_num_threads(1)
    network = load(name, weights, model)
    network(*inputs(name, network, 64, 64))
    images = inputs(name, network, width, height)
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts again from here
    held = kibibytes("VmRSS")
    network(*images)
    return (kibibytes("VmHWM") - held) * 1024


def kibibytes(entry: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{entry}:"))


def peak_apart(options: argparse.Namespace, name: str, width: int, height: int) -> int:
    command = [sys.executable, __file__, "--peak", name, str(width), str(height)]
    for option in ("weights", "model"):
        command += [f"--{option}", str(getattr(options, option))] if getattr(options, option) else []
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def in_turns(runs: dict[str, Run], repeats: int) -> dict[str, tuple[float, float]]:
    """Return the least wall and processor seconds of each: other work on the machine only slows down."""
    best = {name: (float("inf"), float("inf")) for name in runs}
    for turn in range(repeats + 1):
        for name, run in runs.items():
            wall, busy = time.perf_counter(), time.process_time()
            run()
            wall, busy = time.perf_counter() - wall, time.process_time() - busy
            if turn:  # the first warms up
                best[name] = (min(best[name][0], wall), min(best[name][1], busy))
    return best


@torch.inference_mode()
def on_cpu(networks: dict[str, nn.Module], options: argparse.Namespace) -> bool:
    torch.set_flush_denormal(True)
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    met = True
    for width, height in options.sizes:
        print(f"\n{width}x{height}, float32, batch 1, {options.threads} threads, least of {options.repeats}")
        print(f"{'network':14}{'parameters':>12}{'GMAC':>8}{'wall s':>9}{'cpu s':>9}{'/ ours':>8}{'peak MiB':>10}")
        pairs = {name: inputs(name, network, width, height) for name, network in networks.items()}
        seconds = in_turns({n: partial(net, *pairs[n]) for n, net in networks.items()}, options.repeats)
        for name, network in networks.items():
            with FlopCounterMode(display=False) as counter:
                network(*pairs[name])
            parameters = sum(parameter.numel() for parameter in network.parameters())
            wall, busy = seconds[name]
            ratio = busy / seconds[OURS][1]
            memory = peak_apart(options, name, width, height) / 2**20
            macs = counter.get_total_flops() / 2e9
            print(f"{name:14}{parameters:12,}{macs:8.1f}{wall:9.3f}{busy:9.3f}{ratio:8.1f}{memory:10.0f}", flush=True)
            if name == OURS:
                met &= parameters <= 0.8e6 and macs * 1024 * 768 / (width * height) <= 25
            else:
                met &= ratio > TARGETS.get(name, 1.0)
    return met


@torch.inference_mode()
def on_gpu(networks: dict[str, nn.Module], sizes: Sequence[tuple[int, int]], repeats: int) -> None:
    print(f"\n{torch.cuda.get_device_name()}, least of {repeats}")
    print(f"{'network':14}{'size':>10}{'type':>10}{'batch':>7}{'ms a pair':>11}{'peak MiB':>10}")
    for name, network in networks.items():
        network.cuda()
        for width, height in sizes:
            for dtype in (torch.float32, torch.bfloat16):
                for batch in (1, 16):
                    images = [tensor.cuda() for tensor in inputs(name, network, width, height, batch)]

                    def run(network: nn.Module = network, images: list[Tensor] = images, dtype=dtype) -> None:
                        with torch.autocast("cuda", torch.bfloat16, enabled=dtype == torch.bfloat16):
                            network(*images)
                        torch.cuda.synchronize()

                    torch.cuda.reset_peak_memory_stats()
                    wall, _ = in_turns({name: run}, repeats)[name]
                    memory = torch.cuda.max_memory_allocated() / 2**20
                    kind = str(dtype).removeprefix("torch.")
                    row = f"{name:14}{f'{width}x{height}':>10}{kind:>10}{batch:7}"
                    print(f"{row}{1e3 * wall / batch:11.3f}{memory:10.0f}", flush=True)
        network.cpu()


def size(words: str) -> tuple[int, int]:
    width, height = words.split("x")
    return int(width), int(height)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="folder of the authors' weights")
    parser.add_argument("--model", type=Path, help="folder of a trained network; an untrained one costs the same")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="these networks of other authors, not all")
    parser.add_argument("--sizes", nargs="+", type=size, default=SIZES, metavar="WIDTHxHEIGHT")
    parser.add_argument("--peak", nargs=3, metavar=("NAME", "WIDTH", "HEIGHT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        name, width, height = options.peak
        print(peak(name, options.weights, options.model, int(width), int(height)))
        return 0
    networks = {OURS: load(OURS, None, options.model)}
    for name, entry in catalogue.methods().items():
        if entry.kind != "network" or (options.only is not None and name not in options.only):
            continue
        try:
            networks[name] = load(name, options.weights, None)
        except InputError as error:
            print(f"left out: {error}")
    print(f"torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    met = on_cpu(networks, options)
    if torch.cuda.is_available():
        on_gpu(networks, options.sizes, max(options.repeats, 20))
    print("\nall targets met" if met else "\nNOT all targets met (against the processor seconds)")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
