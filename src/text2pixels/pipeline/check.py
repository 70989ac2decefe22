"""Stage `check`: params.yaml as a whole, before any name in it becomes a folder or a word of a command.

DVC removes a stage's old outputs, and puts names into shell commands, before any code of ours runs. Every other
stage comes after this one, so that nothing is run, and nothing removed, for a name that is not valid.
"""

from text2pixels import layout, params_file
from text2pixels.datasets.catalogue import adapter_of, is_aligned
from text2pixels.encoders.catalogue import ENCODERS
from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.methods.catalogue import entry_of
from text2pixels.registry import look_up

SECTIONS: tuple[str, ...] = ()


def run() -> None:
    """Write `layout.checked()`.

    Its content is always the same, so that a change of params.yaml runs only the stages again that read what changed.

    Raises:
        InputError: params.yaml is not as `params_file.parse` takes it.
    """
    params = params_file.parse(params_file.read_yaml(params_file.PARAMS_FILE))
    for name, changes in params.methods.items():
        entry_of(name, changes)
    for name, source in params.datasets.items():
        is_aligned(adapter_of(name, source), source)  # which reads the options of a simulated set
    for encoder in (*params.encoders, params.train.encoder):
        look_up(ENCODERS, encoder, "encoder")
    if params.train.encoder not in params.encoders:
        raise InputError(f"train.encoder: '{params.train.encoder}' is not among encoders: {', '.join(params.encoders)}")
    if lost := [name for name in params.train.datasets if name not in params.datasets]:
        raise InputError(f"train.datasets: '{lost[0]}' is not among datasets: {', '.join(params.datasets)}")
    with whole_file(layout.checked()) as aside:
        aside.write_text("params.yaml was read whole, and every name in it is one\n")
