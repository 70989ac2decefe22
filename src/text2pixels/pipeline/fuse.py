"""Stage `fuse` of a baseline: data/fused/<dataset>/<method>/*.png, and published/*.png there."""

from pathlib import Path

from text2pixels import config
from text2pixels.datasets.manifest import Pair
from text2pixels.image.files import Image8
from text2pixels.methods.catalogue import BASELINES
from text2pixels.methods.door import fuse_unrounded, round_output
from text2pixels.pipeline.fused import Fused, write_fused
from text2pixels.registry import look_up

SECTIONS: tuple[str, ...] = ("fuse",)


def run(dataset: str, method: str) -> None:
    """Fuse a registered data set by one baseline.

    Raises:
        InputError: the method is unknown, its weights are missing, or the data set is not registered.
    """
    params = config.load(SECTIONS)
    folder = Path(params.fuse.weights) if params.fuse.weights else None
    loaded = look_up(BASELINES, method, "method").load(folder, params.fuse.device)

    def fuse_pair(infrared_HW: Image8, visible_HW3: Image8, pair: Pair) -> Fused:
        output = fuse_unrounded(loaded, infrared_HW, visible_HW3)
        return Fused(round_output(loaded, output, "standard"), round_output(loaded, output, "published"))

    write_fused(dataset, method, fuse_pair)
