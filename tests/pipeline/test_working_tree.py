import json
import os
import subprocess
import sys

import pytest
import yaml

from text2pixels.errors import InputError
from text2pixels.pipeline import run_stage, working_tree
from text2pixels.pipeline.working_tree import hold, keep_lock, mend_lock, same_parameters

WHOLE = "schema: '2.0'\nstages:\n  a:\n    cmd: echo\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(working_tree.RUN, raising=False)
    return tmp_path


def test_a_second_run_is_told_who_is_at_work():
    told = rf"the stage fuse \(process {os.getpid()}\) is at"
    with hold("the stage fuse"), pytest.raises(InputError, match=told), hold("another"):
        pass
    with hold("another"):
        pass


def test_what_belongs_to_the_run_goes_through(monkeypatch):
    with hold("a flow", run="one"):
        assert working_tree.holder() == "one"
        monkeypatch.setenv(working_tree.RUN, "one")
        with hold("its stage"), hold("another of its stages"):
            pass
        monkeypatch.setenv(working_tree.RUN, "two")
        with pytest.raises(InputError, match="has ended"), hold("a stage that a killed flow left"):
            pass
    assert working_tree.holder() is None


def test_a_killed_run_holds_nothing():
    code = "import os; from text2pixels.pipeline.working_tree import hold\nwith hold('x'): os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with hold("the next"):
        pass


def test_a_section_that_changes_meanwhile_fails_the_stage(here):
    params = {"train": {"epochs": 8}, "seed": 0, "methods": {"ours": {}, "other": {}}, "report": {}}

    def write(**changes):
        (here / "params.yaml").write_text(yaml.safe_dump(params | changes))

    sections, options = ("train", "seed", "methods"), {"method": "ours"}
    write()
    with same_parameters(sections, options):
        write(report={"title": "not read"}, methods={"ours": {}, "third": {}})
    write()
    told = r"params\.yaml: train, methods\.ours changed while the stage ran"
    with pytest.raises(InputError, match=told), same_parameters(sections, options):
        write(train={"epochs": 40}, methods={"ours": {"train": {"epochs": 3}}})
    write()
    with pytest.raises(InputError, match="report changed"), same_parameters((), {}):
        write(report={"title": "new"})


def test_a_stage_comes_through_the_door(here, monkeypatch):
    """As in the case of an edit during hours of training: dvc.lock must not claim what was not trained."""
    (here / "params.yaml").write_text("cost: {width: 64}\nfuse: {}\n")
    from text2pixels.pipeline import cost

    monkeypatch.setattr(cost, "run", lambda method: (here / "params.yaml").write_text("cost: {width: 65}\nfuse: {}\n"))
    with pytest.raises(InputError, match="cost changed while"):
        run_stage("cost", {"method": "average"})
    with hold("somebody else"), pytest.raises(InputError, match="somebody else"):
        run_stage("cost", {"method": "average"})


@pytest.mark.parametrize("broken", ["", "schema: '2.0'\n  stages", "schema: '2.0'\nstages:", WHOLE.rstrip("\n")])
def test_a_half_written_lock_is_replaced_by_the_last_good_one(here, broken):
    lock = here / "dvc.lock"
    lock.write_text(WHOLE)
    assert mend_lock() is None
    keep_lock()
    lock.write_text(broken)
    keep_lock()  # keeps nothing that is broken
    assert "last good one" in (mend_lock() or "")
    assert lock.read_text() == WHOLE


def test_without_a_good_lock_the_broken_one_is_put_aside(here):
    (here / "dvc.lock").write_text("")
    assert "dvc.lock.damaged" in (mend_lock() or "")
    assert not (here / "dvc.lock").exists()


def test_a_holder_is_written_whole(here):
    with hold("a run", run="r"):
        assert json.loads((here / ".cache/run/holder.json").read_text())["what"] == "a run"
