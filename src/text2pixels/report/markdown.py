"""The published pages in Markdown, as GitHub shows them; their tables also read well as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]

from text2pixels.analysis import ablations as ablation
from text2pixels.analysis.average_precision import ALL, LEAST_BOXES
from text2pixels.analysis.boards import Board
from text2pixels.analysis.detection import Difference, Section, detector_of, leading
from text2pixels.analysis.leaderboard import Cell, Row, Table
from text2pixels.analysis.paper import RIVALS
from text2pixels.analysis.results import DatasetResults
from text2pixels.methods.card import Card
from text2pixels.metrics.metric import Metric
from text2pixels.metrics.score import HEADLINE, METRICS, STRETCHED
from text2pixels.report.wording import change, figure, milliseconds, sentence

MOST_COLUMNS = 10  # of the headline
_OF_THE_PAPER = " †"
_SIMULATED = "> These pairs are **simulated**: they show that the pipeline works, not how good a method is.\n\n"
_READING = (
    "Mean over pairs, below it the 95 % bootstrap interval. Best in **bold**, among fused methods; an arrow says which "
    "direction is better. The sources have no rank: compared with themselves, they win every measure of likeness to a "
    "source.\n\n"
)
_READING_DETECTION = (
    "Below each value its 95 % interval, over resamples of the pairs. Best in **bold**, among all rows. No interval is "
    "corrected for how many methods are compared, and what another seed of the detectors would change is not in "
    "it.\n\n"
)


def named(method: str, cards: Mapping[str, Card]) -> str:
    """Return a method's name and, where its weights are not the authors', whose they are."""
    aside = cards[method].aside if method in cards else ""
    return f"{method} ({aside})" if aside else method


def fusion(data: DatasetResults, board: Board, cards: Mapping[str, Card]) -> str:
    """Return the page of a list of test pairs: all metrics, the ranks, and the convention of published tables."""
    others = [name for name in board.fusion.columns if name not in HEADLINE]
    parts = [
        f"# {_title(data)}: {board.title}\n\n",
        _simulated(data),
        f"{board.count} pairs. {_READING}## Metrics of published tables, each as its paper defines it\n\n",
        _fusion_table(board.headline, METRICS, cards),
        "\n## Other metrics\n\n" + _fusion_table(board.fusion.only(others), METRICS, cards) if others else "",
        f"\n## Average rank\n\n![Average ranks](ranks-{board.key}.svg)\n\n{_test(board)}\n",
        "\n## Under the convention `stretched`\n\n",
        "Every method's output stretched per image to 0…255 and measured as the code behind many published tables does "
        "it, to be laid beside printed rows. It inflates EN, SD, SF and AG.\n\n",
        _fusion_table(board.stretched, STRETCHED, cards),
    ]
    if board.printed:
        names = board.stretched.columns
        rows = [
            [f"{row.method}, printed", *(str(row.values.get(name, "–")) for name in names), str(row.images), row.source]
            for row in board.printed
        ]
        parts.append("\nAs printed by others:\n\n" + table(["Method", *names, "Pairs", "Source"], rows))
    return "".join(parts)


def detection(data: DatasetResults, shown: Sequence[Section], cards: Mapping[str, Card]) -> str:
    """Return the page of a data set's average precisions: each scope with its differences to the first method."""
    parts = [
        f"# {_title(data)}: detection\n\n",
        _simulated(data),
        f"First by {detector_of(shown[0].scope)}: the same for every method. The mean is over the categories with at "
        f"least {LEAST_BOXES} boxes, or over all where none has as many. Without fusion, by the same detector: `early` "
        f"sees both images, `late` merges what was found in each. {_READING_DETECTION}",
    ]
    for section in shown:
        folds = f", in {section.folds} folds" if section.folds > 1 else ""
        parts.append(
            f"## {sentence(section.scope.title)}\n\n{section.images} images with {section.boxes} boxes that count in "
            f"the mean{folds}: {section.scope.pairs}.\n\n"
        )
        parts += [f"{sentence(section.verdict)}.\n\n"] if section.verdict else []
        for metric, found in section.tables.items():
            columns = ["Method", *(f"{'mean' if name == ALL else name} ↑" for name in found.columns)]
            rows = [[named(row.method, cards), *(_with_interval(cell) for cell in row.cells)] for row in found.rows]
            parts.append(f"### {metric}, {section.scope.title}\n\n{table(columns, rows)}\n")
        if section.differences:
            parts.append(
                f"### Against {section.reference}, {section.scope.title}\n\nThe mean, less that of "
                f"{section.reference}, with its 95 % interval over resamples of the pairs, the same for both.\n\n"
                f"{_differences(section.differences_by_method, list(section.tables), cards)}\n"
            )
        if section.gains:
            parts.append(
                f"### What fine-tuning adds, {section.scope.title}\n\nThe mean, less what COCO's detector, as it is, "
                "finds in the same images of the method, with the same interval.\n\n"
                f"{_differences(section.gains_by_method, list(section.tables), cards)}\n"
            )
    return "".join(parts).rstrip() + "\n"


def _differences(found: Mapping[str, Sequence[Difference]], metrics: Sequence[str], cards: Mapping[str, Card]) -> str:
    rows = [
        [
            named(method, cards),
            *(f"{each.value:+.3f} ({each.low:+.3f} to {each.high:+.3f}): {each.verdict}" for each in differences),
        ]
        for method, differences in found.items()
    ]
    return table(["Method", *metrics], rows)


def cost(methods: Sequence[str], costs: Mapping[str, Mapping[str, Any]], cards: Mapping[str, Card]) -> str:
    """Return the page of parameters, operations, time and memory."""
    first = costs[methods[0]]
    rows = []
    for method in methods:
        found = costs[method]
        rows.append(
            [
                named(method, cards),
                cards[method].weights,
                f"{found['parameters']:,}",
                f"{found['macs'] / 1e9:.2f}" if found["macs"] else "–",
                milliseconds(found["seconds"]),
                f"{found['peak_bytes'] / 2**20:.0f}" if found["peak_bytes"] is not None else "–",
            ]
        )
    columns = ["Method", "Weights", "Parameters", "GMAC", "Time, ms ↓", "Peak MiB"]
    return (
        f"# Cost\n\nOne pair of {first['width']} × {first['height']} pixels, batch 1, on {first['device']}, "
        f"{first['threads']} threads. Times compare within this table only.\n\n{table(columns, rows, left=2)}"
    )


def ablations(groups: Sequence[ablation.Group]) -> str:
    """Return the page of ablations: means, and paired differences to the reference."""
    reference = groups[0].tables[0].rows[0].setting.name
    parts = [
        "# Ablations\n\nMean over pairs and seeds (± standard deviation over seeds); below it the paired difference "
        f"to `{reference}` and its 95 % bootstrap interval over pairs. ▲ better, ▼ worse: the interval excludes 0 and "
        "every seed agrees. Not corrected for the number of comparisons. More of SF, EN, SD or AG is also what noise "
        "gives.\n",
    ]
    for group in groups:
        parts.append(f"\n## {group.kind.title}\n\n{group.kind.where}.\n")
        for found in group.tables:
            arrows = [cell.higher_is_better for cell in found.rows[0].cells]
            names = [f"{name} {'↑' if up else '↓'}" for name, up in zip(found.columns, arrows, strict=True)]
            rows = [
                [
                    row.setting.name,
                    "; ".join(f"`{key}: {value}`" for key, value in row.setting.changes.items()) or "–",
                    str(len(row.setting.seeds)),
                    *(_ablation_cell(cell, len(row.setting.seeds)) for cell in row.cells),
                ]
                for row in found.rows
            ]
            heading = f"\n{_title(found.dataset)}, {len(found.dataset.test)} test pairs:\n\n"
            parts.append(heading + table(["Setting", "Changes", "Seeds", *names], rows, left=2))
    return "".join(parts)


def headline(
    sets: Sequence[tuple[DatasetResults, Board, Table | None]],
    costs: Mapping[str, Mapping[str, Any]],
    cards: Mapping[str, Card],
) -> str:
    """Return one table of all methods for a README: average ranks first, as many metrics as ten columns hold.

    Args:
        sets: data sets, with the list of pairs to show and the table of AP50, if there are boxes.
        costs: of the methods.
        cards: of the methods.
    """
    boxes = sum(ap50 is not None for _, _, ap50 in sets)
    room = (MOST_COLUMNS - 2 - boxes) // len(sets)
    names = ("SSIM", "VIF", "Qabf")[: max(0, room - 1)]
    columns: dict[str, dict[str, str]] = {}
    fused = [row.method for row in sets[0][1].fusion.rows if row.rank is not None]
    for data, board, ap50 in sets:
        short = _short(data, board)
        rows = board.fusion.rows
        best = _least([row.rank for row in rows])
        columns[f"{short}<br>rank ↓"] = {row.method: _ranks(row, best) if row.rank is not None else "–" for row in rows}
        for name in names:
            cells = _column(board.fusion, name)
            columns[f"{short}<br>{name} {_arrow(METRICS[name])}"] = {
                method: bold(figure(cell.value), cell.place == 1) for method, cell in cells.items()
            }
        if ap50 is not None:
            # Marked anew: the best of its own table may be early or late fusion, which are no rows here, or a source.
            values = {method: cell.value for method, cell in _column(ap50, ALL).items()}
            compared = [values[method] for method in fused if method in values]
            highest = max(compared) if len(compared) > 1 else None
            columns[f"{_name(data)}<br>AP50 ↑"] = {
                method: bold(figure(value), method in fused and value == highest) for method, value in values.items()
            }
    chosen = dict(list(columns.items())[: MOST_COLUMNS - 2])
    seconds = {method: found["seconds"] for method, found in costs.items()}
    fastest = _least([seconds[method] for method in fused])
    lines = [
        [
            named(method, cards) + _OF_THE_PAPER * (method in RIVALS),
            *(column.get(method, "–") for column in chosen.values()),
            bold(milliseconds(seconds[method]), method in fused and fastest is not None and seconds[method] == fastest),
        ]
        for method in (row.method for row in sets[0][1].fusion.rows)
    ]
    simulated = " **Simulated pairs.**" if all(data.adapter.embedded for data, _, _ in sets) else ""
    pairs = ", ".join(f"{_short(data, board)} {board.count}" for data, board, _ in sets)
    note = (
        f"Pairs: {pairs}.{simulated} Rank: on each image the fused methods are placed by their mean place over "
        f"the {_metrics_that_count(sets[0][1])}, and the rank is the mean of those places; below it over all "
        f"{len(sets[0][1].fusion.columns)} metrics."
    )
    scopes = {scope for data, _, ap50 in sets if ap50 is not None and (scope := leading(data.protocols))}
    note += "".join(f" AP50: {words}." for words in sorted(map(detector_of, scopes)))
    if set(RIVALS) & cards.keys():
        note += f"{_OF_THE_PAPER}: one of the seven methods that *From Text to Pixels* compares with."
    return table(["Method", *chosen, "ms ↓"], lines) + f"\n{note}\n"


def _fusion_table(found: Table, specs: Mapping[str, Metric], cards: Mapping[str, Card]) -> str:
    metrics = (f"{name.replace('_', ' ')} {_arrow(specs[name])}" for name in found.columns)
    columns = ["Method", "Rank ↓", "Mean place ↓", *metrics]
    best, nearest = (_least([getattr(row, name) for row in found.rows]) for name in ("rank", "mean_place"))
    lines = [
        [named(row.method, cards), _rank(row, best), _mean_place(row, nearest), *map(_with_interval, row.cells)]
        for row in found.rows
    ]
    return table(columns, lines)


def _least(ranks: Sequence[float | None]) -> float | None:
    """Return the least rank; None where a single method is ranked, which is no best."""
    ranked = [rank for rank in ranks if rank is not None]
    return min(ranked) if len(ranked) > 1 else None


def _rank(row: Row, best: float | None) -> str:
    return "source" if row.rank is None else _ranks(row, best)


def _mean_place(row: Row, nearest: float | None) -> str:
    return "–" if row.mean_place is None else bold(f"{row.mean_place:.2f}", row.mean_place == nearest)


def _ranks(row: Row, best: float | None) -> str:
    """Return the rank over the metrics that count, below it that over all."""
    own = bold(f"{row.rank:.2f}", row.rank == best)
    return own if row.rank_of_all is None else own + small(f"{row.rank_of_all:.2f}")


def _metrics_that_count(board: Board) -> str:
    names = [name.replace("_", " ") for name in board.ranking.metrics]
    return f"{len(names)} metrics that do not repeat each other ({', '.join(names)})"


def _with_interval(cell: Cell) -> str:
    text = bold(figure(cell.value), cell.place == 1)
    return text + (small(f"{figure(cell.low)} – {figure(cell.high)}") if cell.low < cell.high else "")


def _ablation_cell(cell: ablation.Cell, seeds: int) -> str:
    text = figure(cell.value) + (f" ± {figure(cell.spread)}" if seeds > 1 else "")
    found = cell.difference
    return text if found is None else text + small(change(found.mean, found.low, found.high, cell.verdict))


def _column(found: Table, name: str) -> dict[str, Cell]:
    return {row.method: row.cells[found.columns.index(name)] for row in found.rows}


def _test(board: Board) -> str:
    ranking = board.ranking
    over = (
        f"On each image methods are placed by their mean place over the {_metrics_that_count(board)}, and the rank is "
        "the mean of those places. In the tables, below it, the rank over all metrics, and beside it the mean place."
    )
    if ranking.note:
        return f"{over} {sentence(ranking.note)}."
    return (
        f"{over} Friedman's test over {ranking.images} pairs: p = {ranking.p:.2g}; Nemenyi's critical difference "
        f"{ranking.critical_difference:.2f}. A bar joins methods that it does not tell apart."
    )


def _arrow(metric: Metric) -> str:
    return "↑" if metric.direction == "higher" else "↓"


def _title(data: DatasetResults) -> str:
    return sentence(data.adapter.title)


def _short(data: DatasetResults, board: Board) -> str:
    """Return a heading's name of a list: the data set's own for all its test pairs."""
    return _name(data) if board.key == data.name else board.title.partition(",")[0]


def _name(data: DatasetResults) -> str:
    """Return a data set's name for a narrow column."""
    return _title(data) if len(data.adapter.title) <= 10 else data.name.upper()


def _simulated(data: DatasetResults) -> str:
    return _SIMULATED if data.adapter.embedded else ""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a table; the first ``left`` columns are aligned left, numbers right.

    Args:
        columns: headings.
        rows: as many cells as columns.
        left: number of columns of words.
    """
    aligned = ["left" if index < left else "right" for index in range(len(columns))]
    text = tabulate(
        [[_one_cell(text) for text in row] for row in rows],
        [_one_cell(text) for text in columns],
        tablefmt="pipe",
        colalign=aligned if rows else None,
        disable_numparse=True,  # the cells are formatted already
    )
    return f"{text}\n"


def bold(text: str, really: bool = True) -> str:
    """Return text in bold."""
    return f"**{text}**" if really else text


def small(text: str) -> str:
    """Return text for a second, small line of a cell."""
    return f"<br><sub>{text}</sub>"


def _one_cell(text: str) -> str:
    """Escape characters that would end the cell or its row; a break of lines that is meant is ``<br>``."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").splitlines())
