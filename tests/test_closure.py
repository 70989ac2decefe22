"""What a module's code is: every file it imports, wherever the import stands, and nothing else."""

import pytest

from text2pixels import closure as subject
from text2pixels.closure import closure, digest, fingerprint, imports


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A project of one package; `write` adds a file."""
    monkeypatch.setattr(subject, "SOURCE", tmp_path)
    imports.cache_clear()
    closure.cache_clear()

    def write(name, text=""):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    yield write
    imports.cache_clear()
    closure.cache_clear()


def names(files, root):
    return {file.relative_to(root).as_posix() for file in files}


def test_it_follows_imports_at_the_top_inside_functions_and_of_imports(package, tmp_path):
    package("toy/a.py", "from toy import b\nimport os\n")
    package("toy/b.py", "def run():\n    from toy.deep.c import thing\n")
    package("toy/deep/c.py", "import toy.d\n")
    package("toy/d.py")
    package("toy/unused.py")
    assert names(closure("toy.a", ("toy",)), tmp_path) == {"toy/a.py", "toy/b.py", "toy/deep/c.py", "toy/d.py"}
    assert closure(str(tmp_path / "toy/a.py"), ("toy",)) == closure("toy.a", ("toy",))


def test_a_name_that_only_the_package_gives_brings_its_front(package, tmp_path):
    package("toy/__init__.py", "from toy.d import thing\n")
    package("toy/d.py")
    package("toy/a.py", "from toy import thing\n")
    package("toy/b.py", "from toy import d\n")
    assert names(closure("toy.a", ("toy",)), tmp_path) == {"toy/a.py", "toy/__init__.py", "toy/d.py"}
    assert names(closure("toy.b", ("toy",)), tmp_path) == {"toy/b.py", "toy/d.py"}


def test_packages_that_are_not_named_are_left_alone(package, tmp_path):
    package("toy/a.py", "import other.b\n")
    package("other/b.py")
    assert names(closure("toy.a", ("toy",)), tmp_path) == {"toy/a.py"}
    assert names(closure("toy.a", ("toy", "other")), tmp_path) == {"toy/a.py", "other/b.py"}


def test_an_unknown_module_is_an_error(package):
    with pytest.raises(ModuleNotFoundError, match=r"toy\.nothing"):
        closure("toy.nothing", ("toy",))


def test_the_digest_changes_with_every_file_of_it_and_with_no_other(package):
    one, two, other = package("toy/a.py", "1"), package("toy/b.py", "2"), package("toy/c.py", "3")
    before = digest([one, two])
    assert digest([two, one]) == before
    other.write_text("4")
    assert digest([one, two]) == before
    two.write_text("5")
    assert digest([one, two]) != before


@pytest.mark.parametrize(
    ("module", "needs"),
    [
        ("pipeline.ingest", ["datasets/labels.py", "image/reader.py", "image/boxes.py", "files.py", "config.py"]),
        ("pipeline.train", ["prompts/phrases.py", "encoders/embeddings.py", "network/network.py", "training/loop.py"]),
    ],
)
def test_a_stage_that_resumes_depends_on_all_that_shapes_its_result(module, needs):
    files = names(closure(f"text2pixels.{module}"), subject.SOURCE)
    assert {f"text2pixels/{name}" for name in needs} <= files
    assert not any(name.startswith("text2pixels_simulator") for name in files)


def test_the_fingerprint_covers_parameters_code_and_data(tmp_path):
    code, data = tmp_path / "a.py", tmp_path / "data"
    code.write_text("1")
    data.write_text("1")
    prints = [fingerprint({"a": 1}, [code], [data]), fingerprint({"a": 2}, [code], [data])]
    code.write_text("2")
    prints.append(fingerprint({"a": 1}, [code], [data]))
    data.write_text("2")
    prints.append(fingerprint({"a": 1}, [code], [data]))
    assert len(set(prints)) == 4
