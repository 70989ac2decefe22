"""Files of two folders find their partners by name, whatever their types."""

import pytest

from text2pixels.cameras.pairing import pair_folders
from text2pixels.errors import InputError
from text2pixels.image import SUFFIXES


@pytest.fixture
def folders(tmp_path):
    for side in ("ir", "vi"):
        (tmp_path / side).mkdir()
    return tmp_path / "ir", tmp_path / "vi"


def touch(folder, *names):
    for name in names:
        (folder / name).touch()


def test_every_type_that_is_read_is_paired(folders):
    infrared, visible = folders
    for number, suffix in enumerate(SUFFIXES):
        touch(infrared, f"{number}{suffix}")
        touch(visible, f"{number}{suffix.upper()}")
    assert len(pair_folders(infrared, visible).pairs) == len(SUFFIXES)


def test_what_has_no_partner_is_listed_and_what_is_no_image_is_not(folders):
    infrared, visible = folders
    touch(infrared, "a.tiff", "b.png", "notes.txt", ".c.png")
    touch(visible, "a.jpg", "c.png", "d.webp")
    pairing = pair_folders(infrared, visible)
    assert pairing.pairs == {"a": (infrared / "a.tiff", visible / "a.jpg")}
    assert pairing.unpaired == [infrared / "b.png", visible / "c.png", visible / "d.webp"]


def test_two_files_of_one_name_are_an_error(folders):
    touch(folders[0], "a.png", "a.webp")
    touch(folders[1], "a.png")
    with pytest.raises(InputError, match=r"both a\.png and a\.webp: keep one"):
        pair_folders(*folders)


def test_no_pair_is_an_error(folders):
    touch(folders[0], "a.png")
    touch(folders[1], "b.png")
    with pytest.raises(InputError, match="no pair: none of the 1 images"):
        pair_folders(*folders)
    with pytest.raises(InputError, match="is not a folder"):
        pair_folders(folders[0] / "a.png", folders[1])
