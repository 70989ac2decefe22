"""Which pairs can be registered at all, by what two cameras show where the truth puts them.

A homography is held by four places, so each quarter of the visible frame has to say where it belongs. It
is asked with the infrared already where it belongs, so that only the shift of that one quarter is open, of
at most `REACH`; two standard measures answer, neither of them the estimator's, and one right answer is
enough: normalised gradient fields (Haber and Modersitzki, "Intensity gradient based registration and
fusion of multi-modal images", MICCAI 2006) and mutual information (Maes et al., IEEE TMI 1997). A quarter
whose best shift is off by more than `TOLERANCE` under both shows nothing in common, be it fog, glare or
smoke; whatever an estimate says there it has extrapolated. The estimate plays no part in this.

The criterion was written down before it was compared with any estimate. It errs in both directions: three
quarters and luck can be enough, and a quarter found among few shifts may be lost among all.
"""

import cv2
import numpy as np

REACH = 0.03  # of the diagonal: how far a quarter may be off
TOLERANCE = 0.005  # of the diagonal: what counts as found, the accuracy asked of an estimate
_BINS = 16


def found_quarters(infrared: np.ndarray, visible: np.ndarray, truth: np.ndarray) -> int:
    """Return how many of the visible frame's quarters say where they belong; the pair is decidable if all 4 do."""
    height, width = visible.shape
    diagonal = float(np.hypot(height, width))
    warped = cv2.warpPerspective(infrared, truth, (width, height), borderMode=cv2.BORDER_REPLICATE)
    scene, thermal = _halved(visible), _halved(warped)
    reach = int(np.ceil(REACH * diagonal / 2))
    rows, columns = scene.shape
    fields, levels = (_gradient_field(scene), _gradient_field(thermal)), (_levels(scene), _levels(thermal))
    found = 0
    for top, bottom in ((reach, rows // 2), (rows // 2, rows - reach)):
        for left, right in ((reach, columns // 2), (columns // 2, columns - reach)):
            here = np.s_[top:bottom, left:right]
            around = np.s_[top - reach : bottom + reach, left - reach : right + reach]
            by_gradient = cv2.matchTemplate(fields[1][around], fields[0][here], cv2.TM_CCOEFF_NORMED)
            by_information = _mutual_information(levels[1][around], levels[0][here])
            distances = [_off_centre(by_gradient), _off_centre(by_information)]
            found += min(distances) <= TOLERANCE * diagonal / 2
    return found


def _halved(image: np.ndarray) -> np.ndarray:
    height, width = image.shape
    smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.0)
    return cv2.resize(smooth, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def _gradient_field(image: np.ndarray) -> np.ndarray:
    """Return (H, W, 3) whose inner product is the squared cosine between gradients, weak ones pressed to 0."""
    x, y = cv2.Sobel(image, cv2.CV_32F, 1, 0), cv2.Sobel(image, cv2.CV_32F, 0, 1)
    norm = np.sqrt(x**2 + y**2 + (np.hypot(x, y).mean() + 1e-3) ** 2)
    x, y = x / norm, y / norm
    return np.dstack([x * x, y * y, np.float32(np.sqrt(2)) * x * y])


def _levels(image: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.quantile(image, np.arange(1, _BINS) / _BINS), image).astype(np.int64)


def _mutual_information(around: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Return the mutual information of ``here`` with every window of its size in ``around``."""
    height, width = here.shape
    surface = np.empty((around.shape[0] - height + 1, around.shape[1] - width + 1))
    for i, j in np.ndindex(surface.shape):
        both = here.ravel() * _BINS + around[i : i + height, j : j + width].ravel()
        joint = np.bincount(both, minlength=_BINS**2).reshape(_BINS, _BINS) / here.size
        apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
        seen = joint > 0
        surface[i, j] = (joint[seen] * np.log(joint[seen] / apart[seen])).sum()
    return surface


def _off_centre(surface: np.ndarray) -> float:
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    return float(np.hypot(row - surface.shape[0] // 2, column - surface.shape[1] // 2))
