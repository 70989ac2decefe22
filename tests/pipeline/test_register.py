import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.two_cameras import TRUTH, other_camera, scene
from typer.testing import CliRunner

from text2pixels import layout
from text2pixels.cli import app
from text2pixels.datasets.manifest import Pair, Registration, read_manifest, write_manifest
from text2pixels.datasets.quarantine import Quarantined, read_quarantine, write_quarantine
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box
from text2pixels.image.png import read_gray, read_rgb, write_png
from text2pixels.pipeline.register import run

SIZE = (300, 380)


def set_up(
    folder: Path,
    monkeypatch,
    aligned: bool,
    visible: dict[str, np.ndarray],
    *,
    adapter=("folder", {}),
    **register: object,
) -> None:
    """Write params.yaml and an ingested data set `mine`; the infrared of pair k is scene(k)."""
    monkeypatch.chdir(folder)
    source = {"path": "raw", "aligned": aligned, "options": {"adapter": adapter[0]} | adapter[1]}
    params = {"profile": "x", "seed": 0, "datasets": {"mine": source}}
    params |= {"encoders": [], "methods": {}, "register": {"workers": 1} | register}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    interim, pairs = layout.interim("mine"), []
    for number, (name, image) in enumerate(visible.items()):
        write_png(interim / "infrared" / f"{name}.png", scene(number))
        write_png(interim / "visible" / f"{name}.png", np.repeat(image[..., None], 3, axis=2))
        height, width = image.shape
        pairs.append(
            Pair(f"mine/{name}", "mine", name, "test", f"infrared/{name}.png", f"visible/{name}.png", width, height,
                 "a" * 64, "b" * 64, labelled=True, boxes=(Box("Car", 100, 90, 40, 30), Box("Bus", -80, 0, 90, 20)),
                 registration=Registration("none", "doubtful"))
        )  # fmt: skip
    write_manifest(interim / "manifest.parquet", pairs)
    write_quarantine(interim / "quarantine.parquet", [Quarantined("mine", "odd", "pair", "unpaired", "no visible")])


def test_a_source_declared_aligned_passes_through(tmp_path, monkeypatch):
    set_up(tmp_path, monkeypatch, True, {"a": scene(5)})
    run("mine")
    interim, processed = layout.interim("mine"), layout.processed("mine")
    (pair,) = read_manifest(processed / "manifest.parquet")
    assert pair.registration == Registration("identity", "declared", None)
    for path in ("infrared/a.png", "visible/a.png", "quarantine.parquet"):
        assert (processed / path).read_bytes() == (interim / path).read_bytes()


def test_a_simulated_set_of_any_name_that_is_drawn_misaligned_does_not_pass_through(tmp_path, monkeypatch):
    visible = {"a": other_camera(scene(0), TRUTH, SIZE, 1)}
    set_up(tmp_path, monkeypatch, True, visible, adapter=("simulator", {"misalign": 0.1}))
    run("mine")
    (pair,) = read_manifest(layout.processed("mine") / "manifest.parquet")
    assert pair.registration.status == "good"


def test_pairs_are_aligned_cropped_or_quarantined(tmp_path, monkeypatch):
    set_up(
        tmp_path, monkeypatch, False, {"a": other_camera(scene(0), TRUTH, SIZE, 1), "b": np.full(SIZE, 90, np.uint8)}
    )
    run("mine")
    processed = layout.processed("mine")
    (pair,) = read_manifest(processed / "manifest.parquet")
    assert (pair.name, pair.registration.status) == ("a", "good")
    assert pair.registration.residual_px is not None
    infrared, visible = read_gray(processed / pair.infrared), read_rgb(processed / pair.visible)
    assert infrared.shape == visible.shape[:2] == (pair.height, pair.width)
    left_out = {(row.name, row.kind, row.reason) for row in read_quarantine(processed / "quarantine.parquet")}
    assert left_out == {
        ("odd", "pair", "unpaired"),
        ("b", "pair", "unregistered"),
        ("a", "box", "box_outside"),
    }
    (box,) = pair.boxes
    assert box.category == "Car"
    assert (box.w, box.h) == (40, 30)


def test_a_rig_has_one_transform(tmp_path, monkeypatch):
    visible = {name: other_camera(scene(number), TRUTH, SIZE, number) for number, name in enumerate("ab")}
    set_up(tmp_path, monkeypatch, False, visible, rig=True)
    run("mine")
    one, other = read_manifest(layout.processed("mine") / "manifest.parquet")
    assert one.registration == other.registration
    assert one.registration.method == "rig"
    assert (one.width, one.height) == (other.width, other.height)


def test_a_pair_of_other_sizes_than_the_rigs_is_rejected(tmp_path, monkeypatch):
    visible = {name: other_camera(scene(number), TRUTH, SIZE, number) for number, name in enumerate("abc")}
    visible["b"] = np.repeat(np.repeat(visible["b"], 2, axis=0), 2, axis=1)
    monkeypatch.setattr("text2pixels.pipeline.register.RIG_PAIRS", 2)  # the first and the last
    set_up(tmp_path, monkeypatch, False, visible, rig=True)
    run("mine")
    assert [pair.name for pair in read_manifest(layout.processed("mine") / "manifest.parquet")] == ["a", "c"]
    left_out = read_quarantine(layout.processed("mine") / "quarantine.parquet")
    (odd,) = (item for item in left_out if item.reason == "unregistered")
    assert (odd.name, "760x600" in odd.detail, "380x300" in odd.detail) == ("b", True, True)


def test_nothing_registered_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    set_up(tmp_path, monkeypatch, False, {"b": np.full(SIZE, 90, np.uint8)})
    with pytest.raises(InputError, match="none of 1 pairs"):
        run("mine")
    assert not layout.processed("mine").exists()


def test_the_command_writes_matrix_picture_and_warped_infrared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_png(Path("ir.png"), scene(0))
    write_png(Path("vis.png"), other_camera(scene(0), TRUTH, SIZE, 1))
    written = ["--overlay", "out.png", "--matrix", "out.json", "--warped", "warped.png"]
    done = CliRunner().invoke(app, ["register", "ir.png", "vis.png", *written])
    assert done.exit_code == 0, done.output
    facts = json.loads(Path("out.json").read_text())
    assert facts["status"] == "good"
    assert facts["visible_size"] == [380, 300]
    np.testing.assert_allclose(np.array(facts["infrared_to_visible"])[:2, :2], TRUTH[:2, :2], atol=0.05)
    assert read_gray(Path("warped.png")).shape == SIZE
    assert read_rgb(Path("out.png")).shape[1] > 1800


def test_the_command_names_what_is_missing(tmp_path):
    done = CliRunner().invoke(app, ["register", str(tmp_path / "ir.png"), str(tmp_path / "vis.png")])
    assert isinstance(done.exception, InputError)
    assert "ir.png" in str(done.exception)
