"""The house rules: what no single module can see."""

import importlib
import re
import subprocess
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

from text2pixels import config, params_file
from text2pixels.analysis.paper import RIVALS
from text2pixels.closure import SOURCE, closure, imports, without_plumbing
from text2pixels.datasets.catalogue import DATASETS
from text2pixels.methods.card import Card, Entry
from text2pixels.methods.catalogue import entry_of, methods
from text2pixels.pipeline import STAGES as MODULES
from text2pixels.pipeline import profiles
from text2pixels.pipeline.method import code_of

ROOT = Path(__file__).parents[1]
DEFINITIONS = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
STAGES = {name: definition.get("do", definition) for name, definition in DEFINITIONS.items()}
PROFILES = sorted((ROOT / "profiles").glob("*.yaml"))
RESULTS = Entry(Card("results", "results", "-", weights="fused elsewhere"), "results", "results")


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    try:
        answer = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [name for name in answer.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [("src", {"prefect", "dvc", "tasks", "flows"}), ("tasks", {"flows"})],
)
def test_imports_point_inwards(folder, forbidden):
    for path in (ROOT / folder).rglob("*.py"):
        wrong = {name for name in imports(path) if name.split(".")[0] in forbidden}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_only_detection_imports_ultralytics():
    for path in SOURCE.rglob("*.py"):
        if path.parent.name != "detection":
            assert not any(name.split(".")[0] == "ultralytics" for name in imports(path)), path


# From the top: nothing imports upwards. What is in no package stands below them all.
PACKAGES = (
    *("cli", "pipeline", "report", "analysis", "training", "detection", "metrics", "cameras", "methods", "network"),
    *("encoders", "prompts", "registration", "datasets", "image"),
)


def modules() -> dict[str, Path]:
    """The package's modules by their dotted names, without its facade, which imports on use."""
    found = {}
    for path in (SOURCE / "text2pixels").rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    del found["text2pixels"]
    return found


def test_no_package_imports_upwards_so_they_form_no_ring():
    known = modules()

    def floor(name: str) -> int:
        part = name.split(".")[1]
        if part == "__main__":  # starts the command, so it stands above all
            return -1
        return PACKAGES.index(part) if part in PACKAGES else len(PACKAGES)

    for name, path in known.items():
        for other in imports(path) & known.keys():
            assert floor(name) <= floor(other), f"{name} imports {other}, which stands above it"


def test_no_circle_between_files_imports_for_types_included():
    known = modules()
    graph = {name: {other for other in imports(path) & known.keys() if other != name} for name, path in known.items()}
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_watches_the_parameters_that_it_reads(stage):
    module = importlib.import_module(f"text2pixels.pipeline.{MODULES[stage]}")
    watched = {str(name).split(".")[0] for name in STAGES[stage].get("params", [])}
    assert watched == set(module.SECTIONS)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_watches_the_code_that_it_imports(stage):
    entry = SOURCE / "text2pixels" / "pipeline" / f"{MODULES[stage]}.py"
    watched = [ROOT / dep for dep in STAGES[stage]["deps"] if dep.startswith("src/")]
    elsewhere: set[Path] = set()
    if stage in ("fuse", "cost"):  # the model says what code it is used by
        elsewhere = {SOURCE / f"text2pixels/methods/{finder}.py" for finder in ("catalogue", "built_in")}
        elsewhere = elsewhere.union(*map(code_of, [*methods().values(), RESULTS]))
    for path in without_plumbing(closure(entry)) - elsewhere:
        covered = any(path == dep or dep in path.parents for dep in watched)
        assert covered, f"{stage}: add {path.relative_to(ROOT)} to deps"
    for dep in watched:
        if not any(dep.rglob("*.py")) and dep.is_dir():
            continue  # of data, which nothing imports
        used = dep in closure(entry) or any(dep in path.parents for path in closure(entry))
        assert used, f"{stage}: {dep.relative_to(ROOT)} is in deps, but nothing of it is imported"


def test_the_users_files_are_dependencies_of_the_stages_that_read_them():
    readers = {
        "prompt.csv": {"prompt"},
        "embed.table": {"embed"},
        "train.start": {"method"},
        "fuse.weights": {"method"},
        "fuse.results": {"method"},
        "detect.weights": {"pretrain", "detect", "detect-early"},
    }
    assert set(readers) == {".".join(key) for key in params_file.WATCHED}
    for key, expected in readers.items():
        assert {stage for stage in STAGES if f"${{{key}}}" in STAGES[stage]["deps"]} == expected
    # DVC refuses null there, and a file that is not.
    content = yaml.safe_load(profiles.render(params_file.parse(params_file.read_yaml(ROOT / "profiles/demo.yaml"))))
    for section, key in params_file.WATCHED:
        assert (ROOT / content[section][key]).exists()
    assert (ROOT / params_file.NOT_GIVEN).is_file()


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_whole_sections(stage):
    sections = {name for name in config.Params.__dataclass_fields__}
    for name in STAGES[stage].get("params", []):
        section, _, key = name.partition(".")
        assert section in sections
        assert not key or key.startswith("${"), f"{stage}: {name} would miss a new key of {section}"


def test_every_stage_has_a_module_and_none_is_left_over():
    assert set(MODULES) == set(STAGES)


def test_every_stage_comes_after_the_check_of_the_names():
    """DVC removes a stage's outputs before it runs anything of ours: a name that is a path must not get so far."""
    outs = {str(out): stage for stage, definition in STAGES.items() for out in definition["outs"]}

    def needs(stage: str) -> set[str]:
        deps = [str(dep) for dep in STAGES[stage]["deps"]]
        return {other for out, other in outs.items() for dep in deps if out.startswith(dep.split("$")[0].rstrip("/"))}

    for stage in STAGES:
        before, queue = set(), [stage]
        while queue:
            for other in needs(queue.pop()) - before:
                before.add(other)
                queue.append(other)
        assert "check" in before or stage == "check", stage


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_is_valid_and_names_what_is_registered(profile):
    params = params_file.parse(params_file.read_profile(profile.stem), profile.name)
    assert params.profile == profile.stem
    assert set(params.datasets) <= set(DATASETS)
    for name, changes in params.methods.items():
        entry_of(name, changes)
    assert set(params.train.datasets) <= set(params.datasets)
    assert params.train.encoder in params.encoders


def test_every_registered_method_and_data_set_is_in_some_profile():
    every = [params_file.parse(params_file.read_profile(path.stem)) for path in PROFILES]
    assert set(methods()) <= set().union(*(params.methods for params in every))
    # `folder` is whatever the user has.
    assert set(DATASETS) - {"folder"} == set().union(*(params.datasets for params in every))


@pytest.mark.parametrize("profile", ["paper", "rivals"])
def test_the_papers_seven_rivals_are_in_its_profiles(profile):
    asked = params_file.parse(params_file.read_profile(profile)).methods
    assert not set(RIVALS) - {"ddfm"} - set(asked)
    assert {"ddfm", "ddfm-small"} & set(asked)
    # Of these no official file is to be had without asking for it: they are trained here, or not in the table at all.
    for name in ("ddcgan", "cddfuse", "defusion", "segmif"):
        assert asked[name].get("retrain") is not None, name


def test_the_committed_params_are_the_demo_profile(tracked):
    answer = subprocess.run(["git", "show", "HEAD:params.yaml"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout == profiles.render(params_file.parse(params_file.read_yaml(ROOT / "profiles/demo.yaml")))


def test_deployments_load():
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    for deployment in deployments:
        file, name = deployment["entrypoint"].split(":")
        flow = getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), name)
        flow.validate_parameters(deployment.get("parameters", {}))


def test_tracked_files_name_no_host_and_no_absolute_path(tracked):
    own = {"tests/test_contracts.py", "LICENSE"}
    registry = re.compile(r"pypi\.org|pythonhosted|download\.pytorch|--(extra-)?index-url|--find-links")
    absolute = re.compile(r"(?<![\w.:/<~)\]}*-])/(?:work|home|root|Users|tmp|opt|mnt)/\w")
    for name in tracked:
        if name in own or Path(name).suffix in {".png", ".jpg", ".safetensors", ".parquet"}:
            continue
        text = (ROOT / name).read_text(errors="replace")
        assert not registry.search(text), f"{name} names a package registry: {registry.search(text)}"
        assert not absolute.search(text), f"{name} has an absolute path: {absolute.search(text)}"


def test_the_makefile_has_at_most_ten_verbs_and_explains_each():
    text = (ROOT / "Makefile").read_text()
    verbs = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE).group(1).split()
    assert len(verbs) <= 10
    for verb in verbs:
        assert re.search(rf"^{verb}:.* ## \S", text, re.MULTILINE), verb


def test_bounds_carry_reasons_and_the_constraints_hold_names_versions_and_hashes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    for requirement in project["dependencies"]:
        at = next(i for i, line in enumerate(lines) if f'"{requirement}"' in line)
        assert "#" in lines[at] or lines[at - 1].lstrip().startswith("#"), f"why {requirement}?"
    pinned = re.compile(r"^([\w.-]+==[\w.+!-]+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?)$")
    for line in (ROOT / "requirements/constraints.txt").read_text().splitlines():
        assert pinned.match(line), line


def test_no_junk_drawers():
    for path in [*SOURCE.rglob("*.py"), *(ROOT / "tasks").rglob("*.py"), *(ROOT / "flows").rglob("*.py")]:
        assert path.stem not in {"utils", "helpers", "misc", "common"}, path
