"""docs/method.md names code and tests: they exist, and no equation is missing."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from text2pixels.config import Losses

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/method.md").read_text()


def defined(path):
    """Return the names of a module's functions, classes and constants."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def test_every_name_in_the_tables_exists():
    named = re.findall(r"`((?:src|tests)/[\w/]+\.py)::(\w+)`", TEXT)
    assert len(named) > 30
    missing = [f"{path}::{name}" for path, name in named if name not in defined(ROOT / path)]
    assert not missing


def test_every_equation_has_code_and_a_test():
    table = TEXT[: TEXT.index("## Chosen")]
    for number in range(1, 12):
        (row,) = [line for line in table.splitlines() if line.startswith(f"| ({number}) ")]
        assert "`src/" in row
        assert "`tests/" in row
        assert "::test_" in row


@pytest.mark.parametrize("weight", [each.name for each in fields(Losses) if each.type in (float, "float")])
def test_every_weight_of_the_losses_has_a_row_a_curve_with_its_caption_and_a_test(weight):
    said = "CONTRIBUTING.md has the table of what a loss needs"
    rows = [line for line in TEXT.splitlines() if line.startswith(f"| `{weight}` |")]
    assert len(rows) == 1, f"docs/method.md lacks the row of losses.{weight}: {said}"
    _, _, term, curves, test, _ = rows[0].split("|")
    assert term.strip(), f"losses.{weight}: its row in docs/method.md says nothing: {said}"
    captions = (ROOT / "src/text2pixels/report/templates/training.html").read_text()
    for curve in re.findall(r"`(\w+)`", curves):
        assert f'  "{curve}": "' in captions, f"templates/training.html has no caption of the curve {curve}: {said}"
    assert re.search(r"`tests/.+::test_\w+`", test), f"losses.{weight} names no test: {said}"
