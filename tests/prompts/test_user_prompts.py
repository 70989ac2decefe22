import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2pixels.errors import InputError
from text2pixels.prompts.user_prompts import other_sets, read_csv, split, weigh


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "own.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_row_without_kind_stands_for_both(tmp_path):
    path = written(tmp_path, "\ufeffname,phrases\na,A  Person; at night ;a person;\n")
    assert read_csv(path, "d", {"a", "b"}) == {
        ("a", "coarse"): ["a person", "at night"],
        ("a", "fine"): ["a person", "at night"],
    }


def test_rows_of_pairs_that_were_set_aside_are_left_out_and_others_still_refused(tmp_path):
    path = written(tmp_path, "name,phrases,kind\na,a car,fine\nlost.png,a dog,fine\n")
    assert read_csv(path, "d", {"a"}, {"lost", "a"}) == {("a", "fine"): ["a car"]}
    with pytest.raises(InputError, match=r"line 3: data set 'd': there is no pair 'lost\.png'"):
        read_csv(path, "d", {"a"}, {"other"})


def test_data_sets_that_rows_are_left_to_are_named(tmp_path):
    path = written(tmp_path, "name,phrases\na,a car\nD/b,a car\nvi\\c.png,x\nroadscene/d,x\nvi/e,x\n")
    assert other_sets(path, "d") == ["roadscene", "vi"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_in_whatever_unicode_its_mark_says(tmp_path, encoding, end):
    path = written(tmp_path, end.join(["name,phrases", 'a,"a café; at night"', ""]).encode(encoding))
    assert read_csv(path, "d", {"a"})["a", "fine"] == ["a café", "at night"]


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "own.csv")
    with pytest.raises(InputError, match="it is no file"):
        read_csv(tmp_path / "own.csv", "d", {"a"})


def test_a_kind_is_given_per_row_and_columns_in_any_order(tmp_path):
    path = written(tmp_path, 'kind,phrases,name\nfine,"one, two",d/a\n,x,other/a\n')
    assert read_csv(path, "d", {"a"}) == {("a", "fine"): ["one, two"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "column 'name' is missing .found: nothing"),
        ("name,text\na,b\n", "column 'phrases' is missing"),
        ("name,phrases,phrases\na,b,c\n", "column 'phrases' is there twice"),
        ("name,phrases,colour\na,b,c\n", "unknown column 'colour'"),
        ("name,phrases\nFLIR_001,x\n", "line 2: data set 'd': there is no pair 'FLIR_001'; did you mean FLIR_0001"),
        ("name,phrases\nzzz,x\n", "there is no pair 'zzz'; there are 2 pairs, such as FLIR_0001"),
        ("name,phrases\na, ; \n", "line 2: no phrases"),
        ("name,phrases\na,x\na,y\n", "line 3: 'a' has coarse phrases already"),
        ("name,phrases\na,x,y\n", "line 2: expected 2 fields; quote"),
        ("name,phrases\na\n", "line 2: expected 2 fields"),
        ("name,phrases,kind\na,x,middle\n", "kind 'middle' should be coarse or fine"),
        ("name,phrases\na," + "x" * 301 + "\n", "has 301 characters, at most 300"),
        (b"name,phrases\na,\xff\n", "not UTF-8"),
        ("name,phrases\na,a café\n".encode("latin-1"), "is not UTF-8 .*; save it as UTF-8"),
        (b"name;phrases\na;a car\n", r"'name' is missing \(found: name;phrases\); expected the header: name,phrases"),
        (b"name,phrases\na,\0\n", "is not a text file"),
        ('name,phrases\na,"x\n', "not a CSV file"),
    ],
)
def test_mistakes_are_named_in_one_line(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read_csv(written(tmp_path, content), "d", {"a", "FLIR_0001"})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["FLIR_0001", "flir_0001", "FLIR_0001.png", "Flir_0001.PNG", "D/flir_0001", "d\\FLIR_0001"]
)
def test_a_name_is_read_in_any_letter_case_with_folder_and_suffix(tmp_path, name):
    path = written(tmp_path, f"name,phrases,kind\n{name},a car,fine\n")
    assert read_csv(path, "d", {"a", "FLIR_0001"}) == {("FLIR_0001", "fine"): ["a car"]}


def test_names_that_differ_in_letter_case_alone_are_told_apart(tmp_path):
    assert read_csv(written(tmp_path, "name,phrases,kind\nA,a car,fine\n"), "d", {"a", "A"}) == {
        ("A", "fine"): ["a car"]
    }
    with pytest.raises(InputError, match="there is no pair 'ab'; did you mean Ab or aB"):
        read_csv(written(tmp_path, "name,phrases\nab,a car\n"), "d", {"Ab", "aB"})


def test_a_missing_file_names_the_parameter(tmp_path):
    with pytest.raises(InputError, match=r"prompt\.csv"):
        read_csv(tmp_path / "no.csv", "d", {"a"})


@given(st.text(max_size=80))
def test_splitting_its_own_result_changes_nothing(text):
    try:
        phrases = split(text, "here")
    except InputError:
        return
    assert split(";".join(phrases), "here") == phrases


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("A person : 1.5; a car:0.50", ["a person:1.5", "a car:0.5"]),
        ("a person:1; a car:+1.0", ["a person", "a car"]),
        ("a person:-2; a car:-.25; a bus:0", ["a person:-2", "a car:-0.25", "a bus:0"]),
        ("a person:-0.0001", ["a person:0"]),
    ],
)
def test_a_phrase_keeps_its_weight_but_for_one(text, phrases):
    assert split(text, "here") == phrases
    assert split(";".join(phrases), "here") == phrases


def test_a_phrase_is_parted_from_its_weight():
    assert [weigh(phrase) for phrase in ("a car", "a car:0.5", "a car:-1")] == [
        ("a car", 1),
        ("a car", 0.5),
        ("a car", -1),
    ]


@pytest.mark.parametrize(
    "text", ["a car:much", "a car:", ":2", "a car:1,5", "a car:5.1", "a car:nan", "a:b:1", "a car:1e9"]
)
def test_a_wrong_weight_is_refused_with_an_example(text):
    with pytest.raises(InputError, match=r"^here: .*a number from -5 to 5, like a person:1\.5$"):
        split(text, "here")


def test_a_phrase_has_one_weight():
    assert split("a car:2; a car:2", "here") == ["a car:2"]
    with pytest.raises(InputError, match="'a car' has two weights, 1 and 2"):
        split("a car; a car:2", "here")


@pytest.mark.parametrize(
    "text",
    ["no person", "without cars", "not a car", "A street WITHOUT people", "nobody", "a person, not a car", "no cars:2"],
)
def test_what_is_not_there_is_refused_with_the_way_out(text):
    with pytest.raises(InputError, match=r"read as its opposite: .* a negative weight, like a person:-1"):
        split(f"at night; {text}", "here")


@pytest.mark.parametrize("text", ["a no entry sign", "the notice board", "a knot", "snow", "a person on the left"])
def test_names_that_only_look_like_negations_are_taken(text):
    assert split(text, "here") == [text]


def test_training_takes_no_weights(tmp_path):
    path = written(tmp_path, "name,phrases\na,a car:2\n")
    with pytest.raises(InputError, match="line 2: 'a car:2': a weight is for fusing"):
        read_csv(path, "d", {"a"})
