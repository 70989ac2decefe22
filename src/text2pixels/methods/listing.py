"""The catalogue as people read it: a table, and where to get what is missing."""

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from text2pixels.methods.catalogue import methods
from text2pixels.methods.weights import RETRAINED, WeightFile, file_status, status


def as_table(folder: Path | None) -> Table:
    """Return every method with its paper, licence, cost and weights.

    Args:
        folder: of the authors' weights; None: none are here.
    """
    found = methods()
    place = folder or "(no folder given: --weights)"
    table = Table(title=f"{len(found)} methods; weights looked for in {escape(str(place))}")
    for column in ("name", "paper", "year", "licence", "parameters", "weights", "to 8 bits"):
        table.add_column(column, justify="right" if column == "parameters" else "left", overflow="fold")
    for name, entry in found.items():
        card = entry.card
        table.add_row(
            name,
            card.paper,
            str(card.year or ""),
            card.licence,
            f"{card.parameters:,}" if card.parameters else "",
            f"{card.weights}: {status(card.files, folder)}" if card.files else card.weights,
            card.eight_bits,
        )
    return table


def weight_files(folder: Path | None) -> list[str]:
    """Return, for each file of weights, whether it is here, where it goes and comes from, size and SHA-256."""
    lines = []
    for name, entry in methods().items():
        for file in entry.card.files:
            size = f", {file.megabytes:g} MB" if file.megabytes else ""
            state = file_status(file, folder)
            lines.append(f"weights {state}: {name}: FOLDER/{file.name}, from {file.source}{size}")
            lines.append(f"  {_digest(file)}")
    return lines


def retrained() -> list[str]:
    """Return the line that says which methods come with weights trained here, and where those are."""
    names = ", ".join(name for name, entry in methods().items() if entry.recipe and (RETRAINED / name).is_dir())
    if not names:
        return [f"trained again here, for whoever has no official file: {RETRAINED} in a checkout of the repository"]
    return [f"trained again here, for whoever has no official file: {names}: t2p fuse ... --model {RETRAINED}/NAME"]


def options() -> list[str]:
    """Return, for each method that has any, its options and their values."""
    return [
        f"options of {name}: {', '.join(f'{key}={value}' for key, value in entry.card.options.items())}"
        for name, entry in methods().items()
        if entry.card.options
    ]


def _digest(file: WeightFile) -> str:
    if file.sha256:
        return f"sha256 {file.sha256}"
    if file.quoted_sha256:
        return f"sha256 {file.quoted_sha256}; any other file is taken, too, and called unverified"
    if file.git_blob:
        return f"sha256 not known: any file is taken, called unverified unless git hash-object gives {file.git_blob}"
    return "sha256 not known: any file is taken, and called unverified"
