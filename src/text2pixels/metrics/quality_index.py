"""Local similarity to the sources, weighted by where each shows more: Qw and Qe (Piella), Qy (Yang).

All rest on the universal quality index of Wang and Bovik (2002), which is SSIM without its constants.
"""

import numpy as np

from text2pixels.metrics.edges import edges_mirror
from text2pixels.metrics.metric import SOURCES, Image, Metric, Triple
from text2pixels.metrics.windows import gaussian, separable

_SQUARE = np.full(8, 1 / 8)
_GAUSSIAN = gaussian(7, 1.5)
_FLAT = 1e-8  # grey level²; a variance below is rounding, as 8-bit values that differ give more
_ALIKE = 0.75  # least similarity of the sources at which Qy weighs both


def _mean(image_HW: Image, window: Image) -> Image:
    return separable(image_HW, window, window, "valid")


def _variance(image_HW: Image, mean_HW: Image, window: Image) -> Image:
    variance = _mean(np.square(image_HW), window) - np.square(mean_HW)
    variance[variance < _FLAT] = 0
    return variance


def _pair_indices(images: tuple[Image, ...], window: Image) -> tuple[list[Image], dict[tuple[int, int], Image]]:
    """Return each image's local variance, and the universal quality index Q0 of every two of them.

    Q0 = 2 cov(x, y) / (var(x) + var(y)) * 2 mean(x) mean(y) / (mean(x)^2 + mean(y)^2). A factor that is
    0/0 is 1: two flat windows differ in brightness only, two black ones in nothing.
    """
    means = [_mean(image, window) for image in images]
    variances = [_variance(image, mean, window) for image, mean in zip(images, means, strict=True)]
    found = {}
    for x in range(len(images)):
        for y in range(x + 1, len(images)):
            product = means[x] * means[y]
            structure = 2 * (_mean(images[x] * images[y], window) - product) / (variances[x] + variances[y])
            structure[(variances[x] == 0) & (variances[y] == 0)] = 1
            brightness = 2 * product / (np.square(means[x]) + np.square(means[y]))
            brightness[(means[x] == 0) & (means[y] == 0)] = 1
            found[x, y] = structure * brightness
    return variances, found


def _share(first: Image, second: Image) -> Image:
    """Return first / (first + second), one half where both are 0."""
    share = first / (first + second)
    share[np.isnan(share)] = 0.5
    return share


def weighted_quality(fused_HW: Image, infrared_HW: Image, visible_HW: Image) -> float:
    """Return Piella's Qw of any three images; NaN where both sources are flat in every window."""
    (_, *variances), index = _pair_indices((fused_HW, infrared_HW, visible_HW), _SQUARE)
    share, weight = _share(*variances), np.maximum(*variances)
    return float((weight * (share * index[0, 1] + (1 - share) * index[0, 2])).sum() / weight.sum())


def _edge_quality(triple: Triple) -> float:
    strengths = [triple.once(edges_mirror, name).strength for name in ("fused", *SOURCES)]
    return triple.once(weighted_quality, "fused", *SOURCES) * weighted_quality(*strengths)


def _yang(triple: Triple) -> float:
    variances, index = _pair_indices((triple.fused, triple.infrared, triple.visible), _GAUSSIAN)
    share = _share(variances[1], variances[2])
    mixed = share * index[0, 1] + (1 - share) * index[0, 2]
    return float(np.where(index[1, 2] >= _ALIKE, mixed, np.maximum(index[0, 1], index[0, 2])).mean())


_PIELLA = "Piella, Heijmans: A new quality metric for image fusion. ICIP 2003"

QW = Metric(
    name="Qw",
    title="Piella: similarity, weighted by saliency",
    direction="higher",
    low=-1,
    high=1,
    unit="1",
    formula=r"\frac{\sum_w C \, (\lambda Q_0(A, F) + (1 - \lambda) Q_0(B, F))}{\sum_w C}, \quad "
    r"\lambda = \frac{\sigma_A^2}{\sigma_A^2 + \sigma_B^2}, \; C = \max(\sigma_A^2, \sigma_B^2)",
    reference=_PIELLA,
    function=lambda triple: triple.once(weighted_quality, "fused", *SOURCES),
    minimum_side=8,
    undefined="both sources are flat in every window",
    notes="Wang and Bovik's index Q0 on all windows of 8 x 8 pixels, saliency the variance. The common toolbox has "
    "SSIM with its constants on Gaussian windows of 11 x 11 for Q0.",
)

QE = Metric(
    name="Qe",
    title="Piella: similarity of images and of their edges",
    direction="higher",
    low=-1,
    high=1,
    unit="1",
    formula=r"Q_W(A, B, F) \, Q_W(A', B', F')^{\alpha}, \quad \alpha = 1, \; X' = |\nabla X|",
    reference=_PIELLA,
    function=_edge_quality,
    minimum_side=8,
    undefined="both sources, or the edges of both, are flat in every window",
    notes="Edges by Sobel on mirrored images; their scale does not matter. The common toolbox has Prewitt with zeros "
    "outside, which makes an edge of the frame.",
)

QY = Metric(
    name="Qy",
    title="Yang: similarity, to both sources where they agree, else to the nearer",
    direction="higher",
    low=-1,
    high=1,
    unit="1",
    formula=r"\mathrm{mean}_w \, (\lambda Q_0(A, F) + (1 - \lambda) Q_0(B, F)) \; \mathrm{if} \; "
    r"Q_0(A, B) \ge 0.75, \; \max(Q_0(A, F), Q_0(B, F)) \; \mathrm{otherwise}",
    reference="Yang, Zhang, Wang, Liu: A novel similarity based quality metric for image fusion. Inf. Fusion 9(2), "
    "2008",
    function=_yang,
    minimum_side=7,
    notes="Gaussian windows 7 x 7, standard deviation 1.5, and no constants in the similarity, as in the common "
    "toolbox, whose constants of 2e-16 decide by rounding where all is flat. High for a copy of either source.",
)

METRICS = (QW, QE, QY)
