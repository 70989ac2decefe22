"""Text from data in CSV files: shown, never computed."""

import pandas as pd
import pytest

from text2pixels.report.data_files import as_text, table_as_text


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1+cmd", "-car", "@SUM(A1)", "\t=1", "-0.1 -0.2"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert as_text(text) == f"'{text}"


@pytest.mark.parametrize("value", ["car", "a=b", "-0.5", "+1e-3", "", -0.5, 3, None])
def test_numbers_and_other_text_stay(value):
    assert as_text(value) is value


def test_a_table_keeps_its_numbers(tmp_path):
    table = pd.DataFrame({"category": ["=1+1", "car"], "value": [-0.5, 0.25], "boxes": [-1, 2]})
    table_as_text(table).to_csv(tmp_path / "t.csv", index=False)
    assert (tmp_path / "t.csv").read_text() == "category,value,boxes\n'=1+1,-0.5,-1\ncar,0.25,2\n"
    assert table["category"][0] == "=1+1"
