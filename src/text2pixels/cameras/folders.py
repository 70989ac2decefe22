"""Two folders of images in, a folder of fused images out; on as many processes or machines as wanted."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC, EROFS
from functools import partial
from pathlib import Path
from typing import NamedTuple

from text2pixels.cameras.pairing import Pairing
from text2pixels.cameras.recipe import Recipe
from text2pixels.cameras.stills import Reading, is_whole, mark_of, write_image
from text2pixels.cameras.view import fuse_view
from text2pixels.errors import InputError
from text2pixels.executors import AHEAD, map_ordered, open_executor
from text2pixels.files import check_outputs, sha256

_OF_EVERY_FILE = (EDQUOT, ENOSPC, EROFS)  # the disk is full or read-only: every other pair would fail, too


@dataclass(frozen=True)
class Job:
    """One pair to fuse."""

    name: str
    infrared: Path
    visible: Path
    output: Path
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is the same for all pairs of a run.

    Attributes:
        recipe: the method.
        reading: how files become views.
        gray: write the luminance alone.
        settings: `settings_of` all that; marks what is written.
        again: fuse anew what is there already, and replace what something else made.
    """

    recipe: Recipe
    reading: Reading
    gray: bool = False
    settings: str = ""
    again: bool = False


class Fused(NamedTuple):
    """What became of a pair.

    Attributes:
        name: of the pair.
        problem: why it could not be fused; None where it was.
        notes: what the reader has to say of its files.
        kept: whether the fused image was there already, made of the same files and settings.
    """

    name: str
    problem: str | None
    notes: list[str]
    kept: bool = False


def check_folder(output: Path, pairing: Pairing, others: Sequence[Path], *, again: bool = False) -> None:
    """Make sure that a folder can take the fused images of the pairs.

    Args:
        output: the folder, which need not exist.
        pairing: of the two folders.
        others: further files that are read.
        again: images that something else made may be replaced.

    Raises:
        InputError: it is a file, or a fused image would replace an input, or an image that was not fused here.
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: two folders are fused into a folder")
    inputs = [path for pair in pairing.pairs.values() for path in pair]
    inputs += [*pairing.unpaired, *others]
    outputs = [output / f"{name}.png" for name in pairing.pairs]
    check_outputs(outputs, inputs)
    strangers = [path for path in outputs if path.is_file() and mark_of(path) is None and is_whole(path)]
    if strangers and not again:
        raise InputError(
            f"{strangers[0]} was not made by t2p fuse of two folders ({len(strangers)} such files): name another "
            "folder, or replace them with --again"
        )


def settings_of(plan: Plan, version: str) -> str:
    """Return a fingerprint of all that decides a fused image, except its two files and its phrases."""
    reading = plan.reading
    facts = {
        **plan.recipe.fingerprint(),
        "gray": plan.gray,
        "matrix": None if reading.rig is None else reading.rig.matrix.tolist(),
        "register": reading.register,
        "span": reading.span,
        "version": version,
    }
    return _digest(facts)


def fuse_folders(
    plan: Plan,
    pairing: Pairing,
    output: Path,
    phrases_of: Callable[[str], Sequence[str]],
    *,
    workers: int = 1,
    dask: str | None = None,
) -> Iterator[Fused]:
    """Fuse pair by pair into ``output``, NAME.png, and yield what became of each; a bad pair does not stop the others.

    A picture that is there already and was made of the same files, phrases and settings is left as it is.

    Raises:
        InputError: the disk is full or read-only, a worker died, or there is no Dask scheduler.
    """
    jobs = (Job(name, *files, output / f"{name}.png", tuple(phrases_of(name))) for name, files in pairing.pairs.items())
    with open_executor(workers, dask) as executor:
        for _, done in map_ordered(executor, partial(fuse_job, plan), jobs, AHEAD * max(workers, 1)):
            yield done


def fuse_job(plan: Plan, job: Job) -> Fused:
    """Fuse one pair, if it is not there already.

    Raises:
        InputError: the disk is full or read-only.
    """
    notes: list[str] = []
    try:
        mark = ""
        if plan.settings and job.infrared.is_file() and job.visible.is_file():  # reading a pipe would block
            mark = _digest([plan.settings, sha256(job.infrared), sha256(job.visible), job.phrases])
            if not plan.again and plan.recipe.is_known and mark_of(job.output) == mark:
                return Fused(job.name, None, notes, kept=True)
        view = plan.reading.view(job.infrared, job.visible, notes)
        fused = fuse_view(plan.recipe.load(), view, job.phrases, gray=plan.gray)
        write_image(job.output, fused, mark)
    except InputError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _OF_EVERY_FILE:
            raise
        return Fused(job.name, str(error), notes)
    except OSError as error:  # a file that cannot be read for its checksum
        return Fused(job.name, f"{error.filename}: {error.strerror}", notes)
    return Fused(job.name, None, notes)


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
