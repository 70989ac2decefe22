"""The stages of dvc.yaml, one file each: read params.yaml, call the packages below, write the out.

`run_stage` runs one by its name in dvc.yaml (`t2p stage NAME`). profiles.py writes params.yaml.
"""

import os
from collections.abc import Mapping
from importlib import import_module
from inspect import signature

from text2pixels.errors import InputError
from text2pixels.pipeline import working_tree
from text2pixels.registry import look_up

# Name in dvc.yaml -> module here.
STAGES: dict[str, str] = {
    "check": "check",
    "ingest": "ingest",
    "register": "register",
    "prompt": "prompt",
    "embed": "embed",
    "pretrain": "pretrain",
    "method": "method",
    "fuse": "fuse",
    "score": "score",
    "detect": "detect",
    "detect-early": "detect_early",
    "cost": "cost",
    "report": "report",
}


def run_stage(name: str, options: Mapping[str, str | None]) -> None:
    """Run a stage of dvc.yaml in the working directory.

    Args:
        name: of the stage.
        options: what it is for: dataset, method, encoder; None where not given.

    Raises:
        InputError: an unknown stage, an option that it lacks or does not have, another run in this folder,
            parameters that change meanwhile, or what the stage raises.
    """
    module = import_module(f"{__name__}.{look_up(STAGES, name, 'stage')}")
    run = module.run
    wanted = list(signature(run).parameters)
    given = {key: value for key, value in options.items() if value is not None}
    if set(given) != set(wanted):
        usage = " ".join(["t2p stage", name, *(f"--{key} NAME" for key in wanted)])
        raise InputError(f"the stage {name} takes {' and '.join(wanted) or 'no options'}: {usage}")
    if int(os.environ.get("RANK", "0")):  # one of several processes of torchrun; the first does the rest
        run(**given)
        return
    with working_tree.hold(f"the stage {os.environ.get('DVC_STAGE', name)}"):
        working_tree.keep_lock()
        with working_tree.same_parameters(module.SECTIONS, given):
            run(**given)
