"""CDDFuse: its paper written out in numpy, and what its authors' own code makes of made weights."""

from math import erf

import numpy as np
import pytest
import torch
from support.parity import PARITY, made_weights, psnr, read_rgb

from text2pixels.errors import InputError
from text2pixels.image.reader import read_infrared, read_visible
from text2pixels.methods.catalogue import load
from text2pixels.methods.convention import fuse_picture
from text2pixels.methods.networks.cddfuse import CDDFuse

PARTS = {"DIDF_Encoder": "encoder", "DIDF_Decoder": "decoder", "BaseFuseLayer": "base", "DetailFuseLayer": "detail"}


@pytest.fixture(scope="module")
def file():
    """What the authors save: four state dicts, each name with the prefix of DataParallel."""
    torch.manual_seed(0)
    network = CDDFuse()
    for name, parameter in network.named_parameters():
        if name.endswith(("temperature", "scale")):
            torch.nn.init.uniform_(parameter, 2, 6)
        elif parameter.ndim == 1:
            torch.nn.init.uniform_(parameter, -0.3, 1.3)
        elif "theta_rho" in name and name.endswith("5.weight"):
            torch.nn.init.normal_(parameter, std=0.02)  # goes into an exponential
        else:
            torch.nn.init.normal_(parameter, std=0.8 / parameter[0].numel() ** 0.5)
    return {
        their: {f"module.{name}": value for name, value in network.get_submodule(our).state_dict().items()}
        for their, our in PARTS.items()
    }


@pytest.fixture(scope="module")
def folder(file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    (folder / "cddfuse").mkdir()
    torch.save(file, folder / "cddfuse/CDDFuse_IVF.pth")
    return folder


class Paper:
    """CVPR 2023, section 3 and its supplement, on arrays of channels x rows x columns."""

    def __init__(self, file):
        self.file = {their: {name: v.numpy().astype(float) for name, v in part.items()} for their, part in file.items()}

    def convolve(self, image, name, mode="constant"):
        kernel, bias = self.part[f"module.{name}.weight"], self.part.get(f"module.{name}.bias")
        outputs, grouped, side, _ = kernel.shape
        groups, (height, width), half = len(image) // grouped, image.shape[1:], side // 2
        padded = np.pad(image, ((0, 0), (half, half), (half, half)), mode=mode).reshape(
            groups, grouped, -1, width + 2 * half
        )
        kernel = kernel.reshape(groups, outputs // groups, grouped, side, side)
        found = np.zeros((outputs, height, width))
        for row in range(side):
            for column in range(side):
                window = padded[:, :, row : row + height, column : column + width]
                found += np.einsum("goi,gihw->gohw", kernel[..., row, column], window).reshape(found.shape)
        return found if bias is None else found + bias[:, None, None]

    def normalise(self, image, name):
        scaled = (image - image.mean(axis=0)) / np.sqrt(image.var(axis=0) + 1e-5)
        weight, bias = (self.part[f"module.{name}.body.{part}"][:, None, None] for part in ("weight", "bias"))
        return scaled * weight + bias

    def attend(self, qkv, temperature):
        q, k, v = (third.reshape(8, 8, -1) for third in np.split(qkv, 3))
        found = []
        for head in range(8):
            queries, keys = (x[head] / np.linalg.norm(x[head], axis=1, keepdims=True) for x in (q, k))
            weights = np.exp(queries @ keys.T * temperature[head, 0, 0])
            found.append(weights / weights.sum(axis=1, keepdims=True) @ v[head])
        return np.concatenate(found).reshape(64, *qkv.shape[1:])

    def gated(self, image, name):
        gate, value = np.split(self.convolve(self.convolve(image, f"{name}.project_in"), f"{name}.dwconv"), 2)
        gelu = gate * (1 + np.vectorize(erf)(gate / np.sqrt(2))) / 2
        return self.convolve(gelu * value, f"{name}.project_out")

    def restormer(self, image, name):
        for i in range(4):
            block = f"{name}.{i}"
            qkv = self.convolve(self.normalise(image, f"{block}.norm1"), f"{block}.attn.qkv")
            qkv = self.convolve(qkv, f"{block}.attn.qkv_dwconv")
            attended = self.attend(qkv, self.part[f"module.{block}.attn.temperature"])
            image = image + self.convolve(attended, f"{block}.attn.project_out")
            image = image + self.gated(self.normalise(image, f"{block}.norm2"), f"{block}.ffn")
        return image

    def base(self, image, name=""):
        qkv = self.convolve(self.normalise(image, f"{name}norm1"), f"{name}attn.qkv1")
        attended = self.attend(self.convolve(qkv, f"{name}attn.qkv2"), self.part[f"module.{name}attn.scale"])
        image = image + self.convolve(attended, f"{name}attn.proj")
        return image + self.gated(self.normalise(image, f"{name}norm2"), f"{name}mlp")

    def detail(self, image, nodes, name=""):
        def theta(half, which):
            block = f"{name}net.{node}.theta_{which}.bottleneckBlock"
            half = np.clip(self.convolve(half, f"{block}.0"), 0, 6)
            return self.convolve(np.clip(self.convolve(half, f"{block}.3", "reflect"), 0, 6), f"{block}.5")

        for node in range(nodes):
            z1, z2 = np.split(self.convolve(image, f"{name}net.{node}.shffleconv"), 2)
            z2 = z2 + theta(z1, "phi")
            z1 = z1 * np.exp(theta(z2, "rho")) + theta(z2, "eta")
            image = np.concatenate([z1, z2])
        return image

    def encode(self, image):
        self.part = self.file["DIDF_Encoder"]
        shallow = self.restormer(self.convolve(image[None], "patch_embed.proj"), "encoder_level1")
        return self.base(shallow, "baseFeature."), self.detail(shallow, 3, "detailFeature.")

    def fuse(self, infrared, visible):
        (base_ir, detail_ir), (base_vis, detail_vis) = self.encode(infrared), self.encode(visible)
        self.part = self.file["BaseFuseLayer"]
        base = self.base(base_ir + base_vis)
        self.part = self.file["DetailFuseLayer"]
        detail = self.detail(detail_ir + detail_vis, 1)
        self.part = self.file["DIDF_Decoder"]
        image = self.convolve(np.concatenate([base, detail]), "reduce_channel")
        image = self.convolve(self.restormer(image, "encoder_level2"), "output.0")
        image = self.convolve(np.where(image > 0, image, 0.01 * image), "output.2")[0] + visible
        return 1 / (1 + np.exp(-image))


def pair():
    noise = np.random.default_rng(1)
    infrared, visible = noise.integers(0, 256, (2, 9, 11), dtype=np.uint8)
    return infrared, np.repeat(visible[..., None], 3, axis=2)


def test_network_is_the_papers(file, folder):
    infrared, visible = pair()
    method = load("cddfuse", weights=folder, device="cpu")
    expected = Paper(file).fuse(infrared / 255, visible[..., 0] / 255)
    assert expected.std() > 0.02
    np.testing.assert_allclose(method.fuse(infrared, visible) / 255, expected, atol=2e-5)
    assert sum(parameter.numel() for parameter in method.network.parameters()) == method.parameters == 1_188_272


def test_result_is_gray_and_stretched_as_the_authors_save_it(folder):
    infrared, visible = pair()
    visible[..., 0] = 255 - visible[..., 0]  # a coloured pair
    fused = fuse_picture(load("cddfuse", weights=folder, device="cpu"), infrared, visible)
    assert (fused.shape, fused.min(), fused.max()) == ((9, 11), 0, 255)


def test_a_file_that_is_not_the_published_one_is_called_unverified(folder):
    assert load("cddfuse", weights=folder, device="cpu").card.label == "CDDFuse (unverified weights)"


def _without_a_part(file):
    return {their: part for their, part in file.items() if their != "DIDF_Decoder"}


def _without_a_tensor(file):
    return file | {"BaseFuseLayer": dict(list(file["BaseFuseLayer"].items())[1:])}


def _of_another_shape(file):
    return file | {"DetailFuseLayer": {name: value[:1] for name, value in file["DetailFuseLayer"].items()}}


@pytest.mark.parametrize("change", [_without_a_part, _without_a_tensor, _of_another_shape, lambda file: [1], None])
def test_what_is_not_its_weights_is_one_line(file, tmp_path, change):
    path = tmp_path / "cddfuse/CDDFuse_IVF.pth"
    path.parent.mkdir()
    if change is None:
        path.write_bytes(b"<html>")
    else:
        torch.save(change(file), path)
    with pytest.raises(InputError, match=r"CDDFuse_IVF\.pth: not the weights of cddfuse, or damaged .*github") as error:
        load("cddfuse", weights=tmp_path, device="cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [pytest.param("TNO_07", marks=pytest.mark.slow), "TNO_19", "FLIR_04943", "FLIR_07968"])
def test_picture_is_that_of_the_authors_code(name):
    """The file's storages are marked as a GPU's, and it is read on the CPU."""
    method = load("cddfuse", weights=made_weights("cddfuse"), device="cpu")
    images = read_infrared(PARITY / f"inputs/{name}_ir.png"), read_visible(PARITY / f"inputs/{name}_vi.png")
    assert psnr(fuse_picture(method, *images), read_rgb(PARITY / f"given/cddfuse/{name}.png")) >= 60
