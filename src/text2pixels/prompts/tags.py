"""Zero-shot tags: the image tower of an open_clip model chooses among phrases (Radford et al., ICML 2021).

Shapes: N phrases, D numbers a vector.
"""

import numpy as np
from numpy.typing import NDArray

from text2pixels.prompts import open_clip_models

# What each group chooses from; the phrases are those of the statistics where those have one.
GROUPS: dict[str, tuple[str, ...]] = {
    "scene": ("a street", "a highway", "a parking lot", "a square", "a forest", "a field", "a house", "a harbour"),
    "time": ("in daylight", "at night"),
    "weather": ("clear weather", "thick fog", "rain", "snow", "smoke"),
}

_TEMPLATE = "a photo taken outdoors, {}"
_SURE = 0.6  # probability within the group under which nothing is said


class Tagger:
    """Chooses at most one phrase of each group for a visible image."""

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
        """Return group -> phrase for the groups that are decided, of an RGB image (H, W, 3)."""
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
