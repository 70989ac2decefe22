"""The canvas: what every pixel shows, painted far to near, before any light or sensor.

Outlines are filled with the row number of a material table, at twice the frame's resolution. One
fill thus gives reflectance, temperature, emission, depth and owner at once, edges are anti-aliased
by averaging, and the visible extent of an object is exact: the pixels that still carry its rows.

Axes: X right, Y up, Z forward, in metres, origin on the ground below the camera.
Shape suffixes: H, W frame plus margins; N points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Points = NDArray[np.float64]  # (N, 2) canvas pixels, or (N, 3) metres
Colour = tuple[float, float, float]  # linear RGB in [0, 1]

SUPERSAMPLING = 2
GROUND = -1.0  # depth of a material that lies on the ground plane: each row has its own
GRAIN, ASPHALT, CLOUD = 0, 1, 2  # noise fields that textures draw on: screen, ground plane, sky
_SHIFT = 4  # OpenCV's fixed-point bits of a vertex


@dataclass(frozen=True)
class Camera:
    """A pinhole camera above the street, level, with the bend of the street folded in.

    Attributes:
        width, height: frame in pixels.
        margin: pixels rendered beyond each side of the frame.
        focal: focal length in pixels.
        centre, horizon: column and row of the vanishing point, pixels.
        x, y: position in metres, right of the street's axis and above the ground.
        bend: curvature of the street: X shifts by ``bend * Z**2``.
    """

    width: int
    height: int
    margin: int
    focal: float
    centre: float
    horizon: float
    x: float
    y: float
    bend: float

    @property
    def unit(self) -> float:
        """Pixels for what is one pixel in a frame of 320x256."""
        return float(np.sqrt(self.width * self.height / (320 * 256)))

    def project(self, points: Points) -> Points:
        """Return canvas pixels (N, 2) of world points (N, 3)."""
        z = np.maximum(points[:, 2], 0.3)
        scale = self.focal / z
        u = self.centre + (points[:, 0] + self.bend * z * z - self.x) * scale
        v = self.horizon + (self.y - points[:, 1]) * scale
        return np.stack([u, v], axis=1) + self.margin

    def rows_below_horizon(self) -> Floats:
        """Return (H,) inverse depth in 1/m of the ground seen in each row; 0.001 above the horizon."""
        rows = np.arange(self.height + 2 * self.margin, dtype=np.float32) + 0.5 - self.margin - self.horizon
        return np.maximum(rows / np.float32(self.focal * self.y), np.float32(1e-3))


class Material(NamedTuple):
    """What a surface is to both cameras."""

    colour: Colour  # reflectance
    celsius: float
    emission: Colour = (0.0, 0.0, 0.0)  # radiance, 1 = white paper in daylight
    grain: float = 0.0  # relative variation of reflectance
    mottle: float = 0.0  # variation of temperature, kelvin
    noise: int = GRAIN  # the field both follow


class Surfaces(NamedTuple):
    """The canvas resolved to one value per pixel."""

    colour: Floats  # (H, W, 3)
    celsius: Floats  # (H, W)
    emission: Floats  # (H, W, 3)
    nearness: Floats  # (H, W) 1/m
    grain: Floats  # (H, W)
    mottle: Floats  # (H, W)
    noise: NDArray[np.uint8]  # (H, W)
    ground: NDArray[np.bool_]  # (H, W)
    shadow: Floats  # (H, W) in [0, 1], meant for the ground


class Canvas:
    """Paints outlines over one another; the caller goes from far to near."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.h, self.w = camera.height + 2 * camera.margin, camera.width + 2 * camera.margin
        self.index = np.zeros((self.h * SUPERSAMPLING, self.w * SUPERSAMPLING), dtype=np.uint16)
        self._shadow = np.zeros((self.h, self.w), dtype=np.uint8)
        self._rows: list[tuple[float, ...]] = []
        self._owners: list[int] = []
        self.owner = 0  # of what is painted next; 0 is scenery
        self._first = 0  # the owner's first row
        self.low = self.high = np.zeros(2)  # extent of what the owner has painted, canvas pixels

    def begin(self, owner: int) -> None:
        """Let an object own what is painted from now on; 0 goes back to scenery."""
        self.owner = owner
        self._first = len(self._rows)
        self.low, self.high = np.full(2, np.inf), np.full(2, -np.inf)

    def painted(self) -> int:
        """Return how many supersampled pixels of the frame, margin left out, the object has just painted."""
        return int(np.count_nonzero(self._frame(self.index) >= self._first))

    def _frame(self, image: NDArray[np.uint16]) -> NDArray[np.uint16]:
        cut = self.camera.margin * SUPERSAMPLING
        return image[cut : image.shape[0] - cut, cut : image.shape[1] - cut]

    def paint(self, outlines: Points | Sequence[Points], material: Material, depth: float) -> None:
        """Fill one outline, or several disjoint ones, (N, 2) canvas pixels, at ``depth`` metres."""
        row = len(self._rows)
        assert row < 65536, "more materials than the index holds"
        m = material
        nearness = -1.0 if depth == GROUND else 1 / depth
        self._rows.append((*m.colour, m.celsius, *m.emission, nearness, m.grain, m.mottle, float(m.noise), 0.0))
        self._owners.append(self.owner)
        shapes = [outlines] if isinstance(outlines, np.ndarray) else outlines
        if self.owner:
            for shape in shapes:
                self.low, self.high = np.minimum(self.low, shape.min(axis=0)), np.maximum(self.high, shape.max(axis=0))
        fixed = [_fixed(shape * SUPERSAMPLING - 0.5) for shape in shapes]
        cv2.fillPoly(self.index, fixed, row, cv2.LINE_8, _SHIFT)

    def cast_shadow(self, outline: Points, strength: float) -> None:
        """Darken the ground inside the outline; overlapping shadows do not add up."""
        level = int(strength * 255)
        layer = np.zeros_like(self._shadow)
        cv2.fillPoly(layer, [_fixed(outline - 0.5)], level, cv2.LINE_AA, _SHIFT)
        np.maximum(self._shadow, layer, out=self._shadow)

    def behind(self, outline: Points) -> tuple[float, float, int]:
        """Return temperature, mottle and noise field of what the outline's surroundings show now."""
        low = np.floor(outline.min(axis=0) * SUPERSAMPLING).astype(int) - 2
        high = np.ceil(outline.max(axis=0) * SUPERSAMPLING).astype(int) + 3
        patch = self.index[max(low[1], 0) : max(high[1], 0), max(low[0], 0) : max(high[0], 0)]
        if not patch.size:
            return 0.0, 0.0, GRAIN
        row = self._rows[int(np.bincount(patch.ravel()).argmax())]
        return row[3], row[9], int(row[10])

    def owners(self) -> NDArray[np.uint16]:
        """Return the owner of each supersampled pixel of the frame, margin left out."""
        return np.array(self._owners, dtype=np.uint16).take(self._frame(self.index))

    def resolve(self) -> Surfaces:
        """Average the supersampled canvas down to one value per pixel."""
        table = np.array(self._rows, dtype=np.float32)
        size = (self.w, self.h)
        reflected = cv2.resize(table[:, :4].take(self.index, axis=0), size, interpolation=cv2.INTER_AREA)
        own = table[:, 4:8].take(self.index, axis=0)
        rows = np.repeat(self.camera.rows_below_horizon(), SUPERSAMPLING)[:, None]
        np.copyto(own[..., 3], np.broadcast_to(rows, own.shape[:2]), where=own[..., 3] < 0)
        own = cv2.resize(own, size, interpolation=cv2.INTER_AREA)
        pick = self.index[::SUPERSAMPLING, ::SUPERSAMPLING]
        texture = table[:, 8:12].take(pick, axis=0)
        soft = cv2.GaussianBlur(self._shadow, (0, 0), 1.0 * self.camera.unit).astype(np.float32) / 255
        return Surfaces(
            colour=reflected[..., :3],
            celsius=reflected[..., 3],
            emission=own[..., :3],
            nearness=own[..., 3],
            grain=texture[..., 0],
            mottle=texture[..., 1],
            noise=texture[..., 2].astype(np.uint8),
            ground=(table[:, 7] < 0).take(pick),
            shadow=soft,
        )


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.rint(np.clip(points, -2e6, 2e6) * (1 << _SHIFT)).astype(np.int32)
