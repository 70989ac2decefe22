import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from text2pixels.errors import InputError
from text2pixels.image.boxes import Box
from text2pixels.prompts.table import Prompt, describe, distinct_phrases, read_all_prompts, read_prompts, write_prompts

PERSON = Box("People", 20, 60, 15, 50)


def test_fine_says_all_that_coarse_says_and_the_objects(scene, pair):
    coarse, fine = describe(pair(boxes=(PERSON,)), *scene())
    assert coarse.phrases[:2] == ("outdoors", "in daylight")
    assert fine.phrases[: len(coarse.phrases)] == coarse.phrases
    assert {"a person", "a large person on the left", "a warm person"} <= set(fine.phrases)
    assert coarse.origin == fine.origin == "boxes+statistics"


def test_the_declared_time_goes_before_the_measured_one(scene, pair):
    coarse, _ = describe(pair(time="night"), *scene())
    assert "at night" in coarse.phrases
    assert "in daylight" not in coarse.phrases
    assert coarse.origin == "declared+statistics"


def test_tags_fill_what_is_not_known_and_captions_come_last(scene, pair):
    tags = {"scene": "a harbour", "time": "at night", "weather": "rain"}
    coarse, fine = describe(pair(), *scene(), tags, "a boat in the harbour")
    assert coarse.phrases[0] == "a harbour"
    assert "in daylight" in coarse.phrases
    assert "at night" not in coarse.phrases
    assert "rain" in coarse.phrases
    assert coarse.origin == "statistics+tags"
    assert fine.phrases[-1] == "a boat in the harbour"
    assert fine.origin == "statistics+tags+captioner"


def test_the_same_pair_gives_the_same_prompt(scene, pair):
    boxes = (PERSON, Box("Car", 80, 60, 40, 30))
    assert [p.phrases for p in describe(pair(boxes=boxes), *scene())] == [
        p.phrases for p in describe(pair(boxes=boxes[::-1]), *scene())
    ]


def test_prompts_survive_the_file_in_any_order(tmp_path):
    prompts = [Prompt("d/a", "fine", ("a person", "<script>"), "csv"), Prompt("d/a", "coarse", (), "statistics")]
    write_prompts(tmp_path / "one.parquet", prompts)
    write_prompts(tmp_path / "two.parquet", prompts[::-1])
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert read_prompts(tmp_path / "one.parquet", "fine") == {"d/a": ["a person", "<script>"]}
    assert distinct_phrases([tmp_path / "one.parquet"]) == ["<script>", "a person"]


def test_a_missing_or_foreign_file_names_the_command_that_writes_it(tmp_path):
    with pytest.raises(InputError, match="dvc repro prompt"):
        read_prompts(tmp_path / "d.parquet", "fine")
    pq.write_table(pa.table({"a": np.arange(3)}), tmp_path / "d.parquet")
    with pytest.raises(InputError, match="expected"):
        distinct_phrases([tmp_path / "d.parquet"])


def test_the_prompts_of_all_data_sets_are_read_together(tmp_path):
    for name, pair in (("a", "one"), ("b", "two")):
        write_prompts(tmp_path / f"{name}.parquet", [Prompt(pair, "fine", (f"a {name}",), "boxes")])
    assert read_all_prompts([tmp_path / "a.parquet", tmp_path / "b.parquet"], "fine") == {
        "one": ["a a"],
        "two": ["a b"],
    }
