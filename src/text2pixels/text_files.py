"""Small text files from anywhere: UTF-8, or whatever their byte-order mark says."""

import codecs
from pathlib import Path

from text2pixels.errors import InputError

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Of names in the Internet and of source code; the first takes minutes for a megabyte.
_NOT_OF_FILES = ("punycode", "idna", "unicode_escape", "raw_unicode_escape")

MOST_BYTES = 5_000_000  # 20,000 boxes have one


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file of a text's size.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger; the message is one line.
    """
    if (size := path.stat().st_size) > MOST_BYTES:
        raise ValueError(f"{size:,} bytes; at most {MOST_BYTES:,} are read")
    return path.read_bytes()


def decode(data: bytes, otherwise: str = "utf-8") -> str:
    """Return the text of a file's bytes.

    Args:
        data: the whole file.
        otherwise: encoding of a file without byte-order mark.

    Raises:
        ValueError: it is in another encoding, or no text; the message is one line.
        LookupError: Python lacks the encoding, or it is one of `_NOT_OF_FILES`.
    """
    if otherwise.lower().replace("-", "_") in _NOT_OF_FILES:
        raise LookupError(f"the encoding {otherwise} is not of files; save it as UTF-8")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), otherwise)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"not {encoding.upper()} (byte {error.start}); save it as UTF-8") from error
    if "\0" in text:
        raise ValueError("not a text file (it holds zero bytes)")
    return text


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        InputError: it cannot be read, is larger than a text, is in another encoding, or is no text.
    """
    try:
        return decode(read_bytes(path))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file, stripped, without empty ones.

    Raises:
        InputError: see `read_text`.
    """
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]
