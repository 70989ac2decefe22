"""What the phrases look at sees no further than the margin of tiles, and fits its grid."""

import torch

from text2pixels.methods.engines.tiles import MARGIN
from text2pixels.network.recogniser import Recogniser


def test_a_token_sees_its_surroundings_up_to_the_margin_of_tiles_and_no_further():
    torch.manual_seed(0)
    recogniser = Recogniser(8, 16).double()
    side = 8 * (2 * MARGIN + 9)
    pair = torch.rand(1, 2, side, side, dtype=torch.float64).requires_grad_()
    tokens = recogniser(pair)
    assert tokens.shape == (1, side // 8, side // 8, 16)
    middle = side // 16
    tokens[0, middle, middle].square().sum().backward()
    rows = pair.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
    first, last = 8 * middle - int(rows.min()), int(rows.max()) - (8 * middle + 7)
    assert max(first, last) <= 8 * MARGIN
    assert min(first, last) > 8 * (MARGIN - 2)
