"""The one exception that means "the user can mend this"."""


class InputError(ValueError):
    """A mistake in what the user gave: a path, a parameter, a file's content.

    The message is one line that says what is wrong, where, what was expected and how to mend it.
    The command line prints it and ends with exit code 2; any other exception is a defect of the
    program and keeps its traceback.
    """
