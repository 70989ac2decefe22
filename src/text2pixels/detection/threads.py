"""Training computes on a fixed number of threads, so that its result does not depend on who started it or where.

One thread more changes the last bits of sums, and after some hundred steps every digit of the weights. So the
number is the same whether a stage has the machine for itself, shares it, or was given OMP_NUM_THREADS.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Of the fusion network's training. More gain little at its size of crops, and two are in every machine.
TRAINING = 2


@contextmanager
def fixed_threads(count: int) -> Iterator[None]:
    """Compute on ``count`` threads within the block.

    A detector takes one: a second speeds a network of its size up only 1.2 times, and two detectors side by
    side on one thread each finish sooner than one after the other on two.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
