"""The fusion network as a whole."""

import itertools

import cv2
import numpy as np
import pytest
import scipy.ndimage
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from text2pixels.config import Network
from text2pixels.errors import InputError
from text2pixels.network.network import FusionNetwork, _blurred, bent, lead

SMALL = Network(channels=8, heads=2, codes=16, text_dim=12)


def build(network=SMALL, seed=0):
    torch.manual_seed(seed)
    return FusionNetwork(network).eval()


def amplified(network=SMALL):
    """A network whose untrained weight and correction matter: the head's start is a small one."""
    model = build(network)
    with torch.no_grad():
        model.head.weight *= 20
    return model


def pair(height, width, batch=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, batch, 1, height, width, generator=generator).unbind()


SIZED = build()


@given(st.integers(16, 90), st.integers(16, 90))
@settings(deadline=None, max_examples=40)
@torch.no_grad()
def test_the_output_has_exactly_the_inputs_size(height, width):
    fusion = SIZED(*pair(height, width), torch.ones(1, 2, 12))
    assert fusion.fused_B1HW.shape == (1, 1, height, width)
    assert fusion.attention.shape == (1, 3, -(-height // 8), -(-width // 8))
    assert fusion.fused_B1HW.min() >= 0
    assert fusion.fused_B1HW.max() <= 1
    torch.testing.assert_close(fusion.attention.sum(dim=1), torch.ones_like(fusion.attention[:, 0]))


def low_frequencies(image):
    """The network's low frequencies away from the border, by SciPy and OpenCV."""
    height, width = image.shape
    squares = image.reshape(height // 4, 4, width // 4, 4).mean(axis=(1, 3))
    for _ in range(2):
        squares = scipy.ndimage.uniform_filter(squares, size=7, mode="mirror")
    return cv2.resize(squares, (width, height), interpolation=cv2.INTER_LINEAR)


@torch.no_grad()
def test_an_untrained_network_adds_both_details_to_the_mean_of_the_rest():
    infrared, visible = (0.3 + 0.4 * image for image in pair(160, 192))  # details alike strong everywhere
    fused = build(Network()).forward(infrared, visible).fused_B1HW
    sources = [image[0, 0].numpy() for image in (infrared, visible)]
    expected = sum(image - low_frequencies(image) / 2 for image in sources).clip(0, 1)
    off = np.abs(fused[0, 0].numpy() - expected)[48:-48, 48:-48]
    assert off.mean() < 0.02
    assert off.max() < 0.12


@torch.no_grad()
def test_low_frequencies_are_weighed_by_the_variances_of_the_whole_images():
    model = build()
    infrared, visible = pair(64, 64)
    infrared, visible = 0.5 + 0.4 * (infrared - infrared.mean()), 0.2 + 0.2 * (visible - visible.mean())
    found = lead(infrared, visible)
    contrasts = [image.numpy().std() + 1 / 255 for image in (infrared, visible)]
    assert found.item() == pytest.approx(2 * np.log(contrasts[0] / contrasts[1]), rel=1e-4)
    assert model(infrared, visible).fused_B1HW.mean() == pytest.approx(0.2 + 0.3 * found.sigmoid().item(), abs=0.01)
    assert model(visible, infrared).fused_B1HW.mean() == pytest.approx(0.2 + 0.3 * found.sigmoid().item(), abs=0.01)

    # What is usual in training changes nothing, and crops have the lead of the images that they are of.
    model.usual_lead.copy_(found[0])
    usual = model(infrared, visible).fused_B1HW
    assert usual.mean() == pytest.approx(0.35, abs=0.01)
    crops = infrared[..., :32], visible[..., :32]
    assert torch.equal(model(*crops, lead_B=found).fused_B1HW, model(*crops, lead_B=model.usual_lead[None]).fused_B1HW)
    assert not torch.equal(model(*crops, lead_B=found + 1).fused_B1HW, model(*crops, lead_B=found).fused_B1HW)


@torch.no_grad()
@pytest.mark.parametrize("swapped", [False, True])
def test_an_untrained_network_masks_details_that_the_others_outshine(swapped):
    strong, weak = (1 / 2 + scale * (image - 1 / 2) for scale, image in zip((0.6, 0.06), pair(160, 192), strict=True))
    sources = (weak, strong) if swapped else (strong, weak)
    fused = build(Network())(*sources).fused_B1HW[0, 0].numpy()
    details = [image[0, 0].numpy() - low_frequencies(image[0, 0].numpy()) for image in (strong, weak)]
    columns = np.stack([detail[48:-48, 48:-48].ravel() for detail in details], axis=1)
    kept, _, _, _ = np.linalg.lstsq(columns, (fused - fused.mean())[48:-48, 48:-48].ravel(), rcond=None)
    assert kept[0] == pytest.approx(1, abs=0.1)
    assert abs(kept[1]) < 0.1


@torch.no_grad()
@pytest.mark.parametrize("alone", [0, 1])
def test_a_source_with_all_the_details_keeps_them_whatever_the_network_says(alone):
    balanced = [0.3 + 0.4 * image for image in pair(160, 192)]
    lonely = [image if place == alone else torch.full_like(image, 0.5) for place, image in enumerate(balanced)]
    networks = [build(Network(), seed) for seed in (0, 1)]
    for network in networks:
        network.head.weight *= 20  # it says a lot
    apart, details = [], []
    for sources in (balanced, lonely):
        fused = [network(*sources).fused_B1HW[0, 0].numpy() for network in networks]
        inside = [(image - low_frequencies(image))[48:-48, 48:-48] for image in (*fused, sources[alone][0, 0].numpy())]
        apart.append(np.abs(inside[0] - inside[1]).mean())
        details.append(inside)
    assert apart[1] < apart[0] / 5
    for inside in details[1][:2]:
        assert np.abs(inside - details[1][2]).mean() < 0.02


def test_values_are_bent_only_above_the_knee_and_both_sources_and_never_burn():
    raw = torch.linspace(-0.5, 3, 1401).view(1, 1, 1, -1)
    for brighter in (0.2, 0.9, 0.96, 0.975, 1.0):
        out = bent(raw, torch.full_like(raw, brighter))
        kept = (raw >= 0) & (raw <= min(max(brighter, 0.85), max(brighter, 0.97) - 0.005))
        assert torch.equal(out[kept], raw[kept])
        assert (out.diff(dim=3)[raw[..., 1:] > 0] > 0).all() or brighter >= 0.96  # order is kept
        assert out.min() == 0
        assert out.max() <= max(brighter, 0.97)
    steps = bent(raw[raw > 0.01].view(1, 1, 1, -1), torch.tensor(0.2)).diff(dim=3)
    assert steps.diff(dim=3).max() < 1e-4  # no kink
    dark = bent(raw, torch.full_like(raw, 249 / 255))
    assert (dark * 255 + 0.5).floor().max() < 250


def attending(network, phrase):
    """Make the network attend to one phrase vector everywhere, or to the null token (0 and 1 of the mass)."""

    def cross_attention(tokens_BhwE, text_BTD, mask_BT):
        batch, rows, columns, width = tokens_BhwE.shape
        attention = torch.zeros(batch, text_BTD.shape[1] + 1, rows, columns)
        attention[:, 0], attention[:, -1] = phrase, 1 - phrase
        return torch.ones(batch, rows, columns, width), attention

    network.cross_attention.forward = cross_attention
    return network


@torch.no_grad()
@pytest.mark.parametrize("mass", [0.0, 0.3, 1.0])
def test_phrases_change_the_picture_by_the_square_of_the_attention_to_them(mass):
    network, sources = build(), pair(48, 64)
    network.lift[2].weight *= 3
    told = attending(network, mass)(*sources, torch.randn(1, 1, 12))
    plain = network(*sources)
    assert torch.equal(told.plain_B1HW, plain.fused_B1HW)
    assert torch.equal(plain.plain_B1HW, plain.fused_B1HW)
    full = attending(network, 1.0)(*sources, torch.randn(1, 1, 12)).fused_B1HW - plain.fused_B1HW
    inner = (plain.fused_B1HW - 0.5).abs() < 0.2  # away from black and from the knee
    assert full.abs()[inner].max() > 0.01
    torch.testing.assert_close((told.fused_B1HW - plain.fused_B1HW)[inner], mass**2 * full[inner], atol=1e-5, rtol=1e-3)


def test_what_reads_the_text_is_trained_without_touching_the_rest():
    model = build().train()
    fusion = model(*pair(40, 56), torch.randn(1, 2, 12))
    own = {id(parameter) for parameter in model.text_parameters()}
    names = {name.split(".")[0] for name, parameter in model.named_parameters() if id(parameter) in own}
    assert names == {"recogniser", "cross_attention", "hear", "lift"}
    fusion.plain_B1HW.square().mean().backward()
    assert all(parameter.grad is None for parameter in model.text_parameters())
    assert build(Network(8, 2, 16, 12, cross_attention=False)).text_parameters() == []


def flops(model, height, width):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*pair(height, width), torch.ones(1, 4, model.config.text_dim))
    return counter.get_total_flops() / 2


def test_cost_is_linear_in_pixels():
    small, middle, large = (flops(SIZED, side - 16, 2 * side - 16) for side in (64, 128, 256))
    assert (large - middle) / (middle - small) == pytest.approx(4, rel=0.02)


def test_the_default_network_keeps_its_budget():
    model = build(Network())
    assert sum(parameter.numel() for parameter in model.parameters()) < 0.8e6
    assert 16 * flops(model, 192, 256) < 25e9  # an upper bound of 768x1024: the margin counts 16 times


@pytest.mark.parametrize("side", [5, 7])
def test_one_triangular_filter_is_two_box_filters_with_reflected_borders(side):
    image_B2hw = torch.rand(2, 2, 8, 11, generator=torch.Generator().manual_seed(0))
    expected = image_B2hw.double().numpy()
    for _ in range(2):
        expected = scipy.ndimage.uniform_filter(expected, size=(1, 1, side, side), mode="mirror")
    np.testing.assert_allclose(_blurred(image_B2hw, side).numpy(), expected, atol=1e-6)


def test_the_stem_reads_squares_of_two_by_two_pixels_as_channels():
    infrared_B1HW, visible_B1HW = pair(24, 32)
    looked = SIZED.look(infrared_B1HW, visible_B1HW)
    expected = F.relu(SIZED.stem(F.pixel_unshuffle(looked.pair_B2HW, 2)))
    torch.testing.assert_close(looked.stem_BCHW, expected)


@pytest.mark.parametrize("switches", list(itertools.product((False, True), repeat=3)))
def test_every_part_switches_off_by_itself(switches):
    self_attention, cross_attention, codebook = switches
    network = Network(8, 2, 16, 12, self_attention, cross_attention, codebook)
    model = build(network).train()
    fusion = model(*pair(32, 40), torch.ones(1, 2, 12))
    assert fusion.fused_B1HW.shape == (1, 1, 32, 40)
    assert (fusion.attention is not None) == cross_attention
    assert (float(fusion.perplexity) > 0) == codebook
    names = {name.split(".")[0] for name in model.state_dict()}
    assert [part in names for part in ("self_attention", "cross_attention", "codebook")] == list(switches)
    (fusion.fused_B1HW.square().mean() + fusion.commitment).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_gradient_reaches_every_parameter():
    model = build().train()
    mask = torch.tensor([[True, True, False], [True, False, False]])
    fusion = model(*pair(40, 56, batch=2), torch.randn(2, 3, 12), mask)
    (fusion.fused_B1HW.square().mean() + fusion.commitment).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_a_pixel_beyond_the_range_keeps_its_gradient_in_training():
    model = build().train()
    with torch.no_grad():
        model.head.bias[4:] = 5.0
    infrared, visible = pair(32, 32)
    fused = model(infrared, visible).fused_B1HW
    assert fused.max() <= torch.maximum(infrared, visible).max().clamp(min=0.97)
    F.l1_loss(fused, visible).backward()
    assert model.head.bias.grad[4:].sum() > 0.5


@torch.no_grad()
def test_text_changes_the_image_and_padding_does_not():
    model = amplified(Network(8, 2, 16, 12, codebook=False))
    infrared, visible = pair(32, 40)
    text = torch.randn(1, 2, 12, generator=torch.Generator().manual_seed(1))
    without, with_text = model(infrared, visible), model(infrared, visible, text)
    assert (without.fused_B1HW - with_text.fused_B1HW).abs().max() > 1e-4
    mask = torch.tensor([[True, True, False, False]])
    padded = model(infrared, visible, F.pad(text, (0, 0, 0, 2), value=9.0), mask)
    torch.testing.assert_close(padded.fused_B1HW, with_text.fused_B1HW)
    empty = model(infrared, visible, text, torch.zeros(1, 2, dtype=torch.bool))
    torch.testing.assert_close(empty.fused_B1HW, without.fused_B1HW)


@torch.no_grad()
def test_pairs_of_a_batch_do_not_see_each_other():
    model = amplified()
    infrared, visible = pair(40, 48, batch=3)
    text = torch.randn(3, 2, 12)
    together = model(infrared, visible, text).fused_B1HW
    for index in range(3):
        one = slice(index, index + 1)
        alone = model(infrared[one], visible[one], text[one]).fused_B1HW
        torch.testing.assert_close(together[one], alone, atol=1e-5, rtol=1e-4)


def test_is_deterministic():
    def trained():
        model = build().train()
        optimiser = torch.optim.Adam(model.parameters(), 1e-3)
        for step in range(3):
            infrared, visible = pair(32, 32, batch=2, seed=step)
            fusion = model(infrared, visible, torch.ones(2, 1, 12))
            loss = F.l1_loss(fusion.fused_B1HW, torch.maximum(infrared, visible)) + fusion.commitment
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return model.state_dict()

    first, second = trained(), trained()
    assert all(torch.equal(first[name], second[name]) for name in first)


@torch.no_grad()
def test_shows_no_seam_between_tokens_or_cells():
    """Two crops one pixel apart agree where they overlap, so nothing hangs on a pixel's place in a grid.

    The strided layers make this approximate: an untrained network with an amplified head (its
    output spreads over 0.3) agrees to 0.03 in the mean; a fixed pattern would not.
    """
    model = amplified(Network(8, 2, 16, 12, codebook=False))
    infrared, visible = (F.avg_pool2d(image, 9, stride=1) * 4 - 1.5 for image in pair(120, 137))
    infrared, visible = infrared.clamp(0, 1), visible.clamp(0, 1)
    left = model(infrared[..., :-1], visible[..., :-1]).fused_B1HW
    right = model(infrared[..., 1:], visible[..., 1:]).fused_B1HW
    assert left.std() > 0.05
    assert (left[..., 17:-16] - right[..., 16:-17]).abs().mean() < 0.03


@torch.no_grad()
def test_a_smooth_ramp_stays_smooth():
    """Neighbouring differences at the borders of cells and tokens are no larger than elsewhere."""
    model = amplified(Network(8, 2, 16, 12))
    ramp = torch.linspace(0.1, 0.9, 160).expand(1, 1, 96, 160)
    fused = model(ramp, ramp.transpose(2, 3).contiguous().view(1, 1, 160, 96).transpose(2, 3)).fused_B1HW
    steps = fused.diff(dim=3).abs()[..., 16:-16, 16:-16]
    assert steps.max() < 0.05


def test_learns_within_a_few_steps():
    """No dead start: the loss to the maximum of both falls by half within forty steps."""
    model = build().train()
    infrared, visible = (F.avg_pool2d(image, 5, stride=1) for image in pair(44, 44, batch=2))
    target = torch.maximum(infrared, visible)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    losses = []
    for _ in range(40):
        loss = F.l1_loss(model(infrared, visible).fused_B1HW, target)
        losses.append(float(loss.detach()))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("network", [Network(channels=7), Network(heads=5), Network(channels=0)])
def test_widths_that_do_not_divide_are_the_users_error(network):
    with pytest.raises(InputError, match="channels"):
        FusionNetwork(network)
