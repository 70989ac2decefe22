"""What the published numbers rest on, in words: facts, the commands that made them, caveats."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from text2pixels import config, params_file
from text2pixels.analysis.ablations import settings_of
from text2pixels.analysis.results import Results
from text2pixels.files import sha256
from text2pixels.methods.built_in import NOT_RUNNABLE
from text2pixels.methods.catalogue import methods
from text2pixels.params_file import profile_names, read_profile
from text2pixels.report.provenance import provenance

# Keys whose values are places on one machine, and the option of `t2p params` that names them on another.
PLACES = {"datasets": "--data", "fuse.weights": "--weights", "detect.weights": "--weights", "embed.table": "--phrases"}


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
    """Say how our networks were trained: in this run, or before it, as their cards tell."""
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
    """Return the commands that make these numbers again, with the changes to the profile that were made."""
    words = ["t2p params", params.profile]
    changes = _changes(params)
    options = dict.fromkeys(option for key in changes if (option := _place(key)))
    words += [f"{option} …" for option in options]
    # What --phrases sets along with the table.
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
