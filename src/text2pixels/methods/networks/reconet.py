"""ReCoNet: an attention to each image and a dilated convolution, run three times over its own result.

Z. Huang et al., "ReCoNet: Recurrent Correction Network for Fast and Efficient Multi-modality Image Fusion",
ECCV 2022, section 3.2: the fusion network, without the registration before it. 3x3, zero padding, batch
normalisation, tanh at the end.

Legend of shape suffixes: B batch, H height, W width, 1, 2, 3 and C channels.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from text2pixels.methods.networks.authors import Authors, read_torch_file

_FILE = "reconet/params.pth"
_CHANNELS = 64
_LOOPS = 3


def _dilated(dilation: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, _CHANNELS, 3, padding=dilation, dilation=dilation), nn.BatchNorm2d(_CHANNELS), nn.ReLU()
    )


class ReCoNet(nn.Module):
    """The fusion network; its parameters carry the names of the authors' file."""

    def __init__(self) -> None:
        super().__init__()
        self.att_a_conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        self.att_b_conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        self.dil_conv_1, self.dil_conv_2, self.dil_conv_3 = (_dilated(dilation) for dilation in (1, 2, 3))
        self.fus_conv = nn.Sequential(nn.Conv2d(3 * _CHANNELS, 1, 3, padding=1), nn.BatchNorm2d(1), nn.Tanh())

    def forward(self, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
        """Fuse images in 0..255; the result is in -255..255."""
        infrared_B1HW, visible_B1HW = infrared_B1HW / 255, visible_B1HW / 255
        fused_B1HW = torch.maximum(infrared_B1HW, visible_B1HW)
        for _ in range(_LOOPS):
            seen_B3HW = torch.cat(
                [
                    infrared_B1HW * _attention(self.att_a_conv, infrared_B1HW, fused_B1HW),
                    fused_B1HW,
                    visible_B1HW * _attention(self.att_b_conv, visible_B1HW, fused_B1HW),
                ],
                dim=1,
            )
            scales = [layer(seen_B3HW) for layer in (self.dil_conv_1, self.dil_conv_2, self.dil_conv_3)]
            fused_B1HW = self.fus_conv(torch.cat(scales, dim=1))
        return fused_B1HW * 255


def _attention(layer: nn.Module, image_B1HW: Tensor, fused_B1HW: Tensor) -> Tensor:
    """Return where an image is to be heard, from the larger and the mean of it and the fused one."""
    both_B2HW = torch.cat([torch.maximum(image_B1HW, fused_B1HW), (image_B1HW + fused_B1HW) / 2], dim=1)
    attention_B1HW: Tensor = layer(both_B2HW).sigmoid()
    return attention_B1HW


def _read(folder: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = read_torch_file(folder / _FILE)
    return state


AUTHORS = Authors(ReCoNet, _read)
