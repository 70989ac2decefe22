"""What to fuse with, as the command line names it: enough to load the method in any process."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from text2pixels.errors import InputError
from text2pixels.files import sha256
from text2pixels.methods import catalogue, own, trained
from text2pixels.methods.built_in import BUILT_IN, OURS
from text2pixels.methods.card import FILE as CARD
from text2pixels.methods.card import Option
from text2pixels.methods.method import Method

_DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Recipe:
    """A method by name, or a model's folder, and where it runs.

    Attributes:
        name: of the catalogue.
        model: folder of a model that the pipeline made; the name is then that of our network.
        weights: folder of authors' weights.
        device: "auto", "cpu", "cuda:1".
        engine: of our network: "onnx" or "torch"; None: whatever is there.
        options: of the method, as its card lists them.
    """

    name: str = OURS
    model: Path | None = None
    weights: Path | None = None
    device: str = "auto"
    engine: str | None = None
    options: tuple[tuple[str, Option], ...] = ()

    def load(self) -> Method:
        """Return the method, ready to fuse; once in a process.

        Raises:
            InputError: no such method, model, device or option, or weights that are missing.
        """
        return _load(self, Path.cwd(), trained.SHIPPED)

    @property
    def is_known(self) -> bool:
        """Whether `fingerprint` tells it apart: the code of a user's own method may change, and nobody hashes it."""
        return any(entry.card.name == self.name for entry in BUILT_IN)

    def fingerprint(self) -> dict[str, object]:
        """Return all that decides the fused images: method, options, card and weights; device and engine do not.

        Where the method reads text, it also says whether CLIP itself is there to read it.
        """
        facts: dict[str, object] = {"method": self.name, "options": [list(option) for option in self.options]}
        card = self.load().card
        if card.text:
            facts["clip"] = find_spec("open_clip") is not None
        if self.weights is not None:
            files = [self.weights / file.name for file in card.files]
        else:
            folder = self.model or (trained.SHIPPED if self.name == OURS else None)
            files = sorted(path for path in folder.iterdir() if path.is_file()) if folder else []
        return facts | {"card": asdict(card), "files": {path.name: sha256(path) for path in files}}


@lru_cache(maxsize=1)
def _load(recipe: Recipe, here: Path, shipped: Path) -> Method:
    """Load a method; ``here`` and ``shipped`` are in the cache's key, as relative and default paths depend on them."""
    if recipe.device.partition(":")[0] not in _DEVICES:  # a filter would accept any
        raise InputError(f"device '{recipe.device}' is none: write auto, cpu, cuda or cuda:1")
    if recipe.weights is not None and not recipe.weights.is_dir():
        raise InputError(f"--weights: no folder at {recipe.weights}")
    if recipe.engine is not None and recipe.name != OURS:
        raise InputError(f"--engine is for our network: '{recipe.name}' runs in one way only")
    if recipe.model is None:
        known = catalogue.methods()
        if recipe.weights is not None and recipe.name in known and not known[recipe.name].card.files:
            yours = "; a network that you trained is --model FOLDER" if recipe.name == OURS else ""
            raise InputError(f"--weights is for methods with their authors' files: '{recipe.name}' needs none{yours}")
        return catalogue.load(
            recipe.name,
            weights=recipe.weights,
            device=recipe.device,
            engine=recipe.engine,
            options=dict(recipe.options),
        )
    if recipe.options:
        raise InputError("--option is for --method NAME; a model has the options it was made with")
    if recipe.weights is not None or recipe.name != OURS:
        raise InputError("give either --model FOLDER, or --method NAME (with --weights for some)")
    if (recipe.model / CARD).is_file() and recipe.engine is None:
        return catalogue.load_model(recipe.model, recipe.device)
    card = catalogue.methods()[OURS].card
    return own.load(card, recipe.model, recipe.device, recipe.engine, None)
