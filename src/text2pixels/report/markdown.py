"""Tables in Markdown that read well rendered and as text: columns are padded to one width."""

from collections.abc import Sequence


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a table; the first ``left`` columns are aligned left, numbers right.

    Args:
        columns: headings.
        rows: as many cells as columns.
        left: number of columns of words.
    """
    cells = [[_plain(text) for text in row] for row in (columns, *rows)]
    widths = [max(3, *(len(row[index]) for row in cells)) for index in range(len(columns))]

    def line(row: Sequence[str]) -> str:
        padded = (
            text.ljust(width) if index < left else text.rjust(width)
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = " | ".join(
        ":" + "-" * (width - 1) if index < left else "-" * (width - 1) + ":" for index, width in enumerate(widths)
    )
    return "\n".join([line(cells[0]), f"| {rule} |", *(line(row) for row in cells[1:])]) + "\n"


def bold(text: str, really: bool = True) -> str:
    """Return text in bold."""
    return f"**{text}**" if really else text


def small(text: str) -> str:
    """Return text for a second, small line of a cell."""
    return f"<br><sub>{text}</sub>"


def _plain(text: str) -> str:
    """Keep a cell in its cell."""
    return text.replace("|", "\\|").replace("\n", " ")
