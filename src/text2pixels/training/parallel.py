"""Data-parallel training under torchrun: every process has its share of each batch and the same weights.

Gradients are averaged by hand and not by DistributedDataParallel, whose hooks see one backward
pass of one module: bilevel training takes gradients of two losses through two networks.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class World:
    """This process among all."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0


@contextmanager
def world(device: torch.device) -> Iterator[World]:
    """Join the processes that torchrun started, or be alone; leave them at the end."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()


def average(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return the mean of each tensor over all processes; the tensors themselves where there is one."""
    if not distributed.is_initialized() or not tensors:
        return list(tensors)
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    parts = torch.split(flat, [tensor.numel() for tensor in tensors])
    return [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]


def same_statistics(module: nn.Module) -> None:
    """Give every process the mean of all running statistics of batch normalisation."""
    names = ("running_mean", "running_var")
    found = [value for name, value in module.named_buffers() if name.rpartition(".")[2] in names]
    for buffer, mean in zip(found, average(found), strict=True):
        buffer.copy_(mean)


def same_start(module: nn.Module) -> None:
    """Give every process the first one's parameters and buffers."""
    if distributed.is_initialized():
        for tensor in module.state_dict().values():
            distributed.broadcast(tensor, src=0)
