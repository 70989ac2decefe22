import errno
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from text2pixels import files, layout
from text2pixels.datasets.coco import Coco
from text2pixels.errors import InputError
from text2pixels.methods.card import read_card
from text2pixels.network.description import describe


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    target = tmp_path / "new" / "file"
    with files.whole_file(target) as aside:
        aside.write_text("one")
        assert not target.exists()
    with pytest.raises(RuntimeError), files.whole_file(target) as aside:  # noqa: PT012 (the writing fails halfway)
        aside.write_text("two")
        raise RuntimeError
    assert target.read_text() == "one"
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    target = tmp_path / "folder"
    for content in ("one", "two"):
        with files.whole_folder(target) as aside:
            (aside / content).touch()
    with pytest.raises(RuntimeError), files.whole_folder(target) as aside:  # noqa: PT012 (the writing fails halfway)
        (aside / "three").touch()
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["two"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_sha256_is_of_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"pixels")
    assert files.sha256(tmp_path / "x") == hashlib.sha256(b"pixels").hexdigest()


@pytest.mark.parametrize("path", [".", "..", "../other", "folder/../..", "/"])
def test_a_folder_is_never_replaced_round_the_working_directory(tmp_path, monkeypatch, path):
    here = tmp_path / "project"
    here.mkdir()
    (here / "kept").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "kept").touch()
    monkeypatch.chdir(here)
    with pytest.raises(InputError, match="would be replaced as a whole"), files.whole_folder(Path(path)):
        pass
    assert (here / "kept").exists()
    assert (tmp_path / "other" / "kept").exists()


def test_an_output_that_is_an_input_by_any_name_is_refused(tmp_path):
    given = tmp_path / "given.png"
    given.write_bytes(b"pixels")
    (tmp_path / "link.png").symlink_to(given)
    (tmp_path / "hard.png").hardlink_to(given)
    for name in ("given.png", "link.png", "hard.png", "x/../given.png"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(InputError, match="would overwrite the input"):
            files.check_outputs([tmp_path / name], [given])
    files.check_outputs([tmp_path / "other.png"], [given])


def test_two_outputs_never_share_a_file(tmp_path):
    with pytest.raises(InputError, match="two outputs would be written"):
        files.check_outputs([tmp_path / "new.png", tmp_path / "." / "new.png"], [])


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../x"])
@pytest.mark.parametrize("place", [layout.model, layout.interim, layout.cost, layout.embeddings])
def test_a_name_stays_in_its_folder(place, name):
    with pytest.raises(InputError, match="no name"):
        place(name)


def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path):
    """Only of the same target, and only of processes that are no more: a neighbour at work keeps its own."""
    code = (
        "import os, sys; from pathlib import Path; from text2pixels import files\n"
        "with files.whole_folder(Path('out')) as a, files.whole_file(Path('out.txt')) as b:\n"
        "    (a / 'half').touch(); b.touch(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert len(list(tmp_path.glob(".out*.part"))) == 2
    with files.whole_folder(tmp_path / "out") as first, files.whole_folder(tmp_path / "out") as second:
        assert first.is_dir()
        assert second.is_dir()
    with files.whole_file(tmp_path / "out.txt") as aside:
        aside.touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.txt"]


@pytest.mark.parametrize("name", ["out", "o" * 80])
@pytest.mark.parametrize("renames", [1, 2])
def test_a_process_killed_while_it_replaces_a_folder_loses_neither(tmp_path, name, renames):
    (tmp_path / name).mkdir()
    (tmp_path / name / "one").touch()
    (tmp_path / (name + "er")).mkdir()
    code = (
        "import os, sys; from pathlib import Path; from text2pixels import files\n"
        "rename, count = Path.rename, 0\n"
        "def deadly(path, target):\n"
        "    global count; count += 1; rename(path, target)\n"
        f"    if count == {renames}: os.kill(os.getpid(), 9)\n"
        "Path.rename = deadly\n"
        f"with files.whole_folder(Path('{name}')) as aside: (aside / 'two').touch()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    with pytest.raises(RuntimeError), files.whole_folder(tmp_path / name):
        raise RuntimeError
    assert [path.name for path in (tmp_path / name).iterdir()] == [["one"], ["two"]][renames - 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, name + "er"]


def test_a_folder_is_put_back_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    target, rename = tmp_path / "out", Path.rename
    with files.whole_folder(target) as aside:
        (aside / "one").touch()

    def refuse(path, to):
        if path.suffix == ".part":
            raise OSError(errno.EIO, "Input/output error", str(path))
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="Input/output"), files.whole_folder(target) as aside:
        (aside / "two").touch()
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [Path("out"), Path("out/one")]


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "\U0001f525" * 63, "x" * 251 + ".png"])
def test_a_name_as_long_as_a_file_system_takes_can_be_written(tmp_path, name):
    with files.whole_file(tmp_path / name) as aside:
        aside.write_text("whole")
    assert (tmp_path / name).read_text() == "whole"
    with files.whole_folder(tmp_path / "below" / name) as aside:
        (aside / "one").touch()
    assert [path.name for path in (tmp_path / "below").iterdir()] == [name]


@pytest.mark.parametrize("path", ["file/out.txt", "file/deeper/out.txt", "/proc/out.txt"])
def test_a_place_that_cannot_be_written_to_is_named_as_it_was_given(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"cannot write {path}: ") as error, files.whole_file(Path(path)) as aside:
        aside.write_text("x")
    assert ".part" not in str(error.value)


def test_a_full_disk_is_named_with_the_file_that_did_not_fit(tmp_path):
    target = tmp_path / "out.txt"
    full = Path("/dev/full")
    with pytest.raises(InputError, match=r"cannot write .*out\.txt: No space left on device"), files.whole_file(target):
        full.write_text("x")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_named_with_the_folder_that_did_not_fit(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "kept").touch()
    with pytest.raises(InputError, match=r"^cannot write .*out: No space left on device$"), files.whole_folder(target):
        Path("/dev/full").write_text("x")
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*")] == [Path("out"), Path("out/kept")]


@pytest.mark.parametrize("whole", [files.whole_file, files.whole_folder])
def test_a_disk_that_is_read_only_is_named_by_what_was_to_be_written(tmp_path, monkeypatch, whole):
    def refuse(path, *_, **__):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    for name in ("mkdir", "unlink", "write_text"):
        monkeypatch.setattr(Path, name, refuse)
    monkeypatch.setattr(files, "beside", lambda path: path.with_name(f".{path.name}.part"))
    with (
        pytest.raises(InputError, match=r"^cannot write .*/out: Read-only file system$"),
        whole(tmp_path / "out") as aside,
    ):
        aside.write_text("x")


def test_another_fault_within_a_folder_is_its_own(tmp_path):
    with pytest.raises(FileNotFoundError), files.whole_folder(tmp_path / "out"):
        (tmp_path / "gone").read_text()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("read", [read_card, describe, Coco], ids=["card", "network", "COCO"])
def test_a_description_far_too_large_is_refused_unread(tmp_path, read):
    names = ("card.json", "network.json", "labels.json")
    for name in names:
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(2 * 10**9)  # a hole: nothing is on the disk
    with pytest.raises(InputError, match=r"json is larger than [0-9]+ MB"):
        read(tmp_path / "labels.json" if read is Coco else tmp_path)
