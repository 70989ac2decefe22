"""Fusion metrics: what is measured on a fused image and its two sources, one family of metrics per file.

`score` is the door: three 8-bit images in, one number per metric out. `METRICS` describes each metric;
`CONVENTIONS` holds the tables of both conventions. Everything here is numpy and OpenCV.
"""

from text2pixels.metrics.metric import Metric as Metric
from text2pixels.metrics.metric import Triple as Triple
from text2pixels.metrics.score import CONVENTIONS as CONVENTIONS
from text2pixels.metrics.score import HEADLINE as HEADLINE
from text2pixels.metrics.score import METRICS as METRICS
from text2pixels.metrics.score import RANKED as RANKED
from text2pixels.metrics.score import STRETCHED as STRETCHED
from text2pixels.metrics.score import Convention as Convention
from text2pixels.metrics.score import score as score
from text2pixels.metrics.score import select as select
