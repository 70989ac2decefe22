"""The files of profiles/, each on top of the one that it extends."""

from typing import Any

from text2pixels import config, layout
from text2pixels.errors import InputError
from text2pixels.registry import look_up

_LISTS = ("datasets", "methods")  # sections that list what there is


def names() -> list[str]:
    """Return the names of the profiles beside params.yaml."""
    return sorted(path.stem for path in layout.profile("x").parent.glob("*.yaml"))


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
        path = look_up({known: layout.profile(known) for known in names()}, name, "profile")
        if name in seen:
            raise InputError(f"{path}: extends itself: {' -> '.join([*seen, name])}")
        seen.append(name)
        layers.append(config.read_yaml(path))
        name = layers[-1].pop("extends", None)
        if not isinstance(name, str | None):
            raise InputError(f"{path}: extends: expected the name of one profile, found {name!r}")
    content: dict[str, Any] = {}
    for layer in reversed(layers):
        for key, value in layer.items():
            merge = isinstance(value, dict) and isinstance(content.get(key), dict) and key not in _LISTS
            content[key] = content[key] | value if merge else value
    return content
