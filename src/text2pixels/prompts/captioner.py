"""Captions by a CoCa model of open_clip (Yu et al., TMLR 2022), decoded greedily: the same image, the same words.

Shapes: L tokens so far, V words of the vocabulary.
"""

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.prompts import open_clip_models
from text2pixels.prompts.phrases import LONGEST, tidy

_LONGEST = 40  # tokens of a caption


class Captioner:
    """Writes one sentence about a visible image."""

    def __init__(self, model: str, pretrained: str) -> None:
        weights = open_clip_models.find(model, pretrained)
        self._model = open_clip_models.load(weights)
        if not hasattr(self._model, "text_decoder"):
            raise InputError(f"{model} writes no captions: set prompt.captioner to a CoCa model, like coca_ViT-B-32")
        self._transform = open_clip_models.image_transform(self._model)
        self._tokenizer = open_clip_models.tokenizer(model)

    def caption(self, visible: NDArray[np.uint8]) -> str:
        """Return the caption of an RGB image (H, W, 3), as a phrase; it may be empty."""
        import torch

        start, end = self._tokenizer.sot_token_id, self._tokenizer.eot_token_id
        tokens_1L = torch.tensor([[start]])
        with torch.inference_mode():
            latent, features = self._model._encode_image(self._transform(visible))
            # The library's own `generate` needs another library even for a greedy search.
            for _ in range(_LONGEST):
                logits_1LV = self._model(
                    None, tokens_1L, image_latent=latent, image_embs=features, output_labels=False
                )["logits"]
                following = logits_1LV[:, -1].argmax(dim=1, keepdim=True)
                if int(following) == end:
                    break
                tokens_1L = torch.cat([tokens_1L, following], dim=1)
        words = self._tokenizer.decode(tokens_1L[0, 1:].tolist())
        return tidy(words.replace(";", ","))[:LONGEST].rstrip(" .")
