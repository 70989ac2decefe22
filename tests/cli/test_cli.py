import subprocess
import sys

import pytest
from typer.testing import CliRunner

from text2pixels.cli import app

VERBS = [command.name for command in app.registered_commands]


def t2p(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-c", "from text2pixels.cli import main; main()", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_and_its_options(verb):
    answer = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "200"})
    assert answer.exit_code == 0
    command = next(command for command in app.registered_commands if command.name == verb)
    assert command.callback.__doc__.splitlines()[0][:40] in answer.output


def test_a_users_mistake_is_one_line_and_exit_code_2(tmp_path):
    answer = t2p("ingest", "--dataset", "simulator", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("error: cannot read params.yaml")
    assert answer.stderr.count("\n") == 1


def test_help_is_quick_because_heavy_libraries_wait(tmp_path):
    code = (
        "import sys, text2pixels.cli; print([n for n in ('torch', 'cv2', 'pandas', 'ultralytics') if n in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("MemoryError('8 GiB')", 2),
        ('RuntimeError("DefaultCPUAllocator: can\'t allocate memory")', 2),
        ("RuntimeError('bug')", 1),
    ],
)
def test_too_little_memory_is_one_line_and_a_defect_keeps_its_traceback(error, code):
    program = f"from text2pixels import cli\ndef app(): raise {error}\ncli.app = app\ncli.main()"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert answer.returncode == code
    assert ("Traceback" in answer.stderr) == (code == 1)
