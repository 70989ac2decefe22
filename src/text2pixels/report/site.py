"""The site: static pages that work from disk, offline, without any external request."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pandas as pd

from text2pixels import config, layout, params_file
from text2pixels.analysis import ablations, detection
from text2pixels.analysis.boards import Board, boards
from text2pixels.analysis.published import published_detections
from text2pixels.analysis.results import DatasetResults, Results
from text2pixels.datasets.manifest import SPLITS, Pair
from text2pixels.detection.detections import read_detections
from text2pixels.methods.built_in import NOT_RUNNABLE
from text2pixels.methods.catalogue import methods as catalogue
from text2pixels.metrics.score import HEADLINE, METRICS, STRETCHED
from text2pixels.progress import track
from text2pixels.report import figures
from text2pixels.report.attention import Attention
from text2pixels.report.calibration import calibrations
from text2pixels.report.data_files import write_downloads
from text2pixels.report.paper import paper_page
from text2pixels.report.pictures import WithoutText, write_pictures
from text2pixels.report.provenance import provenance
from text2pixels.report.text import text_page
from text2pixels.report.wording import sentence, templates
from text2pixels.sampling import spread

# Metrics that the convention `stretched` defines otherwise.
_DIFFERENT = [name for name, metric in STRETCHED.items() if metric is not METRICS[name]]


def write_site(folder: Path, results: Results, params: config.Params, *, images: bool = True) -> list[dict[str, Any]]:
    """Write all pages into an empty folder; return the headline numbers, one mapping a data set and method.

    Args:
        folder: where the site goes.
        results: what the other stages wrote.
        params: sections profile, seed, fuse, embed, report.
        images: False: no picture of a data set, as its terms may forbid to pass it on; only tables and charts, without
            downloads and without params.yaml, which names places of this machine.
    """
    views = [_view(data, results, params.report, images) for data in results.datasets]
    attention = Attention(results.variants[0], params.fuse.prompt, params.embed) if results.variants else None
    reads_text = attention is not None and attention.reads_text
    pages = [
        ("Overview", "index.html"),
        *((sentence(view["adapter"].title), f"{view['name']}.html") for view in views),
        ("The paper", "paper.html"),
        ("Detection", "detection.html"),
        ("Methods", "methods.html"),
        ("Metrics", "metrics.html"),
        ("Stretched convention", "published.html"),
        ("Data", "data.html"),
        *([("Prompts", "prompts.html")] if images else []),
        *([("Text", "text.html")] if reads_text else []),
        ("Training", "training.html"),
        *([("Ablations", "ablations.html")] if len(results.variants) > 1 else []),
    ]
    site = {
        "title": params.report.title,
        "pages": [{"title": title, "file": file} for title, file in pages],
        "provenance": provenance(params),
    }
    shared = {"site": site, "metrics": METRICS, "variants": results.variants[:1], "root": "", "images": images}
    environment = templates({name: card.aside for name, card in results.cards.items()})

    def page(template: str, file: str, **content: object) -> None:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(environment.get_template(template).render(shared | {"here": file} | content), encoding="utf-8")

    static = Path(__file__).parent / "static"
    copytree(static, folder / "static")
    total = sum(len(view["test"]) for view in views)
    page("index.html", "index.html", datasets=views, methods=results.methods, total=total)
    without_text = WithoutText(results.variants[:1] if images else [], results.cards, params)
    page("paper.html", "paper.html", **paper_page(folder, results, without_text, images=images))
    page("detection.html", "detection.html", datasets=views)
    page("methods.html", "methods.html", **_methods(results, views))
    specs = {"specs": list(METRICS.values()), "others": [STRETCHED[name] for name in HEADLINE if name in _DIFFERENT]}
    page("metrics.html", "metrics.html", **specs, inf=math.inf)
    found = {view["name"]: published_detections(view["name"]) for view in views}
    detections = {name: rows for name, rows in found.items() if rows}
    page("published.html", "published.html", datasets=views, specs=STRETCHED, detections=detections)
    page("calibration.html", "calibration.html", rows=calibrations())
    page("data.html", "data.html", datasets=views)
    if images:
        page("prompts.html", "prompts.html", datasets=views)
    if attention and reads_text:
        card = results.cards[results.variants[0]]
        page("text.html", "text.html", **text_page(folder, views, attention, card, params.report.bootstrap))
    shown = [method for method in results.histories if method not in results.variants[1:]]
    curves = {method: figures.curves(results.histories[method]) for method in shown}
    for variant, drawn in curves.items():
        for curve in drawn:
            path = folder / "images/training" / variant / f"{curve.level}-{curve.name}.svg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(curve.svg, encoding="utf-8")
    page("training.html", "training.html", curves=curves)
    if len(results.variants) > 1:
        compared = ablations.groups(results.changes, results.datasets, params.seed, params.report.bootstrap)
        settings = ablations.settings_of(results.changes, params.seed)
        most = max(len(setting.seeds) for setting in settings)
        page("ablations.html", "ablations.html", groups=compared, reference=settings[0].name, seeds=most)
    lock = Path("dvc.lock")
    page(
        "provenance.html",
        "provenance.html",
        params=params_file.PARAMS_FILE.read_text() if images else None,
        lock=lock.read_text() if lock.is_file() else "not written yet: this was the first run",
    )
    for view in views:
        page("dataset.html", f"{view['name']}.html", data=view)
    if images:
        _write_pairs(page, folder, views, results, attention, without_text)
        write_downloads(folder / "downloads", results)
    return [headline for view in views for board in view["boards"] for headline in _headlines(view, board)]


def _write_pairs(
    page: Callable[..., None],
    folder: Path,
    views: list[dict[str, Any]],
    results: Results,
    attention: Attention | None,
    without_text: WithoutText,
) -> None:
    """Write a page, with its pictures, for each pair of the galleries."""
    methods = [*results.methods, *results.variants[1:]]
    for view in views:
        ids = [pair.pair_id for pair in view["shown"]]
        found = {
            method: detection.drawn(read_detections(layout.detections(view["name"], method)), ids) for method in methods
        }
        for index, pair in enumerate(track(view["shown"], f"pages of {view['name']}")):
            pictures = folder / "images" / view["name"] / pair.name
            write_pictures(pictures, pair, methods, without_text)
            page(
                "pair.html",
                f"pair/{view['name']}/{pair.name}.html",
                **_pair(view, pair, methods),
                shown=dict.fromkeys(["infrared", "visible", *methods], "") | without_text.names,
                heat=attention.write(pictures, pair) if attention else None,
                found={method: boxes[pair.pair_id] for method, boxes in found.items() if pair.pair_id in boxes},
                drawn=detection.DRAWN,
                root="../../",
                before=view["shown"][index - 1] if index else None,
                after=view["shown"][index + 1] if index + 1 < len(view["shown"]) else None,
            )


def _view(data: DatasetResults, results: Results, settings: config.Report, images: bool) -> dict[str, Any]:
    """Return what the pages show of a data set."""
    found = boards(data, results.methods, settings.bootstrap)
    whole = found[0]
    detected = detection.sections(data.protocols, data.pairs, data.folds, results.methods)
    scope = detection.leading(data.protocols)
    board = next((section for section in detected if section.scope == scope), None)
    shown = spread(data.test, settings.gallery) if images else []
    ranked = [row.method for row in whole.fusion.rows if row.rank is not None]
    left_out = Counter((row.kind, row.reason) for row in data.quarantine.itertuples())
    lines = "".join(sorted(f"{pair.name} {pair.split}\n" for pair in data.pairs))
    return {
        "name": data.name,
        "adapter": data.adapter,
        "pairs": data.pairs,
        "test": data.test,
        "scores": data.scores,
        "prompts": data.prompts,
        "boards": found,
        "fusion": whole.fusion,
        "headline": whole.headline,
        "ranking_figures": {board.key: figures.critical_difference(board.ranking) for board in found},
        "detection": detected,
        "ap50": board.tables["AP50"] if board else None,
        "detector": detection.detector_of(scope) if scope else "",
        "found": board.verdict if board else "",
        "ap": board.tables["AP50:95"] if board else None,
        "shown": shown,
        "best": results.variants[0] if results.variants else ranked[0],
        "splits": [{"split": split, "counts": _counts(data.pairs, split)} for split in SPLITS],
        "quarantine": data.quarantine,
        "left_out": [(kind, reason, number) for (kind, reason), number in sorted(left_out.items())],
        "split_digest": hashlib.sha256(lines.encode()).hexdigest(),
        "captions": [(pair, _prompts(data.prompts, pair)) for pair in shown],
    }


def _counts(pairs: list[Pair], split: str) -> list[int]:
    chosen = [pair for pair in pairs if pair.split == split]
    times = Counter(pair.time_of_day for pair in chosen)
    labelled = [pair for pair in chosen if pair.labelled]
    boxes = sum(len(pair.boxes) for pair in labelled)
    return [len(chosen), len(labelled), boxes, times["day"], times["night"], times["unknown"]]


def _prompts(prompts: pd.DataFrame, pair: Pair) -> list[dict[str, Any]]:
    own = prompts[prompts["pair_id"] == pair.pair_id]
    return [
        {"kind": kind, "origin": origin, "phrases": list(phrases)}
        for kind, origin, phrases in zip(own["kind"], own["origin"], own["phrases"], strict=True)
    ]


def _pair(view: dict[str, Any], pair: Pair, methods: list[str]) -> dict[str, Any]:
    own = view["scores"][view["scores"]["pair_id"] == pair.pair_id]
    wide = own.pivot(index="method", columns="metric", values="value")
    columns = [name for name in METRICS if name in wide.columns]
    return {
        "data": view,
        "pair": pair,
        "prompts": _prompts(view["prompts"], pair),
        "columns": columns,
        "rows": [(method, [float(value) for value in wide.loc[method, columns]]) for method in methods],
    }


def _methods(results: Results, views: list[dict[str, Any]]) -> dict[str, Any]:
    rows = []
    for method in results.methods:
        card = results.cards[method]
        rows.append(
            {
                "name": method,
                "title": card.title,
                "weights": card.weights,
                "paper": card.paper,
                "year": card.year,
                "licence": card.licence,
                "notes": f"{card.eight_bits}. {sentence(card.notes)}" if card.notes else f"{card.eight_bits}.",
                "cost": results.costs[method],
            }
        )
    first = next(iter(results.costs.values()))
    charts = []
    for view in views:
        points = figures.cost_points(view["fusion"].rows, results.costs)
        chart = figures.cost_and_quality(points, "time a pair (logarithmic)", "average rank (best on top)")
        charts.append((sentence(view["adapter"].title), chart))
    return {
        "rows": rows,
        "size": f"{first['width']} × {first['height']}",
        "device": f"{first['device']}, {first['threads']} threads",
        "figures": charts,
        "left_out": [entry.card for name, entry in catalogue().items() if name not in results.methods],
        "absent": NOT_RUNNABLE,
    }


def _headlines(view: dict[str, Any], board: Board) -> list[dict[str, Any]]:
    table = board.headline
    # Detections are of the whole test split.
    precision = detection.headlines(view["detection"]) if board.key == view["name"] else {}
    return [
        {"dataset": board.key, "method": row.method, "rank": row.rank}
        | {name: cell.value for name, cell in zip(table.columns, row.cells, strict=True)}
        | precision.get(row.method, {})
        for row in table.rows
    ]
