"""Archives from strangers: nothing outside the folder, nothing without end."""

import gzip
import io
import re
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
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    path = zipped(tmp_path / "a.zip", [(f"{n}.txt", b"") for n in range(4)])
    with pytest.raises(InputError, match="more than 3 files"):
        archive.unpack(path, tmp_path / "scratch")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_folders_count_as_members(make, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    names = [f"{n}/" for n in range(4)]
    if make is tarred:
        names = [tarfile.TarInfo(name) for name in names]
        for member in names:
            member.type = tarfile.DIRTYPE
    path = make(tmp_path / "a.bin", [(name, b"") for name in names])
    with pytest.raises(InputError, match="more than 3 files"):
        archive.unpack(path, tmp_path / "scratch")


def plain_tar(path, members=6):
    with tarfile.open(path, "w") as out:
        for number in range(members):
            member = tarfile.TarInfo(f"{number}.txt")
            member.size = 700
            out.addfile(member, io.BytesIO(bytes([65 + number]) * 700))
    return path


MEMBER = 512 + 1024  # header and content in blocks


@pytest.mark.parametrize("kept", [3 * MEMBER, 6 * MEMBER, 3 * MEMBER + 200, 3 * MEMBER + 600])
def test_a_tar_without_its_end_is_refused_wherever_it_was_cut(kept, tmp_path):
    path = plain_tar(tmp_path / "a.tar")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"a\.tar is (cut off|damaged).*download it again") as error:
        archive.unpack(path, tmp_path / "scratch")
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "scratch").iterdir())


def test_a_tar_that_is_damaged_between_two_members_is_refused(tmp_path):
    path = plain_tar(tmp_path / "a.tar")
    data = bytearray(path.read_bytes())
    data[3 * MEMBER : 3 * MEMBER + 100] = b"x" * 100
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged after 3 members"):
        archive.unpack(path, tmp_path / "scratch")


def test_content_that_its_checksum_does_not_fit_is_refused(tmp_path):
    packed = bytearray(gzip.compress(plain_tar(tmp_path / "a.tar").read_bytes()))
    packed[-8] ^= 0xFF  # of the CRC-32
    (tmp_path / "a.tar.gz").write_bytes(packed)
    with pytest.raises(InputError, match="is damaged"):
        archive.unpack(tmp_path / "a.tar.gz", tmp_path / "scratch")


def test_a_tar_of_one_zero_block_at_its_end_is_whole(tmp_path):
    path = plain_tar(tmp_path / "a.tar")
    path.write_bytes(path.read_bytes()[: 6 * MEMBER + 512])
    assert len(list(archive.unpack(path, tmp_path / "scratch").iterdir())) == 6


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["tar", "tar.gz"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_a_name_of_gigabytes_is_refused_before_it_is_read(kind, pack, first, tmp_path):
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = kind, 3 * 2**30
    before = b"" if first else plain_tar(tmp_path / "before.tar", 1).read_bytes()[:MEMBER]
    (tmp_path / "a.tar").write_bytes(pack(before + header.tobuf(tarfile.GNU_FORMAT) + bytes(2048)))
    with pytest.raises(InputError, match="name or header of 3,221,225,472 bytes"):  # noqa: PT012 (whichever reads it)
        assert archive.is_archive(tmp_path / "a.tar")
        archive.unpack(tmp_path / "a.tar", tmp_path / "scratch")


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("é".encode(), "é"),
        (b"\xff\xfe", bytes([0xFF, 0xFE]).decode("cp437")),
        ("é".encode("gbk"), "é".encode("gbk").decode("cp437")),
        (b"\x82x", "éx"),
    ],
    ids=["UTF-8", "no UTF-8", "GBK", "code page 437"],
)
@pytest.mark.parametrize("said", ["UTF-8", "nothing"])
def test_a_zip_with_names_in_any_encoding_is_read(tmp_path, raw, read, said):
    path = zipped(tmp_path / "a.zip", [("é.txt", b"1"), ("é/b.txt", b"2"), ("c.txt", b"3")])
    data = bytearray(path.read_bytes().replace("é".encode(), raw))
    if said == "nothing":  # of the two flags of each entry, that in its own header and that in the directory
        for mark, at in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
            for entry in range(data.count(mark)):
                start = [match.start() for match in re.finditer(re.escape(mark), data)][entry]
                data[start + at] &= ~8
    path.write_bytes(data)
    folder = archive.unpack(path, tmp_path / "scratch")
    names = {str(each.relative_to(folder)) for each in folder.rglob("*.txt")}
    assert names == {f"{read}.txt", f"{read}/b.txt", "c.txt"}


def test_a_zip_within_a_zip_is_left_as_it_is(tmp_path):
    inner = zipped(tmp_path / "inner.zip", [("é.txt", b"1")]).read_bytes()
    directory = inner[inner.index(b"PK\1\2") :]  # begins as the directory of the outer one does
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("x.bin", directory)
    folder = archive.unpack(tmp_path / "a.zip", tmp_path / "scratch")
    assert (folder / "x.bin").read_bytes() == directory


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", [("a.txt", b"1"), ("a.txt", b"2")])
    with pytest.raises(InputError, match="twice"):
        archive.unpack(path, tmp_path / "scratch")


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize(
    ("members", "says"),
    [
        (["n" * 300], r"a.bin: 'n{100}…': File name too long"),
        (["ir", "ir/a.png"], "a.bin: 'ir/a.png': File exists"),
        (["ir/a.png/b.png", "ir/a.png"], "twice"),
    ],
    ids=["name too long", "below a file", "in the place of a folder"],
)
def test_a_member_that_cannot_be_written_is_named(make, members, says, tmp_path):
    path = make(tmp_path / "a.bin", [(name, b"1") for name in members])
    with pytest.raises(InputError, match=says):
        archive.unpack(path, tmp_path / "scratch")
    assert not list((tmp_path / "scratch").iterdir())


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
