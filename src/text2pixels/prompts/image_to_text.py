"""What open_clip models say of a picture: tags, chosen from a list of phrases, and a caption.

Tags are zero-shot (Radford et al., ICML 2021). Captions are CoCa's (Yu et al., TMLR 2022), decoded greedily, so that
the same image always gets the same words.

Shapes: N phrases, D numbers a vector; L tokens so far, V words of the vocabulary.
"""

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.prompts import open_clip_models
from text2pixels.prompts.phrases import LONGEST, tidy

# The phrases to choose from in each group. Where `conditions` has a phrase for the same thing, it is that one.
GROUPS: dict[str, tuple[str, ...]] = {
    "scene": ("a street", "a highway", "a parking lot", "a square", "a forest", "a field", "a house", "a harbour"),
    "time": ("in daylight", "at night"),
    "weather": ("clear weather", "thick fog", "rain", "snow", "smoke"),
}

_TEMPLATE = "a photo taken outdoors, {}"
_SURE = 0.6  # probability within the group under which nothing is said


class Tagger:
    """Chooses at most one phrase from each group for a visible image."""

    def __init__(self, model: str, pretrained: str) -> None:
        import torch

        weights = open_clip_models.find(model, pretrained)
        self._model = open_clip_models.load(weights)
        self._transform = open_clip_models.image_transform(self._model)
        tokenize = open_clip_models.tokenizer(model)
        with torch.inference_mode():
            self._phrases = {
                group: self._model.encode_text(
                    tokenize([_TEMPLATE.format(phrase) for phrase in phrases]), normalize=True
                )
                for group, phrases in GROUPS.items()
            }

    def tags(self, visible: NDArray[np.uint8]) -> dict[str, str]:
        """Return group -> phrase for an RGB image (H, W, 3), without groups in which no phrase is likely enough."""
        import torch

        chosen = {}
        with torch.inference_mode():
            image_1D = self._model.encode_image(self._transform(visible), normalize=True)
            for group, phrases_ND in self._phrases.items():
                chances_N = (self._model.logit_scale.exp() * image_1D @ phrases_ND.T).softmax(dim=1)[0]
                best = int(chances_N.argmax())
                if float(chances_N[best]) >= _SURE:
                    chosen[group] = GROUPS[group][best]
        return chosen


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
