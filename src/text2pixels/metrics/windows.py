"""Separable filters, which most of the time of the metrics goes into.

OpenCV on the CPU: 200 times as fast as a one-channel convolution in torch.

Legend of shape suffixes: B batch, 1 channel, H height, W width, K kernel.
"""

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Border = Literal["valid", "zero", "mirror"]


def gaussian(size: int, sigma: float) -> Tensor:
    """Return a Gaussian window of that many taps, (K,), summing to 1."""
    x_K = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weight_K = torch.exp(-x_K.square() / (2 * sigma**2))
    return weight_K / weight_K.sum()


def separable(image_B1HW: Tensor, column_K: Tensor, row_K: Tensor, border: Border) -> Tensor:
    """Correlate with the outer product of two odd kernels.

    Args:
        image_B1HW: Any range, float64.
        column_K: Weights along the height.
        row_K: Weights along the width.
        border: "valid" keeps the pixels whose window lies inside, (B, 1, H - K + 1, W - K + 1);
            "zero" and "mirror" (without repeating the edge) keep the size.
    """
    if image_B1HW.device.type != "cpu":
        return _convolve(image_B1HW, column_K, row_K, border)
    import cv2

    mode = cv2.BORDER_REFLECT_101 if border == "mirror" else cv2.BORDER_CONSTANT
    column, row = column_K.numpy(), row_K.numpy()
    images = [
        cv2.sepFilter2D(image_HW, cv2.CV_64F, row, column, borderType=mode) for image_HW in image_B1HW[:, 0].numpy()
    ]
    filtered_B1HW = torch.from_numpy(np.stack(images) if len(images) > 1 else images[0][None])[:, None]
    if border != "valid":
        return filtered_B1HW
    y, x = len(column_K) // 2, len(row_K) // 2
    height, width = image_B1HW.shape[2:]
    return filtered_B1HW[:, :, y : height - y, x : width - x].contiguous()


def _convolve(image_B1HW: Tensor, column_K: Tensor, row_K: Tensor, border: Border) -> Tensor:
    y, x = len(column_K) // 2, len(row_K) // 2
    if border != "valid":
        image_B1HW = F.pad(image_B1HW, (x, x, y, y), mode="reflect" if border == "mirror" else "constant")
    kernels = (kernel_K.to(image_B1HW) for kernel_K in (column_K, row_K))
    column, row = kernels
    return F.conv2d(F.conv2d(image_B1HW, column.view(1, 1, -1, 1)), row.view(1, 1, 1, -1))
