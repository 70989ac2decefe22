"""Parquet tables, read within bounds: a file of half a megabyte can stand for gigabytes.

What a file's footer says is judged before a value is read: columns, values, bytes. Text is first read as the file
has it, each different value once, to sum what it comes to when it is written out. Rows of Python's own objects take
some hundred bytes a value, so of those fewer are read.
"""

from pathlib import Path
from typing import Any

from text2pixels.errors import InputError
from text2pixels.extras import require
from text2pixels.files import check_size

MOST_COLUMNS = 1_000
MOST_VALUES = 100_000_000  # of all columns, members of lists counted: 400,000 vectors of 256 numbers
MOST_BYTES = 2**30
MOST_OBJECTS = 20_000_000  # values of a table that becomes Python's objects: 200,000 pairs with 15 boxes each


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a Parquet file as a list of rows, column name -> value.

    Args:
        path: Of the file, which is there.

    Raises:
        InputError: as `read_table`, with the bound of Python's objects.
    """
    rows: list[dict[str, Any]] = read_table(path, MOST_OBJECTS).to_pylist()
    return rows


def read_table(path: Path, most: int = MOST_VALUES) -> Any:  # noqa: ANN401  (the library is untyped)
    """Read a Parquet file as a pyarrow table.

    Args:
        path: Of the file, which is there.
        most: Values that are read.

    Raises:
        InputError: no whole Parquet file, or larger than the bounds of this module; pyarrow is not installed.
    """
    pa, pq = require("pyarrow", "train"), require("pyarrow.parquet", "train")
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"cannot read the table {path}: it is no file")
        check_size(path, MOST_BYTES)
        # In one piece: pyarrow opens a path twice, and another process may replace the file in between.
        content = pa.BufferReader(path.read_bytes())
        texts = _check_footer(path, pq.ParquetFile(content), most)
        if texts:
            short = pq.ParquetFile(content, read_dictionary=texts).read(columns=texts)
            _check_bytes(path, sum(_bytes(chunk) for column in short.columns for chunk in column.chunks))
        return pq.read_table(content)
    except InputError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise InputError(f"cannot read the table {path}: {error.strerror}") from error
        raise _broken(path, error) from error
    except (pa.ArrowException, ValueError) as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> InputError:
    said = " ".join(str(error).split())[:200]
    return InputError(f"{path} is no whole Parquet table ({said}): copy it again, or run what writes it")


def _check_footer(path: Path, file: Any, most: int) -> list[str]:  # noqa: ANN401
    """Return the columns of text.

    Raises:
        InputError: more than any table here has.
    """
    footer = file.metadata
    if footer.num_columns > MOST_COLUMNS:
        raise InputError(f"{path} has {footer.num_columns:,} columns; at most {MOST_COLUMNS:,} are read")
    groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
    values = sum(group.column(index).num_values for group in groups for index in range(footer.num_columns))
    values = max(values, footer.num_rows * footer.num_columns)
    if values > most:
        raise InputError(f"{path} has {values:,} values; at most {most:,} are read")
    _check_bytes(path, sum(group.total_byte_size for group in groups))
    columns = [file.schema.column(index) for index in range(footer.num_columns)]
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _bytes(array: Any) -> int:  # noqa: ANN401
    """Return the bytes of an array once its text is written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary)
        return int(pc.sum(pc.take(lengths, array.indices)).as_py() or 0) + int(array.nbytes)
    if pa.types.is_struct(array.type):
        return sum(_bytes(field) for field in array.flatten())
    if pa.types.is_list(array.type):
        return _bytes(array.flatten()) + 4 * len(array)
    return int(array.nbytes)


def _check_bytes(path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise InputError(f"{path} unpacks to {size:,} bytes; at most {MOST_BYTES:,} are read")
