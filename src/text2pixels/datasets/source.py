"""Where a set's raw files are: a folder, or an archive that is unpacked first; else what to do about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from text2pixels.datasets import archive
from text2pixels.datasets.adapter import Adapter
from text2pixels.errors import InputError


@contextmanager
def open_source(adapter: Adapter, path: str | None, scratch: Path) -> Iterator[Path]:
    """Give the folder that holds the raw files; an archive is unpacked below ``scratch``.

    Raises:
        InputError: nothing is there; the message says what to get from whom and where to put it.
    """
    if path is None:
        raise InputError(how_to_get(adapter, "<folder or archive>"))
    place = Path(path)
    if place.is_dir():
        yield place.absolute()  # what a worker elsewhere can open too
    elif archive.is_archive(place):
        yield archive.unpack(
            place, scratch.absolute(), dict((entry.name, entry.checksum) for entry in adapter.archives)
        )
    elif place.is_file():
        raise InputError(f"datasets.{adapter.name}.path: {path} is neither a folder nor a zip or tar archive")
    else:
        raise InputError(f"datasets.{adapter.name}.path: nothing at {path}. {how_to_get(adapter, path)}")


def how_to_get(adapter: Adapter, path: str) -> str:
    """Return one line: what to download, from whom, under which terms, and where to put it."""
    files = " and ".join(entry.name for entry in adapter.archives) or "the images"
    layout = " or ".join(f"{parts[0].infrared}/ + {parts[0].visible}/" for parts in adapter.layouts)
    return (
        f"Get {files} of {adapter.title} from {adapter.home} (licence: {adapter.licence}), unpacked ({layout}) or "
        f"not, and set datasets.{adapter.name}.path to it in params.yaml, or put it at {path}"
    )
