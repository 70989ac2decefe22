"""Numbers of params.yaml that are out of bounds: one line that names the key."""

from dataclasses import fields, is_dataclass

import pytest
from support.least_params import BASE

from text2pixels import config, params_file
from text2pixels.errors import InputError


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", -1),
        ("seed", 2**32),
        ("ingest.workers", -2),
        ("ingest.minimum_side", 0),
        ("register.workers", 0),
        ("network.channels", 31),
        ("network.heads", 0),
        ("network.codes", -1),
        ("losses.ssim", -0.1),
        ("losses.texture", float("inf")),
        ("train.epochs", -3),
        ("train.text_steps", -1),
        ("train.batch", 0),
        ("train.crop", 100),
        ("train.crop", 0),
        ("train.learning_rate", float("nan")),
        ("train.learning_rate", float("inf")),
        ("train.learning_rate", 0),
        ("train.decay", 0),
        ("train.decay", 1.01),
        ("train.lower_steps", 0),
        ("train.upper_weight", -0.1),
        ("train.upper_weight", 1.1),
        ("train.clip", 0),
        ("train.seed", -1),
        ("score.workers", -1),
        ("detect.folds", 0),
        ("detect.image_size", 33),
        ("detect.pretrain_epochs", -1),
        ("cost.width", 0),
        ("cost.repeats", 0),
        ("report.bootstrap", 0),
        ("report.gallery", -1),
    ],
)
def test_a_number_out_of_its_bounds_is_named_by_its_path(key, value):
    section, _, name = key.partition(".")
    content = BASE | ({section: {name: value}} if name else {section: value})
    with pytest.raises(InputError, match=f"^params.yaml: {key}: .*, found ") as error:
        params_file.parse(content)
    assert "\n" not in str(error.value)


SECTIONS = {field.name: field.type for field in fields(config.Params) if is_dataclass(field.type)}
WHOLE = [
    f"{section}.{field.name}"
    for section, kind in SECTIONS.items()
    for field in fields(kind)
    if "int" in str(field.type)
]


@pytest.mark.parametrize("key", WHOLE)
def test_a_number_that_no_machine_can_serve_is_refused_before_anything_starts(key):
    section, _, name = key.partition(".")
    with pytest.raises(InputError, match=f"^params.yaml: {key}: .*, found 10{{12}}"):
        params_file.parse(BASE | {section: {name: 10**12}})


def test_a_method_changes_its_settings_within_the_same_bounds():
    with pytest.raises(InputError, match=r"methods\.ours\.train: epochs: .*greater than or equal to 0, found -3"):
        params_file.parse(BASE | {"methods": {"ours": {"train": {"epochs": -3}}}})


def test_a_huge_wrong_value_is_cut_in_the_message():
    with pytest.raises(InputError) as error:
        params_file.parse(BASE | {"train": {"epochs": "x" * 10_000}})
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("section", ["datasets", "methods"])
def test_a_name_with_nothing_under_it_changes_nothing(section):
    assert params_file.parse(BASE | {section: {"tno": None}}) == params_file.parse(BASE | {section: {"tno": {}}})
