"""Methods that know more of a video than its frames one by one."""

from typing import Protocol, runtime_checkable

from text2pixels.methods.method import Method


@runtime_checkable
class Following(Protocol):
    """A method that has a way of its own with videos."""

    def for_video(self) -> Method:
        """Return the method for the frames of one video, to be given in their order."""
        ...


def for_video(method: Method) -> Method:
    """Return a method for the frames of one video: most fuse each by itself."""
    return method.for_video() if isinstance(method, Following) else method
