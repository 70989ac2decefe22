"""The command `t2p`: one verb a module of `commands/`."""

import sys
from importlib import import_module
from pkgutil import iter_modules

import typer

from text2pixels import commands
from text2pixels.errors import InputError

app = typer.Typer(
    name="t2p",
    help="Fuse infrared and visible images under the guidance of text, and measure how well.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """Fuse infrared and visible images under the guidance of text, and measure how well."""


for _module in iter_modules(commands.__path__):
    _verb = _module.name
    app.command(_verb)(getattr(import_module(f"{commands.__name__}.{_verb}"), _verb))


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:  # a full disk, no permission, a folder in a file's place, a name too long
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror or error}", file=sys.stderr)
        sys.exit(2)
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        print(f"error: out of memory ({' '.join(str(error).split())}): smaller batches or images", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _out_of_memory(error: Exception) -> bool:
    """Recognise numpy's and torch's ways to say it, without importing torch for it."""
    words = ("OutOfMemoryError", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(word in f"{type(error).__name__} {error}" for word in words)
