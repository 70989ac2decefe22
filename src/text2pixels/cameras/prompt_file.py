"""A file of prompts beside two folders: which row speaks of which pair."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from text2pixels.errors import InputError
from text2pixels.prompts.phrases import KINDS, unique
from text2pixels.prompts.user_prompts import match, rows, separated_otherwise, split

_SHOWN = 5  # names in a line


@dataclass(frozen=True)
class PairPrompts:
    """Phrases of each pair that the file speaks of, and a line for each thing about it that is not plain."""

    phrases: dict[str, list[str]]
    notes: list[str]


def read_pair_prompts(path: Path, names: Collection[str], folders: Collection[str]) -> PairPrompts:
    """Read the prompts of pairs.

    A name may have a suffix, be in other letter case, or come with one of the two folders ("vis/001.png"). The "fine"
    phrases of a pair are taken before its "coarse" ones.

    Args:
        path: CSV with the columns name, phrases and optionally kind.
        names: of the pairs.
        folders: names of the two folders; rows of other folders are left out, and that is said.

    Raises:
        InputError: unreadable, an unknown name or kind, a pair given twice, or not one row that speaks of a pair.
    """
    found: dict[tuple[str, str], list[str]] = {}
    elsewhere: list[str] = []
    for line, row in rows(path):
        where = f"{path}, line {line}"
        given = PurePosixPath(row["name"].strip().replace("\\", "/"))
        owner = given.parent.name
        if owner and owner.casefold() not in {folder.casefold() for folder in folders}:
            elsewhere.append(str(given))
            continue
        name = match(given.name, names, where)
        kind = (row.get("kind") or "").strip()
        if kind and kind not in KINDS:
            raise InputError(f"{where}: kind '{kind}' should be {' or '.join(KINDS)}, or empty for both")
        for each in [kind] if kind else KINDS:
            if (name, each) in found:
                raise InputError(f"{where}: '{name}' has {each} phrases already; give each pair and kind once")
            found[name, each] = split(row["phrases"], where)
    own = {name: own for name in names if (own := found.get((name, "fine")) or found.get((name, "coarse")))}
    if not own:
        raise InputError(
            f"{path} has phrases for none of the {len(names)} pairs: its column name should hold their "
            f"names, such as {next(iter(names))}"
        )
    notes = [f"{len(own)} of {len(names)} pairs have phrases in {path}{_without(own, names)}"]
    notes += [f"{path}: {line}" for line in separated_otherwise(unique(chain(*own.values())))]
    if elsewhere:
        notes.append(f"{path}: {len(elsewhere)} rows speak of other folders and are left out: {_list(elsewhere)}")
    return PairPrompts(own, notes)


def _without(own: Collection[str], names: Collection[str]) -> str:
    rest = [name for name in names if name not in own]
    return f"; the others are fused without text: {_list(rest)}" if rest else ""


def _list(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
