import pytest
from support.least_params import BASE

from text2pixels import config, params_file
from text2pixels.errors import InputError


def test_defaults_fill_what_the_file_leaves_out():
    params = params_file.parse(BASE)
    assert params.train == config.Train(datasets=("simulator",))
    assert params.datasets["simulator"] == config.Source()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tain": {}}, "params.yaml: tain: unknown key"),
        ({"train": {"epocs": 3}}, "train.epocs: unknown key"),
        ({"train": {"epochs": "3"}}, "train.epochs: input should be a valid integer, found '3'"),
        ({"train": {"strategy": "magic"}}, "train.strategy: input should be 'separate', 'joint' or 'bilevel'"),
        ({"datasets": {"simulator": {"pth": "x"}}}, "datasets.simulator.pth: unknown key"),
        ({"datasets": ["simulator"]}, "datasets: input should be"),
        ({"methods": {"ours": {"nework": {}}}}, "methods.ours: unknown section 'nework'"),
        ({"methods": {"ours": {"train": {"epoch": 1}}}}, "methods.ours.train: epoch: unknown key"),
        ({"methods": {"ours": {"train": {"epochs": 1.5}}}}, "methods.ours.train: epochs: input should be"),
    ],
)
def test_a_wrong_key_or_type_is_named_by_its_path(change, says):
    with pytest.raises(InputError) as error:
        params_file.parse(BASE | change)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_key_is_named():
    with pytest.raises(InputError, match="seed: missing"):
        params_file.parse({key: value for key, value in BASE.items() if key != "seed"})


@pytest.mark.parametrize("foreign", [{"stages": {}, "train": 3}, {"model": "resnet", "lr": 0.1}, {}, {"profile": "a"}])
def test_a_params_yaml_of_another_project_says_so_and_names_the_way_out(foreign):
    with pytest.raises(InputError) as error:
        params_file.parse(foreign)
    found = ", ".join(foreign) or "nothing"
    assert f"it lacks {'' if 'profile' in foreign else 'profile, '}seed, datasets" in str(error.value)
    assert f"it has {found}); a complete one is written by: t2p params demo" in str(error.value)


def test_a_variant_changes_only_what_it_names():
    params = params_file.parse(
        BASE | {"methods": {"joint": {"train": {"strategy": "joint"}, "network": {"codebook": False}}}}
    )
    network, losses, train = params_file.with_overrides(params, "joint")
    assert train.strategy == "joint"
    assert train.epochs == params.train.epochs
    assert not network.codebook
    assert losses == params.losses


def test_a_section_that_is_not_declared_cannot_be_read(tmp_path):
    import json

    path = tmp_path / "params.yaml"
    path.write_text(json.dumps(BASE))
    params = params_file.load(("seed",), path)
    assert params.seed == 0
    with pytest.raises(AssertionError, match="not declared"):
        _ = params.train


@pytest.mark.parametrize(
    ("text", "says"), [("a: [", "is not YAML"), ("- a", "should hold a mapping"), (None, "cannot read")]
)
def test_an_unreadable_file_is_one_clear_line(tmp_path, text, says):
    path = tmp_path / "params.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=says) as error:
        params_file.read_yaml(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "../docs",
        "a/b",
        "x; touch HACKED #",
        "my yard",
        "a&b",
        "$(id)",
        "",
        "-x",
        ".hidden",
        "a\nb",
        "a" * 65,
    ],
)
@pytest.mark.parametrize("section", ["datasets", "methods", "encoders"])
def test_a_name_that_is_a_path_or_a_command_is_refused(section, name):
    value = {name: {}} if isinstance(BASE[section], dict) else [name]
    with pytest.raises(InputError, match=f"{section}: .* is no name") as error:
        params_file.parse(BASE | {section: value})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *(
            ({"methods": {name: {}}}, f"'{name}' is a name that the pipeline has taken")
            for name in ("detector", "early", "Late")
        ),
        ({"methods": {"a": {}, "A": {}}}, "'a' is there twice"),
        ({"methods": {"ours.2": {}}}, "'ours.2' is no name"),
        ({"datasets": {"yard.2024": {}}}, "'yard.2024' is no name"),  # DVC would look for 2024 below yard
    ],
)
def test_two_things_never_share_a_folder(change, says):
    with pytest.raises(InputError, match=says):
        params_file.parse(BASE | change)
