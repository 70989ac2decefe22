"""The user's own prompts: a CSV with the columns `name` and `phrases`, and optionally `kind`.

`name` is a pair's name ("FLIR_00006") or, where one file serves several data sets, its pair_id
("roadscene/FLIR_00006"), in any letter case and with or without a suffix; `phrases` are separated by
semicolons; `kind` is "coarse" or "fine", and a row without it stands for both.
"""

import csv
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from text2pixels.errors import InputError
from text2pixels.image import SUFFIXES
from text2pixels.prompts.phrases import KINDS, LONGEST, tidy, unique

REQUIRED = ("name", "phrases")
OPTIONAL = ("kind",)


def read_csv(path: Path, dataset: str, names: Collection[str]) -> dict[tuple[str, str], list[str]]:
    """Return the phrases by (name, kind) of the rows that speak of this data set.

    Args:
        path: the CSV file, UTF-8.
        dataset: rows whose name starts with another data set's ("other/NAME") are left to that one.
        names: of the data set's pairs.

    Raises:
        InputError: unreadable, a column is missing or unknown, a name is unknown or given twice, a
            phrase is too long, or a row has no phrases. One line, with the line number.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for line, row in rows(path):
        where = f"{path}, line {line}"
        owner, _, given = row["name"].strip().replace("\\", "/").rpartition("/")
        if owner and owner.casefold() != dataset.casefold():
            continue
        name = match(given, names, f"{where}: data set '{dataset}'")
        kind = (row.get("kind") or "").strip()
        if kind and kind not in KINDS:
            raise InputError(f"{where}: kind '{kind}' should be {' or '.join(KINDS)}, or empty for both")
        phrases = split(row["phrases"], where)
        for each in [kind] if kind else KINDS:
            if (name, each) in found:
                raise InputError(f"{where}: '{name}' has {each} phrases already; give each pair and kind once")
            found[name, each] = phrases
    return found


def match(given: str, names: Collection[str], where: str) -> str:
    """Return the pair that a row speaks of: by its name, without a suffix of images, or in other letter case.

    Raises:
        InputError: there is none, or several that differ in letter case.
    """
    suffix = PurePosixPath(given).suffix
    stem = given.removesuffix(suffix) if suffix.lower() in SUFFIXES else given
    for wanted in (given, stem):
        if wanted in names:
            return wanted
    alike = [name for name in names if name.casefold() in (given.casefold(), stem.casefold())]
    if len(alike) == 1:
        return alike[0]
    near = alike or get_close_matches(stem, names, n=3, cutoff=0.5)
    few = f"there are {len(names)} pairs, such as {min(names)}" if names else "there are no pairs"
    hint = f"did you mean {' or '.join(sorted(near))}?" if near else few
    raise InputError(f"{where}: there is no pair '{given}'; {hint}")


def split(text: str, where: str) -> list[str]:
    """Split a text into phrases at semicolons and bring each into the form that is encoded.

    Raises:
        InputError: there is no phrase, or one is too long.
    """
    phrases = unique(phrase for phrase in map(tidy, text.split(";")) if phrase)
    if not phrases:
        raise InputError(f"{where}: no phrases; write for example: a person; a car; at night")
    for phrase in phrases:
        if len(phrase) > LONGEST:
            raise InputError(
                f"{where}: the phrase '{phrase[:40]}…' has {len(phrase)} characters, at most {LONGEST} are encoded; "
                "split it with semicolons"
            )
    return phrases


def rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a file of prompts with their line numbers.

    Raises:
        InputError: unreadable, or a column is missing or unknown.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = [column.strip() for column in reader.fieldnames or ()]
            for column in REQUIRED:
                if column not in columns:
                    raise InputError(
                        f"{path}: column '{column}' is missing (found: {', '.join(columns) or 'nothing'}); "
                        f"expected the header: name,phrases[,kind]"
                    )
            for column in columns:
                if column not in REQUIRED + OPTIONAL:
                    raise InputError(f"{path}: unknown column '{column}'; expected the header: name,phrases[,kind]")
            reader.fieldnames = columns
            rows = []
            for row in reader:
                if None in row or any(row[column] is None for column in columns):
                    raise InputError(
                        f"{path}, line {reader.line_num}: expected {len(columns)} fields; "
                        "quote phrases that contain a comma"
                    )
                rows.append((reader.line_num, row))
            return rows
    except OSError as error:
        raise InputError(f"cannot read the prompts {path}: {error.strerror} (prompt.csv in params.yaml)") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise InputError(f"{path} is not a CSV file: {error}") from error
