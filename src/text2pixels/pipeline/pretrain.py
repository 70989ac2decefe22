"""Stage `pretrain`: the detector that the training of a fusion network begins with.

It is trained on the infrared and on the visible images of the train split of all labelled data sets. Where no COCO
weights start the classic head, every method's detector begins with this one, too, and is tested on the committed split.
"""

from text2pixels import layout, params_file
from text2pixels.datasets.manifest import Pair, in_split, read_manifest
from text2pixels.detection.pretraining import categories_of, source_examples, start_weights
from text2pixels.detection.threads import fixed_threads
from text2pixels.detection.weights import save
from text2pixels.files import whole_folder
from text2pixels.progress import console

SECTIONS: tuple[str, ...] = ("seed", "datasets", "detect")


def run() -> None:
    """Write `layout.detector()`.

    Raises:
        InputError: a data set is not registered, or the weights do not fit.
    """
    params = params_file.load(SECTIONS)
    labelled = [(dataset, pair) for dataset in params.datasets for pair in _labelled(dataset)]
    categories = categories_of([pair for _, pair in labelled])
    examples = [
        example
        for dataset, pair in labelled
        for example in source_examples(layout.processed(dataset), pair, categories)
    ]
    if not categories:
        console.print("pretrain: no training pair has boxes; the detector stays untrained")
    with fixed_threads(1):
        detector, facts = start_weights(examples, categories, params.detect, params.seed, "pretrain the detector")
    if "tensors" in facts:
        console.print(f"pretrain: {facts['tensors']} tensors of {facts['start']} fit YOLOv5{params.detect.scale}")
    with whole_folder(layout.detector()) as folder:
        save(folder, detector, facts)


def _labelled(dataset: str) -> list[Pair]:
    pairs = read_manifest(layout.processed(dataset) / "manifest.parquet")
    return [pair for pair in in_split(pairs, "train") if pair.labelled]
