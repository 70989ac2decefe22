"""The table of metrics, under two conventions.

``standard`` is ours: each metric as its paper defines it, on 8-bit luminance. ``published`` is what
the code behind many published tables computes, accidents included; it holds the metrics for which
that is known, and it is only ever shown under that name.
"""

from text2pixels.metrics import contrast, entropy
from text2pixels.metrics.spec import Metric

METRICS: dict[str, Metric] = {metric.name: metric for metric in (*entropy.METRICS, *contrast.METRICS)}

PUBLISHED: dict[str, Metric] = {
    metric.name: metric for metric in (entropy.EN, contrast.SD, contrast.SF, contrast.AG, entropy.MI_PUBLISHED)
}

CONVENTIONS: dict[str, dict[str, Metric]] = {"standard": METRICS, "published": PUBLISHED}
