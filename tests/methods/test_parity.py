"""Our networks against a second path: plain functional forwards from the papers' descriptions.

The second path shares no code with the package: arrays are padded by numpy, kernels are taken from
the authors' files, and every layer is written out. The pair is a crop of a real one (TNO 01). The
statistics of the whole image are regression values; benchmarks/baselines.py compares the means over
all pairs with those that the authors' own scripts gave.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.authors_images import PUBLISHED
from torch.nn import functional as F

from text2pixels.methods.catalogue import load, methods
from text2pixels.methods.convention import fuse_luminance
from text2pixels.methods.networks.tensorflow_checkpoint import read_checkpoint

WHOLE_SETS = {"gifnet", "textfusion"}  # their authors published no image that is small enough to compare with here
SHARED = Path(__file__).parents[2] / "../shared"
WEIGHTS = SHARED / "weights"


@pytest.fixture(scope="module")
def pair():
    files = [SHARED / f"data/TNO/{side}/01.png" for side in ("ir", "vi")]
    if not all(file.is_file() for file in files):
        pytest.skip("no real pair: ../shared/data/TNO is missing")
    return [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)[100:171, 150:240] for file in files]


def weights(name):
    path = WEIGHTS / name
    if not path.parent.is_dir():
        pytest.skip(f"weights missing: {name}")
    if path.suffix in (".pt", ".pth", ".model"):
        return {key: value.numpy() for key, value in torch.load(path, map_location="cpu", weights_only=True).items()}
    return read_checkpoint(path)


def convolve(image_CHW, kernel_OIHW, bias=None, mode="constant"):
    half = kernel_OIHW.shape[-1] // 2
    padded = np.pad(image_CHW, ((0, 0), (half, half), (half, half)), mode=mode)
    result = F.conv2d(torch.from_numpy(padded[None]), torch.from_numpy(np.ascontiguousarray(kernel_OIHW)))[0].numpy()
    return result if bias is None else result + bias[:, None, None]


def normalise(image_CHW, state, layer):
    scale = state[f"{layer}.weight"] / np.sqrt(state[f"{layer}.running_var"] + 1e-5)
    shift = state[f"{layer}.bias"] - state[f"{layer}.running_mean"] * scale
    return image_CHW * scale[:, None, None] + shift[:, None, None]


def relu(image):
    return np.maximum(image, 0)


def leaky(image):
    return np.maximum(image, np.float32(0.2) * image)


def half_up(image):
    return np.floor(np.clip(image, 0, 255) + 0.5)


def tardal(infrared, visible):
    """CVPR 2022, figure 3: batch normalisation in evaluation mode, zero padding, tanh."""
    state = weights("tardal/tardal.pt")

    def layer(image, name):
        image = convolve(image, state[f"{name}.0.weight"], state[f"{name}.0.bias"])
        return relu(normalise(image, state, f"{name}.1"))

    image = layer(np.stack([infrared, visible]) / np.float32(255), "encoder")
    for index in range(3):
        image = np.concatenate([image, layer(image, f"dense.{index}")])
    image = relu(convolve(image, state["fuse.0.0.weight"], state["fuse.0.0.bias"]))
    image = layer(layer(image, "fuse.1"), "fuse.2")
    image = np.tanh(convolve(image, state["fuse.3.0.weight"], state["fuse.3.0.bias"]))
    return half_up(image[0] * 255)


def densefuse(infrared, visible):
    """TIP 2019, table I; images in 0..255, reflected borders, addition strategy, ReLU after every layer."""
    state = weights("densefuse/densefuse_gray.model")

    def layer(image, name):
        name = f"{name}.conv2d"
        return relu(convolve(image, state[f"{name}.weight"], state[f"{name}.bias"], "reflect"))

    def encode(image):
        image = layer(image[None], "conv1")
        for index in range(3):
            image = np.concatenate([image, layer(image, f"DB1.denseblock.{index}.dense_conv")])
        return image

    image = (encode(infrared) + encode(visible)) / 2
    for number in range(2, 6):
        image = layer(image, f"conv{number}")
    return np.floor(np.clip(image[0], 0, 255))


def ifcnn(strategy, infrared, visible):
    """Information Fusion 2020, figure 2: RGB in [0, 1], replicated borders, truncated channels."""
    state = weights(f"ifcnn/IFCNN-{strategy.upper()}.pth")

    def block(image, name):
        return relu(normalise(convolve(image, state[f"{name}.conv.weight"], mode="edge"), state, f"{name}.bn"))

    features = []
    for image in (visible, infrared):
        image = np.stack([image] * 3) / np.float32(255)
        features.append(block(convolve(image, state["conv1.weight"], mode="edge"), "conv2"))
    fused = {"max": np.maximum(*features), "sum": features[0] + features[1], "mean": (features[0] + features[1]) / 2}
    image = convolve(block(fused[strategy], "conv3"), state["conv4.weight"], state["conv4.bias"])
    rgb = (np.clip(image, 0, 1) * np.float32(255)).astype(np.uint8).transpose(1, 2, 0)
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(float)


def u2fusion(infrared, visible):
    """TPAMI, figure 5: (visible, infrared), reflected borders, tanh / 2 + 0.5; stretched to the maximum."""
    state = weights("u2fusion/model.ckpt")

    def layer(image, name):
        return convolve(image, state[f"{name}/kernel"].transpose(3, 2, 0, 1), state[f"{name}/bias"], "reflect")

    image = leaky(layer(np.stack([visible, infrared]) / np.float32(255), "Generator/encoder/conv1_1"))
    for number in range(1, 6):
        image = np.concatenate([leaky(layer(image, f"Generator/encoder/dense_block_conv{number}")), image])
    for number in range(1, 4):
        image = leaky(layer(image, f"Generator_1/decoder/conv2_{number}"))
    image = np.tanh(layer(image, "Generator_1/decoder/conv2_4")[0]) / 2 + 0.5
    return half_up(image * (255 / image.max()))


def sdnet(infrared, visible):
    """IJCV 2021, figure 4: [-1, 1], zero padding, streams interleaved; stretched min-max."""
    state = weights("sdnet/IRVIS.model-10")

    def layer(image, number, side):
        scope = f"fusion_model/layer{number}_{side}"
        kernel = state[f"{scope}/w{number}_{side}"].transpose(3, 2, 0, 1)
        return convolve(image, kernel, state[f"{scope}/b{number}_{side}"])

    streams = {}
    for side, image in (("ir", infrared), ("vi", visible)):
        stages = [leaky(layer((image[None] - 127.5) / 127.5, 1, side))]
        for number in (2, 3, 4):
            stages.append(leaky(layer(np.concatenate(stages), number, side)))
        streams[side] = stages
    mixed = np.concatenate([stage for both in zip(streams["ir"], streams["vi"], strict=True) for stage in both])
    image = np.tanh(layer(mixed, 5, "fuse"))[0] * 127.5 + 127.5
    return half_up((image - image.min()) * (255 / (image.max() - image.min())))


def stretched(image):
    return half_up((image - image.min()) / (image.max() - image.min()) * 255)


def mmdrfuse(infrared, visible):
    """ACM MM 2024, the student: two convolutions; scipy.misc.imsave stretches what it saves."""
    state = weights("mmdrfuse/student.model")
    image = np.stack([infrared, visible]) / np.float32(255)
    image = relu(convolve(image, state["conv1.1.weight"], state["conv1.1.bias"], "reflect"))
    return stretched(np.tanh(convolve(image, state["conv2.1.weight"], state["conv2.1.bias"], "reflect"))[0])


def reconet(infrared, visible):
    """ECCV 2022, figure 3: three passes over the larger of both sources; dilations 1, 2 and 3."""
    state = weights("reconet/params.pth")
    infrared, visible = infrared / np.float32(255), visible / np.float32(255)

    def attended(image, fused, name):
        seen = np.stack([np.maximum(image, fused), (image + fused) / 2])
        return image / (1 + np.exp(-convolve(seen, state[f"{name}.weight"])[0]))

    fused = np.maximum(infrared, visible)
    for _ in range(3):
        seen = np.stack([attended(infrared, fused, "att_a_conv"), fused, attended(visible, fused, "att_b_conv")])
        scales = []
        for dilation in (1, 2, 3):
            name = f"dil_conv_{dilation}"
            kernel = np.zeros((64, 3, 2 * dilation + 1, 2 * dilation + 1), dtype=np.float32)
            kernel[:, :, ::dilation, ::dilation] = state[f"{name}.0.weight"]
            scales.append(relu(normalise(convolve(seen, kernel, state[f"{name}.0.bias"]), state, f"{name}.1")))
        image = convolve(np.concatenate(scales), state["fus_conv.0.weight"], state["fus_conv.0.bias"])
        fused = np.tanh(normalise(image, state, "fus_conv.1"))[0]
    return half_up(fused * 255)


def mufusion(infrared, visible):
    """Information Fusion 2023, figure 2, on the one tile that a pair smaller than 128 pixels is reflected to."""
    state = weights("mufusion/RoadScene.model")
    missing = [(0, 128 - side) for side in infrared.shape]

    def layer(number, *images):
        image = np.concatenate(images)
        return convolve(image, state[f"conv{number}.1.weight"], state[f"conv{number}.1.bias"], "reflect")

    first = relu(layer(1, np.stack([np.pad(image, missing, "reflect") / 255 for image in (infrared, visible)])))
    second = relu(layer(2, first))
    third = relu(layer(3, first, second))[:, ::2, ::2]  # a stride of two keeps each second result
    fourth = relu(layer(4, third))
    fifth = relu(layer(5, third, fourth))
    image = relu(layer(66, relu(layer(6, third, fourth, fifth))))
    for number, skipped in ((55, fifth), (44, fourth), (33, third)):
        image = relu(layer(number, skipped, image))
    image = F.interpolate(torch.from_numpy(image[None]), size=(128, 128), mode="bicubic")[0].numpy()
    image = np.tanh(layer(11, first, relu(layer(22, second, image))))[0]
    return stretched(image[: infrared.shape[0], : infrared.shape[1]])


SECOND_PATH = {
    "tardal": tardal,
    "densefuse": densefuse,
    "ifcnn-max": lambda *pair: ifcnn("max", *pair),
    "ifcnn-sum": lambda *pair: ifcnn("sum", *pair),
    "ifcnn-mean": lambda *pair: ifcnn("mean", *pair),
    "u2fusion": u2fusion,
    "sdnet": sdnet,
    "mmdrfuse": mmdrfuse,
    "reconet": reconet,
    "mufusion": mufusion,
}
# Mean and standard deviation of the fused crop.
STATISTICS = {
    "tardal": (218.20, 29.43),
    "densefuse": (160.46, 13.58),
    "ifcnn-max": (204.13, 27.87),
    "ifcnn-sum": (161.54, 18.38),
    "ifcnn-mean": (166.32, 18.38),
    "u2fusion": (199.98, 21.04),
    "sdnet": (93.11, 37.80),
    "mmdrfuse": (209.00, 44.33),
    "reconet": (212.05, 26.36),
    "mufusion": (116.30, 57.45),
    "seafusion": (207.81, 51.77),
    "lrrnet": (162.86, 36.61),
    "datfuse": (205.93, 20.55),
    "gifnet": (210.22, 31.81),
    "sage": (220.58, 20.86),
    "textfusion": (216.66, 26.61),
}


def test_every_official_method_has_a_second_path_or_is_compared_with_its_authors_images():
    """Those whose files are not at hand are compared with fixtures, each in a test of its own."""
    at_hand = {name for name, entry in methods().items() if entry.card.files and entry.card.files[0].sha256}
    assert SECOND_PATH.keys() | {row.method for row in PUBLISHED} | WHOLE_SETS == STATISTICS.keys() == at_hand


@pytest.mark.parametrize("name", SECOND_PATH)
def test_network_agrees_with_the_second_path(name, pair):
    expected = SECOND_PATH[name](*(image.astype(np.float32) for image in pair))
    found = fuse(name, pair)
    difference = np.abs(found - expected)
    # Float32 sums in another order: a pixel at the edge of rounding may fall to the other side.
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.005


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_of_a_real_pair_stay(name, pair):
    found = fuse(name, pair)
    np.testing.assert_allclose((found.mean(), found.std()), STATISTICS[name], atol=0.02)


def fuse(name, pair):
    infrared, visible = pair
    for file in methods()[name].card.files:
        if not (WEIGHTS / file.name).is_file():
            pytest.skip(f"weights missing: {file.name}")
    method = load(name, weights=WEIGHTS, device="cpu")
    return fuse_luminance(method, infrared, np.repeat(visible[..., None], 3, axis=2)).astype(float)
