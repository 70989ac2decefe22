"""The folder in which an ingest works until the data set is whole, and the lock that keeps other ingests out.

``.NAME.<fingerprint>.part`` lies beside ``NAME``. A run with the same fingerprint as an interrupted one continues in
it. Whatever else earlier runs of ``NAME`` left, such as the half-written files of a killed one, is removed.
"""

import glob
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from text2pixels.errors import InputError

PARTS = ("infrared", "visible", "rows")


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Keep every other ingest out of ``target`` while the block runs.

    Raises:
        InputError: another ingest is running, or nothing can be written there.
    """
    file = target.absolute().parent / f".{target.name}.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise InputError(
                f"another ingest is writing {target}: wait until it has ended, or name another folder"
            ) from error
        except OSError as error:  # a disk that is read-only, say
            raise InputError(f"cannot write {target}: {error.strerror}") from error
        if file.exists():
            break
        lock.release()  # its last holder removed the file after it was opened here, so the lock keeps nobody out
    try:
        yield
    finally:
        file.unlink(missing_ok=True)  # before the release, so that nobody can lock the file and then lose it
        lock.release()


def open_workplace(target: Path, fingerprint: str) -> Path:
    """Return the folder of a run with this fingerprint (12 hexadecimal digits), new or resumed; remove all others."""
    folder = target.absolute().parent
    place = folder / f".{target.name}.{fingerprint}.part"
    ours = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{12}}\.part")
    for stale in folder.glob(f".{glob.escape(target.name)}.*.part"):
        if stale != place and ours.fullmatch(stale.name):
            shutil.rmtree(stale)
    for half in (*place.glob(".*.part"), *place.glob("*/.*.part")):
        half.unlink()
    for part in PARTS:
        (place / part).mkdir(parents=True, exist_ok=True)
    return place
