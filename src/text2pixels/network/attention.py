"""Intra-domain self-attention, equations (2) and (3), and inter-domain cross-attention, equation (4).

Shapes: B batch; h, w the token grid, N = h * w; E token width; M landmarks; A heads, e = E / A;
T phrases, S = T + 1 with the null token last; D dimension of a phrase vector.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text2pixels.network.description import LANDMARKS


def pooling_matrix(size: int, parts: int, like: Tensor) -> Tensor:
    """Return the (parts, size) matrix of area pooling: row i averages the i-th of equal parts.

    Written as a product of matrices, pooling takes any size (also size < parts), is deterministic
    on every device and exports to ONNX with dynamic sizes, which adaptive pooling does not.
    """
    edges_start = torch.arange(parts, device=like.device, dtype=torch.float32)[:, None] * size / parts
    cells_start = torch.arange(size, device=like.device, dtype=torch.float32)[None, :]
    overlap = torch.minimum(edges_start + size / parts, cells_start + 1) - torch.maximum(edges_start, cells_start)
    return (overlap.clamp(min=0) * parts / size).to(like.dtype)


class SelfAttention(nn.Module):
    """Multi-head attention of image tokens to landmarks of the same image, with a residual.

    Keys and values come from the tokens averaged over a 12 x 12 grid. So every token sees the whole
    image at a cost linear in pixels; there are no windows, hence no seams between them; and the
    softmax runs over as many keys on a training crop as on a full image.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)

    def landmarks(self, tokens_BhwE: Tensor) -> Tensor:
        """Return the landmarks of an image, (B, M, E)."""
        return _pooled(self.norm(tokens_BhwE))

    def forward(self, tokens_BhwE: Tensor, landmarks_BME: Tensor | None = None) -> Tensor:
        """Return tokens of the same shape.

        Args:
            tokens_BhwE: of an image, or of a part of it.
            landmarks_BME: of the whole image; None: the tokens are all of it.
        """
        image_BhwE = self.norm(tokens_BhwE)
        if landmarks_BME is None:
            landmarks_BME = _pooled(image_BhwE)
        # (2) Q = psi_image W_Q, K = psi_image W_K, V = psi_image W_V
        query_BANe = split_heads(self.query(image_BhwE).flatten(1, 2), self.heads)
        key_BAMe = split_heads(self.key(landmarks_BME), self.heads)
        value_BAMe = split_heads(self.value(landmarks_BME), self.heads)
        # (3) softmax(Q K^T / sqrt(d_k)) V
        mixed_BANe = F.scaled_dot_product_attention(query_BANe, key_BAMe, value_BAMe)
        mixed_BNE: Tensor = self.out(join_heads(mixed_BANe))
        return tokens_BhwE + mixed_BNE.view_as(tokens_BhwE)


def _pooled(image_BhwE: Tensor) -> Tensor:
    """Return the means of 12 x 12 equal parts, (B, M, E)."""
    rows, columns, width = image_BhwE.shape[1:]
    down_Mh = pooling_matrix(rows, LANDMARKS, image_BhwE)
    across_Mw = pooling_matrix(columns, LANDMARKS, image_BhwE)
    pooled_BhME = across_Mw @ image_BhwE
    return (down_Mh @ pooled_BhME.flatten(2)).reshape(-1, LANDMARKS**2, width)


class CrossAttention(nn.Module):
    """Multi-head attention of image tokens to phrases and a learned null token.

    The null token is what a pixel attends to that no phrase speaks of; without text it is alone. Most
    pixels of most images are such: with queries and keys of any length the null token soon takes all the
    softmax, for good, as no gradient is left. So both are normalised in each head (Henry et al., "Query-key
    normalization for transformers", 2020), and no logit is beyond sqrt(d_k).
    """

    def __init__(self, width: int, heads: int, text_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        # Phrase vectors have unit length, so entries of about 1/sqrt(D): too small for a live start.
        self.text_norm = nn.LayerNorm(text_dim)
        self.null_D = nn.Parameter(torch.randn(text_dim) * text_dim**-0.5)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(text_dim, width, bias=False)
        self.value = nn.Linear(text_dim, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, tokens_BhwE: Tensor, text_BTD: Tensor | None, mask_BT: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the message to each token and the attention.

        Args:
            tokens_BhwE: image tokens.
            text_BTD: phrase vectors; None is the same as no phrase at all.
            mask_BT: True where there is a phrase, False where there is padding; None: no padding.

        Returns:
            What the phrases say to each token, of the tokens' shape, to be added to them; and
            attention_BShw: the mean of the heads, a distribution over the T phrases (in order) and the
            null token (last).
        """
        batch, rows, columns, _ = tokens_BhwE.shape
        psi_BSD = self.null_D.expand(batch, 1, -1)
        if text_BTD is not None:
            psi_BSD = torch.cat((text_BTD.to(psi_BSD.dtype), psi_BSD), dim=1)
        psi_BSD = self.text_norm(psi_BSD)
        # (4) Q = psi_image W_Q, K = psi_text W_K, V = psi_text W_V
        query_BANe = _normalised(split_heads(self.query(self.norm(tokens_BhwE)).flatten(1, 2), self.heads))
        key_BASe = _normalised(split_heads(self.key(psi_BSD), self.heads))
        value_BASe = split_heads(self.value(psi_BSD), self.heads)
        logits_BANS = query_BANe @ key_BASe.transpose(-1, -2) * query_BANe.shape[-1] ** -0.5
        if text_BTD is not None and mask_BT is not None:
            padding_BS = F.pad(~mask_BT, (0, 1), value=False)
            logits_BANS = logits_BANS.masked_fill(padding_BS[:, None, None, :], float("-inf"))
        weights_BANS = logits_BANS.softmax(dim=-1)
        mixed_BNE: Tensor = self.out(join_heads(weights_BANS @ value_BASe))
        attention_BShw = weights_BANS.mean(dim=1).transpose(1, 2).reshape(batch, -1, rows, columns)
        return mixed_BNE.view_as(tokens_BhwE), attention_BShw

    def silence(self) -> Tensor:
        """Return the message to a token that attends to the null token alone, (E,)."""
        silence_E: Tensor = self.out(self.value(self.text_norm(self.null_D)))
        return silence_E


def _normalised(tokens_BANe: Tensor) -> Tensor:
    """Return the tokens with mean 0 and variance 1 in each head."""
    return F.layer_norm(tokens_BANe, tokens_BANe.shape[-1:])


def split_heads(tokens_BNE: Tensor, heads: int) -> Tensor:
    """Return (B, A, N, e)."""
    batch, count, width = tokens_BNE.shape
    return tokens_BNE.view(batch, count, heads, width // heads).transpose(1, 2)


def join_heads(tokens_BANe: Tensor) -> Tensor:
    """Return (B, N, E): the inverse of `split_heads`."""
    return tokens_BANe.transpose(1, 2).flatten(2)
