"""The canvas: what every pixel shows, painted far to near, before any light or sensor.

Outlines are filled with the row number of a material table, at twice the frame's resolution. One
fill thus gives reflectance, temperature, emission, depth and owner at once, edges are anti-aliased
by averaging, and the visible extent of an object is exact: the pixels that still carry its rows.

Axes: X right, Y up, Z forward, in metres, origin on the ground below the camera.
Shape suffixes: H, W frame plus margins; N points.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Points = NDArray[np.float64]  # (N, 2) canvas pixels, or (N, 3) metres
Colour = tuple[float, float, float]  # linear RGB in [0, 1]

SUPERSAMPLING = 2
SKY_AIR = 300.0  # metres of air that count at most, before the sky
GROUND = -1.0  # depth of a material that lies on the ground plane: each row has its own
GRAIN, ASPHALT, CLOUD = 0, 1, 2  # noise fields that textures follow: in the screen, on the ground plane, in the sky
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
        """Return canvas pixels (..., 2) of world points (..., 3)."""
        z = np.maximum(points[..., 2], 0.3)
        scale = self.focal / z
        pixels = np.empty((*points.shape[:-1], 2))
        pixels[..., 0] = (points[..., 0] + self.bend * z * z - self.x) * scale + (self.centre + self.margin)
        pixels[..., 1] = (self.y - points[..., 1]) * scale + (self.horizon + self.margin)
        return pixels

    def rows_below_horizon(self) -> Floats:
        """Return (H,) inverse depth in 1/m of the ground seen in each row; 0.001 above the horizon."""
        rows = np.arange(self.height + 2 * self.margin, dtype=np.float32) + 0.5 - self.margin - self.horizon
        inverse: Floats = np.maximum(rows / np.float32(self.focal * self.y), np.float32(1e-3))
        return inverse


class Material(NamedTuple):
    """What a surface is to both cameras."""

    colour: Colour  # reflectance
    celsius: float
    emission: Colour = (0.0, 0.0, 0.0)  # radiance, 1 = white paper in daylight
    grain: float = 0.0  # relative variation of reflectance
    mottle: float = 0.0  # variation of temperature, kelvin
    noise: int = GRAIN  # the field that grain and mottle follow


class Surfaces(NamedTuple):
    """The canvas resolved to one value per pixel."""

    colour: Floats  # (H, W, 3)
    emission: Floats  # (H, W, 3)
    nearness: Floats  # (H, W) 1/m
    grain: Floats  # (H, W)
    noise: NDArray[np.uint8]  # (H, W) field that the grain follows
    ground: NDArray[np.bool_]  # (H, W)
    shadow: Floats  # (H, W) in [0, 1]; it darkens the ground alone
    # What the infrared camera sees, which misses what is painted for the visible camera alone:
    celsius: Floats  # (H, W)
    thermal_nearness: Floats  # (H, W) 1/m
    mottle: Floats  # (H, W)
    thermal_noise: NDArray[np.uint8]  # (H, W) field that the mottle follows

    def cut(self, frame: tuple[slice, slice]) -> "Surfaces":
        """Return a part of the canvas."""
        return Surfaces(**{name: values[frame] for name, values in self._asdict().items()})


class Canvas:
    """Paints outlines over one another; the caller goes from far to near."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.h, self.w = camera.height + 2 * camera.margin, camera.width + 2 * camera.margin
        self.index = np.zeros((self.h * SUPERSAMPLING, self.w * SUPERSAMPLING), dtype=np.uint16)
        self._shadow = np.zeros((self.h, self.w), dtype=np.uint8)
        self._rows: list[tuple[Any, ...]] = []
        self._owners: list[int] = []
        self._behind: list[tuple[int, tuple[slice, slice], NDArray[np.uint16]]] = []
        self.owner = 0  # of what is painted next; 0 is scenery
        self._first = 0  # the owner's first row
        self._drawn: list[Points] = []  # outlines that the owner has painted

    def begin(self, owner: int) -> None:
        """Let an object own what is painted from now on; 0 goes back to scenery."""
        self.owner = owner
        self._first = len(self._rows)
        self._drawn = []

    def painted(self) -> tuple[int, float, tuple[slice, slice]]:
        """Return what the object that has just been painted takes of the frame, margin left out.

        Returns:
            Supersampled pixels, share of its bounding box inside the frame, and that part's slices
            of the supersampled frame.
        """
        camera = self.camera
        drawn = np.concatenate(self._drawn) - camera.margin
        low, high = drawn.min(axis=0), drawn.max(axis=0)
        inner, outer = np.maximum(low, 0), np.minimum(high, (camera.width, camera.height))
        if (outer <= inner).any():
            return 0, 0.0, (slice(0), slice(0))
        inside = float((outer - inner).prod() / (high - low).prod())
        first = np.maximum(np.floor(inner * SUPERSAMPLING).astype(int) - 1, 0)
        last = np.ceil(outer * SUPERSAMPLING).astype(int) + 1
        area = (slice(int(first[1]), int(last[1])), slice(int(first[0]), int(last[0])))
        return int(np.count_nonzero(self._frame(self.index)[area] >= self._first)), inside, area

    def _frame(self, image: NDArray[np.uint16]) -> NDArray[np.uint16]:
        cut = self.camera.margin * SUPERSAMPLING
        return image[cut : image.shape[0] - cut, cut : image.shape[1] - cut]

    def paint(self, outlines: Points, material: Material, depth: float, infrared: bool = True) -> None:
        """Fill an outline (N, 2), or disjoint ones (M, N, 2), canvas pixels, at ``depth`` metres.

        With ``infrared=False`` the infrared camera sees what is behind it.
        """
        row = len(self._rows)
        assert row < 65536, "more materials than the index holds"
        m = material
        nearness = -1.0 if depth == GROUND else 1 / depth
        self._rows.append((*m.colour, m.celsius, *m.emission, nearness, m.grain, m.mottle, float(m.noise), 0.0))
        self._owners.append(self.owner)
        shapes = outlines if outlines.ndim == 3 else outlines[None]
        if self.owner:
            self._drawn.append(shapes.reshape(-1, 2))
        if not infrared:
            box = self._box(outlines, 2)
            self._behind.append((row, box, self.index[box].copy()))
        cv2.fillPoly(self.index, list(_fixed(shapes, SUPERSAMPLING)), row, cv2.LINE_8, _SHIFT)

    def sees(self, outlines: Points) -> NDArray[np.bool_]:
        """Tell whether the bounding box of each outline (..., N, 2) touches the canvas."""
        low, high = outlines.min(axis=-2), outlines.max(axis=-2)
        seen: NDArray[np.bool_] = (high >= 0).all(axis=-1) & (low <= (self.w, self.h)).all(axis=-1)
        return seen

    def cast_shadow(self, outline: Points, strength: float) -> None:
        """Darken the ground inside the outline; overlapping shadows do not add up."""
        level = int(strength * 255)
        layer = np.zeros_like(self._shadow)
        cv2.fillPoly(layer, [_fixed(outline, 1)], level, cv2.LINE_AA, _SHIFT)
        np.maximum(self._shadow, layer, out=self._shadow)

    def behind(self, outline: Points) -> tuple[Material, float]:
        """Return what shows most in the outline's surroundings, and its depth, metres."""
        patch = self.index[self._box(outline, 4)]
        row = self._rows[int(np.bincount(patch.ravel()).argmax()) if patch.size else 0]
        shown = Material(row[:3], row[3], row[4:7], row[8], row[9], int(row[10]))
        return shown, GROUND if row[7] < 0 else 1 / row[7]

    def nearness_at(self, u: float, v: float) -> float:
        """Return the inverse depth, 1/m, of what shows at a frame pixel; -1 on the ground."""
        row = int((v + self.camera.margin) * SUPERSAMPLING), int((u + self.camera.margin) * SUPERSAMPLING)
        inside = np.clip(row, 0, np.array(self.index.shape) - 1)
        return float(self._rows[int(self.index[inside[0], inside[1]])][7])

    def _box(self, outline: Points, border: int) -> tuple[slice, slice]:
        """Return the supersampled pixels around an outline."""
        low = np.maximum(np.floor(outline.min(axis=0) * SUPERSAMPLING).astype(int) - border, 0)
        high = np.maximum(np.ceil(outline.max(axis=0) * SUPERSAMPLING).astype(int) + border, 0)
        return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))

    def _infrared_index(self) -> NDArray[np.uint16]:
        """Return the index with what only the visible camera sees taken away, the last painted first."""
        index = self.index.copy()
        for row, box, before in reversed(self._behind):
            patch = index[box]
            np.copyto(patch, before, where=patch == row)
        return index

    def owners(self) -> NDArray[np.uint16]:
        """Return the owner of each supersampled pixel of the frame, margin left out."""
        return np.array(self._owners, dtype=np.uint16).take(self._frame(self.index))

    def resolve(self) -> Surfaces:
        """Average the supersampled canvas down to one value per pixel."""
        table = np.array(self._rows, dtype=np.float32)
        # NumPy looks tables up with machine integers: convert once.
        seen, felt = self.index.astype(np.intp), self._infrared_index().astype(np.intp)
        rows = np.repeat(self.camera.rows_below_horizon(), SUPERSAMPLING)[:, None]

        def average(columns: list[int], index: NDArray[np.intp]) -> Floats:
            """Average columns of the table, the last of them nearness, over each pixel."""
            values = table[:, columns].take(index, axis=0)
            np.copyto(values[..., -1], np.broadcast_to(rows, index.shape), where=values[..., -1] < 0)
            return cv2.resize(values, (self.w, self.h), interpolation=cv2.INTER_AREA)  # type: ignore[no-any-return]

        reflected, thermal = average([0, 1, 2, 7], seen), average([3, 7], felt)
        emitted = table[:, 4:7].take(seen, axis=0)
        near, far = seen[::SUPERSAMPLING, ::SUPERSAMPLING], felt[::SUPERSAMPLING, ::SUPERSAMPLING]
        return Surfaces(
            colour=reflected[..., :3],
            emission=cv2.resize(emitted, (self.w, self.h), interpolation=cv2.INTER_AREA),
            nearness=np.ascontiguousarray(reflected[..., 3]),
            grain=table[:, 8].take(near),
            noise=table[:, 10].take(near).astype(np.uint8),
            ground=(table[:, 7] < 0).take(near),
            shadow=cv2.GaussianBlur(self._shadow, (0, 0), self.camera.unit).astype(np.float32) / 255,
            celsius=np.ascontiguousarray(thermal[..., 0]),
            thermal_nearness=np.ascontiguousarray(thermal[..., 1]),
            mottle=table[:, 9].take(far),
            thermal_noise=table[:, 10].take(far).astype(np.uint8),
        )


def _fixed(points: Points, scale: int) -> NDArray[np.int32]:
    """Return OpenCV's fixed-point vertices; its pixel centres are integers, ours half-integers."""
    return (points * (scale << _SHIFT) + 0.5 * (1 - (1 << _SHIFT))).astype(np.int32)
