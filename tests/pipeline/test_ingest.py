"""The stage as a whole: the same bytes serial and parallel, again and after an interruption."""

import os
import shutil
import sys
from functools import partial

import cv2
import numpy as np
import pytest
from support import fakes
from typer.testing import CliRunner

from text2pixels import config, executors, layout
from text2pixels.cli import app
from text2pixels.datasets import catalogue, intake, simulated
from text2pixels.datasets.manifest import read_manifest
from text2pixels.datasets.quarantine import read_quarantine
from text2pixels.errors import InputError, Unusable
from text2pixels.pipeline import ingest as stage

ONE = config.Ingest(workers=1)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def source(tmp_path):
    """A folder of 40 pairs, one of which is broken, one a copy and one without partner."""
    rng = np.random.default_rng(3)
    for number in range(40):
        fakes.save(tmp_path / f"raw/ir/{number:02d}.png", fakes.picture(rng, 1))
        fakes.save(tmp_path / f"raw/vi/{number:02d}.jpg", fakes.picture(rng))
    (tmp_path / "raw/ir/07.png").write_bytes(b"")
    shutil.copy(tmp_path / "raw/ir/01.png", tmp_path / "raw/ir/08.png")
    (tmp_path / "raw/vi/09.jpg").unlink()
    return config.Source(path=str(tmp_path / "raw"))


def test_processes_give_the_bytes_of_one_process(source, tmp_path):
    stage.ingest("folder", source, ONE, tmp_path / "one")
    stage.ingest("folder", source, config.Ingest(workers=2), tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert len(read_manifest(tmp_path / "one/manifest.parquet")) == 37


def test_a_second_run_gives_the_same_bytes_and_replaces_the_first(source, tmp_path):
    stage.ingest("folder", source, ONE, tmp_path / "out")
    first = files(tmp_path / "out")
    (tmp_path / "out/infrared/stale.png").write_text("of a pair that is no longer there")
    stage.ingest("folder", source, ONE, tmp_path / "out")
    assert files(tmp_path / "out") == first


def test_an_interrupted_run_goes_on_where_it_stopped(source, tmp_path, monkeypatch):
    stage.ingest("folder", source, ONE, tmp_path / "whole")
    read = intake.read_visible
    seen = []

    def interrupted(path, notes):
        if len(seen) == 20:
            raise KeyboardInterrupt
        seen.append(path.stem)
        return read(path, notes)

    monkeypatch.setattr(intake, "read_visible", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stage.ingest("folder", source, ONE, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    first = list(seen)
    seen.clear()
    monkeypatch.setattr(intake, "read_visible", lambda path, notes: (seen.append(path.stem), read(path, notes))[1])
    stage.ingest("folder", source, ONE, tmp_path / "out")
    assert set(first) & set(seen) <= {"08"}, "pairs that were done are done again"  # the images of a copy are not kept
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_file_that_changed_meanwhile_is_read_again(source, tmp_path, monkeypatch):
    rules = intake.Rules(str(tmp_path / "aside"), True, 32, {})
    (tmp_path / "aside/rows").mkdir(parents=True)
    raw = tmp_path / "raw"
    candidate = intake.Candidate("00", str(raw / "ir/00.png"), str(raw / "vi/00.jpg"))
    first = intake.take_in(candidate, rules)
    monkeypatch.setattr(intake, "read_infrared_field", lambda *_: pytest.fail("read although nothing changed"))
    assert intake.take_in(candidate, rules) == first
    monkeypatch.undo()
    fakes.save(raw / "ir/00.png", fakes.picture(np.random.default_rng(99), 1))
    second = intake.take_in(candidate, rules)
    assert first.taken is not None
    assert second.taken is not None
    assert second.taken.infrared_sha256 != first.taken.infrared_sha256
    assert second.taken.visible_sha256 == first.taken.visible_sha256


def test_a_folder_of_somebody_else_is_not_replaced(source, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/mine.jpg").write_text("dear to me")
    with pytest.raises(InputError, match="holds something else than a data set made by t2p ingest"):
        stage.ingest("folder", source, ONE, tmp_path / "photos")
    assert (tmp_path / "photos/mine.jpg").read_text() == "dear to me"


def test_a_worker_that_dies_gets_one_line(source, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "partial", lambda *_, **__: _die)
    with pytest.raises(InputError, match="a worker process died"):
        stage.ingest("folder", source, config.Ingest(workers=2), tmp_path / "out")


def _die(_):
    os._exit(1)


def test_the_command_takes_a_folder_and_needs_no_params(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = fakes.write("m3fd", tmp_path / "raw")
    done = CliRunner().invoke(app, ["ingest", str(raw), "--dataset", "m3fd", "--workers", "1"])
    assert done.exit_code == 0
    assert "ingest m3fd" in done.output
    assert len(read_manifest(layout.interim("m3fd") / "manifest.parquet")) == 3
    done = CliRunner().invoke(app, ["ingest", "--leaks"])
    assert done.exit_code == 0
    assert "leaks in m3fd: 0" in done.output


def test_the_fingerprint_covers_the_code_and_the_simulator_only_where_it_draws(monkeypatch):
    asked = []
    monkeypatch.setattr(stage, "digest", lambda files: asked.append({file.parent.name for file in files}) or "x")
    for name in ("folder", "simulator"):
        source = config.Source()
        stage._fingerprint(catalogue.adapter_of(name, source), source, ONE)
    read, drawn = asked
    assert {"datasets", "image", "pipeline"} <= read
    assert drawn - read == {"text2pixels_simulator"}


def test_a_second_ingest_into_the_same_folder_is_refused_while_the_first_runs(source, tmp_path, monkeypatch):
    read, refused = intake.read_visible, []

    def meanwhile(path, notes):
        if not refused:
            with pytest.raises(InputError, match="another ingest is writing") as error:
                stage.ingest("folder", source, ONE, tmp_path / "out")
            refused.append(error)
        return read(path, notes)

    monkeypatch.setattr(intake, "read_visible", meanwhile)
    stage.ingest("folder", source, ONE, tmp_path / "out")
    assert refused
    assert len(read_manifest(tmp_path / "out/manifest.parquet")) == 37


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(datasets):
        (tmp_path / "params.yaml").write_text(
            f"profile: test\nseed: 0\nencoders: [hash]\nmethods: {{}}\ningest: {{workers: 1}}\ndatasets: {datasets}\n"
        )

    return write


def test_the_stage_reads_params_and_writes_the_layout(project, tmp_path):
    fakes.write("roadscene", tmp_path / "somewhere")
    project("{roadscene: {path: somewhere}}")
    stage.run("roadscene")
    pairs = read_manifest(layout.interim("roadscene") / "manifest.parquet")
    assert {pair.name: pair.split for pair in pairs} == {
        "FLIR_00006": "train",
        "FLIR_00211": "test",
        "FLIR_00977": "test",
        "FLIR_video_00018": "train",
    }
    assert {pair.time_of_day for pair in pairs if pair.labelled} == {"night"}


def test_the_simulator_needs_no_files(project):
    project("{simulator: {options: {train: 2, val: 1, test: 1, width: 96, height: 64, misalign: 0.02}}}")
    stage.run("simulator")
    pairs = read_manifest(layout.interim("simulator") / "manifest.parquet")
    assert sorted(pair.split for pair in pairs) == ["test", "train", "train", "val"]
    assert all(pair.labelled and pair.registration.status == "doubtful" for pair in pairs)
    assert (layout.interim("simulator") / "homographies.json").is_file()


TINY = config.Source(options={"train": 30, "val": 3, "test": 3, "width": 64, "height": 48, "misalign": 0.02})


def test_drawing_over_processes_gives_the_bytes_of_one(tmp_path):
    for workers in (1, 2):
        settings = config.Ingest(workers=workers)
        stage.ingest("simulator", TINY, settings, tmp_path / str(workers))
    assert files(tmp_path / "1") == files(tmp_path / "2")
    assert len(read_manifest(tmp_path / "1/manifest.parquet")) == 36


def test_drawing_goes_on_where_it_stopped(tmp_path, monkeypatch):
    stage.ingest("simulator", TINY, ONE, tmp_path / "whole")
    kept, stored = simulated.store, []

    def interrupted(name, *rest):
        if len(stored) == 20:
            raise KeyboardInterrupt
        stored.append(name)
        return kept(name, *rest)

    monkeypatch.setattr(simulated, "store", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stage.ingest("simulator", TINY, ONE, tmp_path / "out")
    again = []
    monkeypatch.setattr(simulated, "store", lambda name, *rest: (again.append(name), kept(name, *rest))[1])
    stage.ingest("simulator", TINY, ONE, tmp_path / "out")
    assert len(again) == 16
    assert not set(again) & set(stored)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_an_unknown_data_set_names_the_nearest(project):
    project("{roadscen: {path: x}}")
    with pytest.raises(InputError, match="unknown data set 'roadscen'; did you mean roadscene"):
        stage.run("roadscen")


def test_dask_that_is_not_there_names_the_extra(source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"dask: tcp://127.0.0.1:9 needs .* pip install 'text2pixels\[dask\]'$"):
        stage.ingest("folder", source, config.Ingest(dask="tcp://127.0.0.1:9"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_scheduler_that_does_not_answer_gets_one_line():
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    with (
        pytest.raises(InputError, match="no Dask scheduler answers at carrier-pigeon://home"),
        executors.open_executor(1, "carrier-pigeon://home"),
    ):
        pass


def a_cluster(distributed):
    here = partial(distributed.LocalCluster, n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
    return executors.start_patiently(here)


def test_a_machine_that_stood_still_while_dask_started_loses_no_run(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    with a_cluster(distributed) as there:
        begin, begun = distributed.utils.LoopRunner.start, []

        def late(runner):
            begun.append(runner)
            assert len(begun) > 1  # as distributed says that its thread is not up yet
            begin(runner)

        monkeypatch.setattr(distributed.utils.LoopRunner, "start", late)
        with executors.open_executor(1, there.scheduler_address) as executor:
            assert executor.submit(abs, -3).result() == 3
    assert len(begun) == 2


def test_a_dask_cluster_gives_the_bytes_of_one_process(source, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    stage.ingest("folder", source, ONE, tmp_path / "one")
    with a_cluster(distributed) as there:
        stage.ingest("folder", source, config.Ingest(dask=there.scheduler_address), tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


@pytest.fixture
def yard(tmp_path, monkeypatch):
    """Two labelled pairs in folders of unusual names."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(4)
    for name in ("a_1", "a_2"):
        fakes.save(tmp_path / f"yard/heat/{name}.png", fakes.picture(rng, 1))
        fakes.save(tmp_path / f"yard/eye/{name}.png", fakes.picture(rng))
        (tmp_path / "yard/boxes").mkdir(exist_ok=True)
        (tmp_path / f"yard/boxes/{name}.txt").write_text("1 0.5 0.5 0.5 0.5\n")
    return tmp_path / "yard"


def typed(*arguments):
    result = CliRunner().invoke(app, ["ingest", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_pairs_and_labels_of_ones_own_come_in_from_the_command_line(yard, tmp_path):
    where = ["--infrared", "heat", "--visible", "eye", "--split", "test", "--scene", "^(.+)_"]
    labels = ["--labels", "boxes", "--format", "yolo", "--classes", "person, car"]
    typed(yard, "--dataset", "yard", *where, *labels, "-o", tmp_path / "out")
    pairs = read_manifest(tmp_path / "out/manifest.parquet")
    assert [pair.split for pair in pairs] == ["test", "test"]
    assert {box.category for pair in pairs for box in pair.boxes} == {"car"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("roadscenes", "did you mean"), ("..", "is no name"), ("a/b", "is no name"), ("x; y", "is no name")],
)
def test_a_name_that_is_none_or_nearly_a_known_one_is_refused(yard, name, said):
    with pytest.raises(InputError, match=said):
        typed(yard, "--dataset", name)
    assert sorted(path.name for path in yard.parent.iterdir()) == ["yard"]


def test_a_warped_infrared_is_cropped_to_its_field_with_its_boxes(tmp_path):
    rng = np.random.default_rng(0)
    field = np.zeros((96, 128), np.uint8)
    field[16:80, 24:120] = 255
    gray = fakes.picture(rng, 1)
    gray = cv2.resize(gray, (128, 96))
    warped = cv2.merge([gray, gray, gray, field])
    for side in ("ir", "vi", "labels"):
        (tmp_path / "raw" / side).mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "raw/ir/a.png"), warped)
    visible = cv2.resize(fakes.picture(rng, 3), (128, 96))
    cv2.imwrite(str(tmp_path / "raw/vi/a.png"), visible)
    boxes = [(64, 48, 20, 10), (30, 30, 16, 8), (4, 4, 8, 8)]  # centre x, y, width, height; the last one beyond
    lines = [f"0 {x / 128} {y / 96} {w / 128} {h / 96}" for x, y, w, h in boxes]
    (tmp_path / "raw/labels/a.txt").write_text("\n".join(lines))
    options = {"adapter": "folder", "labels": "labels", "format": "yolo", "classes": ["person"]}
    source = config.Source(path=str(tmp_path / "raw"), aligned=True, options=options)
    stage.ingest("yard", source, ONE, tmp_path / "out")
    (pair,) = read_manifest(tmp_path / "out/manifest.parquet")
    assert (pair.width, pair.height) == (96, 64)
    found = [(box.x, box.y, box.w, box.h) for box in pair.boxes]
    np.testing.assert_allclose(found, [(30, 27, 20, 10), (0, 10, 14, 8)], atol=1e-6)
    infrared = cv2.imread(str(tmp_path / "out" / pair.infrared), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(infrared, gray[16:80, 24:120])
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "out" / pair.visible)), visible[16:80, 24:120])
    left_out = read_quarantine(tmp_path / "out/quarantine.parquet")
    assert [(row.kind, row.reason) for row in left_out] == [("box", "box_outside")]


def test_an_infrared_of_hardly_any_field_is_set_aside(tmp_path):
    field = np.zeros((96, 128), bool)
    field[16:30, 24:120] = True
    rules = intake.Rules(str(tmp_path), True, 32, {})
    with pytest.raises(Unusable, match="opaque in 96x14"):
        intake._field(intake.Candidate("a", "ir/a.png", "vi/a.png"), field, rules, [])


def test_no_data_set_to_compare_is_not_the_same_as_no_leak(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["ingest", "--leaks"])
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith("no ingested data set below data/interim in ")
