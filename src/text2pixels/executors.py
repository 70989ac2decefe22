"""Where the work is done: in this process, in a pool of processes, or on a Dask cluster.

The same function over the same items gives the same results in the same order on all three.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from threading import Thread
from typing import TypeVar

from text2pixels.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")
Started = TypeVar("Started")

AHEAD = 8  # items handed out per worker: enough to keep it busy, few enough to keep memory flat


@contextmanager
def open_executor(workers: int, dask: str | None = None) -> Iterator[Executor | None]:
    """Give an executor; None means this process.

    Args:
        workers: processes; at most 1 is none.
        dask: address of a Dask scheduler, whose workers see the same files under the same paths.

    Raises:
        InputError: Dask is not installed or does not answer.
    """
    if dask is not None:
        try:
            from distributed import Client
        except ImportError as error:
            raise InputError(
                f"dask: {dask} needs the package distributed, which the extra dask brings: "
                "pip install 'text2pixels[dask]'"
            ) from error
        try:
            client = start_patiently(lambda: Client(dask, timeout=10))
        except (OSError, ValueError) as error:
            raise InputError(f"dask: no Dask scheduler answers at {dask}: {error}") from error
        with client:
            yield client.get_executor()
    elif workers > 1:
        # Not forked: threads that hold locks (the progress display's, OpenCV's) would be copied mid-way.
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _prepare) as pool:
            yield pool
    else:
        yield None


def start_patiently(start: Callable[[], Started]) -> Started:
    """Start a client or a cluster of Dask, a second time where the first one's thread was not up in ten seconds.

    distributed waits no longer than that and then fails on a bare assertion. A busy machine that stood still for ten
    seconds is no reason to lose the run.
    """
    try:
        return start()
    except AssertionError:
        return start()


def map_ordered(
    executor: Executor | None, function: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with ``function(item)``, in the order of the items, at most ``ahead`` of them under way.

    Raises:
        InputError: a worker process died.
    """
    if executor is None:
        for item in items:
            yield item, function(item)
        return
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            waiting.append((item, executor.submit(function, item)))
            if len(waiting) >= ahead:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process died, most often for want of memory (or a script that calls this without "
            'if __name__ == "__main__"); what is done is kept: run again, with workers: 1 to see where'
        ) from error
    finally:
        for _, future in waiting:
            future.cancel()


def _next(waiting: deque[tuple[Item, Future[Result]]]) -> tuple[Item, Result]:
    item, future = waiting.popleft()
    return item, future.result()


def _prepare() -> None:
    """Keep OpenCV to one thread, as the processes are the parallelism; end when the parent does, even by kill -9."""
    import cv2

    cv2.setNumThreads(1)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
