"""Whether a file of weights is the authors': by its SHA-256, by what git calls it, or nobody knows."""

import subprocess

import pytest

from text2pixels.errors import InputError
from text2pixels.files import sha256
from text2pixels.methods.weights import WeightFile, check, file_status, status

CONTENT = b"weights\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.pth").write_bytes(CONTENT)
    return tmp_path


def file(digest=None, blob="", name="a.pth"):
    return WeightFile(name, digest, "nowhere", git_blob=blob)


def git_name(path):
    return subprocess.run(["git", "hash-object", path], capture_output=True, text=True, check=True).stdout.strip()


def test_a_known_digest_says_ok_or_mismatch(folder):
    assert file_status(file(sha256(folder / "a.pth")), folder) == "ok"
    assert file_status(file("0" * 64), folder) == "mismatch"


def test_what_git_calls_a_file_says_ok_or_unverified(folder):
    assert file_status(file(blob=git_name(folder / "a.pth")), folder) == "ok"
    assert file_status(file(blob="0" * 40), folder) == "unverified"
    assert file_status(file(), folder) == "unverified"


def test_a_file_that_is_not_there_is_missing(folder):
    assert file_status(file(name="b.pth"), folder) == file_status(file(), None) == "missing"


def test_the_worst_of_a_methods_files_is_its_status(folder):
    ok, unverified = file(sha256(folder / "a.pth")), file()
    assert status([], folder) == check("x", [], folder) == "none needed"
    assert status([ok], folder) == check("x", [ok], folder) == "ok"
    assert status([ok, unverified], folder) == check("x", [ok, unverified], folder) == "unverified"
    assert status([unverified, file("0" * 64), ok], folder) == "mismatch"
    assert status([file(name="b.pth"), file("0" * 64)], folder) == "missing"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [(file("0" * 64), "is not the authors' file"), (file(name="b.pth"), "weights missing: not found at .*b.pth")],
)
def test_a_wrong_or_missing_file_is_one_line(folder, wrong, says):
    with pytest.raises(InputError, match=f"x: .*{says}.*from nowhere" if "missing" in says else says) as error:
        check("x", [file(), wrong], folder)
    assert "\n" not in str(error.value)


def test_where_a_checkout_has_weights_that_were_trained_again_the_message_names_them(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(InputError) as refused:
        check("x", [file(name="b.pth")], folder)
    assert "--model" not in str(refused.value)
    (folder / "profiles/retrained/x").mkdir(parents=True)
    with pytest.raises(InputError, match=r"; or take what was trained again here, .*--model profiles/retrained/x$"):
        check("x", [file(name="b.pth")], folder)
