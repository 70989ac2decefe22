"""Restores what a run must leave as it was: params.yaml, DVC's files, and outputs of stages that did not end well."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from text2pixels.files import whole_file
from text2pixels.params_file import PARAMS_FILE
from text2pixels.pipeline.working_tree import FOLDER, LOCK

BEFORE = FOLDER / "params.before.yaml"  # params.yaml as it was before the run
USED = FOLDER / "params.used.yaml"  # params.yaml as the run wrote it; absent where it wrote none
RWLOCK = Path(".dvc/tmp/rwlock")  # DVC's list of who reads and writes which path


def environment() -> dict[str, str]:
    """Return the environment of DVC: this interpreter's programs first on the path."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def keep_parameters() -> None:
    """Keep params.yaml as it is before a run."""
    if PARAMS_FILE.is_file():
        shutil.copyfile(PARAMS_FILE, BEFORE)


def note_parameters() -> None:
    """Remember params.yaml as this run wrote it, so that its end puts back what was there before."""
    with whole_file(USED) as aside:
        shutil.copyfile(PARAMS_FILE, aside)


def mend_rwlock() -> str | None:
    """Remove DVC's list of readers and writers where a killed DVC left half of it; return what was done."""
    if not RWLOCK.is_file():
        return None
    try:
        json.loads(RWLOCK.read_text())
    except json.JSONDecodeError:
        RWLOCK.unlink()
        return f"{RWLOCK} was half written and is removed"
    return None


def put_parameters_back() -> str | None:
    """Put params.yaml back as it was before a run that wrote it; leave it where somebody has changed it since."""
    said = None
    if USED.is_file() and BEFORE.is_file():
        if PARAMS_FILE.is_file() and PARAMS_FILE.read_bytes() == USED.read_bytes():
            with whole_file(PARAMS_FILE) as aside:
                shutil.copyfile(BEFORE, aside)
            said = "params.yaml is as before the run"
        else:
            said = f"params.yaml was changed by hand during the run and stays; as before the run: {BEFORE}"
            USED.unlink()
            return said
    elif BEFORE.is_file() and PARAMS_FILE.is_file() and PARAMS_FILE.read_bytes() != BEFORE.read_bytes():
        # Changed by hand, or by a run that was killed before it could note what it wrote.
        return f"params.yaml is not as before the run and stays; as before the run: {BEFORE}"
    USED.unlink(missing_ok=True)
    BEFORE.unlink(missing_ok=True)
    return said


def missing_outs() -> list[str]:
    """Return the outputs in dvc.lock that do not exist."""
    if not LOCK.is_file():
        return []
    content: dict[str, Any] = yaml.load(LOCK.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    stages: dict[str, Any] = content.get("stages") or {}
    return [out["path"] for stage in stages.values() for out in stage.get("outs", []) if not Path(out["path"]).exists()]


def check_out(absent: set[str]) -> str | None:
    """Bring back the outputs that DVC removed for stages that did not end well: the last good ones, as in dvc.lock."""
    lost = [path for path in missing_outs() if path not in absent]
    if not lost:
        return None
    answer = subprocess.run(
        ["dvc", "--wait-for-lock", "checkout", "--quiet", *lost],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    if answer.returncode:
        return f"the last good {', '.join(lost)} could not be brought back: {' '.join(answer.stderr.split())}"
    return f"the last good {', '.join(lost)} {'is' if len(lost) == 1 else 'are'} back"
