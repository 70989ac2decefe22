"""Stage `report`: the site, and the headline numbers as JSON for `dvc metrics`."""

import json
import math
from pathlib import Path

from text2pixels import config, layout
from text2pixels.analysis.results import read_results
from text2pixels.files import whole_file, whole_folder
from text2pixels.report.site import write_site

SECTIONS: tuple[str, ...] = ("profile", "seed", "datasets", "methods", "fuse", "embed", "report")

METRICS_FILE = Path("reports/metrics.json")


def run() -> None:
    """Write reports/site and reports/metrics.json.

    Raises:
        InputError: something that the report shows has not been made.
    """
    params = config.load(SECTIONS)
    results = read_results(params)
    with whole_folder(layout.site()) as folder:
        headlines = write_site(folder, results, params)
    numbers: dict[str, dict[str, dict[str, float]]] = {}
    for row in headlines:
        values = {name: round(v, 6) for name, v in row.items() if isinstance(v, float) and math.isfinite(v)}
        numbers.setdefault(row["dataset"], {})[row["method"]] = values
    with whole_file(METRICS_FILE) as aside:
        aside.write_text(json.dumps(numbers, indent=2) + "\n")
