"""The library's front door: `text2pixels.load(...).fuse(...)`."""

import io
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail
from PIL import Image

import text2pixels
from text2pixels.config import Network
from text2pixels.errors import InputError
from text2pixels.files import sha256
from text2pixels.image.colour import luminance, quantise, restore_colour
from text2pixels.methods import trained as inference
from text2pixels.network import checkpoint
from text2pixels.network.description import ONNX
from text2pixels.network.network import FusionNetwork
from text2pixels_simulator import simulate

PALETTE = np.stack(np.broadcast_arrays(np.arange(40)[:, None], 200, np.arange(40)), axis=2).astype(np.uint8)
HASH = {"encoder": "hash", "encoder_identity": "hash/shake256/512", "prompts": "fine"}


def model(folder, metadata=HASH, **changes):
    torch.manual_seed(0)
    network = FusionNetwork(Network(**{"channels": 8, "heads": 2, "codes": 16} | changes)).train()
    network(*torch.rand(2, 4, 1, 32, 32), torch.randn(4, 2, 512))
    with torch.no_grad():
        network.head.weight *= 20
    checkpoint.save(folder, network, metadata)
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """The cache of phrase vectors is made in the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def fuser(tmp_path_factory):
    return text2pixels.load(model(tmp_path_factory.mktemp("model")), device="cpu")


@pytest.fixture
def pair():
    noise = np.random.default_rng(0)
    return noise.integers(0, 256, (37, 50), dtype=np.uint8), noise.integers(0, 256, (37, 50, 3), dtype=np.uint8)


def test_fuses_what_the_network_says_and_keeps_the_colour(fuser, pair):
    infrared, visible = pair
    with torch.no_grad():
        images = (torch.from_numpy(image)[None, None] for image in (infrared / np.float32(255), luminance(visible)))
        expected = quantise(fuser.engine.network(*images).fused_B1HW[0, 0].numpy())
    np.testing.assert_array_equal(fuser.fuse_luminance(infrared, visible), expected)
    np.testing.assert_array_equal(fuser.fuse(infrared, visible), restore_colour(expected, visible))
    gray = visible[..., 0]
    np.testing.assert_array_equal(fuser.fuse(infrared, gray), fuser.fuse_luminance(infrared, gray))


def test_gives_back_the_kind_it_was_given(fuser, pair):
    infrared, visible = pair
    fused = fuser.fuse(infrared, visible)
    assert fused.dtype == np.uint8
    assert fused.shape == visible.shape

    floating = fuser.fuse(infrared / 255, visible / 255)
    assert floating.dtype == np.float64
    np.testing.assert_array_equal(np.round(floating * 255), fused)

    picture = fuser.fuse(Image.fromarray(infrared), Image.fromarray(visible))
    np.testing.assert_array_equal(np.asarray(picture), fused)

    tensor = fuser.fuse(torch.from_numpy(infrared), torch.from_numpy(visible).permute(2, 0, 1))
    assert tensor.dtype == torch.uint8
    np.testing.assert_array_equal(tensor.permute(1, 2, 0).numpy(), fused)

    half = fuser.fuse(torch.from_numpy(infrared)[None] / 255, torch.from_numpy(visible[..., 0])[None].bfloat16() / 255)
    assert half.dtype == torch.bfloat16
    assert half.shape == (1, 37, 50)


def test_takes_many_pairs_of_different_sizes(fuser, pair):
    infrared, visible = pair
    fused = fuser.fuse([infrared, infrared[:20], infrared], [visible, visible[:20], visible[..., 0]], "a person")
    assert [image.shape for image in fused] == [(37, 50, 3), (20, 50, 3), (37, 50)]
    np.testing.assert_array_equal(fused[1], fuser.fuse(infrared[:20], visible[:20], "a person"))
    batch = fuser.fuse(torch.rand(2, 1, 24, 32), torch.rand(2, 3, 24, 32))
    assert batch.shape == (2, 3, 24, 32)


def test_infrared_in_three_equal_channels_is_gray(fuser, pair):
    infrared, visible = pair
    colour = np.repeat(infrared[..., None], 3, axis=2)
    np.testing.assert_array_equal(fuser.fuse(colour, visible), fuser.fuse(infrared, visible))


def test_pil_images_are_read_by_the_rules_for_files(fuser, pair):
    infrared, visible = pair
    expected = fuser.fuse(infrared, visible)
    counts = Image.fromarray(infrared.astype(np.uint16) * 257)
    for thermal in (counts, np.asarray(counts), Image.fromarray(infrared).convert("RGBA")):
        np.testing.assert_array_equal(fuser.fuse(thermal, visible), expected)
    stored, upside_down = io.BytesIO(), Image.Exif()
    upside_down[0x0112] = 3
    Image.fromarray(visible[::-1, ::-1]).save(stored, "PNG", exif=upside_down)
    np.testing.assert_array_equal(np.asarray(fuser.fuse(infrared, Image.open(stored))), expected)


def test_transparency_is_a_warning(fuser, pair):
    infrared, visible = pair
    with pytest.warns(UserWarning, match="visible: transparent in part"):
        fuser.fuse(infrared, Image.fromarray(np.dstack([visible, infrared])))


def test_a_prompt_is_a_sentence_or_phrases(fuser, pair):
    text = fuser.encode("a person; at night")
    assert text.phrases == ["a person", "at night"]
    assert text.vectors_TD.shape == (2, 512)
    np.testing.assert_array_equal(
        fuser.fuse(*pair, "a person; at night"), fuser.fuse(*pair, prompt=["a person", "at night"])
    )
    np.testing.assert_array_equal(fuser.fuse(*pair, prompt=[]), fuser.fuse(*pair))


def test_attention_says_which_phrase_lit_which_pixels(fuser, pair):
    maps = fuser.attention(*pair, "a person; a car")
    assert list(maps) == ["a person", "a car", inference.NO_PHRASE]
    assert all(each.shape == (37, 50) for each in maps.values())
    np.testing.assert_allclose(sum(maps.values()), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("infrared", "visible", "message"),
    [
        (np.zeros((40, 40), np.uint8), np.zeros((40, 41, 3), np.uint8), "infrared is 40x40 and the visible 41x40"),
        (np.zeros((8, 40), np.uint8), np.zeros((8, 40, 3), np.uint8), "at least 16"),
        (np.zeros((40, 40), np.int32), np.zeros((40, 40, 3), np.uint8), "found int32"),
        (np.zeros((40, 40), np.uint8), np.full((40, 40, 3), 255.0), "found 255 to 255"),
        (np.full((40, 40), np.nan), np.zeros((40, 40, 3), np.uint8), r"should be in \[0, 1\]"),
        (np.zeros((40, 40, 4), np.uint8), np.zeros((40, 40, 3), np.uint8), r"found \(40, 40, 4\)"),
        (np.zeros((0, 40), np.uint8), np.zeros((0, 40), np.uint8), "empty"),
        ("ir.png", "vis.png", "found str"),
        (np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint16), "visible: expected 8 bits"),
        (PALETTE, np.zeros((40, 40), np.uint8), "infrared in colours"),
        (Image.fromarray(PALETTE), Image.new("RGB", (40, 40)), "infrared in colours"),
        (torch.zeros(2, 40, 40), torch.zeros(3, 40, 40), r"found \(2, 40, 40\)"),
        ([np.zeros((40, 40), np.uint8)] * 2, [np.zeros((40, 40), np.uint8)], "2 infrared and 1 visible"),
    ],
)
def test_images_that_cannot_be_used_are_the_users_error(fuser, infrared, visible, message):
    with pytest.raises(InputError, match=message):
        fuser.fuse(infrared, visible)


def test_vectors_of_another_dimension(fuser, pair):
    with pytest.raises(InputError, match="of 512 numbers, found 4"):
        fuser.fuse_luminance(*pair, np.zeros((1, 4), np.float32))


def test_an_encoder_other_than_that_of_training(tmp_path, pair):
    folder = model(tmp_path / "model", HASH | {"encoder_identity": "hash/other/512"})
    with pytest.raises(InputError, match="trained with the text encoder hash/other/512, here is hash/shake256/512"):
        text2pixels.load(folder, "cpu").fuse(*pair, "a person")


def test_a_network_without_cross_attention_reads_no_text(tmp_path, pair):
    fuser = text2pixels.load(model(tmp_path / "model", cross_attention=False), "cpu")
    np.testing.assert_array_equal(fuser.fuse_luminance(*pair, np.ones((1, 7), np.float32)), fuser.fuse_luminance(*pair))
    for ask in (fuser.fuse, fuser.attention):
        with pytest.raises(InputError, match="without cross-attention"):
            ask(*pair, prompt="a person")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_too_little_memory_is_said_in_one_line(fuser, pair, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(fuser.engine.network, "look", fail)
    with pytest.raises(InputError, match="too little memory to fuse 1 x 50x37 pixels on cpu"):
        fuser.fuse_luminance(*pair)


def test_other_failures_are_not_hidden(fuser, pair, monkeypatch):
    def fail(*_):
        raise RuntimeError("a defect")

    monkeypatch.setattr(fuser.engine.network, "look", fail)
    with pytest.raises(RuntimeError, match="a defect"):
        fuser.fuse_luminance(*pair)


def test_without_weights_the_error_names_the_ways_out(monkeypatch, tmp_path):
    monkeypatch.setattr(inference, "SHIPPED", tmp_path / "none")
    with pytest.raises(InputError, match=r"dvc repro method.*--model FOLDER"):
        text2pixels.load()


@pytest.fixture(scope="module")
def shipped():
    """The network that comes along, by both engines."""
    return {name: text2pixels.load(device="cpu", engine=name) for name in ("onnx", "torch")}


@pytest.mark.parametrize("prompt", [None, "a person; at night"])
@pytest.mark.parametrize("size", [(16, 16), (37, 50), (96, 64)])
def test_engines_agree_to_one_level(shipped, prompt, size):
    noise = np.random.default_rng(0)
    infrared, visible = noise.integers(0, 256, size, dtype=np.uint8), noise.integers(0, 256, (*size, 3), dtype=np.uint8)
    vectors_TD = shipped["onnx"].encode(prompt).vectors_TD
    one, other = (fuser.fuse_luminance(infrared, visible, vectors_TD).astype(int) for fuser in shipped.values())
    assert np.abs(one - other).max() <= 1
    maps = [fuser.attention(infrared, visible, prompt) for fuser in shipped.values()]
    assert [*maps[0]] == [*maps[1]]
    for phrase, map_HW in maps[0].items():
        assert map_HW.shape == size
        np.testing.assert_allclose(map_HW, maps[1][phrase], atol=1e-4)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_a_weight_scales_what_a_phrase_changes(fuser, engine):
    if engine == "onnx":
        fuser = text2pixels.load(device="cpu", engine="onnx")
    street = simulate(1, width=160, height=128, condition="night")
    infrared, visible = street.infrared, street.visible

    def fused(prompt):
        text = fuser.encode(prompt)
        return fuser.fuse_unrounded(infrared, visible, text.vectors_TD, text.weights)

    plain, person, night = fused(None), fused("a person"), fused("at night")
    assert np.abs(person - plain).max() > 1e-3
    expected = {
        "a person:0": plain,
        "a person:2": plain + 2 * (person - plain),
        "a person:-1": 2 * plain - person,
        "a person:0.5; at night:-1.5": plain + 0.5 * (person - plain) - 1.5 * (night - plain),
        "a person:2; at night:2": plain + 2 * (fused("a person; at night") - plain),
        "a person:5": plain + 5 * (person - plain),
    }
    for prompt, image in expected.items():
        brighter = np.maximum(infrared / np.float32(255), luminance(visible))  # beyond .97 only where a source is
        np.testing.assert_allclose(fused(prompt), image.clip(0, brighter.clip(0.97)), atol=1e-6, err_msg=prompt)
    np.testing.assert_array_equal(fused("a person:1; at night:1"), fused("a person; at night"))
    np.testing.assert_array_equal(
        fuser.fuse(infrared, visible[..., 0], "a person:0"), fuser.fuse(infrared, visible[..., 0])
    )


def test_onnx_gives_back_tensors_too(shipped, pair):
    infrared, visible = pair
    batch = shipped["onnx"].fuse(torch.from_numpy(infrared)[None, None], torch.from_numpy(visible[..., 0])[None, None])
    assert isinstance(batch, torch.Tensor)
    np.testing.assert_array_equal(batch[0, 0].numpy(), shipped["onnx"].fuse(infrared, visible[..., 0]))


def test_the_engine_is_the_one_that_the_folder_and_the_device_allow(fuser, shipped, tmp_path):
    assert text2pixels.load(device="cpu").engine.name == "onnx"
    assert fuser.engine.name == "torch"  # a folder as training writes it
    folder = model(tmp_path / "model")
    with pytest.raises(InputError, match=r"has no network\.onnx: write a folder that has one with: t2p export"):
        text2pixels.load(folder, "cpu", engine="onnx")
    with pytest.raises(InputError, match="unknown engine 'tensorrt'; known: onnx, torch"):
        text2pixels.load(folder, "cpu", engine="tensorrt")
    with pytest.raises(InputError, match="device 'cuda' cannot be used here"):
        text2pixels.load(device="cuda", engine="onnx")


def test_without_torch_a_folder_without_onnx_says_how_to_export(tmp_path, monkeypatch):
    folder = model(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r'torch is not installed: .*t2p export NEW --model .*pip install "text2pix'):
        text2pixels.load(folder)


@pytest.mark.parametrize("harm", [lambda content: content[:-10], lambda content: content[:-1] + b"x"])
def test_an_onnx_file_cut_short_or_swapped_is_one_line(tmp_path, harm):
    folder = tmp_path / "model"
    shutil.copytree(inference.SHIPPED, folder)
    (folder / ONNX).write_bytes(harm((folder / ONNX).read_bytes()))
    with pytest.raises(InputError, match=r"network\.onnx is not the file that network\.json describes") as error:
        text2pixels.load(folder, "cpu")
    assert "\n" not in str(error.value)


def test_too_little_memory_for_onnx_is_said_in_one_line(shipped, pair, monkeypatch):
    class Session:
        def run(self, *_):
            raise Fail("Failed to allocate memory for requested buffer of size 579076096")

    monkeypatch.setattr(shipped["onnx"].engine, "_session", Session())
    with pytest.raises(InputError, match="too little memory to fuse 1 x 50x37 pixels on cpu"):
        shipped["onnx"].fuse_luminance(*pair)


def test_importing_the_package_does_not_import_torch():
    code = "import sys, text2pixels; print(text2pixels.__version__, 'torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert answer.split()[1] == "False"


def test_each_pair_of_a_batch_may_have_its_own_prompt(fuser, pair):
    infrared, visible = pair
    prompts = ["a person", "a person", None, ["a car", "at night"]]
    together = fuser.fuse([infrared] * 4, [visible] * 4, prompts=prompts)
    for prompt, fused in zip(prompts, together, strict=True):
        alone = fuser.fuse(infrared, visible, prompt=prompt)
        assert np.abs(fused.astype(int) - alone).max() <= 1, "of the last digits of a batch"
    assert (together[0] != together[2]).any()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"prompts": ["a car"]}, "expected one for each of several pairs, found 1 for 2"),
        ({"prompts": "a car; a person"}, "found a text"),
        ({"prompts": ["a car", "a car"], "prompt": "a person"}, "either prompt"),
    ],
)
def test_prompts_that_are_not_one_for_each_pair_are_refused(more, said, fuser, pair):
    with pytest.raises(InputError, match=said):
        fuser.fuse([pair[0]] * 2, [pair[1]] * 2, **more)


def test_the_card_of_the_network_that_comes_along_is_of_its_files():
    text = (inference.SHIPPED / "MODEL_CARD.md").read_text()
    for name in ("weights.safetensors", "network.onnx"):
        assert f"`{sha256(inference.SHIPPED / name)[:16]}`" in text, name
