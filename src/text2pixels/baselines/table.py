"""The table of baselines. A method is one file beside this one, and one line here."""

from text2pixels.baselines import laplacian, pixelwise, sources
from text2pixels.baselines.fuser import Fuser

BASELINES: dict[str, Fuser] = {
    fuser.name: fuser
    for fuser in (
        sources.INFRARED,
        sources.VISIBLE,
        pixelwise.AVERAGE,
        pixelwise.MAXIMUM,
        laplacian.LAPLACIAN,
    )
}
