"""The user's own prompts: a CSV with the columns `name` and `phrases`, and optionally `kind`.

`name` is a pair's name ("FLIR_00006") or, where one file serves several data sets, its pair_id
("roadscene/FLIR_00006"), in any letter case and with or without a suffix; `phrases` are separated by
semicolons; `kind` is "coarse" or "fine", and a row without it stands for both.

A typed phrase may end in a weight: "a person:1.5; a car:-0.5" (`weigh`). A phrase that says what is not there is
refused (`split`), because text encoders give "no person" nearly the vector of "a person".
"""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from text2pixels.errors import InputError
from text2pixels.files import check_size
from text2pixels.image import SUFFIXES
from text2pixels.prompts.phrases import KINDS, LONGEST, tidy, unique
from text2pixels.text_files import decode

REQUIRED = ("name", "phrases")
OPTIONAL = ("kind",)
_OTHER_SEPARATORS = (",", ". ", "|", "/", " + ", " & ", "\u3001", "\uff0c", "\uff1b")  # the last three are full-width
STRONGEST = 5.0  # bound of weights, positive and negative: far beyond it the fused image is black and white

_LARGEST = 100_000_000  # bytes of a file: 20,000 pairs with all phrases take a tenth of it

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)")
# "No" after an article belongs to a name: "a no entry sign".
_NEGATION = re.compile(
    r"\b(without|not|never|nobody|nothing|none|neither|nor|except|excluding|lacking|absent|isn't|aren't|don't)\b"
    r"|(?<!\ba )(?<!\bthe )\bno\b"
)


def read_csv(
    path: Path, dataset: str, names: Collection[str], set_aside: Collection[str] = ()
) -> dict[tuple[str, str], list[str]]:
    """Return the phrases by (name, kind) of the rows that speak of this data set.

    Args:
        path: the CSV file, UTF-8 or whatever its byte-order mark says.
        dataset: rows whose name starts with another data set's ("other/NAME") are left to that one.
        names: of the data set's pairs.
        set_aside: names of pairs in its quarantine, whose rows are left out with them.

    Raises:
        InputError: unreadable, a column is missing or unknown, a name is unknown or given twice, a
            phrase is too long, or a row has no phrases. One line, with the line number.
    """
    lost = set(set_aside).difference(names)
    known = {*names, *lost}

    def own(given: str, where: str) -> str | None:
        owner, given = _owned(given)
        if owner and owner.casefold() != dataset.casefold():
            return None
        name = match(given, known, f"{where}: data set '{dataset}'")
        return None if name in lost else name

    return by_pair(path, own, weights=False)


def by_pair(
    path: Path, pair_of: Callable[[str, str], str | None], weights: bool = True
) -> dict[tuple[str, str], list[str]]:
    """Return the phrases by (pair, kind); those of a row without a kind are there by either.

    Args:
        path: the CSV file, UTF-8 or whatever its byte-order mark says.
        pair_of: returns the pair that a row's name stands for, None to leave the row out; its second argument says
            which row it is, for an error.
        weights: whether a phrase may have a weight.

    Raises:
        InputError: as `rows`, `split` and ``pair_of``; or an unknown kind, a pair and kind given twice, or a weight
            where there may be none.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for line, row in rows(path):
        where = f"{path}, line {line}"
        pair = pair_of(row["name"].strip().replace("\\", "/"), where)
        if pair is None:
            continue
        kind = (row.get("kind") or "").strip()
        if kind and kind not in KINDS:
            raise InputError(f"{where}: kind '{kind}' should be {' or '.join(KINDS)}, or empty for both")
        phrases = split(row["phrases"], where)
        weighted = [phrase for phrase in phrases if weigh(phrase, where)[1] != 1]
        if weighted and not weights:
            raise InputError(
                f"{where}: '{weighted[0]}': a weight is for fusing (t2p fuse); training takes phrases as they are"
            )
        for each in [kind] if kind else KINDS:
            if (pair, each) in found:
                raise InputError(f"{where}: '{pair}' has {each} phrases already; give each pair and kind once")
            found[pair, each] = phrases
    return found


def other_sets(path: Path, dataset: str) -> list[str]:
    """Return what the rows that `read_csv` leaves to other data sets name in front of the pair.

    Raises:
        InputError: as `rows`.
    """
    owners = {_owned(row["name"].strip().replace("\\", "/"))[0] for _, row in rows(path)}
    return sorted(owner for owner in owners if owner and owner.casefold() != dataset.casefold())


def _owned(name: str) -> tuple[str, str]:
    """Split "roadscene/FLIR_00006" into data set and pair; the first is empty where there is none."""
    owner, _, given = name.rpartition("/")
    return owner, given


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

    A phrase keeps its weight behind a colon ("a car:0.5"), but for a weight of 1.

    Raises:
        InputError: there is no phrase, one is too long, is given with two weights or has a wrong one, or says what
            is not there.
    """
    weights: dict[str, float] = {}
    for phrase in unique(phrase for phrase in map(tidy, text.split(";")) if phrase):
        words, weight = weigh(phrase, where)
        if len(words) > LONGEST:
            raise InputError(
                f"{where}: the phrase '{words[:40]}…' has {len(words)} characters, at most {LONGEST} are encoded; "
                "split it with semicolons"
            )
        if _NEGATION.search(words.replace("’", "'")):
            raise InputError(
                f"{where}: '{words}' says what is not there, which text encoders read as its opposite: leave it out, "
                "or give what should stand back a negative weight, like a person:-1"
            )
        if weights.get(words, weight) != weight:
            raise InputError(f"{where}: '{words}' has two weights, {weights[words]:g} and {weight:g}: give it one")
        weights[words] = weight
    if not weights:
        raise InputError(f"{where}: no phrases; write for example: a person; a car; at night")
    return [words if weight == 1 else f"{words}:{weight:g}" for words, weight in weights.items()]


def weigh(phrase: str, where: str = "the prompt") -> tuple[str, float]:
    """Return a phrase without its weight, and the weight: ("a car", 0.5) of "a car:0.5", 1 where there is none.

    Raises:
        InputError: what stands behind the colon is no number from -5 to 5, or nothing stands before it.
    """
    words, colon, number = (part.strip() for part in phrase.rpartition(":"))
    if not colon:
        return phrase, 1.0
    if not words or ":" in words or not _NUMBER.fullmatch(number) or abs(float(number)) > STRONGEST:
        raise InputError(
            f"{where}: '{phrase[:60]}': a colon comes between a phrase and its weight, a number from {-STRONGEST:g} to "
            f"{STRONGEST:g}, like a person:1.5"
        )
    return words, round(float(number), 3) + 0.0  # not -0


def separated_otherwise(phrases: Iterable[str]) -> list[str]:
    """Return a line for each phrase that may be meant as several: it holds a comma, say, in place of a semicolon."""
    return [
        f"'{phrase}' is one phrase: several are separated by semicolons"
        for phrase in phrases
        if any(mark in phrase for mark in _OTHER_SEPARATORS)
    ]


def rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a file of prompts with their line numbers.

    Raises:
        InputError: unreadable, or a column is missing or unknown.
    """
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        columns = [column.strip() for column in reader.fieldnames or ()]
        for column in REQUIRED:
            if column not in columns:
                found = ", ".join(columns)[:100]
                raise InputError(
                    f"{path}: column '{column}' is missing (found: {found or 'nothing'}); "
                    "expected the header: name,phrases[,kind], with commas"
                )
        for column in columns:
            if column not in REQUIRED + OPTIONAL:
                raise InputError(f"{path}: unknown column '{column}'; expected the header: name,phrases[,kind]")
        if twice := [column for column in columns if columns.count(column) > 1]:
            raise InputError(f"{path}: column '{twice[0]}' is there twice: keep one of them")
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
    except csv.Error as error:
        raise InputError(f"{path} is not a CSV file: {error}") from error


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise InputError(f"cannot read the prompts {path}: it is no file (prompt.csv in params.yaml)")
    check_size(path, _LARGEST)
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read the prompts {path}: {error.strerror} (prompt.csv in params.yaml)") from error
    except ValueError as error:
        raise InputError(f"{path} is {error}") from error
