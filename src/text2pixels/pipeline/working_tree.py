"""One run at a time in a working tree, with the parameters that it began with, and a dvc.lock that is whole.

Every stage passes here, whether `dvc repro`, a flow of Prefect or a person starts it. `.cache/run/` keeps which run is
at work, and the last dvc.lock that could be read.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from text2pixels import params_file
from text2pixels.errors import InputError
from text2pixels.files import whole_file

RUN = "T2P_RUN"  # environment variable: the run to which this process belongs
FOLDER = Path(".cache/run")
LOCK = Path("dvc.lock")

_KEPT = FOLDER / "dvc.lock"
_HOLDER = FOLDER / "holder.json"
_READS_ONE = {"dataset": "datasets", "method": "methods"}  # option of a stage -> the section of which it reads one key


@contextmanager
def hold(what: str, run: str | None = None, patience: float = 0) -> Iterator[None]:
    """Hold the working tree, so that no other run begins in it.

    A process of the run that holds it already may enter, too.

    Args:
        what: what runs, in a few words.
        run: name of the run; None: it has none.
        patience: seconds to wait for another run to end.

    Raises:
        InputError: another run is at work here, which the message names; or the run of this process is over.
    """
    from filelock import FileLock, Timeout

    belongs_to = os.environ.get(RUN)
    if belongs_to is not None:
        if _read_holder().get("run") != belongs_to:
            raise InputError(f"the run {belongs_to}, to which this belongs, has ended: start another")
        yield
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock = FileLock(FOLDER / "lock")
    try:
        lock.acquire(timeout=patience, poll_interval=0.2)
    except Timeout as error:
        raise InputError(busy()) from error
    try:
        with whole_file(_HOLDER) as aside:
            aside.write_text(json.dumps({"run": run, "what": what, "process": os.getpid()}))
        yield
    finally:
        _HOLDER.unlink(missing_ok=True)
        lock.release()


def busy() -> str:
    """Return the sentence that names the run at work in this folder."""
    holder = _read_holder()
    who = f"{holder['what']} (process {holder['process']})" if holder else "another run"
    return f"{who} is at work in this folder: wait until it ends, or stop it"


def holder() -> str | None:
    """Return the name of the run that holds the working tree; None where none does, or it has no name."""
    from filelock import FileLock, Timeout

    if not (FOLDER / "lock").exists():
        return None
    try:
        with FileLock(FOLDER / "lock", timeout=0):
            return None
    except Timeout:
        return _read_holder().get("run")


def _read_holder() -> dict[str, Any]:
    try:
        return dict(json.loads(_HOLDER.read_text()))
    except FileNotFoundError:
        return {}


@contextmanager
def same_parameters(sections: tuple[str, ...], options: Mapping[str, str]) -> Iterator[None]:
    """Fail where params.yaml says something else at the block's end than at its beginning.

    After a stage DVC records the parameters that the file has then, not those that the stage has read.

    Args:
        sections: of params.yaml that the stage reads; none means the whole file.
        options: dataset, method: with one of these the stage reads one key of `datasets` or `methods`.

    Raises:
        InputError: the file cannot be read, or a section that the stage reads has changed.
    """
    before = _values(sections, options)
    yield
    after = _values(sections, options)
    if changed := [name for name in before if before[name] != after[name]]:
        raise InputError(
            f"params.yaml: {', '.join(changed)} changed while the stage ran, so its result is not what params.yaml "
            "says: leave the file alone and run again"
        )


def _values(sections: tuple[str, ...], options: Mapping[str, str]) -> dict[str, Any]:
    content = params_file.read_yaml(params_file.PARAMS_FILE)
    one = {section: options[option] for option, section in _READS_ONE.items() if option in options}
    found = {}
    for name in sections or tuple(content):
        value = content.get(name)
        if name in one and isinstance(value, dict):
            name, value = f"{name}.{one[name]}", value.get(one[name])
        found[name] = value
    return found


def keep_lock() -> None:
    """Keep a copy of dvc.lock if it is whole: DVC overwrites it in place, and leaves it empty when it is killed."""
    content = _read_whole(LOCK)
    if content is not None:
        with whole_file(_KEPT) as aside:
            aside.write_bytes(content)


def mend_lock() -> str | None:
    """Put the kept copy in the place of a dvc.lock that DVC left half written.

    Returns:
        What was done, in a sentence; None where dvc.lock is whole or does not exist.
    """
    if not LOCK.exists() or _is_whole(LOCK):
        return None
    if not _is_whole(_KEPT):
        LOCK.rename(LOCK.with_name("dvc.lock.damaged"))
        return "dvc.lock was half written and is moved to dvc.lock.damaged: DVC finds what is in its cache again"
    with whole_file(LOCK) as aside:
        shutil.copyfile(_KEPT, aside)
    return "dvc.lock was half written: the last good one is back"


def _is_whole(path: Path) -> bool:
    return _read_whole(path) is not None


def _read_whole(path: Path) -> bytes | None:
    """Return a lock file's bytes where DVC can read them and they end as DVC's do; None otherwise."""
    if not path.is_file():
        return None
    read = path.read_bytes()
    text = read.decode(errors="replace")
    try:
        content = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return None
    whole = isinstance(content, dict) and "schema" in content and isinstance(content.get("stages", {}), dict)
    whole = whole and text.endswith("\n")
    return read if whole and all(isinstance(stage, dict) for stage in content.get("stages", {}).values()) else None
