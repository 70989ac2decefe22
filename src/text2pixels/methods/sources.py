"""One of the two inputs, unchanged: the floor that a fusion method has to beat."""

from text2pixels.methods.fuser import Float, Fuser

_PAPER = "the camera's own image"


def _take_infrared(infrared_HW: Float, visible_HW: Float) -> Float:
    return infrared_HW


def _take_visible(infrared_HW: Float, visible_HW: Float) -> Float:
    return visible_HW


INFRARED = Fuser(
    name="infrared",
    title="Infrared",
    paper=_PAPER,
    year=None,
    licence="-",
    weights="none needed",
    function=_take_infrared,
    colour=False,
    notes="gets no chroma: there is none in the infrared",
)
VISIBLE = Fuser(
    name="visible",
    title="Visible",
    paper=_PAPER,
    year=None,
    licence="-",
    weights="none needed",
    function=_take_visible,
)
