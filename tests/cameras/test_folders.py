"""Two folders: what is there is kept, on one process or several; one range for all; what is not read is said."""

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from text2pixels.cameras.stills import mark_of
from text2pixels.cli import app
from text2pixels.errors import InputError
from text2pixels.image.png import write_png


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0)
    for name in "abcd":
        write_png(tmp_path / f"ir/{name}.png", noise.integers(0, 256, (24, 32), dtype=np.uint8))
        write_png(tmp_path / f"vi/{name}.png", noise.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    return tmp_path


def run(command):
    result = CliRunner().invoke(app, command.split())
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


def pictures(place, folder="out"):
    return {path.name: path.read_bytes() for path in sorted((place / folder).iterdir())}


FUSE = "fuse ir vi -o out --method average"


def test_a_run_goes_on_where_it_stopped(place):
    run(FUSE)
    whole = pictures(place)
    (place / "out/b.png").unlink()
    (place / "out/c.png").write_bytes(whole["c.png"][:40])  # cut short
    before = (place / "out/a.png").stat().st_mtime_ns
    result = run(FUSE)
    assert "2 fused by Average, 0 not" in result.stdout
    assert "2 were there already, of the same files and settings" in result.stdout
    assert pictures(place) == whole
    assert (place / "out/a.png").stat().st_mtime_ns == before


@pytest.mark.parametrize("change", ["input", "method", "--gray", "--again"])
def test_what_was_made_otherwise_is_made_anew(place, change):
    run(FUSE)
    command = FUSE
    if change == "input":
        for name in "abcd":
            write_png(place / f"ir/{name}.png", np.full((24, 32), 7, np.uint8))
    elif change == "method":
        command = FUSE.replace("average", "max")
    else:
        command = f"{FUSE} {change}"
    assert "4 fused by" in run(command).stdout


def test_workers_give_the_same_bytes(place):
    run(FUSE)
    run(FUSE.replace("out", "other") + " --workers 2")
    assert pictures(place) == pictures(place, "other")


def test_stills_of_16_bits_share_one_range(place):
    for index, name in enumerate("abcd"):
        counts = np.full((24, 32), 29_000, np.uint16)
        counts[:12] += 500
        counts[18:, 20:] += 1_000 * (index == 3)  # hot in the last one alone
        cv2.imwrite(f"ir/{name}.png", counts)
    result = run(FUSE.replace("average", "infrared"))
    assert "infrared 29000 to 30000 shown as black to white" in result.stdout
    levels = [cv2.imread(f"out/{name}.png", 0)[5, 5] for name in "abcd"]
    assert levels == [128] * 4
    chosen = run(FUSE.replace("average", "infrared") + " --infrared-range 29000 29500")
    assert "4 fused" in chosen.stdout
    assert cv2.imread("out/a.png", 0)[5, 5] == 255


def test_a_range_for_8_bits_is_refused(place):
    with pytest.raises(InputError, match="has 8 bits: --infrared-range is for raw counts"):
        run(f"{FUSE} --infrared-range 3 9")


def test_what_lies_beside_the_images_is_said(place):
    (place / "ir/a.txt").write_text("0 .5 .5 .1 .1")
    (place / "vi/notes.md").write_text("")
    (place / "labels").mkdir()
    said = run(FUSE).stderr
    assert "ir: not read, as no images: 1 .txt (labels are for t2p ingest" in said
    assert "vi: not read, as no images: 1 .md\n" in said
    assert "labels: labels are not read here" in said


def test_notes_that_differ_in_the_file_alone_are_counted(place):
    for name in "abcd":
        write_png(place / f"vi/{name}.png", np.full((24, 32, 3), 90, np.uint8))
    said = run(FUSE).stderr
    assert said.count("gray, so what is fused of it has no colour") == 4  # three files and "1 more"
    assert "1 more: gray" in said


@pytest.mark.parametrize(
    ("rows", "said", "counted"),
    [
        ("A,a car\nb.PNG,a person", "2 of 4 pairs have phrases in p.csv; the others are fused without text: c, d", ""),
        ("vi/a.png,a car\nir\\\\b,a car", "2 of 4 pairs have phrases", ""),
        ("a,a car\ntno/c,a car", "1 of 4 pairs", "p.csv: 1 rows speak of other folders and are left out: tno/c"),
    ],
)
def test_prompts_of_pairs(place, rows, said, counted):
    (place / "p.csv").write_text(f"name,phrases\n{rows}\n")
    result = run("fuse ir vi -o out --prompts p.csv --gray")
    assert said in result.stderr
    assert counted in result.stderr


def test_a_name_of_no_pair_is_an_error(place):
    (place / "p.csv").write_text("name,phrases\naa,a car\n")
    with pytest.raises(InputError, match="line 2: there is no pair 'aa'; did you mean a"):
        run("fuse ir vi -o out --prompts p.csv")


def test_swapped_folders_are_named_as_such(place):
    for name in "abcd":
        write_png(place / f"ir/{name}.png", np.random.default_rng(1).integers(0, 256, (24, 32), dtype=np.uint8))
    with pytest.raises(InputError, match=r"none of the 4 pairs .*vi/a.png: infrared in colours.*may be swapped"):
        run("fuse vi ir -o out --method average")


def test_a_mark_is_read_back(place):
    run(FUSE)
    assert len(mark_of(place / "out/a.png")) == 64
    assert mark_of(place / "ir/a.png") is None
    assert mark_of(place / "none.png") is None
    assert cv2.imread("out/a.png") is not None
