"""Versions of data and checkpoints, as people know them from DVC, with a remote in a folder."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from support.operated_tree import OperatedTree

from tasks.graph import read_graph
from tasks.restore import environment
from text2pixels.errors import InputError

ROOT = Path(__file__).parents[1]


def call(place, *command, check=True):
    done = subprocess.run(command, cwd=place, env=environment(), capture_output=True, text=True, check=False)
    assert not (check and done.returncode), f"{command}: {done.stdout}{done.stderr}"
    return done


@pytest.mark.slow
def test_an_older_checkpoint_comes_back_and_a_clone_runs_nothing(tmp_path):
    place, store = tmp_path / "tree", tmp_path / "store"
    place.mkdir()
    tree = OperatedTree(place)
    call(place, "dvc", "remote", "add", "--quiet", "--default", "store", str(store))
    models = []
    for epochs in (1, 2):
        tree.set("train.epochs", epochs)
        call(place, "dvc", "repro", "--quiet")
        tree.commit(f"{epochs} epochs")
        models.append((place / "slow").read_text())
    assert models[0] != models[1]

    call(place, "git", "checkout", "-q", "HEAD~1", "--", "dvc.lock", "params.yaml")
    call(place, "dvc", "checkout", "--quiet")
    assert (place / "slow").read_text() == models[0]
    call(place, "git", "checkout", "-q", "HEAD", "--", "dvc.lock", "params.yaml")
    call(place, "dvc", "checkout", "--quiet")
    assert (place / "slow").read_text() == models[1]

    call(place, "dvc", "push", "--quiet")
    clone = tmp_path / "clone"
    call(tmp_path, "git", "clone", "-q", str(place), str(clone))
    call(clone, "dvc", "pull", "--quiet")
    assert (clone / "slow").read_text() == models[1]
    again = call(clone, "dvc", "repro")
    assert "Running stage" not in again.stdout
    assert not (clone / ".cache/begun").exists(), "no stage has run"


@pytest.fixture
def repository(tmp_path):
    """A repository that ignores what this one ignores."""
    call(tmp_path, "git", "init", "-q", ".")
    call(tmp_path, "dvc", "init", "-q")
    shutil.copy(ROOT / ".gitignore", tmp_path)
    shutil.copy(ROOT / ".dvcignore", tmp_path)
    return tmp_path


def test_raw_data_is_added_and_imported_where_the_profiles_look(repository):
    for name in ("one", "two"):
        (repository / "data/raw" / name).mkdir(parents=True)
        (repository / "data/raw" / name / "image.png").write_text(name)
    shutil.move(repository / "data/raw/two", repository.parent / "elsewhere")
    call(repository, "dvc", "add", "--quiet", "data/raw/one")
    call(repository, "dvc", "import-url", "--quiet", str(repository.parent / "elsewhere"), "data/raw/two")
    for name in ("one", "two"):
        assert call(repository, "git", "check-ignore", f"data/raw/{name}.dvc", check=False).returncode == 1
        assert call(repository, "git", "check-ignore", f"data/raw/{name}", check=False).returncode == 0


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("reports/metrics.json", False),
        ("dvc.lock", False),
        ("reports/site", True),
        ("reports/plots", True),
        ("models/ours", True),
        ("data/interim/x", True),
        ("data/raw/.gitignore", False),
        ("data/raw/x.dvc", False),
    ],
)
def test_what_is_committed(path, ignored):
    answer = subprocess.run(["git", "check-ignore", "-q", "--no-index", path], cwd=ROOT, check=False)
    if answer.returncode == 128:
        pytest.skip("not a git checkout")
    assert (answer.returncode == 0) == ignored


def test_without_git_the_way_out_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    with pytest.raises(InputError, match=r"run git init, or tell DVC so: dvc config --local core.no_scm true"):
        read_graph()


def test_plots_and_artifacts_point_at_what_stages_write():
    definitions = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    outs = {
        str(out).replace("${item.method}", "ours")
        for stage in definitions["stages"].values()
        for out in stage.get("do", stage)["outs"]
    }
    for plot in definitions["plots"]:
        for settings in plot.values():
            for file in settings["y"]:
                assert str(Path(file).parent) in outs
    assert {artifact["path"] for artifact in definitions["artifacts"].values()} <= outs
