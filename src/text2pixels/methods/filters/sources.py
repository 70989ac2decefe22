"""One of the two inputs, unchanged: the floor that a fusion method has to beat."""

from text2pixels.methods.method import Float


def take_infrared(infrared_HW: Float, visible_HW: Float) -> Float:
    """Return the infrared image."""
    return infrared_HW


def take_visible(infrared_HW: Float, visible_HW: Float) -> Float:
    """Return the luminance of the visible image."""
    return visible_HW
