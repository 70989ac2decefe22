from dataclasses import fields

import pytest
import yaml

from text2pixels import config, layout, params_file
from text2pixels.errors import InputError
from text2pixels.pipeline import profiles

PROFILE = """# why
profile: small
seed: 0
datasets:
  roadscene: {path: data/raw/RoadScene}
encoders: [hash]
methods:
  average: {}
  ours: {}
train: {epochs: 5, batch: 4}
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/small.yaml").write_text(PROFILE)
    return tmp_path


def test_params_hold_every_section_in_full(project):
    (project / "data/raw/RoadScene").mkdir(parents=True)
    params, missing = profiles.write_params("small", {})
    assert not missing
    written = yaml.safe_load((project / "params.yaml").read_text())
    assert written["profile"] == "small"
    assert set(written) == {field.name for field in fields(config.Params)}
    assert set(written["train"]) == {field.name for field in fields(config.Train)}
    assert params_file.parse(written) == params
    assert profiles.write_params(None, {}) == (params, {})


def test_values_and_the_data_folder_are_changed(project):
    (project / "../sets/RoadScene").resolve().mkdir(parents=True, exist_ok=True)
    profiles.write_params("small", profiles.parse_changes(["train.epochs=7", "network.codebook=false"]), data="../sets")
    written = yaml.safe_load((project / "params.yaml").read_text())
    assert written["train"]["epochs"] == 7
    assert written["network"]["codebook"] is False
    assert written["datasets"]["roadscene"]["path"] == "../sets/RoadScene"


def test_a_bad_change_leaves_params_as_they_were(project):
    profiles.write_params("small", {})
    before = (project / "params.yaml").read_text()
    with pytest.raises(InputError, match=r"train\.epoch: unknown key"):
        profiles.write_params("small", {"train.epoch": 7})
    with pytest.raises(InputError, match="'seed' is a value"):
        profiles.write_params("small", {"seed.x": 7})
    assert (project / "params.yaml").read_text() == before


def test_an_unknown_profile_names_the_nearest():
    with pytest.raises(InputError, match="did you mean small"):
        profiles.write_params("smal", {})


@pytest.mark.parametrize("change", ["train.epochs", "=3", "a=["])
def test_a_change_is_key_equals_value(change):
    with pytest.raises(InputError):
        profiles.parse_changes([change])


def test_a_method_without_weights_leaves_the_benchmark_visibly(project):
    params, missing = profiles.write_params("small", {"methods": {"average": {}, "tardal": {}}})
    assert params.methods == {"average": {}}
    assert "weights missing" in missing["tardal"]
    with pytest.raises(InputError, match="unknown method 'avrage'; did you mean average"):
        profiles.write_params("small", {"methods": {"avrage": {}}})


def write_profile(name, text):
    layout.profile(name).write_text(text)


def test_a_profile_on_top_of_another_merges_sections_and_has_its_own_lists():
    write_profile("more", "extends: small\nprofile: more\nmethods: {joint: {train: {strategy: joint}}}\n")
    write_profile("most", "extends: more\nprofile: most\ntrain: {batch: 2}\ndatasets: {tno: {path: data/raw/TNO}}\n")
    params, _ = profiles.write_params("most", {})
    assert (params.profile, params.seed, params.encoders) == ("most", 0, ("hash",))
    assert (params.train.epochs, params.train.batch) == (5, 2)
    assert params.methods == {"joint": {"train": {"strategy": "joint"}}}
    assert list(params.datasets) == ["tno"]
    assert "extends" not in yaml.safe_load(params_file.PARAMS_FILE.read_text())


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("loop", "extends itself: loop -> loop"),
        ("other", "extends itself: loop -> other -> loop"),
        ("smal", "did you mean small"),
        ("[small]", "extends: expected the name of one profile"),
    ],
)
def test_a_base_that_cannot_be_is_one_line(base, says):
    write_profile("loop", f"extends: {base}\n")
    write_profile("other", "extends: loop\n")
    with pytest.raises(InputError, match=says) as error:
        profiles.write_params("loop", {})
    assert "\n" not in str(error.value)
    assert not params_file.PARAMS_FILE.exists()


def test_weights_and_phrase_vectors_are_wired_where_they_belong(project):
    (project / "w/yolov5").mkdir(parents=True)
    (project / "w/yolov5/yolov5n.pt").touch()
    params, _ = profiles.write_params("small", {}, weights="w", phrases="vectors.parquet")
    assert (params.fuse.weights, params.detect.weights) == ("w", "w/yolov5/yolov5n.pt")
    assert (params.encoders, params.train.encoder, params.embed.table) == (("table",), "table", "vectors.parquet")


def test_a_file_that_is_not_given_is_a_path_that_dvc_can_watch(project):
    """With null in its place DVC ends in "unexpected error"."""
    profiles.write_params("small", {})
    written = yaml.safe_load((project / "params.yaml").read_text())
    assert [written[section][key] for section, key in params_file.WATCHED] == [params_file.NOT_GIVEN] * 6
    read = params_file.load(("prompt", "embed", "fuse", "detect"))
    assert (read.prompt.csv, read.embed.table, read.fuse.weights, read.detect.weights) == (None,) * 4
    profiles.write_params(None, {"prompt.csv": "own.csv"})
    assert params_file.load(("prompt",)).prompt.csv == "own.csv"
    profiles.write_params(None, {"prompt.csv": None})
    assert params_file.load(("prompt",)).prompt.csv is None


def test_a_data_set_that_is_not_there_is_named_with_the_way_to_get_it(project):
    params, missing = profiles.write_params("small", {})
    assert "roadscene" in params.datasets
    assert "Get RoadScene" in missing["roadscene"]
    with pytest.raises(InputError, match=r"nothing at nowhere/RoadScene\. Get RoadScene"):
        profiles.write_params("small", {}, data="nowhere")


@pytest.mark.parametrize("datasets", ["", "[a]", "{yard: x}", "{yard: 3}"])
def test_data_sets_that_are_none_are_one_line_with_a_data_folder_too(datasets, project):
    text = PROFILE.replace("datasets:\n  roadscene: {path: data/raw/RoadScene}", f"datasets: {datasets}")
    (project / "profiles/small.yaml").write_text(text)
    with pytest.raises(InputError, match=r"small\.yaml: datasets"):
        profiles.write_params("small", {}, data="sets")


def test_a_data_set_with_nothing_under_its_name_takes_no_data_folder(project):
    (project / "profiles/small.yaml").write_text(PROFILE.replace("{path: data/raw/RoadScene}", ""))
    assert profiles.write_params("small", {}, data="sets")[0].datasets == {"roadscene": config.Source()}


def test_what_no_profile_has_is_kept_before_it_is_replaced(project):
    assert profiles.keep_edited() is None  # there is none
    profiles.write_params("small", {})
    assert profiles.keep_edited() is None
    profiles.write_params(None, {"train.epochs": 7})
    copy = profiles.keep_edited()
    assert copy is not None
    assert yaml.safe_load(copy.read_text())["train"]["epochs"] == 7


def test_the_verb_says_where_the_old_one_is_and_waits_for_no_run(project):
    from typer.testing import CliRunner

    from text2pixels.cli import app
    from text2pixels.pipeline.working_tree import hold

    profiles.write_params("small", {"train.epochs": 7})
    answer = CliRunner().invoke(app, ["params", "small"])
    assert answer.exit_code == 0, answer.output
    assert "the old one: .cache/params/" in " ".join(answer.output.split())
    with hold("a flow", run="one"):
        answer = CliRunner().invoke(app, ["params", "small"])
        assert isinstance(answer.exception, InputError)
        assert "a flow (process" in str(answer.exception)
