"""DDcGAN: its published graph written out in numpy, and what its authors' own code makes of made weights."""

import numpy as np
import pytest
from support.parity import PARITY, made_weights, psnr, read_rgb
from support.tensorflow_bundle import write_bundle

from text2pixels.errors import InputError
from text2pixels.image.reader import read_infrared, read_visible
from text2pixels.methods.catalogue import load
from text2pixels.methods.convention import fuse_picture

KERNELS = {
    "Generator/encoder/conv1_1": (2, 48),
    **{f"Generator/encoder/dense_block_conv{i}": (48 * i, 48) for i in range(1, 5)},
    "Generator_1/decoder/conv2_1": (240, 240),
    "Generator_1/decoder/conv2_1_1": (240, 128),
    "Generator_1/decoder/conv2_2": (128, 64),
    "Generator_1/decoder/conv2_3": (64, 32),
    "Generator_1/decoder/conv2_4": (32, 1),
}
NORMS = {f"Generator/encoder/b{i}": 48 for i in range(5)} | {
    f"Generator/decoder/b{i}": channels for i, channels in enumerate((240, 128, 64, 32))
}


@pytest.fixture(scope="module")
def tensors():
    noise = np.random.default_rng(0)
    found = {"Discriminator1/conv1/bias": np.zeros(16, np.float32), "Variable": np.array(7, np.int32)}
    for name, (inputs, outputs) in KERNELS.items():
        kernel = noise.standard_normal((3, 3, inputs, outputs)) * np.sqrt(2 / (9 * inputs))
        found[f"{name}/kernel"] = kernel.astype(np.float32)
        found[f"{name}/bias"] = noise.uniform(-0.3, 0.3, outputs).astype(np.float32)
    for name, channels in NORMS.items():
        for part, middle in (("gamma", 1), ("beta", 0), ("moving_mean", 5), ("moving_variance", 9)):
            value = noise.uniform(-0.3, 0.3, channels) + middle
            found[f"{name}/batch_normalization/{part}"] = value.astype(np.float32)
    return found


@pytest.fixture(scope="module")
def folder(tensors, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    (folder / "ddcgan").mkdir()
    write_bundle(folder / "ddcgan/model.ckpt", tensors)
    return folder


def published_graph(tensors, infrared, visible):
    """The generator, rows x columns x channels, as the graph that its authors published has it."""

    def convolve(image, name):
        padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="reflect")
        height, width = image.shape[:2]
        kernel = tensors[f"{name}/kernel"]
        total = tensors[f"{name}/bias"].astype(float)
        for row in range(3):
            for column in range(3):
                total = total + padded[row : row + height, column : column + width] @ kernel[row, column]
        return total

    def normalise(image, name):
        name = f"{name}/batch_normalization"
        scaled = (image - image.mean(axis=(0, 1))) / np.sqrt(image.var(axis=(0, 1)) + 1e-3)
        return scaled * tensors[f"{name}/gamma"] + tensors[f"{name}/beta"]

    def relu(image):
        return np.maximum(image, 0)

    image = np.stack([visible, infrared], axis=2) / 255
    image = relu(normalise(convolve(image, "Generator/encoder/conv1_1"), "Generator/encoder/b0"))
    for i in range(1, 5):
        new = normalise(convolve(image, f"Generator/encoder/dense_block_conv{i}"), f"Generator/encoder/b{i}")
        image = np.concatenate([relu(new), image], axis=2)
    image = relu(convolve(image, "Generator_1/decoder/conv2_1"))
    for i, name in enumerate(("conv2_1", "conv2_1_1", "conv2_2", "conv2_3")):
        image = relu(normalise(convolve(image, f"Generator_1/decoder/{name}"), f"Generator/decoder/b{i}"))
    return np.tanh(convolve(image, "Generator_1/decoder/conv2_4")[..., 0]) / 2 + 0.5


def pair(height=13, width=17):
    noise = np.random.default_rng(1)
    infrared = noise.integers(0, 256, (height, width), dtype=np.uint8)
    visible = noise.integers(0, 256, (height, width), dtype=np.uint8)
    return infrared, np.repeat(visible[..., None], 3, axis=2)


def test_network_is_the_published_graph(tensors, folder):
    infrared, visible = pair()
    method = load("ddcgan", weights=folder, device="cpu")
    expected = published_graph(tensors, infrared.astype(float), visible[..., 0].astype(float))
    np.testing.assert_allclose(method.fuse(infrared, visible) / 255, expected, atol=2e-5)
    assert sum(parameter.numel() for parameter in method.network.parameters()) == method.parameters == 1_097_665


def test_result_is_gray_and_stretched_as_the_authors_save_it(folder):
    infrared, visible = pair()
    visible[..., 0] = 255 - visible[..., 0]  # a coloured pair
    fused = fuse_picture(load("ddcgan", weights=folder, device="cpu"), infrared, visible)
    assert (fused.shape, fused.min(), fused.max()) == ((13, 17), 0, 255)


def test_files_that_are_not_the_published_ones_are_called_unverified(folder):
    card = load("ddcgan", weights=folder, device="cpu").card
    assert (card.weights, card.label) == ("unverified", "DDcGAN (unverified weights)")


def test_data_that_are_not_of_their_index_are_one_line(folder, tmp_path):
    (tmp_path / "ddcgan").mkdir()
    for path in folder.glob("ddcgan/*"):
        content = bytearray(path.read_bytes())
        if path.suffix != ".index":
            content[1_000_000] ^= 1
        (tmp_path / "ddcgan" / path.name).write_bytes(content)
    with pytest.raises(InputError, match=r"model\.ckpt\.index is not .* checksum does not match") as error:
        load("ddcgan", weights=tmp_path, device="cpu")
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_another_network_is_one_line(tensors, tmp_path):
    (tmp_path / "ddcgan").mkdir()
    write_bundle(tmp_path / "ddcgan/model.ckpt", {name: tensors[name] for name in list(tensors)[:20]})
    with pytest.raises(InputError, match=r"not the weights of ddcgan.*get it from github\.com/hanna-xu") as error:
        load("ddcgan", weights=tmp_path, device="cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [pytest.param("TNO_07", marks=pytest.mark.slow), "TNO_19", "FLIR_04943", "FLIR_07968"])
def test_picture_is_that_of_the_authors_code(name):
    method = load("ddcgan", weights=made_weights("ddcgan"), device="cpu")
    images = read_infrared(PARITY / f"inputs/{name}_ir.png"), read_visible(PARITY / f"inputs/{name}_vi.png")
    assert psnr(fuse_picture(method, *images), read_rgb(PARITY / f"given/ddcgan/{name}.png")) >= 60
