"""The page of a comparison of folders: leaderboard, ranks, pictures of some pairs side by side; and its CSV files."""

from importlib.metadata import version
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

import cv2

from text2pixels.analysis.comparison import Leaderboard, Shared
from text2pixels.analysis.leaderboard import SOURCES
from text2pixels.image import Image8, read_infrared, read_visible
from text2pixels.metrics import METRICS
from text2pixels.report import figures
from text2pixels.report.downloads import table_as_text
from text2pixels.report.pictures import spread
from text2pixels.report.wording import templates

if TYPE_CHECKING:  # without labels to compare with, no torch is needed
    from text2pixels.analysis.compared_detection import Detected

FILES = ("index.html", "leaderboard.csv", "scores.csv", "detection.csv", "images", "static")
SHOWN = 12  # pairs
WIDTH = 480  # pixels, of a picture at most


def write_comparison(folder: Path, shared: Shared, found: Leaderboard, detected: "Detected | None" = None) -> None:
    """Write index.html, leaderboard.csv (a row per method and metric) and scores.csv (per pair) into an empty folder.

    Where a detector was run, detection.csv has a row per method, category and metric.

    Args:
        folder: Where to.
        shared: The pairs that were compared.
        found: What came of it.
        detected: What a detector found; None: none was run.

    Raises:
        InputError: an image cannot be read.
    """
    table_as_text(found.scores).to_csv(folder / "scores.csv", index=False)
    table_as_text(found.means).to_csv(folder / "leaderboard.csv", index=False)
    if detected is not None:
        table_as_text(detected.rows).to_csv(folder / "detection.csv", index=False)
    names = spread(list(shared.files), SHOWN)
    for place, name in enumerate(names):
        for method, path in shared.files[name].items():
            _write_picture(folder / "images" / f"{place}-{method}.webp", path, method == "infrared")
    copytree(Path(__file__).parent / "static", folder / "static")
    methods = [method for method in next(iter(shared.files.values())) if method not in SOURCES]
    text = (
        templates()
        .get_template("comparison.html")
        .render(
            site={"title": "Comparison", "pages": []},
            here="index.html",
            root="",
            version=version("text2pixels"),
            board=found,
            detected=detected,
            figure_of_ranks=figures.critical_difference(found.ranking) if len(methods) > 1 else "",
            metrics=METRICS,
            notes=shared.notes,
            shown=names,
            columns=["infrared", "visible", *methods],
            count=len(shared.files),
        )
    )
    (folder / "index.html").write_text(text, encoding="utf-8")


def _write_picture(path: Path, source: Path, gray: bool) -> None:
    image: Image8 = read_infrared(source) if gray else cv2.cvtColor(read_visible(source), cv2.COLOR_RGB2BGR)
    height, width = image.shape[:2]
    if width > WIDTH:
        image = cv2.resize(image, (WIDTH, max(1, round(height * WIDTH / width))), interpolation=cv2.INTER_AREA)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, 90])[1].tobytes())
