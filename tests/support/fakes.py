"""Tiny fakes of every data set in the layout its publisher uses, drawn from a seed.

``write(name, root)`` makes one; ``EXPECTED`` says what an ingest of it gives: pairs, labelled pairs, boxes.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (64, 48)  # width, height

EXPECTED = {
    "roadscene": (4, 3, 4),
    "tno": (12, 0, 0),
    "m3fd": (3, 3, 5),
    "m3fd_fusion": (2, 0, 0),
    "msrs": (4, 3, 4),
    "llvip": (5, 5, 5),
    "flir": (3, 3, 4),
    "folder": (4, 3, 3),
}


def picture(rng: np.random.Generator, channels: int = 3, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return smooth random blobs: unlike any other seed's, and alike under compression."""
    coarse = rng.integers(0, 256, (7, 9, channels), dtype=np.uint8)
    layers = [
        np.asarray(Image.fromarray(coarse[..., c]).resize(size, Image.Resampling.BICUBIC)) for c in range(channels)
    ]
    return np.stack(layers, axis=2) if channels > 1 else layers[0]


def save(path: Path, image: np.ndarray, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)


def voc(path: Path, boxes: list[tuple[str, int, int, int, int]], size: tuple[int, int] | None = SIZE) -> None:
    """Write a VOC file; boxes are (name, xmin, ymin, xmax, ymax)."""
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox>"
        "</object>"
        for name, a, b, c, d in boxes
    )
    head = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>" if size else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation>{head}{objects}</annotation>")


def yolo(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines))


def coco(path: Path, names: list[str], files: dict[str, list[tuple[str, list[float]]]], **attributes: object) -> None:
    """Write a COCO file; ``files`` maps a file name to its (category, [x, y, w, h])."""
    data = {
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, 1)],
        "images": [
            {"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1], **attributes}
            for number, name in enumerate(files)
        ],
        "annotations": [
            {"id": 0, "image_id": number, "category_id": names.index(name) + 1 if name in names else 99, "bbox": box}
            for number, boxes in enumerate(files.values())
            for name, box in boxes
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def write(name: str, root: Path, seed: int = 0) -> Path:
    """Make the fake of a data set below ``root`` and return ``root``."""
    _WRITERS[name](root, np.random.default_rng(seed))
    return root


def _roadscene(root: Path, rng: np.random.Generator) -> None:
    names = ["FLIR_00006", "FLIR_00211", "FLIR_00977", "FLIR_video_00018"]
    for name in names:
        save(root / "cropinfrared" / f"{name}.jpg", picture(rng, 1))
        save(root / "crop_LR_visible" / f"{name}.jpg", picture(rng))
    boxes = {
        "FLIR_00006.jpg": [("person", [1, 2, 10, 20]), ("car", [30.5, 5.25, 33.5, 20])],
        "FLIR_00211.jpg": [("bicycle", [0, 0, 8, 8])],
        "FLIR_00977.jpg": [("car", [20, 20, 20, 20])],
    }
    coco(root / "annotations.json", ["person", "bicycle", "car"], boxes, time_of_day="night")


def _tno(root: Path, rng: np.random.Generator) -> None:
    base = root / "TNO_Image_Fusion_Dataset"
    gray = {  # the ways in which the published tree names its bands
        "Athena_images/2_men_in_front_of_house": ("IR_meting003_g.bmp", "VIS_meting003_r.bmp"),
        "Athena_images/APC_2/view_1": ("2_fk_ge_03_005.bmp", "1_fk_ge_03_005.bmp"),
        "Athena_images/bunker": ("IR_bunker_g.bmp", "bunker_r.bmp"),
        "Athena_images/heather": ("IR_hei_vis_g.bmp", "VIS_hei_vis_r.bmp"),
        "Triclobs_images/barbed_wire_2": (
            "c_LWIR-MarnehNew_24RGB_1110.tif",
            "a_VIS-MarnehNew_24RGB_1110.tif",
            "b_NIR-MarnehNew_24RGB_1110.tif",
        ),
        "Triclobs_images/Farm": ("Farm_IR.bmp", "Farm_Vis.bmp", "Farm_II.bmp"),
        "Triclobs_images/Balls": ("VIS.bmp", "NIR.bmp"),  # no thermal image
        "DHV_images/wall": ("IR_163rad.bmp", "VIS_163dhvR.BMP", "NIR_163dhvG.BMP"),
        "tank": ("LWIR.tif", "Vis.tif"),
    }
    for folder, names in gray.items():
        for name in names:
            save(base / folder / name, picture(rng, 1), format="TIFF" if name.endswith("tif") else "BMP")
    for frame in (2, 10):
        save(base / f"DHV_images/Fire_sequence/part_1/thermal/RAD{frame}.bmp", picture(rng, 1))
        save(base / f"DHV_images/Fire_sequence/part_1/dhv/DHV{frame}.bmp", picture(rng, 1))
    for frame in (7400, 7401):
        save(base / f"FEL_images/Duine_sequence/thermal/{frame}i.bmp", picture(rng, 1))
        save(base / f"FEL_images/Duine_sequence/visual/{frame}v.bmp", picture(rng, 1))
    (base / "README.txt").write_text("free for research")


def _m3fd(root: Path, rng: np.random.Generator) -> None:
    base = root / "M3FD_Detection"
    boxes = {
        "00000": [("People", 1, 2, 11, 22), ("Car", 20, 10, 64, 48)],
        "00001": [("Lamp", 3, 3, 9, 9), ("Bus", 0, 0, 30, 30)],
        "00002": [("Truck", 5, 5, 20, 20)],
    }
    for name, drawn in boxes.items():
        save(base / "Ir" / f"{name}.png", np.repeat(picture(rng, 1)[..., None], 3, axis=2))
        save(base / "Vi" / f"{name}.png", picture(rng))
        voc(base / "Annotation" / f"{name}.xml", drawn)


def _m3fd_fusion(root: Path, rng: np.random.Generator) -> None:
    for name in ("00471", "00719"):
        save(root / "M3FD_Fusion/Ir" / f"{name}.png", np.repeat(picture(rng, 1)[..., None], 3, axis=2))
        save(root / "M3FD_Fusion/Vi" / f"{name}.png", picture(rng))


def _msrs(root: Path, rng: np.random.Generator) -> None:
    labels = {"00001D": ["0 0.5 0.5 0.2 0.4", "2 0.25 0.25 0.5 0.5"], "00002N": [], "00003D": ["1 0.5 0.5 1 1"]}
    for part, names in (("train", ("00001D", "00003D")), ("test", ("00002N", "00004N"))):
        for name in names:
            save(root / "MSRS-main" / part / "ir" / f"{name}.png", picture(rng, 1))
            save(root / "MSRS-main" / part / "vi" / f"{name}.png", picture(rng))
            if name in labels:
                yolo(root / "MSRS-main" / part / "labels" / f"{name}.txt", labels[name])
    yolo(root / "MSRS-main/test/labels/00004N.txt", ["0 0.5 0.5 0.1 0.1"])
    (root / "MSRS-main/test/labels/00002N.txt").unlink()


def _llvip(root: Path, rng: np.random.Generator) -> None:
    for part, names in (("train", ("010001", "010002", "020001")), ("test", ("190001", "190002"))):
        for name in names:
            # As published, the infrared is a JPEG of three channels.
            save(root / "LLVIP/infrared" / part / f"{name}.jpg", np.repeat(picture(rng, 1)[..., None], 3, axis=2))
            save(root / "LLVIP/visible" / part / f"{name}.jpg", picture(rng))
            voc(root / "LLVIP/Annotations" / f"{name}.xml", [("person", 10, 10, 20, 40)])


def _flir(root: Path, rng: np.random.Generator) -> None:
    base = root / "align"
    boxes = {"FLIR_00002": [("person", 1, 1, 9, 30)], "FLIR_08864": [("car", 5, 5, 40, 40), ("dog", 40, 20, 50, 30)]}
    for name in ("FLIR_00002", "FLIR_08864", "FLIR_08865"):
        save(base / "JPEGImages" / f"{name}_PreviewData.jpeg", picture(rng, 1))
        save(base / "JPEGImages" / f"{name}_RGB.jpg", picture(rng))
        drawn = boxes.get(name, [("bicycle", 2, 2, 12, 12)])
        voc(base / "Annotations" / f"{name}_PreviewData.xml", drawn)
    (base / "align_train.txt").write_text("FLIR_00002_PreviewData\n")
    (base / "align_validation.txt").write_text("FLIR_08864_PreviewData\nFLIR_08865_PreviewData\n")


def _folder(root: Path, rng: np.random.Generator) -> None:
    boxes = {
        "a.png": [("person", [1, 1, 10, 10])],
        "b.png": [("cat", [5, 5, 20, 20])],
        "c d.png": [("cat", [0, 0, 9, 9])],
    }
    for name in ("a", "b", "c d", "é"):
        save(root / "thermal" / f"{name}.png", picture(rng, 1))
        save(root / "rgb" / f"{name}.png", picture(rng))
    coco(root / "labels.json", ["person", "cat"], boxes)


_WRITERS: dict[str, Callable[[Path, np.random.Generator], None]] = {
    "roadscene": _roadscene,
    "tno": _tno,
    "m3fd": _m3fd,
    "m3fd_fusion": _m3fd_fusion,
    "msrs": _msrs,
    "llvip": _llvip,
    "flir": _flir,
    "folder": _folder,
}
