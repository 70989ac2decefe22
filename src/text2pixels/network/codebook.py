"""Codebook, equations (5), (6) and (11).

Shapes: B batch; h, w the token grid, N = B * h * w; E token width; K codes.
"""

from typing import NamedTuple

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

DECAY = 0.98  # of the moving averages
DEAD = 0.2  # a code used less than this share of an even use is dead


class Quantised(NamedTuple):
    """What the codebook gives back.

    Attributes:
        tokens_BhwE: q(z), unit vectors; the gradient passes straight through to the input.
        commitment: g(z) of equation (11), scalar in [0, 4]; its gradient reaches the input only.
        perplexity: exp of the entropy of code use in this batch, scalar in [1, K].
    """

    tokens_BhwE: Tensor
    commitment: Tensor
    perplexity: Tensor


class Codebook(nn.Module):
    """The nearest of K unit vectors for every token.

    Tokens are standardised over the batch and scaled to unit length first. Otherwise most of a
    token is what all tokens share, g(z) is made small by growing that share, and one or two codes
    are left in use after a hundred steps. Codes follow the tokens by moving averages, not by gradient, so
    they need no optimiser state and no second loss; a code out of use moves to a token of the
    current batch. All codes start out of use, so the first training batch places them.
    """

    usage_K: Tensor
    total_KE: Tensor

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("usage_K", torch.zeros(codes))  # moving share of tokens
        self.register_buffer("total_KE", F.normalize(torch.randn(codes, width), dim=1) / codes)  # and their sum
        self.standardise = nn.BatchNorm1d(width, affine=False)

    @property
    def codes_KE(self) -> Tensor:
        """The codebook: unit vectors."""
        return F.normalize(self.total_KE, dim=1)

    def forward(self, tokens_BhwE: Tensor) -> Quantised:
        """Quantise; in training mode the codes then move."""
        with torch.autocast(tokens_BhwE.device.type, enabled=False):
            unit_NE = F.normalize(self.standardise(tokens_BhwE.float().flatten(0, 2)), dim=1)
            flat_NE = unit_NE.detach()
            if self.training:
                self._revive(flat_NE)
            codes_KE = self.codes_KE
            nearest_N = distances(flat_NE, codes_KE).argmin(dim=1)  # (6)
            chosen_NE = F.embedding(nearest_N, codes_KE)
            share_K = torch.bincount(nearest_N, minlength=len(codes_KE)) / len(nearest_N)
            if self.training:
                self._follow(flat_NE, nearest_N, share_K)
            # (11) g(z) = 1/N sum_i |z_i - q(z_i)|^2
            commitment = (unit_NE - chosen_NE).square().sum(dim=1).mean()
            straight_NE = unit_NE + (chosen_NE - unit_NE).detach()
            perplexity = torch.special.entr(share_K).sum().exp()
        return Quantised(straight_NE.view_as(tokens_BhwE), commitment, perplexity)

    @torch.no_grad()
    def _revive(self, flat_NE: Tensor) -> None:
        """Move dead codes to tokens evenly spaced in the batch: deterministic, and as dense as the data."""
        codes = len(self.usage_K)
        dead_K = self.usage_K * codes < DEAD
        spaced_K = torch.linspace(0, len(flat_NE) - 1, codes, device=flat_NE.device).long()
        samples_KE = flat_NE[spaced_K]
        if dist.is_initialized():
            dist.broadcast(samples_KE, src=0)
        self.total_KE.copy_(torch.where(dead_K[:, None], samples_KE / codes, self.total_KE))
        self.usage_K.copy_(torch.where(dead_K, 1 / codes, self.usage_K))

    @torch.no_grad()
    def _follow(self, flat_NE: Tensor, nearest_N: Tensor, share_K: Tensor) -> None:
        """Update the moving averages with this batch, over all processes."""
        # A product with one-hot rows, because index_add is not deterministic on CUDA.
        one_hot_NK = F.one_hot(nearest_N, len(share_K)).to(flat_NE.dtype)
        mean_KE = one_hot_NK.T @ flat_NE / len(flat_NE)
        self.usage_K.lerp_(_average(share_K), 1 - DECAY)
        self.total_KE.lerp_(_average(mean_KE), 1 - DECAY)


def distances(vectors_NE: Tensor, codes_KE: Tensor) -> Tensor:
    """Return (N, K) squared Euclidean distances: (5) d(x, c) = |x - c|^2."""
    squares_N1 = vectors_NE.square().sum(dim=1, keepdim=True)
    squares_K = codes_KE.square().sum(dim=1)
    return squares_N1 + squares_K - 2 * vectors_NE @ codes_KE.T


def _average(tensor: Tensor) -> Tensor:
    """Return the mean over all processes of a distributed run; the tensor itself without one."""
    if not dist.is_initialized():
        return tensor
    mean = tensor / dist.get_world_size()
    dist.all_reduce(mean)
    return mean
