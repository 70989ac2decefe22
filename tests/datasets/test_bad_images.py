"""Images and other files that a set cannot use: set aside with a reason, and nothing stops the rest."""

import os

import numpy as np
import pytest
from PIL import Image
from support import fakes, spoilt_set
from support.spoilt_set import (
    ALL,
    GOOD,
    PAIR,
    RNG,
    Case,
    H,
    W,
    bomb,
    copy,
    flip,
    image,
    make,
    text,
    truncate,
    truncated_jpeg,
    unreadable_name,
    wide,
)

from text2pixels import config
from text2pixels.datasets.manifest import read_manifest
from text2pixels.pipeline.ingest import ingest

CASES = {
    "empty file": Case(text("ir/b.png", ""), ((*PAIR, "unreadable"),)),
    "truncated PNG": Case(truncate, ((*PAIR, "unreadable"),)),
    "damaged PNG": Case(flip, ((*PAIR, "unreadable"),)),
    "truncated JPEG": Case(truncated_jpeg, ((*PAIR, "unreadable"),)),
    "HTML named PNG": Case(text("vi/b.png", "<html>404</html>"), ((*PAIR, "unreadable"),)),
    "dangling link": Case(
        lambda raw: ((raw / "ir/b.png").unlink(), (raw / "ir/b.png").symlink_to("gone.png")),
        ((*PAIR, "unreadable"),),
    ),
    "decompression bomb": Case(bomb, ((*PAIR, "too_large"),)),
    "32-bit integers": Case(
        lambda raw: ((raw / "ir/b.png").unlink(), fakes.save(raw / "ir/b.tif", wide(fakes.picture(GOOD, 1)))),
        ((*PAIR, "unsupported_depth"),),
    ),
    "palette colours": Case(image("ir", fakes.picture(GOOD)), ((*PAIR, "false_colour"),)),
    "unequal size": Case(image("ir", fakes.picture(GOOD, 1, (W + 2, H))), ((*PAIR, "unequal_size"),)),
    "tiny": Case(
        lambda raw: [fakes.save(raw / side / "b.png", fakes.picture(GOOD, 1, (20, 20))) for side in ("ir", "vi")],
        ((*PAIR, "too_small"),),
    ),
    "black frame": Case(image("vi", np.zeros((H, W, 3), np.uint8)), ((*PAIR, "blank"),)),
    "no visible": Case(lambda raw: (raw / "vi/b.png").unlink(), ((*PAIR, "unpaired"),)),
    "no infrared": Case(lambda raw: (raw / "ir/b.png").unlink(), ((*PAIR, "unpaired"),)),
    "two files of a name": Case(image("ir", fakes.picture(GOOD, 1), "b.bmp"), ((*PAIR, "ambiguous"),)),
    "name that is not UTF-8": Case(
        unreadable_name, (("b\\udcff", "pair", "unsafe_name"), ("b", "labels", "unpaired")), boxes=2
    ),
    "name with a newline": Case(
        lambda raw: [(raw / side / "b.png").rename(raw / side / "b\nb.png") for side in ("ir", "vi")],
        (("b\nb", "pair", "unsafe_name"), ("b", "labels", "unpaired")),
    ),
    "a pair twice": Case(
        lambda raw: (copy("ir/a.png", "ir/b.png")(raw), copy("vi/a.png", "vi/b.png")(raw)),
        ((*PAIR, "duplicate_content"),),
    ),
    "another pair's visible": Case(copy("vi/a.png", "vi/b.png"), ((*PAIR, "duplicate_content"),)),
    "a text among the images": Case(
        text("ir/notes.txt", "hot"), (("notes", "file", "not_an_image"),), ("a", "b", "c"), 3
    ),
    "a pipe among the images": Case(lambda raw: os.mkfifo(raw / "ir/p.png"), (("p", "file", "not_regular"),), ALL, 3),
    "a pipe among the labels": Case(
        lambda raw: os.mkfifo(raw / "voc/p.xml"), (("p", "file", "not_regular"),), ALL, 3, "voc"
    ),
    "an archiver's litter": Case(copy("ir/b.png", "ir/._b.png"), (("._b", "file", "not_an_image"),), ALL, 3),
    "a system's litter": Case(text("vi/.DS_Store", "x"), ((".DS_Store", "file", "not_an_image"),), ("a", "b", "c"), 3),
}


@pytest.mark.parametrize("kind", CASES)
def test_it_is_set_aside_with_its_reason_and_the_rest_goes_on(kind, tmp_path):
    spoilt_set.hold(kind, CASES[kind], tmp_path)


def test_a_set_without_one_good_pair_is_an_error_that_names_the_first_fault(tmp_path, capsys):
    fakes.save(tmp_path / "raw/ir/a.png", fakes.picture(RNG, 1))
    fakes.save(tmp_path / "raw/vi/a.png", fakes.picture(RNG, 3, (W, H + 4)))
    with pytest.raises(ValueError, match=r"none of 1 pairs .* a: unequal_size \(infrared 64x48, visible 64x52\)"):
        ingest("folder", config.Source(path=str(tmp_path / "raw")), config.Ingest(workers=1), tmp_path / "out")
    assert "unequal_size" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_unequal_sizes_are_no_fault_of_a_source_that_is_not_aligned(tmp_path):
    fakes.save(tmp_path / "raw/ir/a.png", fakes.picture(RNG, 1))
    fakes.save(tmp_path / "raw/vi/a.png", fakes.picture(RNG, 3, (W + 20, H + 4)))
    source = config.Source(path=str(tmp_path / "raw"), aligned=False)
    ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")
    (pair,) = read_manifest(tmp_path / "out/manifest.parquet")
    assert (pair.width, pair.height) == (W + 20, H + 4)
    assert (pair.registration.method, pair.registration.status) == ("none", "doubtful")


def test_what_an_image_file_holds_besides_its_pixels_is_said(tmp_path, capsys):
    make(tmp_path / "raw")
    first, second = (Image.fromarray(fakes.picture(RNG, 1)) for _ in range(2))
    (tmp_path / "raw/ir/b.png").unlink()
    first.save(tmp_path / "raw/ir/b.tif", save_all=True, append_images=[second])
    source = config.Source(path=str(tmp_path / "raw"))
    tally = ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")
    assert tally.pairs.admitted == 3
    assert len(tally.notes) == 1
    assert "1 notes on images" in capsys.readouterr().out
    assert "page 1 of 2" in tally.notes[0]


def test_markup_in_a_name_is_shown_as_it_is(tmp_path, capsys):
    fakes.save(tmp_path / "raw/ir/[red]a.png", fakes.picture(RNG, 1))
    make(tmp_path / "raw")
    source = config.Source(path=str(tmp_path / "raw"))
    ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")
    assert "[red]a" in capsys.readouterr().out


def test_pillow_is_still_strict_about_truncated_files():
    from PIL import ImageFile

    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    assert Image.MAX_IMAGE_PIXELS is not None
