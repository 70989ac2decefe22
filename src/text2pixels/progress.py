"""Progress bars and notes: one look everywhere, on standard error; bars are silent in a pipe but for the last line."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Item = TypeVar("Item")

_ALIKE = 3  # notes of one wording that are said in full

console = Console(stderr=True)


def bar(shown: bool = True) -> Progress:
    """Return a progress display with count, elapsed time and time left; or one that shows nothing."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not shown,
    )


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Iterate with a progress bar."""
    with bar() as progress:
        task = progress.add_task(description, total=total if total is not None else _length(items), note="")
        for item in items:
            yield item
            progress.advance(task)


def say(notes: Iterable[str]) -> None:
    """Print notes on standard error; of many that differ in the file alone, the first and how many more."""
    seen: Counter[str] = Counter()
    for note in notes:
        wording = note.partition(": ")[2] or note
        seen[wording] += 1
        if seen[wording] <= _ALIKE:
            typer.echo(note, err=True)
    for wording, count in seen.items():
        if count > _ALIKE:
            typer.echo(f"{count - _ALIKE} more: {wording}", err=True)


def _length(items: Iterable[Item]) -> int | None:
    try:
        return len(items)  # type: ignore[arg-type]
    except TypeError:
        return None


def report(description: str, unit: str, done: int, total: int, values: Mapping[str, float], seconds: float) -> None:
    """Print one line of a training, as a log keeps it where nobody sees a bar move.

    Args:
        description: of the training.
        unit: what is counted: "epoch" or "step".
        done: how many so far.
        total: how many in all.
        values: what the last ones came to, by name.
        seconds: that one takes.
    """
    numbers = "".join(f"{name} {value:.4g}, " for name, value in values.items())
    left = round(seconds * (total - done))
    line = f"{description}: {unit} {done:,} of {total:,}, {numbers}{left:,} s left"
    console.print(line, soft_wrap=True, highlight=False)
