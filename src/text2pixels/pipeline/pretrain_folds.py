"""Stage `pretrain-folds`: for each fold of a data set, start weights that have not seen its test pairs.

Writes `layout.fold_detectors(dataset)`: folds.json (which pair is tested in which fold, or why there
are no folds) and a folder for each fold, `0`, `1`, ...; with one fold that is none, as `pretrain`
already trained on the train split alone.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from text2pixels import config, layout
from text2pixels.datasets.manifest import Pair, read_manifest
from text2pixels.detection.folds import Fold, make_folds, too_few
from text2pixels.detection.pretraining import categories_of, source_examples, start_weights
from text2pixels.detection.threads import fixed_threads
from text2pixels.detection.weights import save
from text2pixels.executors import map_ordered, open_executor
from text2pixels.files import whole_folder
from text2pixels.progress import console, track

SECTIONS: tuple[str, ...] = ("seed", "detect")


@dataclass(frozen=True)
class _Job:
    """A fold to make start weights for, in this process or another."""

    source: Path
    target: Path
    fold: Fold
    categories: tuple[str, ...]
    settings: config.Detect
    seed: int
    description: str | None


def run(dataset: str) -> None:
    """Write `layout.fold_detectors(dataset)`.

    Raises:
        InputError: the data set is not registered, or the weights do not fit.
    """
    params = config.load(SECTIONS)
    settings, source = params.detect, layout.processed(dataset)
    pairs = read_manifest(source / "manifest.parquet")
    folds = make_folds(pairs, settings.folds)
    if not folds:
        console.print(f"pretrain: {too_few(dataset, pairs, settings.folds)}")
    with whole_folder(layout.fold_detectors(dataset)) as aside:
        if len(folds) > 1:
            _pretrain(dataset, source, aside, pairs, folds, settings, params.seed)
        numbers = {pair.pair_id: fold.number for fold in folds for pair in fold.test}
        note = "" if folds else too_few(dataset, pairs, settings.folds)
        (aside / "folds.json").write_text(json.dumps({"note": note, "tested in fold": numbers}, indent=1) + "\n")


def _pretrain(
    dataset: str, source: Path, aside: Path, pairs: list[Pair], folds: list[Fold], settings: config.Detect, seed: int
) -> None:
    # Which categories there are is no secret of a fold: all folds need the same outputs.
    categories = categories_of([pair for pair in pairs if pair.labelled])
    apart = settings.workers > 1
    jobs = [
        _Job(
            source,
            aside / str(fold.number),
            fold,
            categories,
            settings,
            seed,
            None if apart else f"pretrain {dataset}, fold {fold.number + 1} of {len(folds)}",
        )
        for fold in folds
    ]
    with open_executor(settings.workers) as executor:
        done = map_ordered(executor, _work, jobs, len(jobs))
        for _ in track(done, f"pretrain {dataset}, folds", len(jobs)) if apart else done:
            pass


def _work(job: _Job) -> None:
    examples = [example for pair in job.fold.train for example in source_examples(job.source, pair, job.categories)]
    with fixed_threads(1):
        detector, facts = start_weights(examples, job.categories, job.settings, job.seed, job.description)
    job.target.mkdir()
    save(job.target, detector, facts | {"fold": job.fold.number})
