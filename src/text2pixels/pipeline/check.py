"""Stage `check`: params.yaml as a whole, before any name in it becomes a folder or a word of a command.

DVC removes a stage's old outputs and puts names into shell commands without asking us. Every other
stage comes after this one, so that nothing is run, and nothing removed, for a name that is none.
"""

from text2pixels import config, layout
from text2pixels.datasets.catalogue import adapter_of, is_aligned
from text2pixels.files import whole_file
from text2pixels.methods.catalogue import entry_of

SECTIONS: tuple[str, ...] = ()


def run() -> None:
    """Write `layout.checked()`, whose content is always the same: what comes after runs again for its own changes.

    Raises:
        InputError: params.yaml is not as `config` has it.
    """
    params = config.parse(config.read_yaml(config.PARAMS_FILE))
    for name, changes in params.methods.items():
        entry_of(name, changes)
    for name, source in params.datasets.items():
        is_aligned(adapter_of(name, source), source)  # which reads the options of a simulated set
    with whole_file(layout.checked()) as aside:
        aside.write_text("params.yaml was read whole, and every name in it is one\n")
