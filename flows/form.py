"""The form of the flow in Prefect's UI: typed fields with the bounds, choices and words of `text2pixels.config`.

A field that stays empty leaves params.yaml, or the profile, as it is. No schema allows null, as Prefect's form shows no
input for a choice between types; and none has null as a default, as the form would send it and the server refuse it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    create_model,
    model_serializer,
)

from text2pixels import config, params_file

# What people change, and what a change of it does. Anything else goes into `more`.
FIELDS: dict[str, str] = {
    "seed": "Seed of all random numbers; another one trains again.",
    "train.epochs": "Passes over the training pairs, of every network that is trained here.",
    "train.strategy": "How fusion and detection are trained: bilevel as in the paper, joint, or separate.",
    "train.prompts": "Which phrases training shows: none, coarse (scene), or fine (objects, too).",
    "train.learning_rate": "Of the fusion network.",
    "train.batch": "Pairs in a training step.",
    "train.crop": "Side of the training crop in pixels, a multiple of 32.",
    "train.lower_steps": "Fusion steps before each detection step.",
    "fuse.prompt": 'One prompt for all pairs, phrases separated by semicolons: "a person; at night".',
    "detect.folds": "Parts of the labelled pairs for cross-validation; 1 is the committed split.",
    "detect.seeds": "Trainings of each fold, whose mean is shown.",
    "detect.epochs": "Epochs of each fold's detector on a method's images.",
    "detect.image_size": "Longest side in pixels of what the detector sees, a multiple of 32.",
    "report.gallery": "Pairs shown for each data set.",
    "report.bootstrap": "Resamples of every interval.",
}
_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean"}
_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_LIMITS |= {"multiple_of": "multipleOf"}


def schema_of(key: str) -> dict[str, Any]:
    """Return the JSON schema of a key of params.yaml, from its declaration in `text2pixels.config`."""
    section, _, leaf = key.rpartition(".")
    owner = get_type_hints(config.Params)[section] if section else config.Params
    declared = owner.__dataclass_fields__[leaf]
    kind = get_type_hints(owner)[leaf]
    choices = get_args(kind)
    found: dict[str, Any] = {"title": key, "description": FIELDS[key]}
    if get_origin(kind) is not None and all(isinstance(choice, str) for choice in choices):
        return found | {"type": "string", "enum": list(choices)}
    plain = next((choice for choice in choices if choice is not type(None)), kind)  # of "float | None": float
    return found | {"type": _TYPES[plain]} | {_LIMITS[name]: value for name, value in declared.metadata.items()}


def changes(settings: object) -> dict[str, Any]:
    """Return what a filled form changes in params.yaml: dotted key -> value."""
    return {key: value for key in FIELDS if (value := getattr(settings, _attribute(key))) is not None}


def _attribute(key: str) -> str:
    return key.replace(".", "_")


def _stages() -> list[str]:
    file = Path("dvc.yaml")
    return sorted(yaml.safe_load(file.read_text())["stages"]) if file.is_file() else []


def _without_null(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default")


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_null)

    @model_serializer(mode="wrap")
    def _filled(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in inner(self).items() if value is not None}


Settings = create_model(
    "Settings",
    __base__=_Fields,
    **{_attribute(key): (Annotated[Any, WithJsonSchema(schema_of(key))], None) for key in FIELDS},  # type: ignore[call-overload]
)
Settings.__doc__ = "What people change; an empty field stays as params.yaml, or the profile, has it."
UNCHANGED = Settings()
NOTHING: Mapping[str, Any] = {}
NO_STAGES: list[str] = []
AS_IT_IS = "params.yaml as it is"

Profile = Annotated[
    str,
    WithJsonSchema({"type": "string", "enum": [AS_IT_IS, *params_file.profile_names()]}),
    Field(title="Profile", description="What to start from: params.yaml, or a file of profiles/."),
]
Targets = Annotated[
    list[str],
    WithJsonSchema(
        {"type": "array", "uniqueItems": True, "items": {"type": "string"} | ({"enum": _stages()} if _stages() else {})}
    ),
    Field(title="Stages", description="Stages of dvc.yaml to bring up to date, with what they need; none: all."),
]
Only = Annotated[
    list[str],
    WithJsonSchema({"type": "array", "items": {"type": "string"}}),
    Field(title="Single stages", description="Besides or instead: stages of one item, such as method@ours."),
]
More = Annotated[
    Mapping[str, Any],
    WithJsonSchema({"type": "object", "additionalProperties": True}),
    Field(title="Other settings", description='Any other keys of params.yaml: {"network.channels": 48}.'),
]
Parallel = Annotated[int, Field(ge=1, le=64, title="Stages at a time", description="They share the cores.")]
Force = Annotated[bool, Field(title="Force", description="Run the stages even where nothing changed.")]
