"""The core: what fusing, registering and prompting need is installed without extras.

A child process in which the modules that extras bring cannot be imported does all of it.
"""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

SOURCE = Path(__file__).parents[1] / "src"
BLOCKED = (
    *("torch", "torchvision", "pandas", "pyarrow", "scipy", "ultralytics", "pydantic", "matplotlib"),
    *("open_clip", "huggingface_hub", "dvc", "prefect", "onnx", "onnxscript", "pywt", "jinja2", "distributed"),
)
PACKAGES = ("image", "datasets", "registration", "prompts", "encoders", "methods", "metrics")
# Run by torch; `require` asks for it before they are imported.
BY_TORCH = ("methods.networks", "methods.engines.torch_engine")


def modules():
    """Return the full names of the modules of the light packages."""
    for package in PACKAGES:
        for path in sorted((SOURCE / "text2pixels" / package).rglob("*.py")):
            name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
            if not name.removeprefix("text2pixels.").startswith(BY_TORCH):
                yield name


def run(code, folder):
    """Run code in a child process where what extras bring is missing."""
    head = f"import sys\nfor name in {BLOCKED!r}: sys.modules[name] = None\n"
    return subprocess.run([sys.executable, "-c", head + code], cwd=folder, capture_output=True, text=True, check=False)


def t2p(folder, *arguments):
    return run(f"sys.argv = {['t2p', *map(str, arguments)]!r}\nfrom text2pixels.cli import main\nmain()", folder)


@pytest.fixture
def place(tmp_path):
    """A folder with a pair of images: boxes, warm or coloured, and a shifted infrared image."""
    noise = np.random.default_rng(0)
    scene = np.full((160, 200, 3), 90, np.uint8)
    for _ in range(60):
        x, y = int(noise.integers(0, 180)), int(noise.integers(0, 140))
        cv2.rectangle(scene, (x, y), (x + 20, y + 15), noise.integers(0, 256, 3).tolist(), -1)
    infrared = cv2.GaussianBlur(255 - scene.max(axis=2), (3, 3), 0)
    cv2.imwrite(str(tmp_path / "visible.png"), scene)
    cv2.imwrite(str(tmp_path / "infrared.png"), infrared)
    cv2.imwrite(str(tmp_path / "shifted.png"), np.roll(infrared, 3, axis=1))
    return tmp_path


def test_the_light_packages_import(tmp_path):
    answer = run(f"from importlib import import_module\nfor name in {[*modules()]!r}: import_module(name)", tmp_path)
    assert answer.returncode == 0, answer.stderr


def test_a_pair_is_fused_with_and_without_a_prompt(place):
    code = """
import numpy as np
from PIL import Image
import text2pixels
infrared, visible = (np.asarray(Image.open(name)) for name in ("infrared.png", "visible.png"))
fuser = text2pixels.load()
plain, guided = (fuser.fuse(infrared, visible, prompt) for prompt in (None, "a person; at night"))
assert plain.shape == guided.shape == visible.shape and plain.dtype == np.uint8
assert (plain != guided).any()
maps = fuser.attention(infrared, visible, "a person")
assert [*maps] == ["a person", "(no phrase)"] and maps["a person"].shape == infrared.shape
picture = fuser.fuse(Image.fromarray(infrared), Image.fromarray(visible))
assert (np.asarray(picture) == plain).all()
print(fuser.engine.name)
"""
    answer = run(code, place)
    assert (answer.returncode, answer.stdout) == (0, "onnx\n"), answer.stderr


@pytest.mark.parametrize("more", [(), ("--prompt", "a person; at night"), ("--method", "laplacian")])
def test_the_verb_fuses(place, more):
    answer = t2p(place, "fuse", "infrared.png", "visible.png", "-o", "fused.png", *more)
    assert answer.returncode == 0, answer.stderr
    assert cv2.imread(str(place / "fused.png")).shape == (160, 200, 3)


def test_the_verb_registers(place):
    answer = t2p(place, "register", "shifted.png", "visible.png", "--warped", "aligned.png")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert cv2.imread(str(place / "aligned.png")).shape[:2] == (160, 200)


@pytest.mark.parametrize("arguments", [("score", "infrared.png"), ("prompt",)])
def test_the_verb_answers(place, arguments):
    answer = t2p(place, *arguments, "infrared.png", "visible.png")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip()


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("fuse", "infrared.png", "visible.png", "-o", "fused.png", "--engine", "torch"), "train"),
        (("fuse", "infrared.png", "visible.png", "-o", "fused.png", "--method", "wavelet"), "benchmark"),
        (("export", "network.onnx"), "train"),
    ],
)
def test_what_needs_an_extra_says_so_in_one_line(place, arguments, extra):
    answer = t2p(place, *arguments)
    assert answer.returncode == 2, answer.stderr
    assert f'pip install "text2pixels[{extra}]"' in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert not (place / "fused.png").exists()
