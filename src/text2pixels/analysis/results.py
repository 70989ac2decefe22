"""Everything that the stages wrote, read once and checked for completeness."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from text2pixels import config, layout
from text2pixels.analysis.average_precision import Precision
from text2pixels.analysis.detection import Found, folds_of, leading, precision_of
from text2pixels.datasets.adapter import Adapter
from text2pixels.datasets.catalogue import adapter_of
from text2pixels.datasets.manifest import Pair, in_split, read_manifest
from text2pixels.datasets.quarantine import read_quarantine
from text2pixels.detection.detections import EARLY, K_FOLD, read_detections, select
from text2pixels.errors import InputError
from text2pixels.methods.built_in import OURS
from text2pixels.methods.card import Card, read_card
from text2pixels.methods.catalogue import entry_of
from text2pixels.tables import read_table


@dataclass(frozen=True)
class DatasetResults:
    """One data set: its pairs, and what every method made of its test split.

    ``scores`` has a row per image and metric (columns pair_id, method, convention, metric, value, reason)
    under the convention `standard`, ``stretched`` the same under `stretched`;
    ``prompts`` has columns pair_id, kind, phrases, origin;
    ``detections`` maps a method to its table (`detection.detections`) under the protocol of the leaderboards, of the
    test split alone;
    ``folds`` is their number, 0 where there are none;
    ``protocols`` maps a key of `analysis.detection.SCOPES` to what was found, of early and late fusion too;
    ``precision`` is that of the leaderboards, see `analysis.detection.leading`: over the test split alone.
    """

    name: str
    adapter: Adapter
    pairs: list[Pair]
    test: list[Pair]
    quarantine: pd.DataFrame
    prompts: pd.DataFrame
    scores: pd.DataFrame
    stretched: pd.DataFrame
    detections: dict[str, pa.Table]
    folds: int
    protocols: dict[str, Found]

    @property
    def found(self) -> Found:
        """What was found in the scope that the leaderboards show; nothing where nothing was tested."""
        scope = leading(self.protocols)
        return self.protocols[scope.key] if scope else Found({}, {})

    @property
    def precision(self) -> dict[str, list[Precision]]:
        """Average precisions of each method, as the leaderboards show them."""
        return self.found.precisions


@dataclass(frozen=True)
class Results:
    """All data sets, and what belongs to methods alone.

    ``methods`` are compared with each other: the first variant of our network, and all methods that are not ours. The
    other ``variants`` are its ablations, compared with it alone; ``changes`` are the settings in which each variant
    differs, as params.yaml has them. ``cards`` are of all methods and variants, from their models: they say whose the
    weights are, and how much of a schedule was run. ``histories`` are of the networks trained in this run: the
    variants, then those of other authors.
    """

    methods: list[str]
    variants: list[str]
    datasets: list[DatasetResults]
    costs: dict[str, dict[str, Any]] = field(default_factory=dict)
    histories: dict[str, pd.DataFrame] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    changes: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)


def read_results(params: config.Params) -> Results:
    """Read what the other stages wrote for the data sets and methods of params.yaml.

    Raises:
        InputError: a file is missing, or a method was not scored on exactly the test pairs.
    """
    entries = {name: entry_of(name, changes) for name, changes in params.methods.items()}
    trained = [name for name, entry in entries.items() if entry.kind == "ours"]
    # The network called `ours` is ours also where it was trained before; its checkpoint has no history.
    variants = [OURS, *trained] if OURS in entries and OURS not in trained else trained
    others = [name for name in params.methods if name not in variants]
    methods = [*variants, *others]
    cards = {name: read_card(layout.model(name))[0] for name in entries}
    trained += [name for name in others if cards[name].weights == "retrained"]
    return Results(
        methods=[*variants[:1], *others],
        variants=variants,
        datasets=[_read_dataset(name, methods, params) for name in params.datasets],
        costs={method: json.loads(_present(layout.cost(method)).read_text()) for method in methods},
        histories={name: _frame(layout.model(name) / "history.parquet") for name in trained},
        cards=cards,
        changes={name: params.methods[name] if entries[name].kind == "ours" else {} for name in variants},
    )


def _read_dataset(name: str, methods: list[str], params: config.Params) -> DatasetResults:
    folder = layout.processed(name)
    pairs = read_manifest(folder / "manifest.parquet")
    test = in_split(pairs, "test")
    expected = {pair.pair_id for pair in test}
    tables = []
    for method in methods:
        table = _frame(layout.scores(name, method))
        found = set(table["pair_id"])
        if found != expected:
            raise InputError(
                f"{layout.scores(name, method)} covers {len(found)} pairs, the test split has {len(expected)}: "
                "run dvc repro score"
            )
        tables.append(table)
    scores = pd.concat(tables, ignore_index=True)
    detections = {method: read_detections(layout.detections(name, method)) for method in methods}
    early = read_detections(layout.detections(name, EARLY))
    protocols = precision_of(detections | {EARLY: early}, pairs, params.report.bootstrap)
    shown = scope.protocol if (scope := leading(protocols)) else K_FOLD
    return DatasetResults(
        name=name,
        adapter=adapter_of(name, params.datasets[name]),
        pairs=pairs,
        test=test,
        quarantine=pd.DataFrame([vars(row) for row in read_quarantine(folder / "quarantine.parquet")]),
        prompts=_frame(layout.prompts(name)),
        scores=scores[scores["convention"] == "standard"],
        stretched=scores[scores["convention"] == "stretched"],
        detections={method: select(table, shown, expected) for method, table in detections.items()},
        folds=folds_of(detections),
        protocols=protocols,
    )


def _frame(path: Path) -> pd.DataFrame:
    frame: pd.DataFrame = read_table(_present(path)).to_pandas()
    return frame


def _present(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path} is missing: run the stage that writes it (dvc repro)")
    return path
