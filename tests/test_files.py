import hashlib

import pytest

from text2pixels import files


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    target = tmp_path / "new" / "file"
    with files.whole_file(target) as aside:
        aside.write_text("one")
        assert not target.exists()
    with pytest.raises(RuntimeError), files.whole_file(target) as aside:
        aside.write_text("two")
        raise RuntimeError
    assert target.read_text() == "one"
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    target = tmp_path / "folder"
    for content in ("one", "two"):
        with files.whole_folder(target) as aside:
            (aside / content).touch()
    with pytest.raises(RuntimeError), files.whole_folder(target) as aside:
        (aside / "three").touch()
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["two"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_sha256_is_of_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"pixels")
    assert files.sha256(tmp_path / "x") == hashlib.sha256(b"pixels").hexdigest()
