"""Which of the project's own files a module needs: what a stage's code is, told in one place.

The import statements are read, not run, so nothing is imported to find out, and an import inside a function
counts like one at the top.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from text2pixels.files import sha256

SOURCE = Path(__file__).parents[1]  # the folder that holds the packages

# Modules that do parsing and plumbing. What they do to a result goes through the parameters, or they decide where a
# thing runs, or how bytes lie on a disk, and not what is computed: a change in one is no reason to compute again.
PLUMBING = frozenset(
    {"closure", "config", "device", "errors", "executors", "extras", "files", "layout", "params_file", "progress"}
    | {"registry", "tables", "tensor_files", "text_files", "yaml_files"}
)

_FRONT = "text2pixels"  # its own __init__ imports on use what callers ask for: no module of the project needs it


@cache
def closure(module: str | Path, packages: tuple[str, ...] = (_FRONT,)) -> frozenset[Path]:
    """Return the files of ``packages`` that a module imports, directly or not, itself included.

    Args:
        module: a dotted name, or the path of a Python file.
        packages: top-level packages that are followed; other imports are left alone.

    Raises:
        ModuleNotFoundError: no file of the project has this name.
    """
    named = isinstance(module, str) and not module.endswith(".py")
    start = module_file(str(module)) if named else Path(module)
    if start is None:
        raise ModuleNotFoundError(f"no module {module} in {SOURCE}")
    seen, queue = {start}, [start]
    while queue:
        for name in imports(queue.pop()):
            followed = name.split(".")[0] in packages and name != _FRONT
            file = module_file(name) if followed else None
            if file is not None and file not in seen:
                seen.add(file)
                queue.append(file)
    return frozenset(seen)


@cache
def imports(file: Path) -> frozenset[str]:
    """Return the dotted names of all modules that a file imports, at its top or inside functions.

    ``from package import name`` is the module ``package.name`` where there is one, otherwise ``package``, whose
    ``__init__`` then provides the name.

    Raises:
        ValueError: a relative import, which the project does not use.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{file}:{node.lineno}: relative import")
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                found.add(below if module_file(below) else node.module)
    return frozenset(found)


def module_file(name: str) -> Path | None:
    """Return the file of one of the project's modules by its dotted name; None for any other."""
    path = SOURCE.joinpath(*name.split("."))
    choices = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in choices if file.is_file()), None)


def without_plumbing(files: Iterable[Path]) -> frozenset[Path]:
    """Return the files that decide what is computed."""
    plumbing = {SOURCE / _FRONT / f"{name}.py" for name in PLUMBING}  # metrics/files.py is not the plumbing's files.py
    return frozenset(file for file in files if file not in plumbing and file.name != "__init__.py")


def digest(files: Iterable[Path]) -> str:
    """Return the hexadecimal SHA-256 over names and contents of source files, in any order."""
    total = hashlib.sha256()
    for file in sorted(files):
        name = file.relative_to(SOURCE).as_posix() if file.is_relative_to(SOURCE) else file.name
        total.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def fingerprint(settings: Mapping[str, Any], code: Iterable[Path], data: Iterable[Path]) -> str:
    """Return 16 hexadecimal digits over what the result of long work with torch depends on.

    Args:
        settings: parameters, as JSON knows them.
        code: source files; `closure` of the stage's module names them all.
        data: files that are read.
    """
    total = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    total.update(version("torch").encode())
    total.update(digest(code).encode())
    for path in data:
        total.update(f"{path} {sha256(path)}\n".encode())
    return total.hexdigest()[:16]
