"""Silence for C libraries that print to standard error what they then also report as an error."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ONE_AT_A_TIME = threading.Lock()  # a second thread would save the silence as what to restore


@contextmanager
def quiet() -> Iterator[None]:
    """Send the process's standard error to nowhere within the block, which should be short."""
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(2)
        except OSError:  # closed: nobody hears anything
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(nowhere)
            os.close(kept)
