"""TNO Image Fusion Dataset: night scenes of four camera systems, thermal and gray visible; all for testing.

Two forms are read: flat folders ``ir``/``vi``, as papers pass them on, and the published tree, where a
folder is a scene and the name of a file tells its band, in one of a dozen ways. Files of other bands (near
infrared, image intensifier, colour composites) and scenes without a thermal image are listed in the
quarantine.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from text2pixels.datasets import listing
from text2pixels.datasets.adapter import Adapter, Archive, Candidate, Layout, Stray
from text2pixels.datasets.places import DEPTH, is_litter
from text2pixels.image.decode import SUFFIXES

CAMERAS = ("Athena_images", "DHV_images", "FEL_images", "Triclobs_images", "tank")

# Matched in this order on the file's stem, in any case; the first that fits names the band.
_BANDS = (
    ("other", re.compile(r"^RGB|(^|_)NIR|_II$")),  # RGB-MarnehNew_15RGB_603, b_NIR-MarnehNew…, Farm_II
    ("thermal", re.compile(r"^(IR|RAD)|LWIR|_IR$|^\d+i$|^2_fk")),  # IR_hei_vis_g, RADheli20, B_LWIR, 7400i
    ("visible", re.compile(r"^(VIS|DHV|EO_)|(^|_)VIS|^\d+v$|^1_fk|_r$")),  # Vis01, DHV2, a_VIS-…, 7400v, bunker_r
)
_BAND_FOLDERS = ("thermal", "visual", "rad", "dhv")  # below a sequence's folder


def find(adapter: Adapter, root: Path, options: Mapping[str, Any]) -> Iterator[Candidate | Stray]:
    """Yield the pairs of the published tree where its camera folders are there, else of flat folders."""
    level = [root]
    for _ in range(DEPTH + 1):
        for base in level:
            if any((base / camera).is_dir() for camera in CAMERAS):
                yield from _tree(base)
                return
        level = sorted(child for base in level for child in base.iterdir() if child.is_dir())
    yield from listing.find(adapter, root, options)


def band(stem: str) -> str | None:
    """Return "thermal", "visible" or "other" as the file's name tells; None where it does not."""
    return next((name for name, pattern in _BANDS if re.search(pattern.pattern, stem, re.IGNORECASE)), None)


def _tree(base: Path) -> Iterator[Candidate | Stray]:
    scenes: dict[tuple[str, ...], dict[str, list[Path]]] = {}
    strays = []
    for path in sorted(path for path in base.rglob("*") if not path.is_dir()):
        where = path.relative_to(base)
        image = path.suffix.lower() in SUFFIXES and not is_litter(path.name)
        what = band(path.stem) if image and len(where.parts) > 1 and path.is_file() else None
        if what is None or what == "other":
            reason = "not_regular" if not path.is_file() else "other_band" if image else "not_an_image"
            strays.append(Stray(path.stem, "file", reason, where.as_posix()))
            continue
        folder = where.parts[:-1]
        scene = folder[:-1] if folder[-1].lower() in _BAND_FOLDERS else folder
        scenes.setdefault(scene, {"thermal": [], "visible": []})[what].append(path)
    found = [candidate for scene in sorted(scenes) for candidate in _pairs_of(scene, scenes[scene])]
    yield from sorted(found, key=lambda candidate: candidate.name)
    yield from strays


def _pairs_of(scene: tuple[str, ...], files: Mapping[str, list[Path]]) -> Iterator[Candidate]:
    name = "_".join(part.removesuffix("_images") for part in scene)
    single = all(len(paths) <= 1 for paths in files.values())
    frames: dict[str, dict[str, list[Path]]] = {}
    for what, paths in files.items():
        for path in paths:
            numbers = re.findall(r"\d+", path.stem)
            # Zeros in front, so that frame 2 comes before frame 10.
            key = name if single or not numbers else f"{name}_{int(numbers[-1]):04d}"
            frames.setdefault(key, {"thermal": [], "visible": []})[what].append(path)
    for key, found in frames.items():
        thermal, visible = found["thermal"], found["visible"]
        problem = None
        if len(thermal) > 1 or len(visible) > 1:
            names = ", ".join(path.name for path in thermal + visible)
            problem = ("ambiguous", f"{'/'.join(scene)}: {len(thermal)} thermal and {len(visible)} visible: {names}")
        elif not thermal or not visible:
            there, missing = (visible, "thermal") if visible else (thermal, "visible")
            problem = ("unpaired", f"{'/'.join(scene)}/{there[0].name} has no {missing} counterpart")
        yield Candidate(
            name=key,
            infrared=str(thermal[0]) if thermal else None,
            visible=str(visible[0]) if visible else None,
            scene=name,
            problem=problem,
        )


TNO = Adapter(
    name="tno",
    title="TNO Image Fusion Dataset",
    licence="free for research with credit to TNO (the set's README)",
    citation="Toet, TNO Image Fusion Dataset, figshare, 2014, doi:10.6084/m9.figshare.1008029",
    home="https://figshare.com/articles/dataset/TNO_Image_Fusion_Dataset/1008029",
    archives=(Archive("TNO_Image_Fusion_Dataset.zip", "md5:1ab9ce3b84dd3e5894630c13abd20953"),),
    layouts=((Layout("ir", "vi"),), (Layout("infrared", "visible"),), (Layout("ir", "vis"),)),
    split="test",
    find=find,
)
