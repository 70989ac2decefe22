import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from text2pixels.cli import app
from text2pixels.image.png import write_png

VERBS = get_command(app).commands  # type: ignore[attr-defined]  # those of every module


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
    assert VERBS[verb].help.splitlines()[0][:40] in answer.output


def test_the_front_page_lists_every_verb_in_two_panels():
    answer = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert answer.exit_code == 0
    assert 0 < answer.output.index("Images") < answer.output.index("Benchmark and pipeline")
    assert all(f" {verb} " in answer.output for verb in VERBS)


@pytest.mark.parametrize("arguments", [("fuze",), ("fuse",), ("fuse", "a.png"), ("fuse", "a", "b", "--outptu", "c")])
def test_a_mistyped_command_says_where_help_is(arguments):
    answer = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert answer.exit_code == 2
    assert "for help" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_users_mistake_is_one_line_and_exit_code_2(tmp_path):
    answer = t2p("stage", "ingest", "--dataset", "simulator", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("error: cannot read params.yaml")
    assert answer.stderr.count("\n") == 1


def test_a_name_that_is_no_text_is_told_nevertheless(tmp_path):
    for folder, shape in (("ir", (24, 32)), ("vi", (24, 32, 3))):
        write_png(tmp_path / folder / "a.png", np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    answer = t2p("fuse", "ir/a.png", "vi/a.png", "-o", b"\xff.png", "--method", "average", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "\\udcff.png: fused by Average\n"


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


@pytest.mark.parametrize("start", [["-m", "text2pixels"], ["-c", "from text2pixels.cli import main; main()"]])
def test_the_version_is_told(start):
    answer = subprocess.run([sys.executable, *start, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"text2pixels \d+\.\d+\.\d+\n", answer.stdout)


def test_outside_a_clone_params_says_where_it_belongs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["params", "demo"])
    assert "clone of the text2pixels repository" in str(answer.exception)


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_each_verb_has_an_example_that_it_understands(verb):
    examples = [
        line.strip() for line in (VERBS[verb].help or "").splitlines() if line.strip().startswith(f"t2p {verb} ")
    ]
    assert examples, f"the docstring of '{verb}' should have a line 't2p {verb} …'"
    for example in examples:
        VERBS[verb].make_context(verb, shlex.split(example)[2:])  # raises a usage error; runs nothing
