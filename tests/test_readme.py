"""What the documents tell people to type works, and what they name is there."""

import configparser
import json
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from support import fakes, two_cameras
from typer.main import get_command
from typer.testing import CliRunner

from text2pixels import config, params_file
from text2pixels.cli import app
from text2pixels.datasets.manifest import read_manifest
from text2pixels.methods.catalogue import GROUP, load_model, methods
from text2pixels.pipeline.ingest import ingest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *("README.md", "CONTRIBUTING.md"),
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("*.md"))),
    *("reports/published/README.md", "reports/ablations/README.md"),
    *("src/text2pixels/datasets/splits/README.md", "src/text2pixels/encoders/distilled.md"),
]
TEXTS = {name: (ROOT / name).read_text() for name in DOCUMENTS}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
VERBS = get_command(app).commands  # type: ignore[attr-defined]
IMAGE_VERBS = {"fuse", "register", "score", "prompt", "embed", "methods", "compare"}  # run here; the others are parsed


def blocks(document: str, *languages: str) -> list[str]:
    """Return the fenced blocks of a document in one of the languages; a fence may be indented."""
    pattern = rf"^( *)```(?:{'|'.join(languages)})\n(.*?)^\1```$"
    return [textwrap.dedent(found[1]) for found in re.findall(pattern, TEXTS[document], re.DOTALL | re.MULTILINE)]


def commands(document: str) -> list[list[str]]:
    lines = "\n".join(blocks(document, "bash", "sh", "console")).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


ALL = [pytest.param(words, id=f"{name}: {' '.join(words)}") for name in DOCUMENTS for words in commands(name)]
TYPED = [case for case in ALL if case.values[0][:1] == ["t2p"]]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with what the examples name: a pair, two folders, two videos, a method of one's own."""
    scene = two_cameras.scene(1)
    infrared = two_cameras.other_camera(scene, np.eye(3), scene.shape, 2)
    visible = cv2.cvtColor(scene, cv2.COLOR_GRAY2BGR)
    monkeypatch.chdir(tmp_path)
    for side, file, image in (("infrared", "ir", infrared), ("visible", "vis", visible)):
        (tmp_path / side).mkdir()
        cv2.imwrite(f"{file}.png", image)
        cv2.imwrite(f"{side}/001.png", image)
        writer = cv2.VideoWriter(f"{side}.mp4", cv2.VideoWriter.fourcc(*"mp4v"), 25, (320, 240))
        writer.write(image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
        writer.release()
    cv2.imwrite("fused.png", scene)
    transform = {"infrared_to_visible": np.eye(3).tolist(), "infrared_size": [320, 240], "visible_size": [320, 240]}
    for name in ("ir_to_vis.json", "rig.json"):
        Path(name).write_text(json.dumps(transform))
    for results in ("out/mine", "out/other"):
        Path(results).mkdir(parents=True)
        cv2.imwrite(f"{results}/001.png", scene)

    (code,) = [block for block in blocks("docs/architecture.md", "python") if block.startswith("# brighter.py")]
    (declared,) = blocks("docs/architecture.md", "toml")
    Path("brighter.py").write_text(code)
    points = configparser.ConfigParser()
    points[GROUP] = tomllib.loads(declared)["project"]["entry-points"][GROUP]
    Path("brighter-1.dist-info").mkdir()
    Path("brighter-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: brighter\nVersion: 1\n")
    with Path("brighter-1.dist-info/entry_points.txt").open("w") as file:
        points.write(file)
    monkeypatch.syspath_prepend(tmp_path)
    methods.cache_clear()
    yield tmp_path
    methods.cache_clear()
    sys.modules.pop("brighter", None)


@pytest.mark.parametrize("words", [case for case in TYPED if case.values[0][1] in IMAGE_VERBS])
def test_a_command_for_images_runs(words, place):
    outputs = [words[at + 1] for at, word in enumerate(words) if word in ("-o", "--overlay", "--matrix", "--attention")]
    if words[1] == "fuse":
        Path("fused.png").unlink()
    result = CliRunner().invoke(app, words[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert all((place / name).exists() for name in outputs)


@pytest.mark.parametrize("words", TYPED)
def test_a_command_is_one_that_t2p_understands(words):
    _, verb, *arguments = words
    VERBS[verb].make_context(verb, list(arguments))  # raises a usage error; runs nothing
    if verb == "params" and arguments and not arguments[0].startswith("-"):
        assert arguments[0] in {path.stem for path in (ROOT / "profiles").glob("*.yaml")}


@pytest.mark.parametrize("words", [case for case in ALL if case.values[0][:1] != ["t2p"]])
def test_any_other_command_names_what_is_there(words):
    match words:
        case ["make", *rest]:
            for word in rest:
                name, assigned, _ = word.partition("=")
                assert re.search(rf"\$\({name}\)" if assigned else rf"^{name}:", MAKEFILE, re.MULTILINE), word
        case ["dvc", *rest]:
            from dvc.cli.parser import get_main_parser

            parsed = get_main_parser().parse_args(rest)
            if rest[0] == "repro":
                assert {target.split("@")[0] for target in parsed.targets} <= set(STAGES)
        case ["git" | "prefect" | "cat" | "cp" | "export", *_]:
            pass  # programs that are not ours
        case ["pip", "install", *rest]:
            for word in rest:
                extras = re.fullmatch(r"text2pixels(?:\[([\w,]+)\])?|\.", word)
                assert extras, word
                assert set((extras[1] or "").split(",")) - {""} <= set(PROJECT["optional-dependencies"])
        case ["python", "-m", "pytest", "-m", marker, *rest]:
            known = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
            assert any(line.startswith(f"{marker}:") for line in known)
            assert all((ROOT / word).exists() for word in rest)
        case ["python", "-m", "pytest", *rest]:
            assert all((ROOT / word).exists() for word in rest if not word.startswith("-"))
        case ["python", "-m", module, *_]:
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
        case ["python", script, *_]:
            assert (ROOT / script).is_file()
        case _:
            pytest.fail(f"nothing here knows how to check: {shlex.join(words)}")


SNIPPETS = [
    pytest.param(code, id=f"{name} {number}")
    for name in DOCUMENTS
    for number, code in enumerate(blocks(name, "python"))
]


@pytest.mark.parametrize("code", SNIPPETS)
def test_a_snippet_runs(code, place):
    names: dict[str, object] = {"__name__": "snippet"}
    exec(compile(code, "snippet", "exec"), names)
    if "fused" in names:
        assert names["fused"].shape == names["visible"].shape
        assert [*names["maps"]] == ["a person", "a car", "(no phrase)"]


def test_a_method_from_outside_fuses_as_its_function_says(place):
    CliRunner().invoke(app, shlex.split("fuse ir.png vis.png -o fused.png --gray --method brighter"))
    infrared, visible = cv2.imread("ir.png", 0), cv2.imread("vis.png", 0)
    expected = np.floor(np.maximum(infrared / 2, visible) + 0.5)
    np.testing.assert_array_equal(cv2.imread("fused.png", 0), expected)


def test_a_method_from_outside_goes_through_the_pipeline(place):
    demo = params_file.read_yaml(ROOT / "profiles/demo.yaml")
    Path("params.yaml").write_text(yaml.safe_dump(demo | {"methods": {"brighter": {}}}))
    result = CliRunner().invoke(app, shlex.split("stage method --method brighter"), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert load_model(Path("models/brighter")).card == methods()["brighter"].card


def test_the_data_set_of_ones_own_comes_in(place):
    (example,) = blocks("docs/architecture.md", "yaml")
    demo = params_file.read_yaml(ROOT / "profiles/demo.yaml")
    changes = yaml.safe_load(example)
    params = params_file.parse(demo | changes | {"train": demo["train"] | {"datasets": ["mine"]}})
    rng = np.random.default_rng(0)
    for side, channels in (("infrared", 1), ("visible", 3)):
        for name in ("001.png", "002.png"):
            fakes.save(Path(params.datasets["mine"].path) / side / name, fakes.picture(rng, channels))
    ingest("mine", params.datasets["mine"], config.Ingest(workers=1), Path("ingested"))
    assert [pair.name for pair in read_manifest(Path("ingested/manifest.parquet"))] == ["001", "002"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_within_the_text_exist_with_their_options(name):
    text = re.sub(r"^ *```.*?^ *```$", "", TEXTS[name], flags=re.DOTALL | re.MULTILINE)  # without its blocks
    for code in re.findall(r"`((?:t2p|make) [^`\n]+)`", text):
        tool, verb, *rest = code.split()
        if tool == "make":
            assert re.search(rf"^{verb}:", MAKEFILE, re.MULTILINE), code
        elif verb.islower():
            known = {option for parameter in VERBS[verb].params for option in parameter.opts}
            assert {word for word in rest if word.startswith("--")} <= known | {"--help"}, code


def anchors(path: Path) -> set[str]:
    """Return the names that GitHub gives to a document's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", TEXTS[name]):
        file, _, anchor = target.partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        assert path.exists(), f"{name} links to {target}"
        assert not anchor or anchor in anchors(path), f"{name} links to {target}"


MADE = ("reports/s", "reports/c", "reports/d", "reports/m")  # by a run


@pytest.mark.parametrize("name", DOCUMENTS)
def test_paths_within_the_text_exist(name):
    top = "src|tests|docs|profiles|benchmarks|flows|tasks|reports|requirements"
    for path in re.findall(rf"`((?:{top})/[\w./-]*)`", TEXTS[name]):
        assert path.startswith(MADE) or (ROOT / path).exists(), f"{name} names {path}"
    for path in re.findall(r"(?<![\w/])([a-z_]+/[a-z_]+\.py)\b", TEXTS[name]):
        assert any((folder / path).exists() for folder in (ROOT, ROOT / "src/text2pixels")), f"{name} names {path}"


def test_the_map_has_every_package_and_every_file_beside_them():
    text = TEXTS["docs/architecture.md"]
    source = ROOT / "src/text2pixels"
    for path in source.glob("*/__init__.py"):
        assert f"| `src/text2pixels/{path.parent.name}/` |" in text
        assert path.read_text().startswith('"""'), f"{path.parent.name} does not say what lives there"
    for path in source.glob("*.py"):
        assert path.name == "__init__.py" or path.name in text, f"the map lacks {path.name}"


def test_the_table_of_extras_is_that_of_the_package():
    table = re.findall(r"^\| `(\w+)` \|", TEXTS["README.md"].split("| extra |")[1].split("\n\n")[0], re.MULTILINE)
    assert len(table) == len(set(table))
    assert {*table, "dev"} == set(PROJECT["optional-dependencies"])


def test_the_diagram_of_the_readme_has_every_stage():
    diagram = next(block for block in blocks("README.md", "text") if "ingest" in block)
    assert set(STAGES) - {"check"} <= set(re.findall(r"[\w-]+", diagram))


def test_the_citation_is_complete():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation.keys() >= {"cff-version", "message", "title", "authors", "version", "license", "references"}
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    (paper,) = citation["references"]
    assert {"value": "arXiv:2401.00421", "type": "other"}.items() <= paper["identifiers"][0].items()
    assert all(author.keys() >= {"family-names", "given-names"} for author in paper["authors"])


def test_the_notebook_runs_from_top_to_bottom_and_keeps_no_output(place, capsys):
    cells = [
        cell
        for cell in json.loads((ROOT / "docs/first-steps.ipynb").read_text())["cells"]
        if cell["cell_type"] == "code"
    ]
    assert all(not cell["outputs"] for cell in cells)
    names: dict[str, object] = {"__name__": "notebook"}
    for cell in cells:
        exec(compile("".join(cell["source"]), "notebook", "exec"), names)
    assert names["fused"].shape == names["visible"].shape
    assert "laplacian {'VIF'" in capsys.readouterr().out


def test_the_pages_build_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", ROOT / "docs", tmp_path / "site"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = {path.stem for path in (tmp_path / "site").glob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= pages


def test_the_gallery_shows_what_its_script_draws(tmp_path):
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("gallery", ROOT / "docs/gallery.py")
    gallery = module_from_spec(spec)
    spec.loader.exec_module(gallery)
    gallery.draw(tmp_path)
    committed = {path.name: path for path in (ROOT / "docs/gallery").iterdir()}
    drawn = {path.name: path for path in tmp_path.iterdir()}
    assert drawn.keys() == committed.keys() == set(re.findall(r"gallery/([\w.]+)\)", TEXTS["docs/gallery.md"]))
    assert sum(path.stat().st_size for path in committed.values()) < 1_000_000
    for name, path in drawn.items():
        assert cv2.imread(str(path)).shape == cv2.imread(str(committed[name])).shape
