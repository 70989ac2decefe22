"""Stage `fuse` of a baseline: data/fused/<dataset>/<method>/*.png."""

from pathlib import Path

from text2pixels import config
from text2pixels.baselines.door import fuse_luminance
from text2pixels.baselines.table import BASELINES
from text2pixels.stages.fused import write_fused
from text2pixels.tables import look_up

SECTIONS: tuple[str, ...] = ("fuse",)


def run(dataset: str, method: str) -> None:
    """Fuse a registered data set by one baseline.

    Raises:
        InputError: the method is unknown, its weights are missing, or the data set is not registered.
    """
    params = config.load(SECTIONS)
    folder = Path(params.fuse.weights) if params.fuse.weights else None
    loaded = look_up(BASELINES, method, "method").load(folder, params.fuse.device)
    write_fused(dataset, method, lambda infrared, visible, pair: fuse_luminance(loaded, infrared, visible))
