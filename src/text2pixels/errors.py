"""The exceptions that mean "the user can mend this"."""

from pathlib import Path


class InputError(ValueError):
    """A mistake in what the user gave: a path, a parameter, a file's content.

    The message is one line that says what is wrong, where, what was expected and how to mend it.
    The command line prints it and ends with exit code 2; any other exception is a defect of the
    program and keeps its traceback.
    """


class Unusable(InputError):
    """An image that cannot be taken.

    Attributes:
        reason: a reason of the quarantine, such as "unreadable".
        detail: what is wrong and how to mend it, on one line, led by the file's name without its folder.
    """

    def __init__(self, reason: str, problem: str, source: Path | str | None = None) -> None:
        """Take the reason, what is wrong and how to mend it, and the file it is about."""
        super().__init__(reason, problem, source)
        self.reason = reason
        self.detail = problem if source is None else f"{Path(source).name}: {problem}"

    def __str__(self) -> str:
        """Return the line for the user, led by the path as it was given."""
        _, problem, source = self.args
        return str(problem) if source is None else f"{source}: {problem}"
