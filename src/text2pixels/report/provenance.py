"""What the numbers rest on: revision, parameters, versions, machine; for a publication also commands and caveats."""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml

from text2pixels import config, params_file
from text2pixels.analysis.ablations import settings_of
from text2pixels.analysis.results import Results
from text2pixels.files import sha256
from text2pixels.methods.built_in import NOT_RUNNABLE
from text2pixels.methods.catalogue import methods
from text2pixels.params_file import profile_names, read_profile

PACKAGES = ("text2pixels", "torch", "torchvision", "numpy", "opencv-python-headless", "ultralytics-opencv-headless")

# Files that every run changes. They do not count as uncommitted changes: their hashes are shown.
_OF_EVERY_RUN = (":!params.yaml", ":!dvc.lock", ":!reports/metrics.json")

# Keys whose values are places on one machine, and the option of `t2p params` that names them on another.
PLACES = {"datasets": "--data", "fuse.weights": "--weights", "detect.weights": "--weights", "embed.table": "--phrases"}


def provenance(params: config.Params) -> dict[str, str]:
    """Return what identifies a run, in words, in the order to show it."""
    found = {
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
    return found | {package: version(package) for package in PACKAGES}


def facts(results: Results, params: config.Params) -> dict[str, str]:
    """Return revision, machine, numbers of pairs, training and protocol, in the order to show them."""
    own = provenance(params)
    tests = (f"{len(data.test)} of {len(data.pairs)} in {data.adapter.title}" for data in results.datasets)
    lock = Path("dvc.lock")
    if lock.is_file():  # tables are published after the run, so this is the file to commit beside them
        own["dvc.lock"] = f"sha256 {sha256(lock)[:16]}"
    return own | {
        "test pairs": ", ".join(tests),
        **_training(results, params),
        "detector": _detector(params),
        "intervals": f"95 %, bootstrap over pairs, {params.report.bootstrap} resamples",
    }


def _training(results: Results, params: config.Params) -> dict[str, str]:
    """Say how our networks were trained: in this run, or before it, as their cards say."""
    if not any(name in results.histories for name in results.variants):
        before = [f"{name} was {card.aside}" for name in results.variants if (card := results.cards[name]).aside]
        return {"training": f"none of ours in this run{': ' if before else ''}{'; '.join(before)}"}
    train = params.train
    seeds = sorted({seed for setting in settings_of(results.changes, params.seed) for seed in setting.seeds})
    return {
        "training": f"{', '.join(train.datasets)}; {train.epochs} epochs, batch {train.batch}, crop {train.crop}, "
        f"strategy {train.strategy}, prompts {train.prompts}, encoder {train.encoder}",
        "training seeds": ", ".join(str(seed) for seed in seeds),
    }


def _detector(params: config.Params) -> str:
    """Say what detects, and how long it is trained for every method."""
    detect = params.detect
    name = f"YOLOv5{'u' if detect.head == 'free' else ''} ({detect.scale})"
    if params.fuse.pairs == "test":
        return f"{name} as COCO taught it; none was trained"
    return f"{name}, {detect.epochs} epochs at {detect.image_size} pixels for every method"


def commands(params: config.Params) -> list[str]:
    """Return the commands that make these numbers again, the changes to the profile included."""
    words = ["t2p params", params.profile]
    changes = _changes(params)
    options = dict.fromkeys(option for key in changes if (option := _place(key)))
    words += [f"{option} …" for option in options]
    # --phrases sets these, too.
    implied = {"encoders", "train.encoder"} if "--phrases" in options else set()
    for key, value in changes.items():
        if _place(key) is None and key not in implied:
            words.append(f"--set {key}={json.dumps(value)}" if not isinstance(value, str) else f"--set {key}={value!r}")
    return [" ".join(words), "dvc repro", "t2p publish"]


def caveats(results: Results, params: config.Params) -> list[str]:
    """Return what a reader should know before quoting a number, each a sentence."""
    found = [
        "Intervals and tests are over test pairs: what another training seed would change is not in them.",
        "SF, AG, EN and SD grow with noise and with contrast: read them together with VIF, Qabf and SSIM.",
        "Several metrics measure nearly the same. The rank counts one of each group, chosen by correlation on "
        "validation pairs before any result was seen; beside it is the rank over all metrics, near-copies included.",
        "Times are of this machine and hold only within one table.",
    ]
    simulated = [data.adapter.title for data in results.datasets if data.adapter.embedded]
    if simulated:
        found.append(f"The pairs of {', '.join(simulated)} are simulated.")
    if params.train.encoder == "hash":
        found.append("The text encoder is `hash`: its vectors tell phrases apart but mean nothing.")
    if params.train.prompts != "none" and params.fuse.prompt is None:
        found.append(
            "Each pair was fused under its own prompt; where it is labelled, that prompt is made of the boxes that "
            "detection is tested on."
        )
    for data in results.datasets:
        labelled = sum(pair.labelled for pair in data.test)
        if 0 < labelled < 100:
            found.append(f"Detection on {data.adapter.title} rests on {labelled} labelled test pairs.")
        if len(data.quarantine):
            found.append(f"{len(data.quarantine)} files or pairs of {data.adapter.title} were quarantined.")
    left_out = [entry.card.title for name, entry in methods().items() if name not in results.methods]
    if left_out:
        found.append(f"Not in this run: {', '.join(left_out)}.")
    found.append(f"Cannot be run, or not honestly: {', '.join(method.title for method in NOT_RUNNABLE)}.")
    return found


def _changes(params: config.Params) -> dict[str, Any]:
    """Return the dotted keys, and values, in which the parameters differ from their profile's."""
    if params.profile not in profile_names():
        return {}
    before, after = _flat(_plain(params_file.parse(read_profile(params.profile)))), _flat(_plain(params))
    return {key: value for key, value in after.items() if before.get(key) != value and not key.startswith("methods.")}


def _plain(params: config.Params) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(asdict(params)))  # tuples to lists
    return plain


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _place(key: str) -> str | None:
    """Return the option that names what a key holds; None for a key that holds no place."""
    if key.startswith("datasets.") and not key.endswith(".path"):
        return None
    return next((option for name, option in PLACES.items() if key == name or key.startswith(f"{name}.")), None)


def _git(*arguments: str) -> bytes | None:
    """Return git's output; None where git is not installed, or fails."""
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return answer.stdout if answer.returncode == 0 else None


def _lock() -> str:
    """Return the hash of dvc.lock as it is committed.

    DVC changes the file once more after this stage, so the hash that it has now is soon that of no file. The one shown
    is that of `git show HEAD:dvc.lock | sha256sum`.
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
