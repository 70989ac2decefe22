"""Archives from strangers: nothing outside the folder, nothing without end."""

import io
import stat
import tarfile
import zipfile

import pytest

from text2pixels.datasets import archive
from text2pixels.errors import InputError


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members:
            out.writestr(name, data)
    return path


def tarred(path, members):
    with tarfile.open(path, "w:gz") as out:
        for name, data in members:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return path


def link(kind, target):
    member = tarfile.TarInfo("link")
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize("make", [zipped, tarred])
def test_it_unpacks_files_and_folders(make, tmp_path):
    path = make(tmp_path / "a.bin", [("x/one.txt", b"1"), ("x/y/two.txt", b"22")])
    assert archive.is_archive(path)
    folder = archive.unpack(path, tmp_path / "scratch")
    assert {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.txt")} == {
        "x/one.txt": b"1",
        "x/y/two.txt": b"22",
    }
    assert archive.unpack(path, tmp_path / "scratch") == folder


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize(
    "name", ["../out.txt", "/out.txt", "a/../../out.txt", "..\\out.txt", "C:\\out.txt", "C:/out.txt"]
)
def test_a_path_outside_is_refused(make, name, tmp_path):
    path = make(tmp_path / "a.bin", [("good.txt", b"1"), (name, b"2")])
    with pytest.raises(InputError, match="would lie outside"):
        archive.unpack(path, tmp_path / "deep/scratch")
    assert not [p for p in tmp_path.rglob("*.txt")], "half a result is left"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(kind, tmp_path):
    path = tarred(tmp_path / "a.tar.gz", [(link(kind, "/etc/passwd"), b"")])
    with pytest.raises(InputError, match="a link or a device"):
        archive.unpack(path, tmp_path / "scratch")


def test_a_link_in_a_zip_is_refused(tmp_path):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zipped(tmp_path / "a.zip", [(entry, "/etc/passwd")])
    with pytest.raises(InputError, match="is a link"):
        archive.unpack(path, tmp_path / "scratch")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_bomb_is_stopped_by_what_it_writes(make, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "SMALL", 1000)
    monkeypatch.setattr(archive, "_CHUNK", 1000)
    path = make(tmp_path / "a.bin", [("zeros", bytes(3_000_000))])
    with pytest.raises(InputError, match="decompression bomb"):
        archive.unpack(path, tmp_path / "scratch")
    assert not list((tmp_path / "scratch").iterdir())


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_FILES", 3)
    path = zipped(tmp_path / "a.zip", [(f"{n}.txt", b"") for n in range(4)])
    with pytest.raises(InputError, match="more than 3 files"):
        archive.unpack(path, tmp_path / "scratch")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", [("a.txt", b"1"), ("a.txt", b"2")])
    with pytest.raises(InputError, match="twice"):
        archive.unpack(path, tmp_path / "scratch")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_damaged_archive_says_so(make, tmp_path):
    path = make(tmp_path / "a.bin", [("x.bin", bytes(range(256)) * 400)])
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(data)
    with pytest.raises(InputError, match="is damaged"):
        archive.unpack(path, tmp_path / "scratch")


def test_a_checksum_that_differs_is_said_and_the_repacked_archive_read(tmp_path, capfd):
    path = zipped(tmp_path / "set.zip", [("x.txt", b"1")])
    archive.unpack(path, tmp_path / "scratch", {"set.zip": "md5:" + "0" * 32})
    assert "not the published file" in " ".join(capfd.readouterr().err.split())
