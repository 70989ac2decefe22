"""The folder in which a data set is made, beside the one that it becomes: one ingest at a time, resumed or swept.

``.NAME.<fingerprint>.part`` stands beside ``NAME``. An interrupted run with the same fingerprint goes on in it;
whatever else earlier runs of ``NAME`` left, a kill's half-written files among it, is removed.
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
        InputError: one is at it, or nothing can be written there.
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
        lock.release()  # its last holder removed the file after we had opened it: what we hold is no lock
    try:
        yield
    finally:
        file.unlink(missing_ok=True)  # before the release: nobody can then hold a file that goes away
        lock.release()


def open_workplace(target: Path, fingerprint: str) -> Path:
    """Return the folder of a run with this fingerprint (12 hexadecimal digits), made or found, and sweep the rest."""
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
