"""The table of metrics, under two conventions.

``standard`` is ours: each metric as its paper defines it, on 8-bit luminance. ``published`` is what
the code behind many published tables computes, accidents included; it holds the metrics for which
that is known, and it is only ever shown under that name. Those tables also stretch every method's
float output to 0..255 before scoring, which the fuser's door does (`baselines.door`).
"""

from text2pixels.metrics import (
    contrast,
    contrast_sensitivity,
    correlation,
    edges,
    entropy,
    error,
    feature_information,
    ssim,
    vif,
)
from text2pixels.metrics.spec import Metric

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        entropy.EN,
        *contrast.METRICS,
        entropy.MI,
        entropy.NMI,
        *feature_information.METRICS,
        *correlation.METRICS,
        *error.METRICS,
        *vif.METRICS,
        *edges.METRICS,
        *ssim.METRICS,
        *contrast_sensitivity.METRICS,
    )
}

PUBLISHED: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        entropy.EN,
        *contrast.METRICS,
        entropy.MI_PUBLISHED,
        *correlation.METRICS,
        error.MSE,
        error.PSNR_PUBLISHED,
        *vif.METRICS,
        edges.QABF_PUBLISHED,
        ssim.SSIM_PUBLISHED,
    )
}

# What published tables hold: information, contrast, structure shared with the sources.
HEADLINE = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM")

CONVENTIONS: dict[str, dict[str, Metric]] = {"standard": METRICS, "published": PUBLISHED}
