"""Where the numbers come from: revision, parameters, versions, machine."""

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
import yaml

from text2pixels import config, params_file

PACKAGES = ("text2pixels", "torch", "torchvision", "numpy", "opencv-python-headless", "ultralytics-opencv-headless")

_OF_EVERY_RUN = (":!params.yaml", ":!dvc.lock", ":!reports/metrics.json")


def provenance(params: config.Params) -> dict[str, str]:
    """Return what identifies a run, in words, in the order to show it."""
    facts = {
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "git revision": _revision(),
        "profile": params.profile,
        "seed": str(params.seed),
        "text when fusing": f"'{params.fuse.prompt}' for every pair"
        if params.fuse.prompt
        else "each pair's own prompt",
        "params.yaml": f"sha256 {_digest(params_file.PARAMS_FILE)}",
        "dvc.lock": _lock(),
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }
    return facts | {package: version(package) for package in PACKAGES}


def _git(*arguments: str) -> bytes | None:
    """Return what git says; None where it is not there, or refuses."""
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return answer.stdout if answer.returncode == 0 else None


def _lock() -> str:
    """Return the hash of dvc.lock as it is committed.

    The file itself changes once more when DVC notes this report in it, so its hash of now is one that no file
    has afterwards. `git show HEAD:dvc.lock | sha256sum` gives the one that is shown.
    """
    here = Path("dvc.lock")
    if not here.is_file():
        return "none (first run)"
    committed = _git("show", "HEAD:./dvc.lock")
    if committed is None or _before_report(committed) != _before_report(here.read_bytes()):
        return (
            f"sha256 {_digest(here)} as this report found it, not committed: after git commit dvc.lock, "
            "dvc repro --force --single-item report shows the hash that is committed"
        )
    return f"sha256 {hashlib.sha256(committed).hexdigest()[:16]}, as committed"


def _before_report(lock: bytes) -> object:
    stages: dict[str, object] = (yaml.safe_load(lock) or {}).get("stages", {})
    return {name: stage for name, stage in stages.items() if name != "report"}


def _revision() -> str:
    revision = _git("rev-parse", "HEAD")
    if revision is None:
        return "not a git checkout"
    # What every run changes has lines of its own.
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *_OF_EVERY_RUN)
    return f"{revision[:12].decode()}{' with uncommitted changes' if changed else ''}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "none (first run)"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
