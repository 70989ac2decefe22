"""params.yaml and the files of profiles/: read strictly, and checked once, at the door.

An unknown or ill-typed key, or a number out of its bounds, is an error that names its path. A stage sees
only the sections that it declares: `load` hands out nothing else, and tests/test_contracts.py holds the
declaration against dvc.yaml, so a parameter that a stage reads is a parameter that DVC watches.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from typing import Any, cast

from text2pixels import layout, yaml_files
from text2pixels.config import Losses, Network, Params, Retrain, Train
from text2pixels.errors import InputError
from text2pixels.registry import look_up

PARAMS_FILE = Path("params.yaml")

# The user's files that DVC watches: dvc.yaml has each as a dependency. DVC cannot leave out a dependency that
# is null, so params.yaml names a small file of this repository in its place.
WATCHED = (
    ("prompt", "csv"),
    ("embed", "table"),
    ("train", "start"),
    ("fuse", "weights"),
    ("fuse", "results"),
    ("detect", "weights"),
)
NOT_GIVEN = "profiles/not-given"

# Names become folders and words of commands, so they hold nothing that means something to either. Keys that
# DVC watches (`datasets.NAME`, `methods.NAME`) have no dot besides: DVC would look for a section below.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# What is no method, but stands beside methods: a folder of models/, and two rows of the detection tables.
_RESERVED = {"detector", "early", "late"}

_LISTS = ("datasets", "methods")  # sections that list what there is: a profile that has one replaces it whole

# What stands under a method that is not ours: its own options, how it is trained again, where its images are.
_OF_OTHERS = ("options", "retrain", "folder", "checkpoint")

_SHOWN = 60  # characters of a wrong value in a message


class _Declared:
    """Params that answer only for the sections that were asked for."""

    def __init__(self, params: Params, sections: tuple[str, ...]) -> None:
        self._params, self._sections = params, sections

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        assert name in self._sections, f"section '{name}' is read but not declared (see dvc.yaml)"
        return getattr(self._params, name)


def load(sections: Iterable[str], path: Path | None = None) -> Params:
    """Return the named sections of params.yaml; any other attribute fails an assertion.

    Raises:
        InputError: the file is missing, is not YAML, or has an unknown or ill-typed key.
    """
    return cast(Params, _Declared(parse(read_yaml(path or PARAMS_FILE), str(path or PARAMS_FILE)), tuple(sections)))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        InputError: missing, or not what `yaml_files.read_mapping` takes.
    """
    return yaml_files.read_mapping(path, "write it with: t2p params demo")


def profile_names() -> list[str]:
    """Return the names of the profiles beside params.yaml."""
    return sorted(path.stem for path in layout.PROFILES.glob("*.yaml"))


def read_profile(name: str) -> dict[str, Any]:
    """Return what a profile holds, on top of the profile that it extends.

    Sections are merged key by key, but for those that list what there is (`datasets`, `methods`): a profile
    that has them has its own list.

    Raises:
        InputError: an unknown profile, or one that extends itself.
    """
    seen: list[str] = []
    layers: list[dict[str, Any]] = []
    while name is not None:
        path = look_up({known: layout.profile(known) for known in profile_names()}, name, "profile")
        if name in seen:
            raise InputError(f"{path}: extends itself: {' -> '.join([*seen, name])}")
        seen.append(name)
        layers.append(read_yaml(path))
        name = layers[-1].pop("extends", None)
        if not isinstance(name, str | None):
            raise InputError(f"{path}: extends: expected the name of one profile, found {name!r}")
    content: dict[str, Any] = {}
    for layer in reversed(layers):
        for key, value in layer.items():
            merge = isinstance(value, dict) and isinstance(content.get(key), dict) and key not in _LISTS
            content[key] = content[key] | value if merge else value
    return content


def parse(data: dict[str, Any], origin: str = "params.yaml") -> Params:
    """Check a mapping against `Params`.

    Raises:
        InputError: one line that names the path of the first offending key, and how many more there are.
    """
    # pydantic comes with the extra `pipeline`, and is not needed to import this module.
    from pydantic import TypeAdapter, ValidationError

    missing = [section.name for section in fields(Params) if _is_required(section) and section.name not in data]
    if len(missing) > 1:
        found = ", ".join(map(str, data)) or "nothing"
        found = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}…"
        raise InputError(
            f"{origin} is no params.yaml of text2pixels, or not all of one: it lacks {', '.join(missing)} (it has "
            f"{found}); a complete one is written by: t2p params demo, which keeps a copy of this one"
        )
    try:
        # JSON mode: strict about types, yet a YAML list is a tuple. A copy: the caller's mapping stays as it is.
        data = json.loads(json.dumps(data))
        for section in ("datasets", "methods"):  # a name with nothing under it has nothing to change
            if isinstance(data.get(section), dict):
                data[section] = {name: {} if value is None else value for name, value in data[section].items()}
        for section, key in WATCHED:
            if isinstance(data.get(section), dict) and data[section].get(key) == NOT_GIVEN:
                data[section][key] = None
        params = TypeAdapter(Params).validate_json(json.dumps(data))
    except ValidationError as error:
        raise InputError(_first_problem(error.errors(include_url=False), origin)) from error
    except (TypeError, ValueError, RecursionError) as error:  # no file's mapping: what JSON lacks, a ring
        raise InputError(f"{origin}: {error}") from error
    if not params.train.datasets:
        params = replace(params, train=replace(params.train, datasets=tuple(params.datasets)))
    _check_names(params, origin)
    for name in params.methods:
        with_overrides(params, name)
        retraining(params, name)
    return params


def _is_required(section: Field[Any]) -> bool:
    return section.default is MISSING and section.default_factory is MISSING


def is_key(name: str) -> bool:
    """Say whether a data set or a method may be called so: a folder's name, and a word of a command."""
    return _KEY.fullmatch(name) is not None and not name.endswith(".part")


def _check_names(params: Params, origin: str) -> None:
    """Refuse names that would be another folder, another command, or another's name."""
    for section, names, allowed in (
        ("datasets", params.datasets, _KEY),
        ("methods", params.methods, _KEY),
        ("encoders", params.encoders, _NAME),
    ):
        for name in names:
            if not allowed.fullmatch(name) or name.endswith(".part"):
                dots = "" if allowed is _KEY else " and dots"
                raise InputError(
                    f"{origin}: {section}: {name!r} is no name: letters, digits, hyphens, underscores{dots}, "
                    "a letter or digit first, at most 64"
                )
    for section, group in (("datasets", list(params.datasets)), ("methods", list(params.methods))):
        folded = [name.casefold() for name in group]
        for name in group:
            if folded.count(name.casefold()) > 1:
                raise InputError(f"{origin}: {section}: '{name}' is there twice: every name is a folder of its own")
    for name in params.methods:
        if name.casefold() in _RESERVED:
            raise InputError(f"{origin}: '{name}' is a name that the pipeline has taken: name the method otherwise")


def with_overrides(params: Params, method: str) -> tuple[Network, Losses, Train]:
    """Return the three sections that a method is trained with.

    Raises:
        InputError: an override names an unknown section or key, or has the wrong type.
    """
    from pydantic import TypeAdapter, ValidationError

    sections: dict[str, Any] = {"network": params.network, "losses": params.losses, "train": params.train}
    for name, changes in params.methods[method].items():
        if name in _OF_OTHERS:
            continue  # of what is not trained as ours is: `methods.catalogue.entry_of` and `retraining` look at it
        if name not in sections:
            raise InputError(f"methods.{method}: unknown section '{name}'; known: {', '.join(sections)}")
        kind = type(sections[name])
        merged = {entry.name: getattr(sections[name], entry.name) for entry in fields(kind)} | changes
        try:
            sections[name] = TypeAdapter(kind).validate_json(json.dumps(merged))
        except ValidationError as error:
            raise InputError(_first_problem(error.errors(include_url=False), f"methods.{method}.{name}")) from error
    return sections["network"], sections["losses"], sections["train"]


def retraining(params: Params, method: str) -> Retrain | None:
    """Return how a method of other authors is trained again; None where params.yaml does not ask for it.

    Raises:
        InputError: an unknown key, or a value of the wrong type.
    """
    from pydantic import TypeAdapter, ValidationError

    if "retrain" not in params.methods[method]:
        return None
    try:
        return TypeAdapter(Retrain).validate_json(json.dumps(params.methods[method]["retrain"]))
    except ValidationError as error:
        raise InputError(_first_problem(error.errors(include_url=False), f"methods.{method}.retrain")) from error


def _first_problem(problems: list[Any], origin: str) -> str:
    first = problems[0]
    where = ".".join(str(part) for part in first["loc"]) or "(top level)"
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        what = "unknown key"
    elif first["type"] in ("missing", "missing_argument"):
        what = "missing"
    else:
        found = repr(first["input"])
        found = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}…"
        what = f"{first['msg'][:1].lower()}{first['msg'][1:]}, found {found}"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{origin}: {where}: {what}{more}"
