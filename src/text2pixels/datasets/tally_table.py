"""The table that ends an ingest: what came in, what did not and why, and who is in which split."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from text2pixels.datasets.admission import Tally
from text2pixels.datasets.leaks import Leak
from text2pixels.datasets.manifest import SPLITS

_NAMED = 3  # look-alikes and notes that are named


def print_tally(tally: Tally, split_rule: str, console: Console | None = None) -> None:
    """Print the tables of a run; every row of the first adds up."""
    console = console or Console()
    totals = Table("", "found", "in", "quarantined", "out with their pair", title=f"ingest {tally.dataset}")
    for what, count in tally.counts().items():
        totals.add_row(what, *map(str, (count.found, count.admitted, count.quarantined, count.along)))
    console.print(totals)
    if tally.quarantined:
        reasons = Table("what", "why", "how many", "first", title="quarantined")
        for (kind, reason), number in sorted(Counter((row.kind, row.reason) for row in tally.quarantined).items()):
            reasons.add_row(kind, reason, str(number), escape(tally.first_of[kind, reason]))
        console.print(reasons)
    splits = Table("split", "pairs", "labelled", "boxes", title=f"splits: {split_rule}")
    for split in SPLITS:
        splits.add_row(split, *(str(tally.splits[split, what]) for what in ("pairs", "labelled", "boxes")))
    console.print(splits)
    if tally.notes:
        lines = "\n".join(note.encode("utf-8", "backslashreplace").decode() for note in tally.notes[:_NAMED])
        console.print(f"{len(tally.notes)} notes on images that came in, the first:\n{lines}", markup=False)
    if tally.leaks:
        nearest = "; ".join(f"{leak.first} ~ {leak.second}" for leak in tally.leaks[:_NAMED])
        console.print(f"{len(tally.leaks)} look-alikes across splits, nearest first: {nearest}", markup=False)


def print_leaks(leaks: Sequence[Leak], datasets: Sequence[str]) -> None:
    """Print what shows on both sides of a split, within and across data sets."""
    table = Table("first", "second", "by", "bits", title=f"leaks in {', '.join(datasets) or 'nothing'}: {len(leaks)}")
    for leak in leaks:
        table.add_row(escape(leak.first), escape(leak.second), leak.how, str(leak.bits))
    Console().print(table)
