"""Average precision: ours against faster-coco-eval, and against cases one can do by hand."""

import numpy as np
import pyarrow as pa
import pytest

from text2pixels.analysis import average_precision as evaluation
from text2pixels.detection.detections import SCHEMA, Detection, EvaluatedImage, read_detections, write_detections
from text2pixels.detection.precision import coco_precision, mean_precision_50
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box


def table_of(tmp_path, results):
    write_detections(tmp_path / "d.parquet", [EvaluatedImage(*result) for result in results])
    return read_detections(tmp_path / "d.parquet")


def test_what_training_watches_is_the_same_estimate(tmp_path):
    results = random_results(np.random.default_rng(3))
    table = table_of(tmp_path, results)
    (expected,) = [
        row.value for row in evaluation.average_precision(table) if (row.category, row.metric) == ("all", "AP50")
    ]
    truth, found = ({result[0]: result[place] for result in results} for place in (1, 2))
    assert mean_precision_50(truth, found) == pytest.approx(expected, abs=1e-9)
    assert mean_precision_50(truth, dict.fromkeys(truth, ())) == 0
    assert mean_precision_50({"a": ()}, {"a": ()}) is None


def random_results(rng, images=12, categories=("Car", "People")):
    results = []
    for number in range(images):
        boxes, found = [], []
        for _ in range(rng.integers(0, 5)):
            category = str(rng.choice(categories))
            x, y, w, h = (float(v) for v in rng.uniform([0, 0, 10, 10], [100, 100, 60, 60]))
            boxes.append(Box(category, x, y, w, h))
            for _ in range(rng.integers(0, 3)):
                dx, dy, dw, dh = (float(v) for v in rng.normal(0, 4, 4))
                score = float(np.float32(rng.integers(1, 20) / 20))  # ties on purpose
                found.append(Detection(category, score, x + dx, y + dy, w + dw, h + dh))
        for _ in range(rng.integers(0, 3)):
            x, y, w, h = (float(v) for v in rng.uniform([0, 0, 10, 10], [100, 100, 60, 60]))
            found.append(Detection(str(rng.choice(categories)), float(np.float32(rng.uniform())), x, y, w, h))
        results.append((f"d/{number}", boxes, found))
    return results


def test_a_perfect_detector_scores_one_and_an_empty_one_nought(tmp_path):
    box = Box("Car", 5, 5, 20, 10)
    perfect = table_of(tmp_path, [("d/a", [box], [Detection("Car", 0.9, 5, 5, 20, 10)]), ("d/b", [], [])])
    blind = table_of(tmp_path, [("d/a", [box], []), ("d/b", [], [])])
    assert [row.value for row in evaluation.average_precision(perfect, 20)] == [1.0] * 4
    assert [row.value for row in evaluation.average_precision(blind, 20)] == [0.0] * 4


def test_a_loose_box_counts_at_half_overlap_only(tmp_path):
    # 20x10 shifted by 4 pixels: overlap 160 / 240 = 0.667, so 4 of the 10 thresholds.
    table = table_of(tmp_path, [("d/a", [Box("Car", 0, 0, 20, 10)], [Detection("Car", 0.5, 4, 0, 20, 10)])])
    values = {row.metric: row.value for row in evaluation.average_precision(table, 10) if row.category == "Car"}
    assert values["AP50"] == 1.0
    assert values["AP50:95"] == pytest.approx(0.4)


@pytest.mark.parametrize("seed", range(5))
def test_resamples_agree_with_faster_coco_eval_on_the_same_images(tmp_path, seed):
    rng = np.random.default_rng(seed)
    results = random_results(rng)
    rows = table_of(tmp_path, results).to_pylist()
    images = [row["pair_id"] for row in rows if row["kind"] == "image"]
    truths = [row for row in rows if row["kind"] == "truth"]
    found = [row for row in rows if row["kind"] == "detection"]
    categories = sorted({row["category"] for row in truths})
    matches = evaluation._match(images, truths, found, categories)
    draws = np.stack([np.ones(len(images), dtype=np.int64), rng.multinomial(len(images), np.full(12, 1 / 12))])
    ours = np.stack([evaluation._resampled(match, draws) for match in matches])
    np.testing.assert_allclose(ours[:, :, 0], coco_precision(images, truths, found, categories), atol=1e-9)
    # The second draw, spelled out: each image as often as it was drawn.
    copies = [(f"{image}#{k}", image) for image, n in zip(images, draws[1], strict=True) for k in range(n)]
    repeat = lambda rows: [row | {"pair_id": new} for new, old in copies for row in rows if row["pair_id"] == old]  # noqa: E731
    drawn = repeat(truths)
    if {row["category"] for row in drawn} == set(categories):
        expected = coco_precision([new for new, _ in copies], drawn, repeat(found), categories)
        np.testing.assert_allclose(ours[:, :, 1], expected, atol=0.02)  # ties of equal scores fall otherwise


def test_intervals_hold_the_estimate_and_repeat(tmp_path):
    table = table_of(tmp_path, random_results(np.random.default_rng(7), images=40))
    first, again = (evaluation.average_precision(table, 200, seed=3) for _ in range(2))
    assert first == again
    for row in first:
        assert row.low <= row.value <= row.high
        assert row.images == 40
    assert {row.category for row in first} == {"Car", "People", evaluation.ALL}


def test_a_resample_without_any_box_tells_nothing(tmp_path):
    box, found = Box("Car", 5, 5, 20, 10), Detection("Car", 0.9, 5, 5, 20, 10)
    perfect = [("d/a", [box], [found]), ("d/b", [box], [found]), *((f"d/{name}", [], []) for name in "cdef")]
    for row in evaluation.average_precision(table_of(tmp_path, perfect), 500):
        assert (row.category, row.value, row.low, row.high) == (row.category, 1, 1, 1)
    nothing = evaluation.resample(table_of(tmp_path, perfect), 500).of_all("AP50")[1]
    assert np.isnan(nothing).any()
    assert evaluation.interval(nothing * np.nan) == pytest.approx((np.nan, np.nan), nan_ok=True)


def test_a_set_without_labels_has_no_precision(tmp_path):
    assert evaluation.average_precision(table_of(tmp_path, [])) == []


def test_a_file_of_another_schema_is_refused(tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="expected"):
        read_detections(tmp_path / "other.parquet")
    with pytest.raises(InputError, match="t2p detect"):
        read_detections(tmp_path / "none.parquet")
    assert SCHEMA.names[:4] == ["protocol", "fold", "seed", "pair_id"]


def test_several_seeds_count_as_the_mean_of_each_alone(tmp_path):
    hit, miss = Detection("Car", 0.9, 10, 10, 20, 20), Detection("Car", 0.9, 60, 60, 9, 9)
    truth = (Box("Car", 10, 10, 20, 20),)

    def tables(*found):
        path = tmp_path / "seeds.parquet"
        write_detections(
            path,
            [
                EvaluatedImage(f"d/{image}", truth, [box], fold=0, seed=seed)
                for seed, boxes in enumerate(found)
                for image, box in enumerate(boxes)
            ],
        )
        return read_detections(path)

    alone = [evaluation.resample(tables(boxes), 50) for boxes in ([hit, hit, miss, hit], [miss, hit, miss, miss])]
    both = evaluation.resample(tables([hit, hit, miss, hit], [miss, hit, miss, miss]), 50)
    assert both.boxes == alone[0].boxes
    np.testing.assert_allclose(both.points, (alone[0].points + alone[1].points) / 2)
    np.testing.assert_allclose(both.samples, (alone[0].samples + alone[1].samples) / 2)


def test_rare_categories_have_their_numbers_and_do_not_count_in_the_mean(tmp_path):
    often = [Box("Car", 10 * n, 0, 9, 9) for n in range(evaluation.LEAST_BOXES)]
    found = [Detection("Car", 0.9, box.x, 0, 9, 9) for box in often]
    path = tmp_path / "rare.parquet"
    write_detections(path, [EvaluatedImage("d/0", (*often, Box("Bus", 0, 50, 9, 9)), found)])
    rows = {
        row.category: row for row in evaluation.average_precision(read_detections(path), 10) if row.metric == "AP50"
    }
    assert (rows["Car"].value, rows["Bus"].value) == pytest.approx((1, 0))
    assert (rows["all"].value, rows["all"].boxes) == (pytest.approx(1), evaluation.LEAST_BOXES)
