"""DDFM: a diffusion model of photographs draws the fused image, pulled towards both sources at each step.

Z. Zhao et al., "DDFM: Denoising Diffusion Model for Multi-Modality Image Fusion", ICCV 2023, section 3, as the
authors' script runs it (github.com/Zhaozixiang1228/MMIF-DDFM, sample.py): with the sampler of DDIM where the
paper writes that of DDPM, and with the visible image as the first source where the paper has the infrared one.

At each step one iteration of expectation and maximisation (section 3.3) finds the fused picture f of the
sources I and V by its difference X = f - V to the second, given Y = I - V. Both residuals, Y - X and X, are
taken for Laplace noise, written as normal noise whose variance is drawn from an exponential distribution.

Legend of shape suffixes: B batch, H height, W width, 1, 3 and C channels.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from text2pixels.methods.networks.authors import Authors, read_torch_file
from text2pixels.methods.networks.diffusion_sampler import denoise
from text2pixels.methods.networks.diffusion_unet import DiffusionUNet, Shape, read_shape
from text2pixels.progress import console, track

_FILE = "ddfm/256x256_diffusion_uncond.pt"
_MULTIPLE = 32  # pixels: the smallest features of the published network are a 32nd of the image
_SEED = 3407
_UNET = "unet."
_SMOOTHNESS = 0.5  # lambda: weight of the total variation
_PENALTY = 0.001  # rho: weight with which H stays with its aim
_LUMA = (65.481, 128.553, 24.966)  # Y of BT.601 in the range of studios, 16 to 235, of RGB in 0..1
_SHORT = 10  # seconds: what takes less is not announced


class DDFM(nn.Module):
    """The network and its sampler.

    Args:
        shape: Of the U-Net.
        steps: Of denoising, 2 to 1,000.
    """

    def __init__(self, shape: Shape, steps: int) -> None:
        super().__init__()
        self.unet = DiffusionUNet(shape)
        self.steps = steps

    def forward(self, infrared_11HW: Tensor, visible_11HW: Tensor) -> Tensor:
        """Fuse one pair of 0..255; the result is on about that scale.

        The authors cut images to multiples of 32 pixels. Here, they are filled up by reflection, and the result
        is cut to the size of the images. A size that is such a multiple gives what the authors' script gives.
        """
        height, width = infrared_11HW.shape[2:]
        pair = (_filled_up(image_11HW / 127.5 - 1) for image_11HW in (visible_11HW, infrared_11HW))
        rgb_13HW = self.sample(*pair)[..., :height, :width]
        luma = torch.tensor([0.299, 0.587, 0.114], device=rgb_13HW.device)[:, None, None]
        return ((rgb_13HW * luma).sum(1, keepdim=True) + 1) * 127.5

    def sample(self, first_11HW: Tensor, second_11HW: Tensor, noise_13HW: Tensor | None = None) -> Tensor:
        """Draw the fused image.

        Args:
            first_11HW: I, -1..1, of a size that the U-Net can halve.
            second_11HW: V, likewise.
            noise_13HW: Where to start; None draws it on the CPU with the authors' seed, the same on every device.

        Returns:
            RGB (1, 3, H, W), in about -1..1.
        """
        if noise_13HW is None:
            seeded = torch.Generator().manual_seed(_SEED)
            noise_13HW = torch.randn((1, 3, *first_11HW.shape[2:]), generator=seeded)
        first_HW, second_HW = first_11HW[0, 0], second_11HW[0, 0]
        state = first_state(first_HW)
        luma = torch.tensor(_LUMA, device=first_11HW.device)[:, None, None]

        def pull(clean_13HW: Tensor) -> Tensor:
            y_HW = ((clean_13HW[0] * luma).sum(0) + 16) / 255
            change_HW = em_step(y_HW, first_HW, second_HW, state) - y_HW
            # With chroma as it is, a change of Y is the same in each channel; 219 is Y of white less Y of black.
            return clean_13HW + change_HW * (255 / 219)

        images = denoise(self.unet, noise_13HW.to(first_11HW.device), self.steps, pull)
        for rgb_13HW in _announced(images, self.steps) if first_11HW.device.type == "cpu" else images:
            result_13HW = rgb_13HW
        return result_13HW


def _announced(images: Iterator[Tensor], steps: int) -> Iterator[Tensor]:
    """Say after the first step how long the others will take, and show a progress bar while they run."""
    started = time.perf_counter()
    yield next(images)
    seconds = time.perf_counter() - started
    if seconds * steps < _SHORT:
        yield from images
        return
    console.print(
        f"DDFM on the CPU: {steps} steps of {seconds:.1f} s are about {_spelled(seconds * steps)} for this pair; a GPU "
        "is much faster, and fewer steps (--option steps=20) give a rougher image",
        highlight=False,
        soft_wrap=True,
    )
    yield from track(images, "DDFM", total=steps - 1)


def _spelled(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _filled_up(image_11HW: Tensor) -> Tensor:
    """Reflect the image beyond its right and lower border, up to multiples of 32 pixels."""
    for axis in (2, 3):
        length = image_11HW.shape[axis]
        places = torch.arange(-(-length // _MULTIPLE) * _MULTIPLE, device=image_11HW.device) % (2 * length - 2)
        image_11HW = image_11HW.index_select(axis, torch.minimum(places, 2 * length - 2 - places))
    return image_11HW


@dataclass
class State:
    """What is carried from one step to the next.

    Attributes:
        tau_a: Mean variance of the residual to the first source.
        tau_b: Mean variance of the residual to the second.
        columns_HW: Denoised differences of neighbours in a row.
        rows_HW: Denoised differences of neighbours in a column.
    """

    tau_a: Tensor
    tau_b: Tensor
    columns_HW: Tensor
    rows_HW: Tensor


def first_state(like_HW: Tensor) -> State:
    """Return the state before the first step."""
    one = torch.ones((), dtype=like_HW.dtype, device=like_HW.device)
    return State(one, one, torch.zeros_like(like_HW), torch.zeros_like(like_HW))


def em_step(current_HW: Tensor, first_HW: Tensor, second_HW: Tensor, state: State) -> Tensor:
    """Return the picture after one step, (H, W); the state changes.

    Args:
        current_HW: f, the picture at hand.
        first_HW: I. The authors' script gives the visible image, where the paper has the infrared one.
        second_HW: V, of the same scale as I; f need not have it.
        state: Of the steps before.
    """
    apart_HW = first_HW - second_HW  # Y
    residual_HW = current_HW - second_HW  # X

    # Expectation: inverse variances of each pixel.
    to_second_HW = torch.sqrt(2 / state.tau_b / (residual_HW**2 + 1e-6))  # D
    to_first_HW = torch.sqrt(2 / state.tau_a / (apart_HW - residual_HW + 1e-6) ** 2)  # C
    to_second_HW = torch.minimum(to_second_HW, 2 * to_first_HW)
    state.tau_b = (1 / (to_second_HW + 1e-10) + state.tau_b / 2).mean()
    state.tau_a = (1 / (to_first_HW + 1e-10) + state.tau_a / 2).mean()

    # Maximisation: H by its spectrum, its differences, then X in closed form.
    smooth_HW = _smooth(apart_HW - residual_HW, state)
    share = _PENALTY / (2 * _SMOOTHNESS + _PENALTY)
    # Beyond the last column and row lies nothing, so what is left of the difference there is H itself.
    state.columns_HW = share * (smooth_HW - _shifted(smooth_HW, 1))
    state.rows_HW = share * (smooth_HW - _shifted(smooth_HW, 0))
    pulled_HW = 2 * to_first_HW * apart_HW + _PENALTY * (apart_HW - smooth_HW)
    return first_HW - pulled_HW / (2 * to_first_HW + 2 * to_second_HW + _PENALTY)


def _smooth(residual_HW: Tensor, state: State) -> Tensor:
    """Return H: near the residual, with differences near those of the state (least squares, circular)."""
    height, width = residual_HW.shape
    columns_W = _difference_spectrum(width, residual_HW)[None, :]
    rows_H = _difference_spectrum(height, residual_HW)[:, None]
    spectrum_HW = (
        torch.fft.fft2(residual_HW)
        + columns_W.conj() * torch.fft.fft2(state.columns_HW)
        + rows_H.conj() * torch.fft.fft2(state.rows_HW)
    )
    smooth_HW: Tensor = torch.fft.ifft2(spectrum_HW / (1 + columns_W.abs() ** 2 + rows_H.abs() ** 2)).real
    return smooth_HW


def _difference_spectrum(length: int, like: Tensor) -> Tensor:
    """Return the spectrum of [1, -1], whose second value is at the origin."""
    kernel = torch.zeros(length, dtype=like.dtype, device=like.device)
    kernel[-1] += 1
    kernel[0] -= 1
    spectrum: Tensor = torch.fft.fft(kernel)
    return spectrum


def _shifted(image_HW: Tensor, axis: int) -> Tensor:
    shifted_HW = torch.zeros_like(image_HW)
    length = image_HW.shape[axis]
    shifted_HW.narrow(axis, 0, length - 1).copy_(image_HW.narrow(axis, 1, length - 1))
    return shifted_HW


def _build(state: dict[str, Tensor], steps: int = 100) -> DDFM:
    unet = {name.removeprefix(_UNET): tensor for name, tensor in state.items()}
    # Half a billion random numbers are not drawn, as the state replaces them.
    with torch.device("meta"):
        network = DDFM(read_shape(unet, _FILE), steps)
    return network.to_empty(device="cpu")


def named(unet: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a U-Net by the names that they have in the method."""
    return {_UNET + name: tensor for name, tensor in unet.items()}


def _read(folder: Path) -> dict[str, Tensor]:
    return named(read_torch_file(folder / _FILE))


AUTHORS = Authors(_build, _read, sized_by_state=True)
