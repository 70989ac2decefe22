"""The frames of the two cameras: their coordinates, and the infrared image brought into the visible frame.

Pixel centres are integers; matrices are 3x3 and take column vectors (x, y, 1).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Image8 = NDArray[np.uint8]
Matrix = NDArray[np.float64]


def scaling(source: tuple[int, int], target: tuple[int, int]) -> Matrix:
    """Return the matrix from an image of (height, width) ``source`` to its resized copy of ``target``."""
    (height, width), (new_height, new_width) = source, target
    sx, sy = new_width / width, new_height / height
    return np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])


def shrink(image: Image8, factor: float) -> Image8:
    """Resize by ``factor`` <= 1, every output pixel the mean of the area that it covers."""
    height, width = image.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if size == (width, height):
        return image
    small: Image8 = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return small


def without_aliasing(image: Image8, scale: float) -> Image8:
    """Blur an image so that it can be sampled at ``scale`` target pixels a source pixel."""
    if scale > 0.8:
        return image
    blurred: Image8 = cv2.GaussianBlur(image, (0, 0), 0.5 * float(np.sqrt(1 / scale**2 - 1)))
    return blurred


def corners(height: int, width: int) -> NDArray[np.float64]:
    """Return the centres of the four corner pixels, (4, 2), clockwise from the top left."""
    return np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], dtype=np.float64)


def transform(points: NDArray[np.float64], matrix: Matrix) -> NDArray[np.float64]:
    """Map points (N, 2)."""
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return moved[:, :2] / moved[:, 2:]


def inverse(matrix: Matrix) -> Matrix:
    """Return the inverse, lower right element 1."""
    return normalised(np.asarray(np.linalg.inv(matrix), dtype=np.float64))


def normalised(matrix: Matrix) -> Matrix:
    """Return the matrix with its lower right element made 1."""
    return np.asarray(matrix / matrix[2, 2], dtype=np.float64)


def local_scale(matrix: Matrix, height: int, width: int) -> float:
    """Return how many pixels of ``matrix``'s target one pixel at the centre of its source spans."""
    x, y = (width - 1) / 2, (height - 1) / 2
    spot = transform(np.array([[x, y], [x + 1, y], [x, y + 1]]), matrix)
    return float(np.sqrt(abs(np.linalg.det(spot[1:] - spot[0]))))


def is_sane(matrix: Matrix, height: int, width: int) -> bool:
    """Tell whether a frame of (height, width) maps to a convex quadrilateral that is not turned inside out."""
    frame = corners(height, width)
    if not np.isfinite(matrix).all() or (np.column_stack([frame, np.ones(4)]) @ matrix[2] <= 0).any():
        return False
    quad = transform(frame, matrix)
    side, following = np.roll(quad, -1, axis=0) - quad, np.roll(quad, -2, axis=0) - np.roll(quad, -1, axis=0)
    return bool((side[:, 0] * following[:, 1] - side[:, 1] * following[:, 0] > 0).all())


def corner_error(one: Matrix, other: Matrix, height: int, width: int) -> float:
    """Return the mean distance, in visible pixels, of the visible frame's corners taken to the infrared and back.

    They go to the infrared frame by the inverse of ``other`` and come back by ``one``. So only pixels of the visible
    frame count, which people look at, and no infrared pixels beyond it.
    """
    frame = corners(height, width)
    there_and_back = transform(transform(frame, inverse(other)), one)
    return float(np.linalg.norm(there_and_back - frame, axis=1).mean())


def warp(infrared: Image8, matrix: Matrix, size: tuple[int, int]) -> tuple[Image8, NDArray[np.bool_]]:
    """Bring an infrared image into the visible frame.

    Args:
        infrared: (H, W) 8-bit gray.
        matrix: 3x3, infrared to visible pixels.
        size: (height, width) of the visible frame.

    Returns:
        The image (height, width), 0 where there is no infrared, and the mask of where there is.
    """
    image, valid = resample(infrared, matrix, size), field_of_view(infrared.shape, matrix, size)
    image[~valid] = 0
    return image, valid


def resample(infrared: Image8, matrix: Matrix, size: tuple[int, int]) -> Image8:
    """Return the infrared in the visible frame, (height, width); beyond its field its edge is repeated.

    Repeating the edge keeps interpolation from darkening the border of the field. The arguments are those of `warp`.
    """
    height, width = size
    source = without_aliasing(infrared, local_scale(matrix, *infrared.shape))
    image: Image8 = cv2.warpPerspective(
        source, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return image


def field_of_view(shape: tuple[int, ...], matrix: Matrix, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return where in the visible frame, (height, width), an infrared image of (H, W) ``shape`` lies."""
    height, width = size
    inside = cv2.warpPerspective(np.full(shape, 255, np.uint8), matrix, (width, height), flags=cv2.INTER_LINEAR)
    valid: NDArray[np.bool_] = inside == 255
    return valid
