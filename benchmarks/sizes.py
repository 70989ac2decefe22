"""How much an installation takes on disk: the core, and with each extra.

    python benchmarks/sizes.py

Adds up the files of the packages that are installed here (`make setup` brings all extras but `gpu`) and that the core,
or the core with an extra, asks for. With PyTorch's CPU build installed, what brings torch is some 5 GB smaller.
"""

import argparse
from collections.abc import Iterable
from importlib.metadata import distribution, metadata

from packaging.requirements import Requirement

PACKAGE = "text2pixels"


def needed(extra: str | None) -> set[str]:
    """Return the packages that text2pixels asks for, and those that they ask for, without itself."""
    waiting = [(PACKAGE, frozenset([extra] if extra else []))]
    found: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        key = (name.lower().replace("_", "-"), extras)
        if key in found:
            continue
        found.add(key)
        for line in distribution(name).requires or []:
            asked = Requirement(line)
            if asked.marker is None or any(asked.marker.evaluate({"extra": each}) for each in (*extras, "")):
                waiting.append((asked.name, frozenset(asked.extras)))
    return {name for name, _ in found} - {PACKAGE}


def megabytes(packages: Iterable[str]) -> float:
    """Return the size of the files of packages, in millions of bytes."""
    paths = (distribution(name).locate_file(file) for name in packages for file in distribution(name).files or [])
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    extras = [each for each in metadata(PACKAGE).get_all("Provides-Extra") or [] if each not in ("dev", "gpu")]
    print("| installation | packages | MB |\n| --- | ---: | ---: |")
    for extra in (None, *extras):
        packages = needed(extra)
        name = f"`{PACKAGE}[{extra}]`" if extra else f"`{PACKAGE}`"
        print(f"| {name} | {len(packages)} | {megabytes(packages):,.0f} |", flush=True)


if __name__ == "__main__":
    main()
