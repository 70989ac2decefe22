"""Text from anywhere: with a byte-order mark it is read, without one it is UTF-8 or one line says that it is not."""

import codecs

import pytest

from text2pixels import config
from text2pixels.datasets.adapter import LabelFile
from text2pixels.datasets.labels import read_labels
from text2pixels.errors import InputError
from text2pixels.pipeline.ingest import ingest
from text2pixels.text_files import read_lines, read_text

MARKED = {
    "plain": "Straße".encode(),
    "UTF-8": codecs.BOM_UTF8 + "Straße".encode(),
    "UTF-16 little": codecs.BOM_UTF16_LE + "Straße".encode("utf-16-le"),
    "UTF-16 big": codecs.BOM_UTF16_BE + "Straße".encode("utf-16-be"),
    "UTF-32 little": codecs.BOM_UTF32_LE + "Straße".encode("utf-32-le"),
    "UTF-32 big": codecs.BOM_UTF32_BE + "Straße".encode("utf-32-be"),
}
OTHER = {"Latin 1": "Straße".encode("latin-1"), "binary": bytes(range(256)), "zeros": b"a\0b"}


@pytest.mark.parametrize("data", MARKED.values(), ids=MARKED)
def test_it_is_read(data, tmp_path):
    (tmp_path / "x.txt").write_bytes(data)
    assert read_text(tmp_path / "x.txt") == "Straße"


@pytest.mark.parametrize("data", OTHER.values(), ids=OTHER)
def test_anything_else_is_one_line(data, tmp_path):
    (tmp_path / "x.txt").write_bytes(data)
    with pytest.raises(InputError, match=r"x\.txt: not ") as error:
        read_text(tmp_path / "x.txt")
    assert "\n" not in str(error.value)


def test_lines_are_stripped_and_empty_ones_left_out(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbfperson \r\n\r\n  car\r\n")
    assert read_lines(tmp_path / "x.txt") == ["person", "car"]


VOC = (
    "{}<annotation><object><name>Straße</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    "</object></annotation>"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "gb18030"])
def test_voc_is_read_in_the_encoding_that_it_declares(encoding, tmp_path):
    declaration = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    (tmp_path / "a.xml").write_bytes(VOC.format(declaration).encode(encoding))
    (box,) = read_labels(LabelFile(str(tmp_path / "a.xml"), "voc")).boxes
    assert (box.category, box.w) == ("Straße", 8)


def test_yolo_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "a.txt").write_bytes(codecs.BOM_UTF8 + b"0 .5 .5 .1 .1\r\n")
    assert len(read_labels(LabelFile(str(tmp_path / "a.txt"), "yolo", ("car",))).boxes) == 1


def test_class_names_in_binary_are_one_line(tmp_path):
    for part in ("ir", "vi", "labels"):
        (tmp_path / "raw" / part).mkdir(parents=True)
    (tmp_path / "raw/labels/classes.txt").write_bytes(bytes(range(256)))
    source = config.Source(path=str(tmp_path / "raw"), options={"labels": "labels", "format": "yolo"})
    with pytest.raises(InputError, match=r"classes\.txt: not UTF-8 \(byte 128\); save it as UTF-8"):
        ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")
