"""The table of metrics, under two conventions, and the door to them: 8-bit images in, one number per metric out.

``standard`` is ours: each metric as its paper defines it, on the saved 8-bit luminance.

``stretched`` is what the code behind many published tables computes. Those tables stretch every
method's float output to 0..255 before it is rounded (`methods.convention`), which gives the
convention its name. Four of their metrics are not those of the papers either (MI in nats, accidents in
PSNR, Qabf and SSIM) and belong to it, so that our rows can be laid beside printed ones. It holds
the metrics for which that code is known, and it is only ever shown under its name.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.metrics import (
    contrast,
    contrast_sensitivity,
    correlation,
    edges,
    entropy,
    error,
    feature_information,
    quality_index,
    ssim,
    vif,
)
from text2pixels.metrics.metric import Metric, Triple
from text2pixels.registry import look_up

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        entropy.EN,
        *contrast.METRICS,
        entropy.MI,
        entropy.NMI,
        entropy.QNCIE,
        entropy.CE,
        *feature_information.METRICS,
        *correlation.METRICS,
        *error.METRICS,
        *vif.METRICS,
        *edges.METRICS,
        *quality_index.METRICS,
        *ssim.METRICS,
        *contrast_sensitivity.METRICS,
    )
}

STRETCHED: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        entropy.EN,
        contrast.SD,
        contrast.SF,
        contrast.AG,
        entropy.MI_STRETCHED,
        *correlation.METRICS,
        error.MSE,
        error.PSNR_STRETCHED,
        vif.VIF,
        edges.QABF_STRETCHED,
        ssim.SSIM_STRETCHED,
    )
}

# What published tables hold: information, contrast, structure shared with the sources.
HEADLINE = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM")

# What an average rank counts: the metrics that put methods in an order of their own. On RoadScene's 16 validation
# pairs, fused by seven classical methods, AG and EI rank as SF does (Spearman's correlation .99), NMI and Qncie as MI
# (.98, 1.00), FMI_gradient as FMI_pixel (.94), PSNR as MSE (1.00) and Qcb as EN (.92): to count them, too, would count
# one thing twice. burnt has no paper, and a project's own measure must not rank its own network. The rule, .9 at most,
# was set before any rank was seen; `benchmarks/near_copies.py` has it and prints the correlations.
RANKED = (
    *("EN", "SD", "SF", "MI", "CE", "FMI_pixel", "CC", "SCD", "MSE", "VIF", "VIFF", "Qabf", "Nabf", "Qw", "Qe", "Qy"),
    *("SSIM", "MS_SSIM", "Qcv"),
)

CONVENTIONS: dict[str, dict[str, Metric]] = {"standard": METRICS, "stretched": STRETCHED}


Image8 = NDArray[np.uint8]
Convention = Literal["standard", "stretched"]


def score(
    fused_HW: Image8,
    infrared_HW: Image8,
    visible_HW: Image8,
    names: Iterable[str] | None = None,
    convention: Convention = "standard",
) -> dict[str, float]:
    """Return the metrics of one fused image, NaN where a metric is undefined.

    Args:
        fused_HW: 8-bit fused luminance.
        infrared_HW: 8-bit infrared image.
        visible_HW: 8-bit luminance of the visible image (`image.colour.luminance`, rounded).
        names: Which metrics; all of the convention if None.
        convention: See the module's docstring.

    Raises:
        InputError: an image is not 8-bit gray, sizes differ, or a name is unknown.
    """
    images = {"fused": fused_HW, "infrared": infrared_HW, "visible": visible_HW}
    for name, image in images.items():
        if image.dtype != np.uint8 or image.ndim != 2 or image.size == 0:
            raise InputError(f"{name}: expected 8-bit gray (H, W), found {image.dtype} {image.shape}")
        if image.shape != fused_HW.shape:
            raise InputError(
                f"{name} is {_size(image)} and the fused image {_size(fused_HW)} pixels: they must have one size"
            )
    metrics = select(names, convention)
    triple = Triple(fused_HW, infrared_HW, visible_HW)
    return {metric.name: metric(triple) for metric in metrics}


def select(names: Iterable[str] | None, convention: Convention) -> list[Metric]:
    """Return the named metrics of a convention, all of them if ``names`` is None.

    Raises:
        InputError: a name is unknown.
    """
    table = CONVENTIONS[convention]
    noun = "metric" if convention == "standard" else f"metric of the convention {convention}"
    return list(table.values()) if names is None else [look_up(table, name, noun) for name in names]


def _size(image: Image8) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
