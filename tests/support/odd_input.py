"""docs/odd-input.md, whose tables are what tests saw: each test that spoils an input holds its row to what is said.

Written anew, which adds and changes rows:

    ODD_INPUT=write python -m pytest tests/datasets/test_bad_*.py tests/cli/test_faults.py
"""

import os
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/odd-input.md"
WRITING = os.environ.get("ODD_INPUT") == "write"
_LONGEST = 150  # characters of a message in a row


def hold(section: str, kind: str, done: str, message: str) -> None:
    """Make sure that the page's row of a kind of input says what happened; in writing, make it so.

    Args:
        section: heading of its table.
        kind: of input; the row's first cell.
        done: second cell.
        message: third cell, as a user sees it.
    """
    row = f"| {_cell(kind)} | {_cell(done)} | {_cell(message)} |"
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    if row in lines:
        return
    assert WRITING, f"docs/odd-input.md is not current; see tests/support/odd_input.py for how to write it: {row}"
    start = lines.index(f"## {section}")
    first = next(index for index in range(start, len(lines)) if lines[index].startswith("| ---")) + 1
    end = next((index for index in range(first, len(lines)) if not lines[index].startswith("|")), len(lines))
    rows = {line.split(" | ")[0]: line for line in lines[first:end]} | {row.split(" | ")[0]: row}
    lines[first:end] = [rows[key] for key in sorted(rows)]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(text: str) -> str:
    """Return text for a cell: one line, no markup, and no number or path of this run."""
    text = re.sub(r"/\S*/test_[^/ ]+/", "", text)
    text = re.sub(r"x{40,}", "xxx…", " ".join(text.split()))
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return re.sub(r"([|<>*`\\\[])", r"\\\1", text)
