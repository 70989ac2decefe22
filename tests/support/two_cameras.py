"""A scene seen by two cameras that are not aligned."""

import cv2
import numpy as np

# Infrared pixels to visible pixels: another scale, a little rotation, shear and perspective.
TRUTH = np.array([[1.45, 0.035, -38.0], [-0.025, 1.43, -21.0], [4e-5, -3e-5, 1.0]])


def scene(seed: int, height: int = 240, width: int = 320) -> np.ndarray:
    """A field of rectangles and discs of random gray."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width), 110, np.uint8)
    for _ in range(90):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        gray = int(rng.integers(20, 235))
        if rng.random() < 0.6:
            w, h = (int(side) for side in rng.integers(8, 60, 2))
            cv2.rectangle(image, (x, y), (x + w, y + h), gray, -1)
        else:
            cv2.circle(image, (x, y), int(rng.integers(4, 20)), gray, -1)
    return image


def other_camera(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int], seed: int) -> np.ndarray:
    """The scene in other contrast (bright becomes dark, unevenly), through ``matrix``, with noise."""
    contrast = 255 - 200 * np.sin(image / 255 * 2.4) ** 2
    seen = cv2.warpPerspective(contrast.astype(np.float32), matrix, size[::-1], flags=cv2.INTER_LINEAR)
    return np.clip(seen + np.random.default_rng(seed).normal(0, 4, size), 0, 255).astype(np.uint8)
