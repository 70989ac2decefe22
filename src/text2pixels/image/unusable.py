"""What is said of an image that cannot be taken."""

from pathlib import Path

from text2pixels.errors import InputError


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
