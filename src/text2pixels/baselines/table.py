"""The table of baselines. A method is one file beside this one, and one line here."""

from text2pixels.baselines import densefuse, ifcnn, laplacian, pixelwise, sdnet, sources, tardal, u2fusion
from text2pixels.baselines.fuser import Fuser

BASELINES: dict[str, Fuser] = {
    fuser.name: fuser
    for fuser in (
        sources.INFRARED,
        sources.VISIBLE,
        pixelwise.AVERAGE,
        pixelwise.MAXIMUM,
        laplacian.LAPLACIAN,
        densefuse.DENSEFUSE,
        ifcnn.MAX,
        ifcnn.SUM,
        ifcnn.MEAN,
        u2fusion.U2FUSION,
        sdnet.SDNET,
        tardal.TARDAL,
    )
}
