"""docs/methods.md says of each method what the catalogue says."""

import re
from pathlib import Path

import pytest
import torch

from text2pixels.methods.catalogue import methods

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/methods.md").read_text()
WEIGHTS = ROOT / "../shared/weights"
ROWS = [
    (re.findall(r"`([a-z0-9-]+)`", cells[0]), [cell.strip() for cell in cells])
    for cells in (line.strip("|\n ").split("|") for line in PAGE.splitlines() if line.startswith("| `"))
]
COMPARED = [(names, cells) for names, cells in ROWS if not cells[1].replace(",", "").isdigit()]
COSTS = [(names, cells) for names, cells in ROWS if cells[1].replace(",", "").isdigit()]


def test_every_method_has_a_row():
    assert [name for names, _ in COMPARED for name in names if name in methods()] == [
        name for names, _ in COMPARED for name in names
    ]
    assert {name for names, _ in COMPARED for name in names} == set(methods())


def test_the_rule_for_8_bits_is_the_cards():
    wrong = [name for names, cells in COMPARED for name in names if cells[3] != methods()[name].card.eight_bits]
    assert not wrong


def test_the_numbers_of_parameters_are_the_cards():
    found = {name: int(cells[1].replace(",", "")) for names, cells in COSTS for name in names if name != "ours"}
    assert found == {name: methods()[name].card.parameters for name in found}
    assert len(found) > 15


@pytest.mark.parametrize(
    ("name", "file"),
    [
        (name, methods()[name].card.files[0].name)
        for names, cells in COSTS
        for name in names
        if name != "ours" and cells[2] != "–" and len(methods()[name].card.files) == 1
    ],
)
def test_the_values_in_the_file_are_counted(name, file):
    """Positions of windows are a table that any size gives, not values of GIFNet's and TextFusion's authors."""
    if not (WEIGHTS / file).is_file():
        pytest.skip(f"weights missing: {file}")
    tensors = torch.load(WEIGHTS / file, map_location="cpu", weights_only=True)
    counted = sum(tensor.numel() for key, tensor in tensors.items() if not key.endswith("relative_positions"))
    printed = next(cells[2] for names, cells in COSTS if name in names)
    assert f"{counted:,}" == printed


def test_the_parity_of_the_papers_rivals_is_close_and_of_fixtures_that_are_there():
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (equal|[\d.]+) \| (\d+) \| [\d.]+%? \|$", PAGE, re.MULTILINE)
    assert {method for method, *_ in rows} >= {"ddcgan", "cddfuse", "segmif", "defusion"}
    for method, fixture, decibels, worst in rows:
        assert decibels == "equal" or float(decibels) >= 60, (method, fixture)
        # SegMiF truncates, stretches what is left, and truncates again: one level may become three.
        assert int(worst) <= (3 if method == "segmif" else 1), (method, fixture)
    given = ROOT / "../shared/reference/parity/given"
    if given.is_dir():
        assert not [row[:2] for row in rows if not (given / row[0] / f"{row[1]}.png").is_file()]
