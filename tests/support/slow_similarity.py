"""Metrics of similarity and visual information, literally, as in slow_metrics.py: nothing is shared with the package.

Images are float64 arrays (H, W) in 0..255.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import convolve2d


def gaussian(size, sigma):
    x, y = np.meshgrid(*2 * [np.arange(size) - (size - 1) / 2])
    window = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    return window / window.sum()


def windows_of(images, weights):
    side = len(weights)
    for i in range(images[0].shape[0] - side + 1):
        for j in range(images[0].shape[1] - side + 1):
            yield [image[i : i + side, j : j + side] for image in images]


def ssim_parts(x, y, window, data_range, correction=1.0):
    """SSIM and its contrast-structure factor, averaged over the windows inside the image."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    u, v = (sliding_window_view(image, window.shape) for image in (x, y))
    mu, mv = ((w * window).sum(axis=(2, 3), keepdims=True) for w in (u, v))
    variances = correction * (((u - mu) ** 2 + (v - mv) ** 2) * window).sum(axis=(2, 3))
    covariance = correction * ((u - mu) * (v - mv) * window).sum(axis=(2, 3))
    mu, mv = mu[..., 0, 0], mv[..., 0, 0]
    structure = (2 * covariance + c2) / (variances + c2)
    return np.mean(structure * (2 * mu * mv + c1) / (mu**2 + mv**2 + c1)), np.mean(structure)


def ssim(f, a, b):
    return sum(ssim_parts(f, x, gaussian(11, 1.5), 255)[0] for x in (a, b))


def ssim_stretched(f, a, b):
    """scikit-image 0.19 on float images: range 2, 7 x 7, sample covariance."""
    return sum(ssim_parts(f, x, np.full((7, 7), 1 / 49), 2, 49 / 48)[0] for x in (a, b))


def ms_ssim(f, a, b):
    """Wang, Simoncelli and Bovik's msssim.m, even sizes."""

    def of(x, y):
        product = 1.0
        for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
            if scale > 0:
                x, y = ((z[::2, ::2] + z[1::2, ::2] + z[::2, 1::2] + z[1::2, 1::2]) / 4 for z in (x, y))
            whole, structure = ssim_parts(x, y, gaussian(11, 1.5), 255)
            product *= max(whole if scale == 4 else structure, 0) ** weight
        return product

    return of(f, a) + of(f, b)


def q0(x, y, weights):
    """Wang and Bovik's universal quality index of one window, and the two variances."""
    mx, my = (weights * x).sum(), (weights * y).sum()
    vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
    vx, vy = (0 if v < 1e-8 else v for v in (vx, vy))
    structure = 2 * (weights * (x - mx) * (y - my)).sum() / (vx + vy) if vx + vy else 1
    brightness = 2 * mx * my / (mx**2 + my**2) if mx or my else 1
    return structure * brightness, vx, vy


def qw(f, a, b):
    """Piella and Heijmans, window by window."""
    weights = np.full((8, 8), 1 / 64)
    num = den = 0.0
    for wf, wa, wb in windows_of((f, a, b), weights):
        (qa, va, _), (qb, vb, _) = q0(wa, wf, weights), q0(wb, wf, weights)
        share = va / (va + vb) if va + vb else 0.5
        num += max(va, vb) * (share * qa + (1 - share) * qb)
        den += max(va, vb)
    return num / den


def qe(f, a, b):
    def edge(image):
        padded = np.pad(image, 1, mode="reflect")
        kernel = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
        found = np.zeros_like(image)
        for i, j in np.ndindex(image.shape):
            w = padded[i : i + 3, j : j + 3]
            found[i, j] = math.hypot((w * kernel).sum(), (w * kernel.T).sum())
        return found

    return qw(f, a, b) * qw(edge(f), edge(a), edge(b))


def qy(f, a, b):
    """Yang et al., window by window."""
    weights = gaussian(7, 1.5)
    found = []
    for wf, wa, wb in windows_of((f, a, b), weights):
        alike, va, vb = q0(wa, wb, weights)
        qa, qb = q0(wa, wf, weights)[0], q0(wb, wf, weights)[0]
        share = va / (va + vb) if va + vb else 0.5
        found.append(share * qa + (1 - share) * qb if alike >= 0.75 else max(qa, qb))
    return np.mean(found)


def vif_of(reference, distorted):
    """Sheikh and Bovik's vifp_mscale.m."""
    num = den = 0.0
    for scale in range(1, 5):
        n = 2 ** (4 - scale + 1) + 1
        window = gaussian(n, n / 5)
        if scale > 1:
            reference = convolve2d(reference, window, "valid")[::2, ::2]
            distorted = convolve2d(distorted, window, "valid")[::2, ::2]
        mu1, mu2 = convolve2d(reference, window, "valid"), convolve2d(distorted, window, "valid")
        s1 = convolve2d(reference**2, window, "valid") - mu1**2
        s2 = convolve2d(distorted**2, window, "valid") - mu2**2
        s12 = convolve2d(reference * distorted, window, "valid") - mu1 * mu2
        s1[s1 < 0] = 0
        s2[s2 < 0] = 0
        g = s12 / (s1 + 1e-10)
        sv = s2 - g * s12
        g[s1 < 1e-10] = 0
        sv[s1 < 1e-10] = s2[s1 < 1e-10]
        s1[s1 < 1e-10] = 0
        g[s2 < 1e-10] = 0
        sv[s2 < 1e-10] = 0
        sv[g < 0] = s2[g < 0]
        g[g < 0] = 0
        sv[sv <= 1e-10] = 1e-10
        num += np.log10(1 + g**2 * s1 / (sv + 2)).sum()
        den += np.log10(1 + s1 / 2).sum()
    return num / den


def vif(f, a, b):
    return vif_of(a, f) + vif_of(b, f)


def viff(f, a, b):
    """Han et al.: place by place, from moments about the mean."""
    quality = 0.0
    for size, weight in zip((17, 9, 5, 3), (1, 0, 0.15, 1), strict=True):
        window = gaussian(size, size / 5)
        if size < 17:
            f, a, b = (convolve2d(z, window, "valid")[::2, ::2] for z in (f, a, b))
        kept = total = 0.0
        for wf, *sources in windows_of((f, a, b), window):
            vf = (window * (wf - (window * wf).sum()) ** 2).sum()
            places = []
            for x in sources:
                dx = x - (window * x).sum()
                vx, cov = (window * dx**2).sum(), (window * dx * wf).sum()
                flat = min(vx, vf) < 1e-10
                g = 0 if flat else cov / (vx + 1e-10)
                rest = vf if g <= 0 else max(vf - g * cov, 1e-10)
                g, noise = max(g, 0), 0.005 * 255 * 255
                places.append((g, math.log(1 + g * g * vx / (rest + noise)), math.log(1 + vx / noise)))
            lowest = [place for place in places if place[0] == min(places)[0]]
            kept += np.mean([place[1] for place in lowest]) + 1e-7
            total += np.mean([place[2] for place in lowest]) + 1e-7
        quality += weight / 2.15 * kept / total
    return quality
