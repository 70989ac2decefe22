"""The form is `text2pixels.config` in other words: fields, bounds and choices have one source."""

import jsonschema
import pytest
from prefect.utilities.callables import parameter_schema

from flows import form
from flows.reproduce import reproduce
from text2pixels import config, params_file


@pytest.fixture(scope="module")
def schema():
    return parameter_schema(reproduce.fn).model_dump_for_openapi()


def test_every_field_is_typed_and_described(schema):
    fields = schema["properties"] | schema["definitions"]["Settings"]["properties"]
    for name, field in fields.items():
        assert "anyOf" not in field, f"{name}: the UI shows no input for a choice of types"
        assert "type" in field or "$ref" in field
        assert field.get("description"), name


def test_choices_and_bounds_are_those_of_the_configuration(schema):
    fields = schema["definitions"]["Settings"]["properties"]
    assert fields["train_strategy"]["enum"] == ["separate", "joint", "bilevel"]
    assert fields["train_crop"] | {"minimum": 32, "multipleOf": 32} == fields["train_crop"]
    assert fields["seed"]["type"] == "integer"
    assert set(schema["properties"]["profile"]["enum"]) >= {"demo", "roadscene"}
    assert "method" in schema["properties"]["stages"]["items"]["enum"]


def test_a_form_that_nobody_has_filled_is_accepted(schema):
    """The UI sends the defaults, and the server validates them as here; it would refuse null."""
    defaults = {name: field["default"] for name, field in schema["properties"].items()}
    jsonschema.validate(defaults, {**schema, "$defs": schema["definitions"]})
    assert defaults["settings"] == {}
    assert not any("default" in field for field in schema["definitions"]["Settings"]["properties"].values())


@pytest.mark.parametrize("key", form.FIELDS)
def test_every_field_is_a_key_of_params(key):
    section, _, leaf = key.rpartition(".")
    owner = config.Params if not section else type(getattr(params_file.parse(_demo()), section))
    assert leaf in owner.__dataclass_fields__


def _demo():
    from text2pixels.params_file import read_profile

    return read_profile("demo")


@pytest.mark.parametrize(
    "wrong",
    [
        {"profile": "demoo"},
        {"stages": ["scor"]},
        {"settings": {"train_epochs": -1}},
        {"settings": {"train_epochs": "many"}},
        {"settings": {"train_strategy": "trilevel"}},
        {"settings": {"train_crop": 100}},
        {"settings": {"epochs": 3}},
        {"parallel": 0},
    ],
)
def test_a_wrong_value_is_refused_in_the_form(schema, wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema | {"$defs": schema["definitions"]})


def test_what_is_filled_in_changes_params():
    filled = form.Settings(train_epochs=3, fuse_prompt="a person")
    assert form.changes(filled) == {"train.epochs": 3, "fuse.prompt": "a person"}
    assert form.changes(form.UNCHANGED) == {}
