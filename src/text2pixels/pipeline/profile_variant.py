"""Stage `profile` of a trained network: reports/profile/<variant>.json."""

import numpy as np

from text2pixels import config, layout
from text2pixels.image.files import Image8
from text2pixels.methods import trained as inference
from text2pixels.pipeline.profile import measure, write_cost

SECTIONS: tuple[str, ...] = ("fuse", "measure")

PHRASES = 6  # of a typical prompt; the network's cost hardly depends on it


def run(variant: str) -> None:
    """Measure one trained variant under a prompt of `PHRASES` phrases.

    Raises:
        InputError: the model is missing or broken.
    """
    params = config.load(SECTIONS)
    trained = inference.load(layout.model(variant), params.fuse.device)
    text_TD = None
    if trained.network.cross_attention is not None:
        text_TD = np.random.default_rng(0).standard_normal((PHRASES, trained.network.config.text_dim), dtype=np.float32)
        text_TD /= np.linalg.norm(text_TD, axis=1, keepdims=True)

    def fuse(infrared: Image8, visible: Image8) -> Image8:
        return trained.fuse_luminance(infrared, visible, text_TD)

    # Buffers too: the codes are learned, though not by gradient.
    parameters = sum(tensor.numel() for tensor in trained.network.state_dict().values())
    write_cost(measure(variant, fuse, parameters, trained.device, params.measure))
