"""Where the numbers come from: revision, parameters, versions, machine."""

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from text2pixels import config

PACKAGES = ("text2pixels", "torch", "torchvision", "numpy", "opencv-python-headless", "ultralytics-opencv-headless")


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
        "params.yaml": f"sha256 {_digest(config.PARAMS_FILE)}",
        "dvc.lock": f"sha256 {_digest(Path('dvc.lock'))}",
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
    }
    return facts | {package: version(package) for package in PACKAGES}


def _revision() -> str:
    def git(*arguments: str) -> str | None:
        try:
            answer = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return None
        return answer.stdout.strip() if answer.returncode == 0 else None

    revision = git("rev-parse", "HEAD")
    if revision is None:
        return "not a git checkout"
    # params.yaml and dvc.lock change with every run, and have their own line.
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!params.yaml", ":!dvc.lock")
    return f"{revision[:12]}{' with uncommitted changes' if changed else ''}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "none (first run)"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
