"""Figures of fused images that methods' authors published, to compare ours with.

Each row: method, data set, pair, and of the published image the mean, the standard deviation (SD), the entropy
(EN, bits) and the spatial frequency (SF). The pairs are equal, pixel for pixel, to those that were fused.
"""

from typing import NamedTuple

import numpy as np


class Published(NamedTuple):
    """A published image: of whom, of which pair of ../shared/data, and its figures."""

    method: str
    dataset: str
    pair: str
    figures: tuple[float, float, float, float]


def figures(image):
    """Return mean, SD, EN and SF of 8-bit values, channels of colour one after the other."""
    values = image.astype(float)
    share = np.bincount(image.ravel(), minlength=256) / image.size
    share = share[share > 0]
    steps = (np.diff(values, axis=0) ** 2).mean() + (np.diff(values, axis=1) ** 2).mean()
    return values.mean(), values.std(), -(share * np.log2(share)).sum(), np.sqrt(steps)


PUBLISHED = (
    Published("seafusion", "TNO", "07", (46.5104, 45.5030, 6.8634, 22.7499)),
    Published("seafusion", "TNO", "19", (85.1785, 39.2220, 7.1010, 13.4392)),
    Published("seafusion", "TNO", "24", (127.4976, 60.8103, 7.0353, 21.1628)),
    Published("lrrnet", "TNO", "08", (80.0494, 66.6952, 6.7926, 7.3083)),
    Published("lrrnet", "TNO", "11", (58.5464, 49.9083, 6.9818, 7.1416)),
    Published("datfuse", "TNO", "01", (159.4581, 30.9734, 6.5398, 8.3405)),
    Published("datfuse", "TNO", "18", (119.1834, 51.2273, 7.3125, 12.7796)),
    Published("sage", "M3FD_13", "00001", (126.6681, 37.9477, 7.2268, 15.0705)),
)
