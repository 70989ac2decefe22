"""Profiles: files from which params.yaml is written, checked before anything is replaced.

A profile holds what it changes; params.yaml holds every section in full, because DVC watches only
what is in the file, and so that nothing that shaped a result is left to a default.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from text2pixels import config
from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.registry import look_up

FOLDER = Path("profiles")
_HEADER = """\
# The pipeline's one configuration. Written by `t2p params`; edit it here, or change a profile and write
# it again. What each key means: src/text2pixels/config.py. A file that is not given is profiles/not-given.
"""
YOLO = "yolov5/yolov5n.pt"  # below the folder of weights
RAW = "data/raw/"  # what `data` replaces in a profile's paths


def names() -> list[str]:
    """Return the names of the profiles beside params.yaml."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def write_params(
    profile: str | None,
    changes: dict[str, Any],
    *,
    data: str | None = None,
    weights: str | None = None,
    phrases: str | None = None,
) -> tuple[config.Params, dict[str, str]]:
    """Write params.yaml from a profile, or from itself, with changes.

    Baselines whose weights are not here leave the benchmark, visibly: they are returned with the way
    to get them, not written. Data sets that are not here stay, and are returned likewise.

    Args:
        profile: a file of profiles/ without its suffix; None keeps params.yaml as it is.
        changes: dotted key -> value, for example ``{"train.epochs": 2}``.
        data: folder that takes the place of ``data/raw`` in the data sets' paths.
        weights: folder of other methods' official weights; a YOLOv5 file in it starts the detector.
        phrases: Parquet of phrase vectors; the encoder becomes ``table``.

    Raises:
        InputError: unknown profile, key, baseline or data set, a value of the wrong type, or ``data``
            lacks a data set; params.yaml stays as it was.
    """
    origin = config.PARAMS_FILE
    if profile is not None:
        origin = look_up({name: FOLDER / f"{name}.yaml" for name in names()}, profile, "profile")
    content = config.read_yaml(origin)
    for key, value in changes.items():
        _set(content, key, value)
    if data is not None:
        for name, source in content["datasets"].items():
            if str(source.get("path", "")).startswith(RAW):
                content["datasets"][name]["path"] = str(Path(data) / source["path"].removeprefix(RAW))
    if weights is not None:
        _set(content, "fuse.weights", weights)
        detector = Path(weights) / YOLO
        if detector.is_file():
            _set(content, "detect.weights", str(detector))
    if phrases is not None:
        _set(content, "embed.table", phrases)
        _set(content, "encoders", ["table"])
        _set(content, "train.encoder", "table")
    params = config.parse(content, str(origin))
    missing = _missing_weights(params)
    params = replace(params, baselines=tuple(name for name in params.baselines if name not in missing))
    absent = _missing_data(params)
    if data is not None and absent:
        raise InputError(next(iter(absent.values())))
    with whole_file(config.PARAMS_FILE) as aside:
        aside.write_text(render(params))
    return params, missing | absent


def _missing_weights(params: config.Params) -> dict[str, str]:
    """Return the baselines that cannot run for lack of weights, each with the way to get them."""
    # The table of baselines imports torch, which the rest of this module does without.
    from text2pixels.methods.catalogue import BASELINES
    from text2pixels.methods.weights import check

    folder = Path(params.fuse.weights) if params.fuse.weights else None
    missing = {}
    for name in params.baselines:
        try:
            check(name, look_up(BASELINES, name, "method").files, folder)
        except InputError as error:
            if name not in BASELINES:
                raise
            missing[name] = str(error)
    return missing


def _missing_data(params: config.Params) -> dict[str, str]:
    """Return the data sets whose raw files are not where params.yaml says, each with the way to get them."""
    from text2pixels.datasets.catalogue import adapter_of
    from text2pixels.datasets.source import how_to_get

    absent = {}
    for name, source in params.datasets.items():
        adapter = adapter_of(name, source)
        if not adapter.embedded and source.path is not None and not Path(source.path).exists():
            absent[name] = f"datasets.{name}.path: nothing at {source.path}. {how_to_get(adapter, source.path)}"
    return absent


def render(params: config.Params) -> str:
    """Return the text of params.yaml."""
    content = json.loads(json.dumps(asdict(params)))  # tuples to lists, which safe_dump knows
    for section, key in config.WATCHED:
        content[section][key] = content[section][key] or config.NOT_GIVEN
    return _HEADER + yaml.safe_dump(content, sort_keys=False, width=100)


def parse_changes(changes: list[str]) -> dict[str, Any]:
    """Turn ``["train.epochs=2"]`` into ``{"train.epochs": 2}``; values are YAML.

    Raises:
        InputError: no "=", or a value that is not YAML.
    """
    parsed: dict[str, Any] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not (key and equals):
            raise InputError(f"'{change}' should read KEY=VALUE, for example train.epochs=2")
        try:
            parsed[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"'{value}' (for {key}) is not YAML") from error
    return parsed


def _set(content: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key; `config.parse` judges afterwards whether it exists and fits."""
    *sections, leaf = key.split(".")
    place = content
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise InputError(f"cannot set {key}: '{section}' is a value, not a section")
    place[leaf] = value
