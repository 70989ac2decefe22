"""Registries are tables: a name, and what stands under it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from text2pixels.errors import InputError

Entry = TypeVar("Entry")


def look_up(table: Mapping[str, Entry], name: str, noun: str) -> Entry:
    """Return ``table[name]``.

    Raises:
        InputError: the name is unknown; the message names the nearest ones.
    """
    try:
        return table[name]
    except KeyError:
        raise InputError(unknown(name, table, noun)) from None


def unknown(name: str, known: Iterable[str], noun: str) -> str:
    """Return the one-line answer to an unknown name."""
    names = sorted(known)
    name = " ".join(name[:80].split())
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    return f"unknown {noun} '{name}'; {hint}"
