"""The results as a folder to commit: tables as CSV and Markdown, figures as SVG, and what they rest on."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from text2pixels import config
from text2pixels.analysis import ablations, detection
from text2pixels.analysis.boards import Board, boards
from text2pixels.analysis.leaderboard import detection_table
from text2pixels.analysis.results import DatasetResults, Results
from text2pixels.detection.detections import EARLY, LATE
from text2pixels.metrics.score import METRICS, STRETCHED
from text2pixels.report import figures, markdown, provenance
from text2pixels.report.data_files import as_text, write_rows
from text2pixels.report.site import write_site
from text2pixels.report.wording import sentence

PRECISIONS = ("AP50", "AP50:95")
ROWS = "rows"  # the folder of what the tables are computed from


def write_publication(folder: Path, results: Results, params: config.Params) -> str:
    """Write all files into an empty folder; return the headline, a table for a README.

    Beside the tables goes `site/`, the report's pages without pictures, which a browser opens from the disk.

    Args:
        folder: where they go.
        results: what the stages wrote.
        params: all sections.
    """
    (folder / ROWS).mkdir()
    sets = [_publish_dataset(folder, data, results, params) for data in results.datasets]
    _write_csv(folder / "cost.csv", [results.costs[method] for method in results.methods])
    _write(folder / "cost.md", markdown.cost(results.methods, results.costs, results.cards))
    if len(results.variants) > 1:
        groups = ablations.groups(results.changes, results.datasets, params.seed, params.report.bootstrap)
        _write_csv(folder / "ablations.csv", _ablation_rows(groups))
        _write(folder / "ablations.md", markdown.ablations(groups))
    shown = [(each["data"], each["boards"][-1], each["ap50"]) for each in sets]
    headline = markdown.headline(shown, results.costs, results.cards)
    _write(folder / "headline.md", headline)
    (folder / "site").mkdir()
    write_site(folder / "site", results, params, images=False)
    environment = Environment(
        loader=PackageLoader("text2pixels.report"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    front = environment.get_template("publication.md").render(
        sets=sets,
        headline=headline,
        facts=provenance.facts(results, params),
        commands=provenance.commands(params),
        caveats=provenance.caveats(results, params),
        ablations=len(results.variants) > 1,
        title=lambda data: sentence(data.adapter.title),
    )
    _write(folder / "README.md", front)
    return headline


def _publish_dataset(folder: Path, data: DatasetResults, results: Results, params: config.Params) -> dict[str, Any]:
    """Write the tables and figures of a data set, and its rows; return what the front page shows of it."""
    write_rows(folder / ROWS / f"fusion-{data.name}.parquet", pd.concat((data.scores, data.stretched)))
    found = boards(data, results.methods, params.report.bootstrap)
    for board in found:
        _write_csv(folder / f"fusion-{board.key}.csv", _fusion_rows(board))
        _write(folder / f"fusion-{board.key}.md", markdown.fusion(data, board, results.cards))
        _write(folder / f"ranks-{board.key}.svg", _stand_alone(figures.critical_difference(board.ranking)))
    points = figures.cost_points(found[0].fusion.rows, results.costs)
    chart = figures.cost_and_quality(points, "time a pair (logarithmic)", "average rank (best on top)")
    _write(folder / f"cost-and-quality-{data.name}.svg", _stand_alone(chart))
    shown = [*results.methods, *(name for name in (EARLY, LATE) if name not in results.methods)]
    precision = {method: data.precision[method] for method in shown if method in data.precision}
    tables = {metric: detection_table(precision, shown, metric) for metric in PRECISIONS if precision}
    if tables:
        _write_csv(folder / f"detection-{data.name}.csv", _detection_rows(data, shown))
        sections = detection.sections(data.protocols, data.pairs, data.folds, results.methods)
        _write(folder / f"detection-{data.name}.md", markdown.detection(data, sections, results.cards))
    return {"data": data, "boards": found, "ap50": tables.get("AP50")}


def _fusion_rows(board: Board) -> list[dict[str, Any]]:
    """Return a row a convention, method and metric."""
    rows = []
    for convention, table, specs in (("standard", board.fusion, METRICS), ("stretched", board.stretched, STRETCHED)):
        for row in table.rows:
            for name, cell in zip(table.columns, row.cells, strict=True):
                test = cell.comparison
                rows.append(
                    {
                        "convention": convention,
                        "method": row.method,
                        "average_rank": row.rank,
                        "average_rank_of_all": row.rank_of_all,
                        "mean_place": row.mean_place,
                        "metric": name,
                        "better": specs[name].direction,
                        "mean": cell.value,
                        "low": cell.low,
                        "high": cell.high,
                        "images": cell.count,
                        "place": cell.place or None,
                        "against": test.against if test else None,
                        "difference": test.difference if test else None,
                        "p_holm": test.p_holm if test else None,
                    }
                )
    return rows


def _detection_rows(data: DatasetResults, methods: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of every scope, with the paired differences to the first method; see `detection.Found.rows`."""
    return [
        {"scope": scope.title} | row
        for scope in detection.SCOPES
        if scope.key in data.protocols
        for row in data.protocols[scope.key].rows(methods[0], methods)
    ]


def _ablation_rows(groups: Sequence[ablations.Group]) -> list[dict[str, Any]]:
    """Return a row a group, data set, setting and metric."""
    return [
        {
            "group": group.kind.title,
            "dataset": table.dataset.name,
            "setting": row.setting.name,
            "changes": "; ".join(f"{key}: {value}" for key, value in row.setting.changes.items()),
            "seeds": " ".join(str(seed) for seed in row.setting.seeds),
            "metric": name,
            "mean": cell.value,
            "deviation_over_seeds": cell.spread,
            "images": cell.count,
            "difference": cell.difference.mean if cell.difference else None,
            "low": cell.difference.low if cell.difference else None,
            "high": cell.difference.high if cell.difference else None,
            # In brackets, as a spreadsheet would take "-1 -2" for a sum.
            "difference_by_seed": f"[{', '.join(f'{one:.6g}' for one in cell.each)}]" if cell.each else None,
        }
        for group in groups
        for table in group.tables
        for row in table.rows
        for name, cell in zip(table.columns, row.cells, strict=True)
    ]


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that have the same keys; numbers with six significant digits, so that a new run differs in little."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            cells = {key: f"{value:.6g}" if isinstance(value, float) else as_text(value) for key, value in row.items()}
            writer.writerow(cells)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _stand_alone(svg: str) -> str:
    """Give a figure that takes the ink of its page an ink of its own, legible on light and dark."""
    return svg.replace("currentColor", figures.INK)
