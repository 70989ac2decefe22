"""Our runs of other authors' networks against images that those authors published.

SeAFusion: Linfeng-Tang/Evaluation-for-Image-Fusion, Image/Algorithm/SeAFusion_TNO. LRRNet: outputs/
21_pairs_tno_new.zip, DATFuse: fusion results/, SAGE: result/test, each of the method's own repository. Ours differ
from them by one level at fewer than six pixels of 10,000 (81 to 99 dB), so the figures agree to two digits or more.
"""

from pathlib import Path

import cv2
import numpy as np
import pytest
from support.authors_images import PUBLISHED, figures

from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods.catalogue import load, methods
from text2pixels.methods.convention import round_output, to_8_bits

SHARED = Path(__file__).parents[2] / "../shared"
FOLDERS = {"TNO": ("TNO/ir", "TNO/vi"), "M3FD_13": ("M3FD_13/M3FD_Detection/Ir", "M3FD_13/M3FD_Detection/Vi")}
QUICK = {("seafusion", "07"), ("datfuse", "18")}  # small pairs: the others take up to half a minute


def in_sages_colour(fused, visible):
    """SAGE's test.py: OpenCV's chroma in 8 bits, its own matrix back, each channel clipped."""
    chroma = cv2.cvtColor(visible, cv2.COLOR_RGB2YCrCb)[..., 1:].astype(np.float32) - 127.5
    red, blue = chroma[..., 0], chroma[..., 1]
    return to_8_bits(
        np.stack([fused + 1.403 * red, fused - 0.714 * red - 0.344 * blue, fused + 1.773 * blue], 2), "round"
    )


@pytest.mark.parametrize(
    "published",
    [pytest.param(row, marks=() if (row.method, row.pair) in QUICK else pytest.mark.slow) for row in PUBLISHED],
    ids=lambda row: f"{row.method}-{row.pair}",
)
def test_figures_are_those_of_the_authors_image(published):
    paths = [SHARED / "data" / folder / f"{published.pair}.png" for folder in FOLDERS[published.dataset]]
    files = [SHARED / "weights" / file.name for file in methods()[published.method].card.files]
    if missing := [path for path in (*paths, *files) if not path.is_file()]:
        pytest.skip(f"no {missing[0]}")
    method = load(published.method, weights=SHARED / "weights", device="cpu")
    visible = read_rgb(paths[1])
    fused = method.fuse(read_gray(paths[0]), visible)
    image = in_sages_colour(fused, visible) if published.method == "sage" else round_output(method.card, fused)
    np.testing.assert_allclose(figures(image), published.figures, atol=0.005)
