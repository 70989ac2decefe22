"""Stage `report`: the site, and what DVC compares between runs: a few numbers, and tables to draw."""

import json
from pathlib import Path

from text2pixels import config, layout, params_file
from text2pixels.analysis.results import read_results
from text2pixels.files import whole_file, whole_folder
from text2pixels.progress import console
from text2pixels.report.data_files import metrics, write_plots
from text2pixels.report.site import write_site

SECTIONS: tuple[str, ...] = ("profile", "seed", "datasets", "methods", "fuse", "embed", "report")

METRICS_FILE = Path("reports/metrics.json")
PLOTS = Path("reports/plots")


def strangers(params: config.Params) -> list[Path]:
    """Return the folders of fused images that belong to no method of params.yaml."""
    found = sorted(layout.FUSED.iterdir()) if layout.FUSED.is_dir() else []
    return [folder for folder in found if folder.is_dir() and folder.name not in params.methods]


def run() -> None:
    """Write reports/site, reports/plots and reports/metrics.json.

    Raises:
        InputError: something that the report shows has not been made.
    """
    params = params_file.load(SECTIONS)
    results = read_results(params)
    for folder in strangers(params):
        console.print(
            f"report: {folder} is of no method of params.yaml, so it is in no table: images that were fused elsewhere "
            "are a method with a folder (methods: {NAME: {folder: PATH}}, below fuse.results)",
            markup=False,
        )
    with whole_folder(layout.SITE) as folder:
        headlines = write_site(folder, results, params)
    with whole_folder(PLOTS) as folder:
        write_plots(folder, headlines, results)
    with whole_file(METRICS_FILE) as aside:
        aside.write_text(json.dumps(metrics(headlines, results), indent=2) + "\n")
