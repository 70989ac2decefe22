"""Profiles: files from which params.yaml is written, checked before anything is replaced.

A profile holds what it changes, of the defaults or of the profile that it extends. params.yaml holds every section in
full, because DVC watches only what is in the file, and so that no setting behind a result is left to a default.
"""

import json
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from text2pixels import config, layout, params_file, yaml_files
from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.methods.catalogue import entry_of
from text2pixels.methods.weights import check
from text2pixels.params_file import profile_names, read_profile

_HEADER = """\
# The pipeline's one configuration. Written by `t2p params`; edit it here, or change a profile and write
# it again. What each key means: src/text2pixels/config.py. A file that is not given is profiles/not-given.
"""
YOLO = "yolov5/yolov5n.pt"  # below the folder of weights
RAW = "data/raw/"  # what `data` replaces in a profile's paths


def write_params(
    profile: str | None,
    changes: dict[str, Any],
    *,
    data: str | None = None,
    weights: str | None = None,
    phrases: str | None = None,
) -> tuple[config.Params, dict[str, str]]:
    """Write params.yaml from a profile, or from itself, with changes.

    Methods whose weights are not here leave the benchmark, visibly: they are returned with the way
    to get them, not written. Data sets that are not here stay, and are returned likewise.

    Args:
        profile: a file of profiles/ without its suffix; None keeps params.yaml as it is.
        changes: dotted key -> value, for example ``{"train.epochs": 2}``.
        data: folder that takes the place of ``data/raw`` in the data sets' paths.
        weights: folder of other methods' official weights; a YOLOv5 file in it starts the detector.
        phrases: Parquet of phrase vectors; the encoder becomes ``table``.

    Raises:
        InputError: unknown profile, key, method or data set, a value of the wrong type, or ``data``
            lacks a data set; params.yaml stays as it was.
    """
    origin = params_file.PARAMS_FILE
    if profile is not None:
        origin = layout.profile(profile)
    content = read_profile(profile) if profile is not None else params_file.read_yaml(origin)
    for key, value in changes.items():
        _set(content, key, value)
    if data is not None:
        sources = content.get("datasets")
        # Whatever else stands there, `params_file.parse` refuses below.
        for source in sources.values() if isinstance(sources, dict) else ():
            if isinstance(source, dict) and f"{source.get('path', '')}/".startswith(RAW):
                source["path"] = str(Path(data) / f"{source['path']}/".removeprefix(RAW))
    if weights is not None:
        _set(content, "fuse.weights", weights)
        detector = Path(weights) / YOLO
        if detector.is_file():
            _set(content, "detect.weights", str(detector))
    if phrases is not None:
        _set(content, "embed.table", phrases)
        _set(content, "encoders", ["table"])
        _set(content, "train.encoder", "table")
    params = params_file.parse(content, str(origin))
    missing = _missing_weights(params)
    kept = {name: changes for name, changes in params.methods.items() if name not in missing}
    params = replace(params, methods=kept)
    absent = _missing_data(params)
    if data is not None and absent:
        raise InputError(next(iter(absent.values())))
    with whole_file(params_file.PARAMS_FILE) as aside:
        aside.write_text(render(params))
    return params, missing | absent


def keep_edited() -> Path | None:
    """Copy params.yaml, before it is replaced, if it was edited: if no profile gives the same file.

    Returns:
        The copy; None where there was nothing to lose.
    """
    if not params_file.PARAMS_FILE.is_file():
        return None
    text = params_file.PARAMS_FILE.read_text(encoding="utf-8", errors="replace")
    for name in profile_names():
        try:
            plain = params_file.parse(read_profile(name))
        except InputError:  # a profile of the user's own that is wrong: it gives no params.yaml
            continue
        missing = _missing_weights(plain)
        kept = replace(
            plain, methods={method: plain.methods[method] for method in plain.methods if method not in missing}
        )
        if text in (render(plain), render(kept)):
            return None
    copy = Path(".cache/params") / f"{datetime.now():%Y%m%d-%H%M%S}.yaml"
    with whole_file(copy) as aside:
        aside.write_text(text, encoding="utf-8")
    return copy


def without_git() -> str | None:
    """Return what to do where DVC would refuse to run because the working directory is in no git repository."""
    here = Path.cwd()
    settings = [Path(".dvc") / name for name in ("config", "config.local")]
    told = any("no_scm" in path.read_text(encoding="utf-8") for path in settings if path.is_file())
    if told or not Path(".dvc").is_dir() or any((folder / ".git").exists() for folder in (here, *here.parents)):
        return None
    return "this folder is no git repository: run git init, or tell DVC so: dvc config --local core.no_scm true"


def _missing_weights(params: config.Params) -> dict[str, str]:
    """Return the methods that cannot run for lack of weights, each with the way to get them.

    Raises:
        InputError: a method is unknown.
    """
    folder = Path(params.fuse.weights) if params.fuse.weights else None
    missing = {}
    for name, changes in params.methods.items():
        card = entry_of(name, changes).card
        try:
            check(name, card.files, folder)
        except InputError as error:
            missing[name] = str(error)
    return missing


def _missing_data(params: config.Params) -> dict[str, str]:
    """Return the data sets whose raw files are not where params.yaml says, each with the way to get them."""
    from text2pixels.datasets.archive import how_to_get
    from text2pixels.datasets.catalogue import adapter_of

    absent = {}
    for name, source in params.datasets.items():
        adapter = adapter_of(name, source)
        if not adapter.embedded and source.path is not None and not Path(source.path).exists():
            absent[name] = f"datasets.{name}.path: nothing at {source.path}. {how_to_get(adapter, source.path)}"
    return absent


def render(params: config.Params) -> str:
    """Return the text of params.yaml."""
    content = json.loads(json.dumps(asdict(params)))  # tuples to lists, which safe_dump knows
    for section, key in params_file.WATCHED:
        content[section][key] = content[section][key] or params_file.NOT_GIVEN
    return _HEADER + yaml_files.dump(content)


def parse_changes(changes: list[str]) -> dict[str, Any]:
    """Turn ``["train.epochs=2"]`` into ``{"train.epochs": 2}``; values are YAML.

    Raises:
        InputError: no "=", or a value that is not YAML.
    """
    parsed: dict[str, Any] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not (key and equals):
            raise InputError(f"'{change}' should read KEY=VALUE, for example seed=2")
        parsed[key] = yaml_files.parse(value, f"the value of {key}")
    return parsed


def _set(content: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key; `params_file.parse` judges afterwards whether it exists and fits."""
    *sections, leaf = key.split(".")
    place = content
    for section in sections:
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise InputError(f"cannot set {key}: '{section}' is a value, not a section")
    place[leaf] = value
