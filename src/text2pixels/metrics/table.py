"""The table of metrics, under two conventions.

``standard`` is ours: each metric as its paper defines it, on the saved 8-bit luminance.

``stretched`` is what the code behind many published tables computes. Those tables stretch every
method's float output to 0..255 before it is rounded (`methods.convention`), which gives the
convention its name. Four of their metrics are not those of the papers either (MI in nats, accidents in
PSNR, Qabf and SSIM) and belong to it, so that our rows can be laid beside printed ones. It holds
the metrics for which that code is known, and it is only ever shown under its name.
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
from text2pixels.metrics.metric import Metric

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

STRETCHED: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        entropy.EN,
        *contrast.METRICS,
        entropy.MI_STRETCHED,
        *correlation.METRICS,
        error.MSE,
        error.PSNR_STRETCHED,
        *vif.METRICS,
        edges.QABF_STRETCHED,
        ssim.SSIM_STRETCHED,
    )
}

# What published tables hold: information, contrast, structure shared with the sources.
HEADLINE = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM")

CONVENTIONS: dict[str, dict[str, Metric]] = {"standard": METRICS, "stretched": STRETCHED}
