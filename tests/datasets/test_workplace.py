"""Where a set is made: one ingest at a time, and the next one removes what a killed one left."""

import errno

import pytest
from filelock import FileLock

from text2pixels.datasets import workplace
from text2pixels.datasets.workplace import PARTS, alone, open_workplace
from text2pixels.errors import InputError

ONE, TWO = "0123456789ab", "ba9876543210"


def test_the_second_of_two_is_told_so_in_one_line(tmp_path):
    with alone(tmp_path / "out"):
        with pytest.raises(InputError, match=r"another ingest is writing .*out") as error, alone(tmp_path / "out"):
            pytest.fail("two at once")
        with alone(tmp_path / "other"):
            pass
        with pytest.raises(InputError), alone(tmp_path / "out"):
            pytest.fail("the refused one took the lock away")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_place_that_takes_no_lock_is_named_as_it_was_given(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system", "x.lock")

    monkeypatch.setattr(workplace.FileLock, "acquire", refuse)
    with pytest.raises(InputError, match=r"^cannot write .*/out: Read-only file system$"), alone(tmp_path / "out"):
        pass


def test_a_lock_file_without_holder_stops_nobody(tmp_path):
    FileLock(tmp_path / ".out.lock").acquire(timeout=0).lock.release(force=True)
    (tmp_path / ".out.lock").touch()
    with alone(tmp_path / "out"):
        pass


def test_the_same_run_finds_its_folder_and_another_does_not(tmp_path):
    one = open_workplace(tmp_path / "out", ONE)
    (one / "rows/x.json").write_text("{}")
    assert open_workplace(tmp_path / "out", ONE) == one
    assert (one / "rows/x.json").is_file()
    two = open_workplace(tmp_path / "out", TWO)
    assert one != two
    assert not one.exists()
    assert not list((two / "rows").iterdir())


def test_half_files_of_a_kill_are_swept_and_whole_ones_stay(tmp_path):
    place = open_workplace(tmp_path / "out", ONE)
    for part in PARTS:
        (place / part / ".a.png.4711.part").write_text("half")
        (place / part / "a.png").write_text("whole")
    (place / ".manifest.parquet.4711.part").write_text("half")
    open_workplace(tmp_path / "out", ONE)
    assert not list(place.rglob("*.part"))
    assert len(list(place.rglob("a.png"))) == len(PARTS)


@pytest.mark.parametrize("name", ["out[1]", "out.2", "o*t"])
def test_only_its_own_leftovers_are_swept(name, tmp_path):
    neighbour = open_workplace(tmp_path / f"{name}.neighbour", ONE)
    one = open_workplace(tmp_path / name, ONE)
    open_workplace(tmp_path / name, TWO)
    assert neighbour.is_dir()
    assert not one.exists()
