"""Tables in Markdown that read well rendered and as text: columns are padded to one width."""

from collections.abc import Sequence

from tabulate import tabulate  # type: ignore[import-untyped]


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a table; the first ``left`` columns are aligned left, numbers right.

    Args:
        columns: headings.
        rows: as many cells as columns.
        left: number of columns of words.
    """
    aligned = ["left" if index < left else "right" for index in range(len(columns))]
    text = tabulate(
        [[_one_cell(text) for text in row] for row in rows],
        [_one_cell(text) for text in columns],
        tablefmt="pipe",
        colalign=aligned if rows else None,
        disable_numparse=True,  # the cells are formatted already
    )
    return f"{text}\n"


def bold(text: str, really: bool = True) -> str:
    """Return text in bold."""
    return f"**{text}**" if really else text


def small(text: str) -> str:
    """Return text for a second, small line of a cell."""
    return f"<br><sub>{text}</sub>"


def _one_cell(text: str) -> str:
    """Escape what would end a cell or its row."""
    return text.replace("|", "\\|").replace("\n", " ")
