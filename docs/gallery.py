"""The pictures of gallery.md and the first of README.md: simulated pairs, fused by what comes with the package.

python docs/gallery.py [FOLDER]     writes a picture for each row of the page; docs/gallery without a folder

Each is drawn from a number, so anybody's computer draws the same ones.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from text2pixels.cameras.view import Field, View, fuse_view
from text2pixels.files import whole_file
from text2pixels.image import Image8
from text2pixels.methods import catalogue
from text2pixels.methods.attention_maps import draw_attention
from text2pixels_simulator import simulate

PLACE = Path(__file__).parent / "gallery"
WIDTH, HEIGHT = 320, 256  # pixels of a picture; a row has several
GAP = 4
PROMPT = ("a person", "a car")
SCENES = {"day": 0, "night": 1, "fog": 2, "glare": 3}  # condition -> number of the pair
FRONT = {"night": 8, "day": 2}  # the same of README's picture
FRONT_WIDTH, FRONT_HEIGHT = 384, 304
ENLARGED = 8  # times a change is drawn, around gray
FIELD = 0.6  # share of each side of the visible frame that the narrow thermal camera of the last rows sees


def rows() -> dict[str, list[Image8]]:
    """Return name -> pictures side by side, RGB (H, W, 3) each."""
    ours, maximum, laplacian = (catalogue.load(name) for name in ("ours", "max", "laplacian"))
    found: dict[str, list[Image8]] = {}
    for condition, number in SCENES.items():
        scene = simulate(number, width=WIDTH, height=HEIGHT, condition=condition)
        view = View(scene.infrared, scene.visible)
        fused = [fuse_view(method, view) for method in (maximum, laplacian, ours)]
        found[condition] = [scene.visible, _rgb(scene.infrared), *fused, fuse_view(ours, view, PROMPT)]
    night = simulate(SCENES["night"], width=WIDTH, height=HEIGHT, condition="night")
    found["attention"] = [night.visible, *draw_attention(ours, night.infrared, night.visible, PROMPT).values()]
    seen = np.zeros((HEIGHT, WIDTH), bool)
    top, left = round(HEIGHT * (1 - FIELD) / 2), round(WIDTH * (1 - FIELD) / 2)
    seen[top : HEIGHT - top, left : WIDTH - left] = True
    narrow = np.where(seen, night.infrared, 0).astype(np.uint8)
    black_taken_for_cold = fuse_view(ours, View(narrow, night.visible))
    known = fuse_view(ours, View(narrow, night.visible, Field(seen)))
    found["field"] = [night.visible, _rgb(narrow), black_taken_for_cold, known]
    return found


def front() -> Image8:
    """Return two streets, one above the other: visible, infrared, fused, and what each phrase changes."""
    ours, strips = catalogue.load("ours"), []
    for condition, number in FRONT.items():
        scene = simulate(number, width=FRONT_WIDTH, height=FRONT_HEIGHT, condition=condition)
        view = View(scene.infrared, scene.visible)
        plain = fuse_view(ours, view)
        pictures = [scene.visible, _rgb(scene.infrared), plain]
        for phrase in PROMPT:
            change = fuse_view(ours, view, (phrase,)).mean(axis=2) - plain.mean(axis=2)
            pictures.append(_rgb((128 + ENLARGED * change).clip(0, 255).astype(np.uint8)))
        strips.append(_side_by_side(pictures))
    return _side_by_side([strip.transpose(1, 0, 2) for strip in strips]).transpose(1, 0, 2)


def _side_by_side(pictures: list[Image8]) -> Image8:
    gap = np.full((len(pictures[0]), GAP, 3), 255, np.uint8)
    return np.concatenate([each for picture in pictures for each in (gap, picture)][1:], axis=1)


def draw(folder: Path) -> None:
    """Write NAME.webp for each row, and front.webp."""
    folder.mkdir(parents=True, exist_ok=True)
    strips = {name: _side_by_side(pictures) for name, pictures in rows().items()}
    for name, strip in {"front": front(), **strips}.items():
        coded = cv2.imencode(".webp", strip[..., ::-1].copy(), [cv2.IMWRITE_WEBP_QUALITY, 80])[1]
        with whole_file(folder / f"{name}.webp") as aside:
            aside.write_bytes(coded.tobytes())


def _rgb(gray: Image8) -> Image8:
    return np.repeat(gray[..., None], 3, axis=2)


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else PLACE)
