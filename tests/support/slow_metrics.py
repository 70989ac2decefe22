"""The metrics once more, written down literally from their papers or authors' code, in loops and full windows.

Nothing here is shared with the package. Images are float64 arrays (H, W) in 0..255.
"""

import math

import numpy as np
from scipy.signal import convolve2d

from support.slow_similarity import gaussian


def en(f, a, b):
    probabilities = [np.mean(f == level) for level in range(256)]
    return -sum(p * math.log2(p) for p in probabilities if p > 0)


def sd(f, a, b):
    return math.sqrt(sum((f.ravel() - f.mean()) ** 2) / f.size)


def sf(f, a, b):
    height, width = f.shape
    rows = [(f[i, j + 1] - f[i, j]) ** 2 for i in range(height) for j in range(width - 1)]
    columns = [(f[i + 1, j] - f[i, j]) ** 2 for i in range(height - 1) for j in range(width)]
    return math.sqrt(np.mean(rows) + np.mean(columns))


def ag(f, a, b):
    height, width = f.shape
    total = 0.0
    for i in range(height):
        for j in range(width):
            up, down = max(i - 1, 0), min(i + 1, height - 1)
            left, right = max(j - 1, 0), min(j + 1, width - 1)
            gy = (f[down, j] - f[up, j]) / (down - up)
            gx = (f[i, right] - f[i, left]) / (right - left)
            total += math.sqrt((gx**2 + gy**2) / 2)
    return total / f.size


def mutual_information(x, y):
    pairs = {}
    for u, v in zip(x.ravel(), y.ravel(), strict=True):
        pairs[u, v] = pairs.get((u, v), 0) + 1 / x.size
    return sum(p * math.log2(p / (np.mean(x == u) * np.mean(y == v))) for (u, v), p in pairs.items())


def mi(f, a, b):
    return mutual_information(f, a) + mutual_information(f, b)


def nmi(f, a, b):
    return 2 * sum(mutual_information(f, x) / (en(f, f, f) + en(x, x, x)) for x in (a, b))


def r(x, y):
    return np.corrcoef(x.ravel(), y.ravel())[0, 1]


def cc(f, a, b):
    return (r(a, f) + r(b, f)) / 2


def scd(f, a, b):
    return r(f - b, a) + r(f - a, b)


def mse(f, a, b):
    return (np.mean((f - a) ** 2) + np.mean((f - b) ** 2)) / 2


def psnr(f, a, b):
    return 20 * math.log10(255) - 10 * math.log10(mse(f, a, b))


def psnr_stretched(f, a, b):
    return 20 * math.log10(f.max()) - 10 * math.log10(mse(f, a, b))


def qabf(f, a, b, equal=lambda strength: 1.0):
    """Xydeas and Petrović, pixel by pixel; image y points up."""

    def edges(image):
        padded = np.pad(image, 1)
        strength, angle = np.zeros_like(image), np.zeros_like(image)
        for i, j in np.ndindex(image.shape):
            w = padded[i : i + 3, j : j + 3]
            sx = (w[0, 2] + 2 * w[1, 2] + w[2, 2]) - (w[0, 0] + 2 * w[1, 0] + w[2, 0])
            sy = (w[0, 0] + 2 * w[0, 1] + w[0, 2]) - (w[2, 0] + 2 * w[2, 1] + w[2, 2])
            strength[i, j] = math.sqrt(sx**2 + sy**2)
            angle[i, j] = math.atan(sy / sx) if sx else math.pi / 2
        return strength, angle

    (gf, af), *sources = (edges(image) for image in (f, a, b))
    num = den = 0.0
    for gx, ax in sources:
        for i, j in np.ndindex(f.shape):
            small, large = sorted((gx[i, j], gf[i, j]))
            g = equal(small) if small == large else small / large
            alpha = 1 - abs(ax[i, j] - af[i, j]) / (math.pi / 2)
            q = 0.9994 / (1 + math.exp(-15 * (g - 0.5))) * 0.9879 / (1 + math.exp(-22 * (alpha - 0.8)))
            num += q * gx[i, j]
            den += gx[i, j]
    return num / den


def qabf_stretched(f, a, b):
    return qabf(f, a, b, equal=lambda strength: strength)


def nabf(f, a, b):
    """B. K. Shreyamsha Kumar's objective_fusion_perform_fn.m."""

    def edges(image):
        padded = np.pad(image, 1, mode="reflect")
        gv, gh = np.zeros_like(image), np.zeros_like(image)
        vertical, horizontal = (
            np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
            np.array([[-1, -2, -1], [0] * 3, [1, 2, 1]]),
        )
        for i, j in np.ndindex(image.shape):
            gv[i, j] = (padded[i : i + 3, j : j + 3] * vertical).sum() / 8
            gh[i, j] = (padded[i : i + 3, j : j + 3] * horizontal).sum() / 8
        return gv, gh, np.sqrt(gv**2 + gh**2)

    def angle(gv, gh):
        if gv == 0 and gh == 0:
            return 0
        return math.atan(gv / gh) if gh else math.copysign(math.pi / 2, gv)

    fused, *sources = (edges(image) for image in (f, a, b))
    num = den = 0.0
    for i, j in np.ndindex(f.shape):
        gf = fused[2][i, j]
        artefact = all(gf > source[2][i, j] for source in sources)
        for gv, gh, g in sources:
            strength = g[i, j]
            ratio = 0 if strength == 0 or gf == 0 else min(strength, gf) / max(strength, gf)
            turn = abs(angle(gv[i, j], gh[i, j]) - angle(fused[0][i, j], fused[1][i, j]))
            alignment = abs(turn - math.pi / 2) * 2 / math.pi
            qg = 0.9999 / (1 + math.exp(-19 * (ratio - 0.5)))
            qa = 0.9995 / (1 + math.exp(-22 * (alignment - 0.5)))
            weight = strength**1.5 if strength >= 2 else 0.001
            den += weight
            num += artefact * (1 - math.sqrt(qg * qa)) * weight
    return num / den


def freqspace(height, width):
    """MATLAB's freqspace([height width], 'meshgrid')."""
    axes = [np.arange(-(n // 2), n - n // 2) * 2 / n for n in (width, height)]
    return np.meshgrid(*axes)


def filter_centred(image, transfer):
    spectrum = np.fft.fftshift(np.fft.fft2(image)) * transfer
    return np.fft.ifft2(np.fft.ifftshift(spectrum)).real


def qcb(f, a, b):
    """Z. Liu's metricChenBlum.m without its per-image stretch, with normalised Gaussians."""

    def masked(image):
        height, width = image.shape
        u, v = freqspace(height, width)
        radius = np.hypot(width / 30 * u, height / 30 * v)
        seen = filter_centred(image, np.exp(-((radius / 15.3870) ** 2)) - 0.7622 * np.exp(-((radius / 1.3456) ** 2)))
        narrow, wide = (convolve2d(seen, gaussian(31, sigma), "same") for sigma in (2, 4))
        contrast = np.abs(narrow / wide - 1)
        return contrast**3 / (contrast**2 + 0.0001)

    cf, ca, cb = (masked(image) for image in (f, a, b))
    qa, qb = (np.where(c < cf, c / cf, cf / c) for c in (ca, cb))
    share = ca**2 / (ca**2 + cb**2)
    return np.mean(share * qa + (1 - share) * qb)


def qcv(f, a, b):
    """Z. Liu's metricChen.m without its per-image stretch."""
    height, width = f.shape
    u, v = freqspace(height, width)
    radius = np.hypot(width / 8 * u, height / 8 * v)
    sensitivity = 2.6 * (0.0192 + 0.144 * radius) * np.exp(-((0.144 * radius) ** 1.1))
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    num = den = 0.0
    for x in (a, b):
        strength = np.hypot(convolve2d(x, sobel, "same"), convolve2d(x, sobel.T, "same"))
        difference = filter_centred(x - f, sensitivity)
        for i in range(0, height, 16):
            for j in range(0, width, 16):
                saliency = (strength[i : i + 16, j : j + 16] ** 5).sum()
                num += saliency * np.mean(difference[i : i + 16, j : j + 16] ** 2)
                den += saliency
    return num / den


def fmi_of(x, f):
    """Haghighat's fmi.m, both bounds written out; the correlation of a flat window is 0."""
    values = []
    for j in range(x.shape[1] - 2):
        for i in range(x.shape[0] - 2):
            xs, fs = (z[i : i + 3, j : j + 3].ravel(order="F") for z in (x, f))
            values.append(1.0 if (xs == fs).all() else fmi_window(xs, fs))
    return np.mean(values)


def fmi_window(xs, fs):
    def distribution(w):
        w = w - w.min()
        return w / w.sum() if w.any() else np.full(9, 1 / 9)

    def entropy(p):
        p = p[p != 0]
        return -(p * np.log2(np.abs(p))).sum()

    flat = np.ptp(xs) == 0 or np.ptp(fs) == 0
    p, q = distribution(xs), distribution(fs)
    c = 0.0 if flat else np.corrcoef(p, q)[0, 1]
    position = np.arange(1, 10)
    sp, sq = (math.sqrt(max((position**2 * w).sum() - (position * w).sum() ** 2, 0)) for w in (p, q))
    cp, cq = np.cumsum(p), np.cumsum(q)
    upper, lower = np.minimum.outer(cp, cq), np.maximum(np.add.outer(cp, cq) - 1, 0)
    bound = upper if c >= 0 else lower
    share = 0.0
    if c != 0 and sp > 1e-9 and sq > 1e-9:
        share = c * sp * sq / (bound - cp[:, None] * cq[None, :]).sum()
    extreme = np.diff(np.diff(np.pad(bound, ((1, 0), (1, 0))), axis=0), axis=1)
    joint = share * extreme + (1 - share) * p[:, None] * q[None, :]
    shared = entropy(p) + entropy(q) - entropy(joint.ravel())
    if c == 0:
        return 0.0
    return 2 * shared / (entropy(p) + entropy(q)) if entropy(p) + entropy(q) > 0 else 0.0


def fmi_pixel(f, a, b):
    return (fmi_of(a, f) + fmi_of(b, f)) / 2


def fmi_gradient(f, a, b):
    f, a, b = (np.gradient(image, axis=1) for image in (f, a, b))
    return fmi_pixel(f, a, b)


def ei(f, a, b):
    """VIFB's metricsEdge_intensity.m: Sobel, the border repeated."""
    padded = np.pad(f, 1, mode="edge")
    kernel = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
    total = 0.0
    for i, j in np.ndindex(f.shape):
        w = padded[i : i + 3, j : j + 3]
        total += math.hypot((w * kernel).sum(), (w * kernel.T).sum())
    return total / f.size


def burnt(f, a, b):
    pixels = zip(f.flat, a.flat, b.flat, strict=True)
    return 100 * sum(z >= 250 and max(x, y) < 250 for z, x, y in pixels) / f.size


def ce(f, a, b):
    """VIFB's metricsCross_entropy.m."""

    def of(x):
        pairs = [(np.mean(x == level), np.mean(f == level)) for level in range(256)]
        return sum(p * math.log2(p / q) for p, q in pairs if p and q)

    return (of(a) + of(b)) / 2


def qncie(f, a, b):
    """Z. Liu's metricWang.m, by the roots of the characteristic polynomial instead of a library's eigenvalues."""
    ab, af, bf = (mutual_information(x, y) / 8 for x, y in ((a, b), (a, f), (b, f)))
    squares, product = ab**2 + af**2 + bf**2, ab * af * bf
    eigenvalues = 1 + np.roots([1, 0, -squares, -2 * product]).real
    return 1 + sum(v / 3 * math.log(v / 3, 256) for v in eigenvalues if v > 1e-12)
