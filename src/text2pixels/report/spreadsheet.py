"""Text in CSV files that a spreadsheet program shows as text instead of computing it."""

import pandas as pd
from pandas.api.types import is_numeric_dtype

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a cell begins with that a spreadsheet program computes


def as_text(value: object) -> object:
    """Return a value with an apostrophe before text that a spreadsheet would run as a formula.

    Names of classes, pairs and methods come from data, and `=HYPERLINK(...)` in a cell would be a
    link that sends the row's neighbours elsewhere. Numbers, and text that is one number, stay as they are.
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def table_as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns of text went through `as_text`."""
    return table.assign(
        **{str(name): column.map(as_text) for name, column in table.items() if not is_numeric_dtype(column)}
    )
