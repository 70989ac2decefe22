"""The table of baselines. A method is one file beside this one, and one line here."""

from dataclasses import dataclass

from text2pixels.methods import (
    densefuse,
    guided_filter,
    ifcnn,
    laplacian,
    pixelwise,
    saliency,
    sdnet,
    sources,
    tardal,
    u2fusion,
    wavelet,
)
from text2pixels.methods.fuser import Fuser

BASELINES: dict[str, Fuser] = {
    fuser.name: fuser
    for fuser in (
        sources.INFRARED,
        sources.VISIBLE,
        pixelwise.AVERAGE,
        pixelwise.MAXIMUM,
        laplacian.LAPLACIAN,
        wavelet.WAVELET,
        guided_filter.GFF,
        saliency.TSIFVS,
        densefuse.DENSEFUSE,
        ifcnn.MAX,
        ifcnn.SUM,
        ifcnn.MEAN,
        u2fusion.U2FUSION,
        sdnet.SDNET,
        tardal.TARDAL,
    )
}


@dataclass(frozen=True)
class Absent:
    """A method of the literature that this project does not run, and why: nothing is filled in for it."""

    title: str
    paper: str
    year: int
    reason: str


_EDGES = (
    "its published file gives dark, edge-like images (tardal+) or over-sharpened ones (tardal++), whatever the input "
    "range, the order of inputs and the mode of batch normalisation; scores of those would say nothing about the method"
)
_DRIVE = "its authors publish the weights on a file-sharing drive only, so they cannot be fetched and checked here"

NOT_RUNNABLE: tuple[Absent, ...] = (
    Absent("DDcGAN", "Ma et al., IEEE Trans. Image Processing", 2020, _DRIVE),
    Absent("DeFusion", "Liang et al., ECCV", 2022, _DRIVE),
    Absent("CDDFuse", "Zhao et al., CVPR", 2023, _DRIVE),
    Absent("DDFM", "Zhao et al., ICCV", 2023, _DRIVE),
    Absent("SegMiF", "Liu et al., ICCV", 2023, _DRIVE),
    Absent("TarDAL+ and TarDAL++", "Liu et al., CVPR", 2022, _EDGES),
)
