"""The page of a comparison of folders: leaderboard, ranks, pictures of some pairs side by side; and its CSV files."""

from importlib.metadata import version
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

from text2pixels.analysis.comparison import Leaderboard, Shared
from text2pixels.analysis.leaderboard import SOURCES
from text2pixels.image import read_infrared, read_visible
from text2pixels.metrics import METRICS
from text2pixels.report import figures
from text2pixels.report.data_files import table_as_text
from text2pixels.report.pictures import WIDTH, write_webp
from text2pixels.report.wording import templates
from text2pixels.sampling import spread

if TYPE_CHECKING:  # without labels to compare with, no torch is needed
    from text2pixels.analysis.compared_detection import Detected

FILES = ("index.html", "leaderboard.csv", "scores.csv", "detection.csv", "images", "static")
SHOWN = 12  # pairs


def write_comparison(folder: Path, shared: Shared, found: Leaderboard, detected: "Detected | None" = None) -> None:
    """Write index.html, leaderboard.csv (a row per method and metric) and scores.csv (per pair) into an empty folder.

    Where a detector was run, detection.csv has a row per method, category and metric.

    Args:
        folder: Where to.
        shared: The pairs that were compared.
        found: The result.
        detected: What a detector found; None: none was run.

    Raises:
        InputError: an image cannot be read.
    """
    table_as_text(found.scores).to_csv(folder / "scores.csv", index=False)
    table_as_text(found.means).to_csv(folder / "leaderboard.csv", index=False)
    if detected is not None:
        table_as_text(detected.rows).to_csv(folder / "detection.csv", index=False)
    names = spread([*shared.files], SHOWN)
    pictures = folder / "images"
    pictures.mkdir()
    for place, name in enumerate(names):
        for method, path in shared.files[name].items():
            image = read_infrared(path) if method == "infrared" else read_visible(path)
            write_webp(pictures / f"{place}-{method}.webp", image, WIDTH)
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
